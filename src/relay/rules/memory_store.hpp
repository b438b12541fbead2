#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/random.hpp"
#include "relay/rules/store.hpp"

namespace kith::relay {

/// Mailboxes in memory, for tests and simulations. A copy is what a backup is: put in its place, the relay has lost
/// what came after.
class MemoryRelayStore final : public RelayStore {
 public:
  /// @param random  log epochs are drawn from it; outlives the store and its copies
  MemoryRelayStore(StoreLimits limits, RandomSource& random) : limits_(limits), random_(&random) {}

  [[nodiscard]] std::vector<StoreReply> work(std::span<StoreRequest const> requests) override;
  void change(StoreLimits const& limits) override { limits_ = limits; }

  /// From now on each transaction that writes fails with this, as on a disk that is full; nullopt: no longer.
  void fail_writes(std::optional<Refusal> why) { failing_ = why; }

  [[nodiscard]] std::uint64_t stored_bytes() const { return stored_bytes_; }
  [[nodiscard]] std::size_t groups() const { return boxes_.size(); }
  /// Everything in a group's log, as PULL would give it.
  [[nodiscard]] std::vector<wire::RelayItem> items(wire::ChannelId const& channel) const;

 private:
  struct Item {
    wire::Pseudonym sender;
    wire::PushSeq seq;
    std::uint64_t stored_s = 0;
    std::uint32_t ttl_s = 0;
    std::uint64_t expires_s = 0;  ///< 0: never
    Bytes sealed;
  };
  struct Member {
    bool active = false;
    wire::PushSeq last_seq;
    wire::RelayCursor acked;
    std::optional<wire::RelayPresence::Slot> presence;
  };
  struct Object {
    wire::Pseudonym owner;
    std::uint64_t expires_s = 0;
    Bytes bytes;
  };
  struct Box {
    GroupNo group;
    wire::LogEpoch log_epoch;
    wire::RelayCursor head, floor;
    std::map<std::uint64_t, wire::AclRecord> chain;  ///< by version
    std::set<crypto::Hash256> hashes;                ///< of the chain's records
    std::map<wire::Pseudonym, Member> members;       ///< all that ever were
    std::map<wire::RelayCursor, Item> items;
    std::map<wire::ObjectId, Object> objects;
    std::uint64_t used = 0;
    std::uint64_t made_s = 0;  ///< the hour

    [[nodiscard]] wire::AclRecord const& acl() const { return chain.rbegin()->second; }
    [[nodiscard]] bool admits(wire::Pseudonym const& pseudonym) const;
    [[nodiscard]] std::size_t new_names(wire::AclRecord const& record) const;
    [[nodiscard]] Refused not_a_member(wire::Pseudonym const& pseudonym) const;
  };

  [[nodiscard]] StoreAnswer answer(PutAcl const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(OpenMember const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(PushItems const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(PullItems const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(AckItems const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(PutPresence const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(DropItems const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(ReadAcl const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(PutRecovery const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(ReadRecovery const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(PutObject const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(ReadObject const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(FindObjects const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(DropObjects const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(Sweep const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(RemoveGroup const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(ListGroups const& task, WallTime wall);
  [[nodiscard]] StoreAnswer answer(Probe const& task, WallTime wall);

  [[nodiscard]] StoreAnswer make_mailbox(wire::AclRecord const& record, WallTime wall);
  void remove(GroupNo group);
  void add_record(Box& box, wire::AclRecord const& record);
  [[nodiscard]] Mailbox mailbox(Box const& box) const;
  [[nodiscard]] std::optional<std::vector<wire::RelayCursor>> pushed_before(Box const& box, PushItems const& task,
                                                                            std::size_t count) const;
  /// Whether so much more may be stored for a group.
  [[nodiscard]] std::optional<Refused> no_room(Box const& box, std::uint64_t bytes) const;
  void charge(Box& box, std::uint64_t bytes);
  void release(Box& box, std::uint64_t bytes);
  [[nodiscard]] Box* find(GroupNo group);

  StoreLimits limits_;
  RandomSource* random_;
  std::map<GroupNo, Box> boxes_;
  std::map<wire::ChannelId, GroupNo> channels_;
  std::map<wire::RecoveryLocator, std::map<GroupNo, Bytes>> recovery_;
  std::uint64_t last_group_ = 0;
  std::uint64_t stored_bytes_ = 0;
  std::optional<Refusal> failing_;
};

}  // namespace kith::relay
