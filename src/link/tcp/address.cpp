#include "link/tcp/address.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "base/limits.hpp"

namespace kith::link {
namespace {

constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035

std::string text_of_address(sockaddr const* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    auto const* v4 = reinterpret_cast<sockaddr_in const*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  } else {
    auto const* v6 = reinterpret_cast<sockaddr_in6 const*>(address);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) return {};  // means nothing without an interface of the other machine
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  }
  return text.data();
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port) {
  auto const bad = [&] { return fail(LinkError::bad_address, SubjectDetail{std::string(text)}); };
  HostPort address{"", default_port};
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    auto const end = rest.find(']');
    if (end == std::string_view::npos) return bad();
    address.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    in6_addr parsed{};
    bool const whole = address.host.find('\0') == std::string::npos;  // which inet_pton would not look behind
    if (!whole || inet_pton(AF_INET6, address.host.c_str(), &parsed) != 1) return bad();
  } else {
    auto const end = std::min(rest.find(':'), rest.size());
    address.host = rest.substr(0, end);
    rest.remove_prefix(end);
    bool const clean = std::ranges::all_of(address.host, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
             c == '_';
    });
    if (address.host.empty() || address.host.size() > kMaxHostBytes || !clean) return bad();
  }
  if (rest.empty() && default_port != 0) return address;
  if (!rest.starts_with(':')) return bad();
  rest.remove_prefix(1);
  auto const [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), address.port);
  if (error != std::errc{} || end != rest.data() + rest.size() || address.port == 0) return bad();
  return address;
}

std::string to_text(HostPort const& address) {
  bool const v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

std::vector<std::string> own_addresses(std::uint16_t port) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> const all(first, &freeifaddrs);
  std::vector<std::string> v4, v6;
  for (ifaddrs const* each = first; each != nullptr; each = each->ifa_next) {
    bool const usable =
        each->ifa_addr != nullptr && (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
    if (!usable || (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6)) continue;
    auto text = text_of_address(each->ifa_addr);
    if (!text.empty()) (each->ifa_addr->sa_family == AF_INET ? v4 : v6).push_back(to_text({std::move(text), port}));
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  if (v4.empty()) v4.push_back(to_text({"127.0.0.1", port}));
  if (v4.size() > kLimits.max_addresses) v4.resize(kLimits.max_addresses);
  return v4;
}

}  // namespace kith::link
