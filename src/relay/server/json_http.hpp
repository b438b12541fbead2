#pragma once

#include <nlohmann/json.hpp>

#include "relay/server/http.hpp"

/// Responses with JSON in them; for .cpp files, since the library is large.
namespace kith::relay::server {

[[nodiscard]] inline HttpResponse json_response(unsigned status, nlohmann::json const& body) {
  return {status, "application/json", body.dump() + "\n", {}};
}

/// {"error":"code","message":"..."}
[[nodiscard]] inline HttpResponse json_error(unsigned status, std::string_view code, std::string_view message) {
  return json_response(status, {{"error", code}, {"message", message}});
}

}  // namespace kith::relay::server
