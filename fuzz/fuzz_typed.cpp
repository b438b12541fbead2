#include "base/text.hpp"
#include "crypto/mnemonic.hpp"
#include "engine/config.hpp"
#include "engine/join.hpp"
#include "property.hpp"
#include "relay/server/client_address.hpp"
#include "relay/server/config.hpp"
#include "sync/files/conflict_name.hpp"

/// What people type or paste, and what reaches a program as text: invites, addresses of relays and devices, recovery
/// words, sizes and times, names of conflict copies, and whom a proxy says it serves. What is accepted is read again as
/// it is printed.
namespace {

using namespace kith;

bool plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

void check_invite(std::string_view text) {
  auto const invite = engine::parse_invite(text);
  if (!invite) return;
  fuzz::require(invite->code.lookup.symbols.size() == wire::Lookup::kSymbols, "an invite has a lookup");
  fuzz::require(invite->code.password.view().size() == 8 || invite->code.password.view().size() == 32,
                "an invite has a password");
  fuzz::require(invite->relays.size() <= core::PairingLink::kMaxRelays, "an invite names few relays");
}

void check_addresses(std::string_view text) {
  if (auto const relay = link::parse_relay_address(text)) {
    auto const printed = link::to_text(*relay);
    fuzz::require(printed.size() <= link::kMaxRelayAddressBytes, "an address of a relay can be told");
    fuzz::require(plain(printed), "an address of a relay is plain text");
    auto const again = link::parse_relay_address(printed);
    fuzz::require(again && *again == *relay, "an address of a relay is read as it is printed");
  }
  if (auto const device = link::parse_host_port(text)) {
    auto const printed = link::to_text(*device);
    fuzz::require(plain(printed), "an address is plain text");
    auto const again = link::parse_host_port(printed);
    fuzz::require(again && *again == *device, "an address is read as it is printed");
  }
  if (auto const address = relay::server::IpAddress::parse(text)) {
    auto const again = relay::server::IpAddress::parse(address->text());
    fuzz::require(again && *again == *address, "an IP address is read as it is printed");
    fuzz::require(relay::server::IpRange::parse(address->text())->contains(*address), "a network holds its address");
  }
  static_cast<void>(relay::server::IpRange::parse(text));
  static_cast<void>(relay::server::parse_listen(text));
}

/// Whom the limits count: the peer itself unless a proxy that is trusted says otherwise.
void check_forwarded(std::string_view text) {
  using relay::server::IpAddress;
  auto const proxy = *IpAddress::parse("127.0.0.1"), stranger = *IpAddress::parse("203.0.113.7");
  std::array const trusted{*relay::server::IpRange::parse("127.0.0.0/8")};
  fuzz::require(client_address(stranger, text, trusted) == stranger, "a stranger speaks for itself");
  auto const client = client_address(proxy, text, trusted);
  auto const in_front = "198.51.100.9," + std::string(text);
  if (!trusted[0].contains(client))
    fuzz::require(client_address(proxy, in_front, trusted) == client, "what a client wrote itself says nothing");
  fuzz::require(!client.limit_key().empty(), "a client has a name");
}

void check_words(std::string_view text) {
  if (auto const entropy = crypto::from_words(text)) {
    auto const again = crypto::from_words(crypto::to_words(*entropy));
    fuzz::require(again && *again == *entropy, "words are read as they are printed");
  }
}

void check_values(std::string_view text) {
  for (auto const& info : engine::config_keys()) {
    engine::Config config;
    if (!engine::apply_setting(config, info.key, text)) continue;
    engine::Config again;
    auto const printed = engine::setting_text(config, info.key);
    fuzz::require(engine::apply_setting(again, info.key, printed), "a setting is read as it is printed");
    fuzz::require(engine::setting_text(again, info.key) == printed, "a setting has one text");
  }
  if (auto const time = parse_duration(text)) fuzz::require(time->count() >= 0, "a time is none before");
  static_cast<void>(relay::server::parse_size(text));
  fuzz::require(engine::is_name(text) || !engine::wanted_name(text).empty(), "what is no name lacks something");
  auto const path = files::RelPath::parse(text);
  auto const copy = path ? files::parse_conflict_name(*path) : std::nullopt;
  if (copy)
    fuzz::require(path->name().starts_with(copy->stem) && path->name().ends_with(copy->extension),
                  "a copy is named like its path");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = text_of({data, size});
  check_invite(text);
  check_addresses(text);
  check_forwarded(text);
  check_words(text);
  check_values(text);
  return 0;
}
