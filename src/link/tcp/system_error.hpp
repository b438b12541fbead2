#pragma once

#include <string>

#include <boost/system/error_code.hpp>

#include "link/tcp/error.hpp"

/// For the files of the links that use Asio.
namespace kith::link {

/// What the system or Asio said about an address, as a LinkError with a SystemDetail.
[[nodiscard]] Error link_error(boost::system::error_code ec, std::string subject);

}  // namespace kith::link
