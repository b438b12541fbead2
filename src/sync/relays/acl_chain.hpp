#pragma once

#include <optional>
#include <vector>

#include "core/roster.hpp"
#include "store/store.hpp"
#include "wire/relay.hpp"

namespace kith::sync {

/// The access records of one channel, each checked against the one before: kept by every device, so that each can show
/// a relay that has lost some what comes next, and no relay can make up its own. Rows of Table::acl_chain.
class AclChain {
 public:
  explicit AclChain(wire::ChannelId const& channel) : channel_(channel) {}

  [[nodiscard]] Result<> load(store::Store& store);
  /// Takes a record in if it begins the chain, follows its end, or overrules it and names one of its records; one that
  /// is known already changes nothing.
  /// @return whether it fits; in a transaction of its own, or in the caller's
  [[nodiscard]] Result<bool> extend(store::Store& store, wire::AclRecord const& record);

  /// Takes a record of the relay's chain in that may be another than the one known here from some version on: a relay
  /// that was put back to an older state may have been brought another next record by a member that had seen less. It
  /// counts if it follows one that is known, or overrules it; what was known behind that is forgotten, up to the next
  /// record of the channel's key that fits there too: that one overrules what the relay was brought instead.
  /// @return whether it fits; in a transaction of its own
  [[nodiscard]] Result<bool> branch(store::Store& store, wire::AclRecord const& record);

  [[nodiscard]] wire::ChannelId const& channel() const { return channel_; }
  [[nodiscard]] std::optional<wire::AclRecord> const& last() const { return last_; }
  [[nodiscard]] std::uint64_t version() const { return last_ ? last_->version : 0; }
  /// The next record from a version on.
  [[nodiscard]] Result<std::optional<wire::AclRecord>> from(store::Store& store, std::uint64_t version) const;
  /// The last record up to a version.
  [[nodiscard]] Result<std::optional<wire::AclRecord>> upto(store::Store& store, std::uint64_t version) const;
  /// Whether a relay's (version, hash) is a record of this chain.
  [[nodiscard]] Result<bool> holds(store::Store& store, std::uint64_t version, crypto::Hash256 const& hash) const;

 private:
  /// Whether `record` may stand behind `last`, which is in this chain.
  [[nodiscard]] Result<bool> fits_behind(store::Store& store, wire::AclRecord const& last,
                                         wire::AclRecord const& record) const;

  wire::ChannelId channel_;
  std::optional<wire::AclRecord> last_;
};

/// Whom a relay is to serve: the pseudonyms there of active devices that are not paused, ascending.
[[nodiscard]] std::vector<wire::Pseudonym> wanted_pseudonyms(core::Roster const& roster, wire::RelayKey const& relay);

}  // namespace kith::sync
