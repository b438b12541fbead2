#pragma once

#include "relay/sqlite/database.hpp"

namespace kith::relay::sqlite {

inline constexpr std::uint32_t kSchemaVersion = 1;
/// In the file's header, so that file(1) and we know whose it is: "kitr". A home's database has another one.
inline constexpr std::int64_t kApplicationId = 0x6b697472;

/// Sets what holds for this connection only, before its first read.
[[nodiscard]] Result<> configure(Connection const& connection);

/// Makes the tables in an empty file, and leaves those of this version alone.
/// @return StoreError::newer_schema with VersionsDetail, corrupt where the file is another program's, or what SQLite
/// says
[[nodiscard]] Result<> prepare_schema(Connection const& connection);

}  // namespace kith::relay::sqlite
