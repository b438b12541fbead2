#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Who a client is, as far as limits go: the address that it has, or that a proxy which we trust says it has.
namespace kith::relay::server {

/// An IPv4 or IPv6 address. IPv4 is kept as the IPv6 address that stands for it (RFC 4291, section 2.5.5.2), so each
/// address has one form.
class IpAddress {
 public:
  /// "203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"; brackets and a port, as proxies add them, fall away.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string text() const;
  /// What limits count by: an IPv4 address, but 56 bits of an IPv6 address, since one customer has at least that many
  /// addresses to choose from.
  [[nodiscard]] std::string limit_key() const;

  friend bool operator==(IpAddress const&, IpAddress const&) = default;

 private:
  friend class IpRange;
  std::array<std::uint8_t, 16> bytes_{};
};

/// A network: an address and how many of its bits count.
class IpRange {
 public:
  /// "10.0.0.0/8", "fd00::/8", or one address.
  [[nodiscard]] static std::optional<IpRange> parse(std::string_view text);
  [[nodiscard]] bool contains(IpAddress const& address) const;

 private:
  IpAddress base_;
  unsigned bits_ = 128;
};

/// The client behind a connection: its own address or, where that is a trusted proxy's, the last address in
/// X-Forwarded-For that is not a trusted proxy's. What stands before that one, the client could have written itself.
/// @param forwarded_for  all such headers, joined with commas in their order
[[nodiscard]] IpAddress client_address(IpAddress const& peer, std::string_view forwarded_for,
                                       std::span<IpRange const> trusted_proxies);

}  // namespace kith::relay::server
