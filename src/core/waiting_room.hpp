#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "core/waiting_secrets.hpp"

namespace kith::core {

/// Items that cannot be applied yet: those of an epoch that is not known, and entries some of whose past is missing.
/// Both are bounded. Where room is short, whoever handed over most gives way: an honest device hands over what it has
/// applied itself, which is soon applied here, so a flood displaces nothing but itself. What is dropped is asked for
/// again when it is needed.
class WaitingRoom {
 public:
  explicit WaitingRoom(Store& store) : store_(store), secrets_(store) {}

  /// @return whether there was room
  [[nodiscard]] Result<bool> keep_unopened(EpochId const& epoch, ItemDigest const& digest, DeviceId const& from,
                                           ByteView sealed);
  [[nodiscard]] Result<bool> holds_unopened(EpochId const& epoch, ItemDigest const& digest) const;
  struct Unopened {
    DeviceId from;
    Bytes sealed;
  };
  /// Takes out what waits for an epoch.
  [[nodiscard]] Result<std::vector<Unopened>> take_unopened(EpochId const& epoch);

  /// @param missing  those of the entry's needs that are not applied here
  /// @param secrets  epochs to note with it: their rows count with its bytes
  /// @return whether there was room
  [[nodiscard]] Result<bool> keep_pending(PendingRecord const& entry, std::vector<Tip> const& missing,
                                          std::span<EpochId const> secrets = {});
  [[nodiscard]] Result<std::optional<PendingRecord>> pending(ByteView hash) const;
  /// Forgets an entry, and that it waited.
  [[nodiscard]] Result<> drop_pending(PendingRecord const& entry);
  /// An entry was applied. @return those that waited for it, and go on waiting where they miss others
  [[nodiscard]] Result<std::vector<PendingRecord>> arrived(Tip const& tip);
  /// An entry that waits, and who wrote it.
  struct Waiter {
    EntryHash hash;
    DeviceId author;
  };
  /// The entries that wait for this one.
  [[nodiscard]] Result<std::vector<Waiter>> waiters(EntryHash const& need) const;
  /// Whether an entry by another device than the log's, for which `vouches` holds, waits for something of the log.
  [[nodiscard]] Result<bool> named_by_another(LogId const& log,
                                              std::function<bool(Waiter const&)> const& vouches) const;

  /// Whose secrets are in entries that wait.
  [[nodiscard]] WaitingSecrets& secrets() { return secrets_; }
  [[nodiscard]] WaitingSecrets const& secrets() const { return secrets_; }

  /// What waiting entries need and is not here, waiting or applied, without `except`: in turn for each device that
  /// handed entries over, so that nobody's needs come behind another's. At most `most`.
  [[nodiscard]] Result<std::vector<Tip>> missing(std::size_t most, std::set<EntryHash> const& except) const;

 private:
  enum class Kind { pending, unopened };
  [[nodiscard]] Result<std::map<DeviceId, std::uint64_t>> accounts(Kind kind) const;
  [[nodiscard]] Result<bool> reserve(Kind kind, DeviceId const& from, std::size_t bytes);
  [[nodiscard]] Result<> release(Kind kind, DeviceId const& from, std::size_t bytes);
  [[nodiscard]] Result<> evict(Kind kind, DeviceId const& from, std::size_t bytes);
  [[nodiscard]] Result<> evict_pending(DeviceId const& from, std::size_t bytes);
  [[nodiscard]] Result<> evict_unopened(DeviceId const& from, std::size_t bytes);
  [[nodiscard]] Result<bool> needed_by_others_of(DeviceId const& from, EntryHash const& need,
                                                 EntryHash const& except) const;

  [[nodiscard]] Result<std::size_t> weight(PendingRecord const& entry) const;

  Store& store_;
  WaitingSecrets secrets_;
};

}  // namespace kith::core
