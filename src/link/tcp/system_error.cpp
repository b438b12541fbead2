#include "link/tcp/system_error.hpp"

#include <cerrno>

#include <boost/asio/error.hpp>

namespace kith::link {

namespace asio = boost::asio;
using boost::system::error_code;

Error link_error(error_code ec, std::string subject) {
  // Numbers of other kinds are no errno: of the resolver's or TLS's errors the name says enough.
  bool const of_system = ec.category() == boost::system::system_category();
  SystemDetail detail{of_system ? ec.value() : ec == asio::error::eof ? ECONNRESET : 0, std::move(subject)};
  if (ec == asio::error::connection_refused) return {LinkError::refused, std::move(detail)};
  if (ec == asio::error::address_in_use) return {LinkError::address_in_use, std::move(detail)};
  if (ec == asio::error::access_denied || ec == asio::error::no_permission)
    return {LinkError::not_permitted, std::move(detail)};
  if (ec == asio::error::timed_out || ec == asio::error::operation_aborted)
    return {LinkError::timed_out, std::move(detail)};
  if (ec == asio::error::host_unreachable || ec == asio::error::network_unreachable ||
      ec == asio::error::network_down) {
    return {LinkError::unreachable, std::move(detail)};
  }
  if (ec == asio::error::host_not_found || ec == asio::error::host_not_found_try_again || ec == asio::error::no_data) {
    return {LinkError::unknown_host, std::move(detail)};
  }
  return {LinkError::io, std::move(detail)};
}

}  // namespace kith::link
