#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "core/error.hpp"
#include "wire/pairing.hpp"

/// What people carry from one device to the other. @see docs/spec/pairing.md
namespace kith::core {

using PairPassword = SecretBytes;

/// An invite's two halves: the lookup finds it, the password proves that both sides are meant.
struct PairingCode {
  wire::Lookup lookup;
  PairPassword password;  ///< the 8 symbols' text of a typed code, or the 32 bytes of a link or QR

  /// 80 random bits. The text is `XXXX-XXXX-XXXX-XXXX`.
  [[nodiscard]] static PairingCode generate(RandomSource& random);
  [[nodiscard]] PairingCode clone() const;
};

/// "7F3K-9QDM-2XHB-T6WP".
[[nodiscard]] std::string to_text(PairingCode const& code);
/// Reads a typed code: case, spaces, dashes, O for 0 and I or L for 1 do not matter.
/// @return nullopt where it has not 16 symbols
[[nodiscard]] std::optional<PairingCode> parse_code(std::string_view typed);

/// What a link or QR carries: `kith://join#` and base64url of [1, lookup, secret 32, addresses]; where the two can also
/// meet at a relay, `kith://HOST/join#` and base64url of [2, lookup, secret 32, addresses, relays], HOST being that of
/// the first relay, with its port and path. The secret is a password of 256 bits for the same exchange.
struct PairingLink {
  static constexpr std::size_t kMaxRelays = 8;
  wire::Lookup lookup;
  PairPassword secret;
  std::vector<std::string> addresses;
  std::vector<std::string> relays = {};  ///< addresses of relays, with their keys: `wss://HOST/#key=KEY`
};
[[nodiscard]] std::string to_text(PairingLink const& link);
/// Reads a link; one that names relays may also begin with `https:` or `http:`, as a browser shows it.
/// @return nullopt for a text that is no link; WireError for one that is damaged or of a later version
[[nodiscard]] Result<std::optional<PairingLink>> parse_link(std::string_view text);

}  // namespace kith::core
