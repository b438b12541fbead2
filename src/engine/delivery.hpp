#pragma once

#include <vector>

#include "core/messages.hpp"
#include "sync/exchange/peer_book.hpp"
#include "sync/relays/relay_record.hpp"

namespace kith::engine {

enum class DeliveryState { pending, safe, seen };

/// How far one op has come. Safe is what a device or a relay has on its disk.
struct Delivery {
  DeliveryState state = DeliveryState::pending;
  std::vector<DeviceId> safe_at;       ///< have it on their disk
  std::vector<DeviceId> seen_by;       ///< have said that they took it in
  std::vector<std::string> at_relays;  ///< addresses of those that have it on theirs
  /// Others know of the message, and what is in it is on this device only.
  bool contents_only_here = false;
};

/// What the others have acknowledged, put together once for many questions. Reads the database as it is now.
class DeliveryBook {
 public:
  [[nodiscard]] static Result<DeliveryBook> load(core::Replica& replica, store::Store& store);
  /// @return nothing known to others for an entry that is not here
  [[nodiscard]] Result<Delivery> of(EntryHash const& entry);
  /// The same for a message of this device: whoever has its entry alone does not have a long one.
  [[nodiscard]] Result<Delivery> of(core::MessageRow const& message);
  /// Whether a device has acknowledged everything that is applied here.
  [[nodiscard]] bool holds_all(DeviceId const& device) const;
  /// Whether a device has said that it also holds the contents of everything applied here.
  [[nodiscard]] bool holds_all_contents(DeviceId const& device) const;
  /// How many paths of its folders a device leaves alone, where their contents are all that it lacks of everything
  /// applied here; else 0.
  [[nodiscard]] std::size_t held_back(DeviceId const& device) const;
  /// Whether a device claims no contents at all: it has not looked at its folders, or cannot.
  [[nodiscard]] bool contents_unknown(DeviceId const& device) const;
  /// Whether a device keeps a folder, by its last presence.
  [[nodiscard]] bool keeps(DeviceId const& device, FolderId const& folder) const;
  /// Whether everything that a device has told of is applied here.
  [[nodiscard]] Result<bool> we_hold_all(DeviceId const& device);
  /// Whether a relay has every entry that this device passes on.
  [[nodiscard]] bool relay_holds_all(wire::RelayKey const& relay) const;
  enum class Whose { own, all };
  /// How many entries a relay is not known to have: of those by this device, or of all that it passes on.
  [[nodiscard]] std::uint64_t relay_lacks(wire::RelayKey const& relay, Whose whose) const;
  /// How many of this device's own entries are on no other device's disk and at no relay, as far as is known.
  [[nodiscard]] std::uint64_t own_only_here() const;
  /// Whether what is in the files and long messages that this device recorded is known to be elsewhere too, and not
  /// their names and versions alone.
  [[nodiscard]] Result<bool> contents_elsewhere();
  [[nodiscard]] std::map<DeviceId, sync::PeerRecord> const& peers() const { return records_; }

 private:
  struct Known {
    core::Past acked;
    core::Past seen;
    core::Past content;   ///< nothing of one that leaves paths alone: which contents it lacks is not known
    core::Past messages;  ///< likewise, but what it leaves alone are no messages
  };
  DeliveryBook(core::Replica& replica, store::Store& store) : replica_(&replica), store_(&store) {}
  [[nodiscard]] Result<core::Past> past_of(std::vector<Tip> const& tips);
  [[nodiscard]] std::uint64_t count_beyond(core::Past const& there, Whose whose) const;
  [[nodiscard]] bool has_contents(core::ChainPlace place, std::optional<FolderId> const& folder) const;
  [[nodiscard]] bool has_all_contents(core::ChainPlace place) const;

  core::Replica* replica_;
  store::Store* store_;
  std::vector<Tip> tips_;          ///< ours
  std::vector<FolderId> folders_;  ///< that this device keeps
  std::map<DeviceId, sync::PeerRecord> records_;
  std::map<DeviceId, Known> known_;
  struct AtRelay {
    core::Roster::Relay relay;
    core::Past there;
    core::Past left;  ///< entries whose contents lie there for who lacks them
  };
  /// Whether a relay has all pieces of a content, by what was announced there.
  [[nodiscard]] Result<bool> lies_at(AtRelay const& relay, wire::Content const& content) const;
  std::vector<AtRelay> relays_;
};

/// A relay's address as people are shown it.
[[nodiscard]] std::string without_key(std::string const& url);

/// Own messages that no other device has acknowledged, as far as one look at the last ones tells.
[[nodiscard]] Result<std::uint64_t> count_pending_messages(core::MessagesView& messages, DeviceId const& self,
                                                           DeliveryBook& book);

}  // namespace kith::engine
