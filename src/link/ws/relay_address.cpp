#include "link/ws/relay_address.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace kith::link {
namespace {

constexpr std::string_view kKeyIs = "key=";
constexpr std::uint16_t kPlainPort = 80;
constexpr std::uint16_t kTlsPort = 443;

/// A path's characters (RFC 3986, section 3.3); escapes stay as they are.
bool is_path(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    bool const alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || std::string_view("/-._~%!$&'()*+,;=:@").find(c) != std::string_view::npos;
  });
}

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), ascii_lower);
  return small;
}

/// Takes "scheme://" off the text. @return what it says about TLS; nullopt where the host decides
Result<std::optional<bool>> take_scheme(std::string_view& rest) {
  auto const end = rest.substr(0, rest.find_first_of("/#")).size();
  if (!rest.substr(end).starts_with("//") || end == 0 || rest[end - 1] != ':') return std::nullopt;
  auto const scheme = in_small_letters(rest.substr(0, end - 1));
  rest.remove_prefix(end + 2);
  if (scheme == "wss" || scheme == "https") return true;
  if (scheme == "ws") return false;
  if (scheme == "http") return std::nullopt;
  return fail(LinkError::unknown_scheme, SubjectDetail{scheme});
}

}  // namespace

bool is_this_machine(std::string const& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "localhost" || host == "::1";
}

Result<RelayAddress> parse_relay_address(std::string_view text) {
  auto const bad = [&] { return fail(LinkError::bad_relay_address, SubjectDetail{std::string(text)}); };
  if (text.size() > kMaxRelayAddressBytes) return bad();
  RelayAddress address;
  std::string_view rest = text;
  KITH_TRY(tls, take_scheme(rest));

  if (auto const hash = rest.find('#'); hash != std::string_view::npos) {
    auto const fragment = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
    auto const key = fragment.starts_with(kKeyIs) ? from_base64url(fragment.substr(kKeyIs.size())) : std::nullopt;
    if (!key || key->size() != address.key.emplace().size())
      return fail(LinkError::bad_relay_key, SubjectDetail{std::string(fragment)});
    std::ranges::copy(*key, address.key->begin());
  }

  auto const authority = rest.substr(0, rest.find('/'));
  auto path = rest.substr(authority.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!is_path(path) || path.find("//") != std::string_view::npos) return bad();
  if (!path.empty()) address.path = path;

  auto const parsed = parse_host_port(authority, kTlsPort);
  if (!parsed) return bad();
  address.host = in_small_letters(parsed->host);
  address.tls = tls.value_or(!is_this_machine(address.host));
  address.port = parse_host_port(authority, address.tls ? kTlsPort : kPlainPort)->port;
  if (to_text(address).size() > kMaxRelayAddressBytes) return bad();  // it is told with its scheme
  return address;
}

std::string host_port(RelayAddress const& address) { return to_text(HostPort{address.host, address.port}); }

std::string host_header(RelayAddress const& address) {
  auto where = host_port(address);
  if (address.port == (address.tls ? kTlsPort : kPlainPort)) where.resize(where.rfind(':'));
  return where;
}

std::string to_text(RelayAddress const& address) {
  auto const* const scheme = address.tls ? "wss" : "ws";
  auto text = fmt::format("{}://{}{}", scheme, host_header(address), address.path == "/" ? "" : address.path);
  if (address.key) text += fmt::format("/#{}{}", kKeyIs, to_base64url(*address.key));
  return text;
}

}  // namespace kith::link
