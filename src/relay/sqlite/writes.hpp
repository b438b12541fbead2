#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"
#include "relay/sqlite/reads.hpp"
#include "relay/sqlite/rows.hpp"

namespace kith::relay::sqlite {

/// What is stored in all, as far as devices can cause it.
struct Totals {
  std::uint64_t groups = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;  ///< of all groups, as their quotas count
  std::uint64_t objects = 0;
  std::uint64_t object_bytes = 0;
  friend bool operator==(Totals const&, Totals const&) = default;
};

/// Answers what changes something, inside a transaction of the caller's: begin(), answers, then finish() and COMMIT, or
/// abandon(). Everything is checked before the first row is written, so a refusal leaves no trace; an error stands for
/// the whole transaction.
class Writes {
 public:
  Writes(Database& database, Reads& reads, ObjectFiles const& files, RandomSource& random)
      : database_(database), reads_(reads), files_(files), random_(random), rows_(database) {}

  /// @param stored_bytes  on the disk now, for the limit of all
  void begin(StoreLimits const& limits, Totals const& totals, std::uint64_t stored_bytes);
  /// Before anything reads the tables, and before COMMIT.
  [[nodiscard]] Result<> flush();
  /// After COMMIT: files of objects that are gone go, too.
  void committed();
  /// After ROLLBACK: files of objects that did not come to be go.
  void abandoned();
  [[nodiscard]] Totals const& totals() const { return totals_; }
  /// Drops the row of an object whose file is gone.
  [[nodiscard]] Result<> forget_object(GroupNo group, std::int64_t o, std::uint64_t total) {
    return drop_object(group, o, total, {});
  }

  [[nodiscard]] Result<StoreAnswer> answer(PutAcl const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(OpenMember const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(PushItems const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(AckItems const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(PutPresence const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(DropItems const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(PutRecovery const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(PutObject const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(DropObjects const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(Sweep const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(RemoveGroup const& task, WallTime wall);
  [[nodiscard]] Result<StoreAnswer> answer(Probe const& task, WallTime wall);

 private:
  /// A member and its group, or why there is none.
  struct Found {
    GroupRow* group = nullptr;
    DeviceRow* device = nullptr;
    std::optional<Refused> refused;
  };
  [[nodiscard]] Result<Found> find(GroupNo group, wire::Pseudonym const& pseudonym);
  [[nodiscard]] Result<Refused> not_a_member(GroupRow const& group, DeviceRow const* device);
  [[nodiscard]] Result<Mailbox> mailbox(GroupRow const& group);
  [[nodiscard]] Result<StoreAnswer> make_mailbox(wire::AclRecord const& record, WallTime wall);
  /// @param before  the current record; nullptr: there is none
  [[nodiscard]] Result<> add_record(GroupRow& group, wire::AclRecord const* before, wire::AclRecord const& record);
  /// How many a record names that its group has never named before.
  [[nodiscard]] Result<std::uint64_t> new_names(GroupNo group, wire::AclRecord const& record);
  /// The cursors of the first `count` items of a push, where all are stored with the same bytes.
  [[nodiscard]] Result<std::optional<std::vector<wire::RelayCursor>>> pushed_before(Found const& member,
                                                                                    PushItems const& task,
                                                                                    std::size_t count);
  [[nodiscard]] std::optional<Refused> no_room(GroupRow const& group, std::uint64_t bytes) const;
  void charge(GroupRow& group, std::uint64_t bytes);
  void release(GroupRow& group, std::uint64_t bytes);
  [[nodiscard]] Result<> drop_item(GroupNo group, std::int64_t k, std::size_t sealed_bytes);
  [[nodiscard]] Result<> drop_object(GroupNo group, std::int64_t o, std::uint64_t total, std::string file);
  [[nodiscard]] Result<std::size_t> sweep_items(std::uint64_t now, std::size_t most);
  [[nodiscard]] Result<std::size_t> sweep_objects(std::uint64_t now, std::size_t most);
  /// Makes a mailbox unknown; what it leaves is swept later.
  [[nodiscard]] Result<> bury(GroupRow& group);
  [[nodiscard]] Result<std::vector<GroupNo>> bury_unused(WallTime wall, std::size_t most);
  [[nodiscard]] Result<std::size_t> sweep_dead(std::size_t most);
  [[nodiscard]] Result<std::size_t> sweep_objects_of(GroupNo group, std::size_t most);

  Database& database_;
  Reads& reads_;
  ObjectFiles const& files_;
  RandomSource& random_;
  Rows rows_;
  StoreLimits limits_;
  Totals totals_, flushed_;
  std::uint64_t stored_bytes_ = 0;
  std::vector<std::string> made_files_, dropped_files_;
};

}  // namespace kith::relay::sqlite
