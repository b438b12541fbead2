#pragma once

#include "base/result.hpp"

namespace kith::link {

/// What goes wrong on the way to another device or a relay. Details are SystemDetail, errno and the address, where
/// nothing else is said.
enum class LinkError {
  bad_address,        ///< a text that is no HOST:PORT
  unknown_host,       ///< the name does not resolve
  refused,            ///< nothing listens there
  unreachable,        ///< no route, or the network is down
  timed_out,          ///< no answer in time
  address_in_use,     ///< another program listens on the port
  not_permitted,      ///< the system does not let us
  bad_relay_address,  ///< a text that is no relay's address. SubjectDetail: the text
  unknown_scheme,     ///< a relay's address that is neither ws nor wss. SubjectDetail: the scheme
  bad_relay_key,      ///< what follows `#` is no key. SubjectDetail: what follows
  tls_failed,         ///< what answers there does not speak TLS as we do. SubjectDetail: the address
  tls_untrusted,      ///< the certificate does not prove the relay's name. SubjectDetail: OpenSSL's reason
  not_websocket,      ///< no WebSocket there. CountDetail: the HTTP status, 0 where the answer was no HTTP
  rate_limited,       ///< a relay takes no more for now. CountDetail: the seconds after which it may, 0: not said
  invite_taken,       ///< a relay holds another invite of the same name
  invite_gone,        ///< a relay holds the invite no more: its time is over, or the relay was started anew
  bad_answer,         ///< a relay's answer means nothing. CountDetail: its HTTP status, 0 where it was no HTTP
  io,                 ///< anything else that the system refused
};

[[nodiscard]] ErrorDomain const& error_domain(LinkError);

}  // namespace kith::link
