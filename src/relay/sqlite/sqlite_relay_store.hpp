#pragma once

#include <filesystem>
#include <memory>

#include "base/random.hpp"
#include "base/result.hpp"
#include "relay/rules/store.hpp"

namespace kith::relay {

/// What a relay's database holds, for metrics.
struct StoreFigures {
  std::uint64_t groups = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;  ///< of all groups, as their quotas count
  std::uint64_t objects = 0;
  std::uint64_t object_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t disk_bytes = 0;  ///< pages in use, the log, and objects: what max_bytes is held against
};

/// Mailboxes in one SQLite file, with `-wal` and `-shm` beside it and objects in a directory of its name.
///
/// Threads: work() on one, checkpoint() on one, each reader on one; backup() and figures() anywhere.
class SqliteRelayStore final : public RelayStore {
 public:
  /// A log above this is not only copied but begun anew, which may hold a writer up.
  static constexpr std::uint64_t kLongLogBytes = std::uint64_t{64} << 20;

  /// Makes the database if there is none, removes objects that no row names, and draws new log epochs where the file
  /// was put back or elsewhere.
  /// @param random  outlives the store
  /// @return StoreError::newer_schema with VersionsDetail, corrupt where it is no relay's database, or what the disk
  /// says
  [[nodiscard]] static Result<std::unique_ptr<SqliteRelayStore>> open(std::filesystem::path const& path,
                                                                      StoreLimits const& limits, RandomSource& random);
  ~SqliteRelayStore() override;

  [[nodiscard]] std::vector<StoreReply> work(std::span<StoreRequest const> requests) override;
  void change(StoreLimits const& limits) override;

  /// A connection of its own, for requests that only_reads().
  [[nodiscard]] Result<std::unique_ptr<RelayStore>> open_reader() const;
  /// Copies the log into the database.
  [[nodiscard]] Result<> checkpoint();
  /// Writes a copy of the database as it is now to a new file, while others go on. Objects are not in it: they are in
  /// transit only.
  [[nodiscard]] Result<> backup(std::filesystem::path const& to) const;
  [[nodiscard]] StoreFigures figures() const;

 private:
  struct Impl;
  explicit SqliteRelayStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kith::relay
