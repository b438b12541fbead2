#pragma once

#include <cstdint>
#include <vector>

#include "store/sqlite/connection.hpp"

namespace kith::store::sqlite {

/// In the file's header, so that file(1) and we know whose it is: "kith".
inline constexpr std::int64_t kApplicationId = 0x6b697468;

/// The tables of one version of kith, and the way to them from older ones. The version is the file's user_version.
struct Schema {
  /// Runs inside a transaction; on an error nothing is kept.
  using Change = Result<> (*)(Connection const&);

  std::uint32_t version;
  Change create;                   ///< makes the tables of `version` in an empty database
  std::vector<Change> migrations;  ///< the first goes from version 1 to 2; one less than `version`
};

[[nodiscard]] Schema const& current_schema();

/// What is to happen if the file does not hold the schema yet.
enum class SchemaMode {
  create,     ///< fill an empty file, migrate an older one
  migrate,    ///< migrate an older one
  read_only,  ///< touch nothing
};

/// Brings the database to `schema`, in one transaction: another process sees all of it or nothing.
/// @return StoreError::newer_schema, with VersionsDetail, if a later version wrote it; not_found if the file is empty
/// and
///   not to be filled; corrupt if it is another program's; read_only if an older one is not to be touched
[[nodiscard]] Result<> prepare_schema(Connection const& connection, Schema const& schema, SchemaMode mode);

/// StoreError::newer_schema if the file's version is above ours.
[[nodiscard]] Result<> check_version(std::int64_t found, Schema const& schema);

}  // namespace kith::store::sqlite
