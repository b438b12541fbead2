#pragma once

#include "base/result.hpp"

namespace kith::link {

/// What goes wrong on the way to another device. Details are SystemDetail: errno and the address.
enum class LinkError {
  bad_address,     ///< a text that is no HOST:PORT
  unknown_host,    ///< the name does not resolve
  refused,         ///< nothing listens there
  unreachable,     ///< no route, or the network is down
  timed_out,       ///< no answer in time
  address_in_use,  ///< another program listens on the port
  not_permitted,   ///< the system does not let us
  io,              ///< anything else that the system refused
};

[[nodiscard]] ErrorDomain const& error_domain(LinkError);

}  // namespace kith::link
