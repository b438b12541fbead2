#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "link/tcp/address.hpp"

namespace kith::link {

/// Where a relay is, and the key that it proves to hold.
struct RelayAddress {
  bool tls = true;
  std::string host;  ///< a name in small letters, or an IP address without brackets
  std::uint16_t port = 443;
  std::string path = "/";  ///< begins with a slash, and ends with none unless it is the root
  std::optional<std::array<std::uint8_t, 32>> key;
  friend bool operator==(RelayAddress const&, RelayAddress const&) = default;
};

/// Longest text of an address: what a pairing box carries.
inline constexpr std::size_t kMaxRelayAddressBytes = 255;

/// Reads `ws://HOST[:PORT][/PATH]/#key=KEY` or the same with `wss`, where KEY is base64url of 32 bytes without padding.
/// The port is by default 80, with wss 443. What people type without a scheme, or with http, is wss, and ws where the
/// host is this machine: a loopback address or `localhost`. https is wss.
/// @return LinkError::bad_relay_address, unknown_scheme, bad_relay_key
[[nodiscard]] Result<RelayAddress> parse_relay_address(std::string_view text);

/// "wss://sync.example.org/#key=..."; what parse_relay_address() reads again.
[[nodiscard]] std::string to_text(RelayAddress const& address);

/// Whether a host is the machine that dials it, whichever that is: a loopback address or `localhost`.
[[nodiscard]] bool is_this_machine(std::string const& host);

/// HOST:PORT, which messages name.
[[nodiscard]] std::string host_port(RelayAddress const& address);
/// The same without the port where it is the scheme's own: what HTTP calls Host.
[[nodiscard]] std::string host_header(RelayAddress const& address);

}  // namespace kith::link
