#include "relay/server/client_address.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

namespace kith::relay::server {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;
constexpr unsigned kV6LimitBits = 56;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The address without brackets and port: "[::1]:80", "1.2.3.4:80".
std::string_view host_of(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, std::min(text.find(']'), text.size()) - 1);
  bool const one_colon = std::ranges::count(text, ':') == 1;
  return one_colon ? text.substr(0, text.find(':')) : text;
}

std::string v6_text(std::array<std::uint8_t, 16> const& bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::string const host(host_of(trimmed(text)));
  if (host.find('\0') != std::string::npos) return std::nullopt;  // inet_pton would not look behind it
  IpAddress address;
  if (inet_pton(AF_INET6, host.c_str(), address.bytes_.data()) == 1) return address;
  std::ranges::copy(kMapped, address.bytes_.begin());
  if (inet_pton(AF_INET, host.c_str(), address.bytes_.data() + kMapped.size()) == 1) return address;
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin()); }

bool IpAddress::is_loopback() const {
  return is_v4() ? bytes_[kMapped.size()] == 127 : IN6_IS_ADDR_LOOPBACK(reinterpret_cast<in6_addr const*>(&bytes_));
}

std::string IpAddress::text() const {
  if (!is_v4()) return v6_text(bytes_);
  return fmt::format("{}.{}.{}.{}", bytes_[12], bytes_[13], bytes_[14], bytes_[15]);
}

std::string IpAddress::limit_key() const {
  if (is_v4()) return text();
  auto network = bytes_;
  std::fill(network.begin() + kV6LimitBits / 8, network.end(), std::uint8_t{0});
  return fmt::format("{}/{}", v6_text(network), kV6LimitBits);
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
  auto const slash = text.find('/');
  auto const base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  IpRange range;
  range.base_ = *base;
  if (slash == std::string_view::npos) return range;
  auto const bits = text.substr(slash + 1);
  unsigned const offset = base->is_v4() ? kMappedBits : 0;
  auto const [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), range.bits_);
  if (error != std::errc{} || end != bits.data() + bits.size() || range.bits_ > 128 - offset) return std::nullopt;
  range.bits_ += offset;
  return range;
}

bool IpRange::contains(IpAddress const& address) const {
  for (unsigned bit = 0; bit < bits_; bit += 8) {
    auto const mask = static_cast<std::uint8_t>(bits_ - bit >= 8 ? 0xff : 0xff << (8 - (bits_ - bit)));
    if (((base_.bytes_[bit / 8] ^ address.bytes_[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

IpAddress client_address(IpAddress const& peer, std::string_view forwarded_for,
                         std::span<IpRange const> trusted_proxies) {
  IpAddress client = peer;
  auto const trusted = [&] {
    return std::ranges::any_of(trusted_proxies, [&](auto const& range) { return range.contains(client); });
  };
  for (auto rest = forwarded_for; !rest.empty() && trusted();) {
    auto const comma = rest.rfind(',');
    auto const last = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
    auto const hop = IpAddress::parse(last);
    if (!hop) break;  // a proxy that hides whom it serves answers for them
    client = *hop;
  }
  return client;
}

}  // namespace kith::relay::server
