#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "link/tcp/error.hpp"

namespace kith::link {

/// HOST:PORT, or [IPv6]:PORT.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(HostPort const&, HostPort const&) = default;
};
/// @param default_port  for a text without one; 0: there must be one
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port = 0);
[[nodiscard]] std::string to_text(HostPort const& address);

/// Addresses under which other machines can dial this one at `port`: of interfaces that are up, private and public,
/// IPv4 first; the loopback address only where there is no other. At most eight.
[[nodiscard]] std::vector<std::string> own_addresses(std::uint16_t port);

}  // namespace kith::link
