#pragma once

#include "relay/server/service.hpp"

namespace kith::relay::server {

/// Opens the database as the service uses it: a writer, a reader, and what keeps the write-ahead log short.
/// @return StoreError
[[nodiscard]] Result<Storage> open_storage(std::filesystem::path const& database, Config const& config,
                                           RandomSource& random);

/// What the tokens file says: one token per line, # begins a comment.
/// @return ServerError::not_permitted, io; bad_tokens_file where a token is shorter than 16 characters or there is none
[[nodiscard]] Result<Registration> load_registration(RegistrationRule const& rule);

inline constexpr std::size_t kLeastTokenCharacters = 16;

}  // namespace kith::relay::server
