#pragma once

#include "relay/sqlite/database.hpp"

namespace kith::relay::sqlite {

inline constexpr std::uint32_t kSchemaVersion = 2;
/// In the file's header, so that file(1) and we know whose it is: "kitr". A home's database has another one.
inline constexpr std::int64_t kApplicationId = 0x6b697472;

/// Sets what holds for this connection only, before its first read.
[[nodiscard]] Result<> configure(Connection const& connection);

/// Makes the tables in an empty file, and leaves those that there are alone.
/// @return StoreError::newer_schema with VersionsDetail, corrupt where the file is another program's, or what SQLite
/// says
[[nodiscard]] Result<> prepare_schema(Connection const& connection);

/// Brings tables of an earlier version up to this one, all or nothing; after prepare_schema().
[[nodiscard]] Result<> upgrade_schema(Database& database);

}  // namespace kith::relay::sqlite
