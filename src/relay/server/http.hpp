#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP as those see it who answer: one request, one response, neither knowing of sockets.
namespace kith::relay::server {

struct HttpRequest {
  std::string method;  ///< "GET" for HEAD as well: whoever carries the response leaves its body away
  std::string path;    ///< "/invite/7F3K9QDM", as it was sent
  std::string query;   ///< "after=3&wait_s=20", without the question mark
  std::string client;  ///< whom limits count this request for: an address, or an IPv6 network of 56 bits
  std::string authorization;
  std::string body;

  /// The value of a query's parameter; nullopt where it is not given.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const {
    for (std::string_view rest = query; !rest.empty();) {
      auto const end = std::min(rest.find('&'), rest.size());
      auto const pair = rest.substr(0, end);
      if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
  }
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type;  ///< empty: no such header, as with a status of 204
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< beyond those that every response has
};

/// To be called once, at once or later, on the loop's thread.
using Respond = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest, Respond)>;

}  // namespace kith::relay::server
