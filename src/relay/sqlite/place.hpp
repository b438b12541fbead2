#pragma once

#include "base/random.hpp"
#include "relay/sqlite/database.hpp"

namespace kith::relay::sqlite {

/// Notes where the database lies. Where it is not the place noted in it, somebody has copied it or put it back: what it
/// holds may be older than what devices were told, and every mailbox gets a new log epoch.
[[nodiscard]] Result<> notice_move(Database& database, RandomSource& random);

}  // namespace kith::relay::sqlite
