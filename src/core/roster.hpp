#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "core/past.hpp"
#include "wire/ops.hpp"

/// Who belongs to the group: a pure function of the set of entries, whatever their order. @see docs/spec/roster.md
namespace kith::core {

/// Roster ops without their secrets: of those only the epochs that they open are kept.
struct Founding {
  wire::Devcert creator;
  std::string group_name;
};
struct Rotation {
  std::uint64_t epoch_no = 0;
  std::vector<DeviceId> recipients;
  std::vector<EpochId> carries;
};
struct HandedOn {
  std::vector<EpochId> carries;
};
using RosterOp =
    std::variant<Founding, wire::DeviceAdd, wire::DeviceRemove, wire::DeviceRename, wire::DevicePause, Rotation,
                 HandedOn, wire::IncarnationOp, wire::RelaySet, wire::RelayRemove, wire::DeviceRelay>;

/// The roster op that `op` is, nullopt for another view's op and for a device_add whose devcert its device did not
/// sign.
[[nodiscard]] std::optional<RosterOp> roster_op(GroupId const& group, wire::Op const& op);

/// What the roster needs to know of an entry that holds roster ops.
struct RosterEntry {
  EntryHash hash;
  DeviceId author;
  ChainPlace place;
  Past past;  ///< with the entry itself
  std::uint64_t hlc = 0;
  EpochId sealed_under;
  std::vector<std::pair<std::uint32_t, RosterOp>> ops;  ///< with their index in the entry
  std::set<std::uint32_t> recovery_signed;              ///< indices of ops whose recovery signature fits

  [[nodiscard]] bool in_past_of(RosterEntry const& other) const {
    return hash != other.hash && other.past.contains(place);
  }
};

/// Seniority: [] for the recovery key, [0, x] for whom it added, [1] for the creator, the adder's path + x for others.
/// Compared element by element, and a prefix is senior: std::vector's own order.
struct RankStep {
  std::uint64_t count = 0;  ///< 0 or 1 in the first step; else roster ops in the past of the add
  EntryHash entry;
  std::uint32_t index = 0;
  friend auto operator<=>(RankStep const&, RankStep const&) = default;
};
using RankPath = std::vector<RankStep>;

/// A device_remove that took effect, as the rules about its target's entries need it.
struct CountedRemove {
  EntryHash entry;
  std::uint32_t index = 0;
  ChainPlace place;
  Past past;  ///< of the remove's entry, which is in it
  /// For an unfounded device: the void add that hands the remove on, and with it to entries that know this add. Adds
  /// that an entry does not know say nothing about it: they may be set aside, and then others do not have them.
  std::optional<ChainPlace> through;
};

enum class MemberState {
  active,
  removed,    ///< target of a counted remove
  unfounded,  ///< only void adds brought it: its entries are treated as removed by what voided those that they know
};

struct Member {
  wire::Devcert cert;
  std::string name;
  RankPath rank;  ///< empty for an unfounded device
  MemberState state = MemberState::active;
  bool paused = false;
  std::vector<CountedRemove> removes;  ///< counted against it, or inherited by an unfounded device
  std::vector<DeviceId> adders;        ///< whose standing adds brought it; none for the creator or by recovery
  bool rooted = false;                 ///< the creator, or added by the recovery key
  std::vector<EntryHash> add_entries;  ///< every device_add of it, standing or not
  EpochId add_epoch;                   ///< named by its (standing, else any) device_add
  std::map<wire::RelayKey, wire::Pseudonym> pseudonyms;  ///< its names at relays
};

class Roster {
 public:
  [[nodiscard]] std::map<DeviceId, Member> const& members() const { return members_; }
  [[nodiscard]] Member const* find(DeviceId const& device) const;
  [[nodiscard]] bool active(DeviceId const& device) const;
  /// Whether it was in the group and is not any more: removed, or never founded.
  [[nodiscard]] bool removed(DeviceId const& device) const;
  /// Active devices, the most senior first.
  [[nodiscard]] std::vector<DeviceId> active_by_rank() const;
  /// Whom an epoch's secret is for: the active devices, the most senior ones where there are more than a prefix has
  /// room for.
  [[nodiscard]] std::vector<DeviceId> epoch_recipients() const;
  /// Whether both have a rank, and the first one's is the senior.
  [[nodiscard]] bool above(DeviceId const& senior, DeviceId const& junior) const;
  [[nodiscard]] std::string const& group_name() const { return group_name_; }

  /// Whether an op at (entry, index) by its author stands: it is in the past of every remove counted against the
  /// author.
  [[nodiscard]] bool stands(RosterEntry const& entry, std::uint32_t index) const;

  /// Entries that must be kept and passed on although their author was removed: the roster rests on their ops.
  [[nodiscard]] std::vector<ChainPlace> const& bearing() const { return bearing_; }

  /// Devices that exist in the group without `device`: not added only through it.
  [[nodiscard]] std::set<DeviceId> founded_without(DeviceId const& device) const;

  struct Relay {
    std::string url;
    wire::RelayKey relay;
    wire::ChannelId channel;
  };
  [[nodiscard]] std::vector<Relay> const& relays() const { return relays_; }
  /// A relay that the group used and that was taken from the list, and when, by the clock of who did it.
  struct FormerRelay {
    Relay relay;
    WallTime removed_at;
  };
  /// Those of which no other mailbox is used. Of rivals for one relay key one.
  [[nodiscard]] std::vector<FormerRelay> const& former_relays() const { return former_relays_; }

  /// Hash of all that the roster says; equal entries give equal digests.
  [[nodiscard]] crypto::Hash256 digest() const;

 private:
  friend class RosterBuilder;
  std::map<DeviceId, Member> members_;
  std::string group_name_;
  std::vector<ChainPlace> bearing_;
  std::vector<Relay> relays_;
  std::vector<FormerRelay> former_relays_;
};

/// Computes the roster from every entry that holds roster ops, set aside or not, in any order.
[[nodiscard]] Roster compute_roster(std::span<RosterEntry const> entries);

/// Of rival ops, those that are in no rival's past; among them the one with the greatest (hlc, entry hash, index).
/// @return the winner's position in `rivals`, nullopt where there are none
struct Rival {
  RosterEntry const* entry;
  std::uint32_t index;
};
[[nodiscard]] std::optional<std::size_t> winner(std::span<Rival const> rivals);

}  // namespace kith::core
