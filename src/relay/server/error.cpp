#include "relay/server/error.hpp"

#include <cerrno>

#include "base/assert.hpp"

namespace kith::relay::server {
namespace {

std::string_view describe(int value) {
  switch (static_cast<ServerError>(value)) {
    case ServerError::bad_address: return "bad_address";
    case ServerError::address_in_use: return "address_in_use";
    case ServerError::not_permitted: return "not_permitted";
    case ServerError::io: return "io";
    case ServerError::bad_certificate: return "bad_certificate";
    case ServerError::bad_key_file: return "bad_key_file";
    case ServerError::bad_tokens_file: return "bad_tokens_file";
    case ServerError::data_in_use: return "data_in_use";
    case ServerError::not_running: return "not_running";
    case ServerError::refused: return "refused";
  }
  KITH_UNREACHABLE();
}

}  // namespace

ErrorDomain const& error_domain(ServerError) {
  static constexpr ErrorDomain domain{"relay_server", describe};
  return domain;
}

Error system_error(int number, std::string subject) {
  auto const value = [&] {
    switch (number) {
      case EADDRINUSE: return ServerError::address_in_use;
      case EACCES:
      case EPERM: return ServerError::not_permitted;
      case EADDRNOTAVAIL: return ServerError::bad_address;
      default: return ServerError::io;
    }
  }();
  return {value, SystemDetail{number, std::move(subject)}};
}

}  // namespace kith::relay::server
