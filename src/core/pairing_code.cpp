#include "core/pairing_code.hpp"

#include "base/encoding.hpp"

namespace kith::core {
namespace {

constexpr std::size_t kHalf = wire::Lookup::kSymbols;
constexpr std::size_t kHalfBytes = 5;  // 8 symbols of 5 bits
constexpr std::string_view kLinkPrefix = "kith://join#";

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

PairPassword password_from(ByteView bytes) { return PairPassword(Bytes(bytes.begin(), bytes.end())); }

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
  LinkRecord record;
  record.lookup = link.lookup;
  record.secret = *Secret<32>::from(link.secret.view());
  for (auto const& address : link.addresses) record.addresses.push_back({address});
  return std::string(kLinkPrefix) + to_base64url(wire::encode(record));
}

Result<std::optional<PairingLink>> parse_link(std::string_view text) {
  if (!text.starts_with("kith:")) return std::nullopt;
  if (!text.starts_with(kLinkPrefix)) return fail(wire::WireError::unknown_magic);
  auto const bytes = from_base64url(text.substr(kLinkPrefix.size()));
  if (!bytes) return fail(wire::WireError::bad_value);
  KITH_TRY(record, wire::decode<LinkRecord>(*bytes));
  PairingLink link{record.lookup, password_from(record.secret.view()), {}};
  for (auto const& address : record.addresses) link.addresses.push_back(address.text);
  return std::optional(std::move(link));
}

}  // namespace kith::core
