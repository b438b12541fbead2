#include "core/pairing_code.hpp"

#include "base/encoding.hpp"

namespace kith::core {
namespace {

constexpr std::size_t kHalf = wire::Lookup::kSymbols;
constexpr std::size_t kHalfBytes = 5;  // 8 symbols of 5 bits
constexpr std::string_view kLinkPrefix = "kith://join#";
constexpr std::string_view kSchemeEnd = "://";
constexpr std::string_view kJoin = "/join#";

struct LinkRecord {
  std::uint8_t format = 1;
  wire::Lookup lookup;
  Secret<32> secret;
  std::vector<wire::Address> addresses;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::version(s.format, 1), s.lookup, s.secret, wire::list(s.addresses, kLimits.max_addresses));
  }
};

/// Of a link that names relays.
struct RelayLinkRecord {
  std::uint8_t format = 2;
  wire::Lookup lookup;
  Secret<32> secret;
  std::vector<wire::Address> addresses;
  std::vector<wire::Address> relays;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::version(s.format, 2), s.lookup, s.secret, wire::list(s.addresses, kLimits.max_addresses),
      wire::list(s.relays, PairingLink::kMaxRelays));
  }
};

template <class Record>
Record record_of(PairingLink const& link) {
  Record record;
  record.lookup = link.lookup;
  record.secret = *Secret<32>::from(link.secret.view());
  for (auto const& address : link.addresses) record.addresses.push_back({address});
  return record;
}

/// "sync.example.org:8443/kith" of a relay's address: what stands between its scheme and its key.
std::string_view place_of(std::string_view relay) {
  auto const scheme = relay.find(kSchemeEnd);
  if (scheme != std::string_view::npos) relay.remove_prefix(scheme + kSchemeEnd.size());
  relay = relay.substr(0, relay.find('#'));
  while (relay.ends_with('/')) relay.remove_suffix(1);
  return relay;
}

PairPassword password_from(ByteView bytes) { return PairPassword(Bytes(bytes.begin(), bytes.end())); }

template <class Record>
Result<PairingLink> link_from(std::string_view text) {
  auto const bytes = from_base64url(text);
  if (!bytes) return fail(wire::WireError::bad_value);
  KITH_TRY(record, wire::decode<Record>(*bytes));
  PairingLink link{record.lookup, password_from(record.secret.view()), {}, {}};
  for (auto const& address : record.addresses) link.addresses.push_back(address.text);
  if constexpr (std::is_same_v<Record, RelayLinkRecord>) {
    for (auto const& relay : record.relays) link.relays.push_back(relay.text);
  }
  return link;
}

}  // namespace

PairingCode PairingCode::generate(RandomSource& random) {
  auto lookup = to_crockford(random.bytes<kHalfBytes>());
  auto password = to_crockford(random.bytes<kHalfBytes>());
  PairingCode code{{std::move(lookup)}, password_from(bytes_of(password))};
  wipe({reinterpret_cast<std::uint8_t*>(password.data()), password.size()});
  return code;
}

PairingCode PairingCode::clone() const { return {lookup, password_from(password.view())}; }

std::string to_text(PairingCode const& code) {
  auto const second = code.password.text();
  return fmt::format("{}-{}-{}-{}", code.lookup.symbols.substr(0, 4), code.lookup.symbols.substr(4),
                     second.substr(0, 4), second.substr(4));
}

std::optional<PairingCode> parse_code(std::string_view typed) {
  auto const symbols = normal_crockford(typed);
  if (!symbols || symbols->size() != 2 * kHalf) return std::nullopt;
  return PairingCode{{symbols->substr(0, kHalf)}, password_from(bytes_of(std::string_view(*symbols).substr(kHalf)))};
}

std::string to_text(PairingLink const& link) {
  if (link.relays.empty()) return std::string(kLinkPrefix) + to_base64url(wire::encode(record_of<LinkRecord>(link)));
  auto record = record_of<RelayLinkRecord>(link);
  for (auto const& relay : link.relays) record.relays.push_back({relay});
  return fmt::format("kith://{}{}{}", place_of(link.relays.front()), kJoin, to_base64url(wire::encode(record)));
}

Result<std::optional<PairingLink>> parse_link(std::string_view text) {
  if (text.starts_with(kLinkPrefix)) {
    KITH_TRY(link, link_from<LinkRecord>(text.substr(kLinkPrefix.size())));
    return std::optional(std::move(link));
  }
  bool const ours = text.starts_with("kith:");
  bool const browsers = text.starts_with("https://") || text.starts_with("http://");
  auto const join = text.find(kJoin);
  if (join == std::string_view::npos || (!ours && !browsers)) {
    if (ours) return fail(wire::WireError::unknown_magic);
    return std::nullopt;
  }
  KITH_TRY(link, link_from<RelayLinkRecord>(text.substr(join + kJoin.size())));
  // What people see of a link is where it leads.
  if (link.relays.empty() || place_of(link.relays.front()) != place_of(text.substr(0, join)))
    return fail(wire::WireError::bad_value);
  return std::optional(std::move(link));
}

}  // namespace kith::core
