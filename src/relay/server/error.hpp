#pragma once

#include "base/result.hpp"

namespace kith::relay::server {

/// Why a relay cannot start, or cannot do what its operator asked. Details are SystemDetail or SubjectDetail with the
/// path or address.
enum class ServerError {
  bad_address,      ///< a listen address that is no HOST:PORT of this machine
  address_in_use,   ///< another program listens there
  not_permitted,    ///< the system does not let us listen there, or read or write the file
  io,               ///< anything else that the system refused
  bad_certificate,  ///< a certificate or key file that cannot be read, or two that do not belong together
  bad_key_file,     ///< relay.key is not 32 bytes as base64url, or others may read it
  bad_tokens_file,  ///< no token in it, or one that is too short to be kept secret by
  data_in_use,      ///< another kith-relay has the data directory
  not_running,      ///< no relay answers on the admin socket
  refused,          ///< the running relay would not do what was asked; SubjectDetail says why
};

[[nodiscard]] ErrorDomain const& error_domain(ServerError);

/// The error that an errno stands for.
[[nodiscard]] Error system_error(int number, std::string subject);

}  // namespace kith::relay::server
