#pragma once

#include "relay/rules/store.hpp"
#include "relay/sqlite/database.hpp"
#include "relay/sqlite/object_files.hpp"

namespace kith::relay::sqlite {

/// Answers what only reads, on the writer's connection or on another one.
class Reads {
 public:
  Reads(Database& database, ObjectFiles const& files) : database_(database), files_(files) {}

  [[nodiscard]] Result<StoreAnswer> answer(PullItems const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(ReadAcl const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(ReadRecovery const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(ReadObject const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(FindObjects const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(ListGroups const& task, WallTime wall);

  /// The newest record of a mailbox, which has one.
  [[nodiscard]] Result<wire::AclRecord> current_acl(GroupNo group);
  /// Whether a mailbox has, or had, a record with this hash.
  [[nodiscard]] Result<bool> in_chain(GroupNo group, crypto::Hash256 const& hash);

 private:
  Database& database_;
  ObjectFiles const& files_;
};

/// A number that is ordered as an unsigned one.
[[nodiscard]] Bytes sortable(std::uint64_t number);
/// By what a record is found by its hash: the first bytes, which are enough of an index and take less room.
[[nodiscard]] std::int64_t mark_of(crypto::Hash256 const& hash);
/// A number of a device's as SQLite can hold it; the largest stand for all that are larger still.
[[nodiscard]] std::int64_t bounded(std::uint64_t number);

}  // namespace kith::relay::sqlite
