#pragma once

#include <algorithm>
#include <map>

#include "cli/folder_place.hpp"
#include "cli/home_client.hpp"
#include "cli/progress.hpp"
#include "cli/removal_claims.hpp"
#include "cli/room_wait.hpp"
#include "engine/control.hpp"
#include "sync/exchange/exchange.hpp"

namespace kith::cli {

/// Keeps one folder in step while it runs, and tells how it goes: the body of `kith sync DIR`.
class SyncRun {
 public:
  SyncRun(Context& context, SyncOptions const& options, engine::Client& client, FolderPlace place);
  /// @return the exit code
  [[nodiscard]] Result<int> run();

 private:
  static constexpr auto kFlushTime = std::chrono::seconds{2};
  /// Before `--once` leaves: the others hear in this time that all is here, and may still send what they found.
  static constexpr auto kTellTime = sync::Exchange::kPresenceAfter + std::chrono::milliseconds{800};
  static constexpr auto kProgressAfter = std::chrono::milliseconds{500};  ///< what is quicker needs no bar

  struct Snapshot {
    files::FolderRow row;
    engine::TallyRow tally;
    engine::SkippedRow skipped;
    bool scanned = false;  ///< the whole folder, since this run wants it
    bool open = false;     ///< something is still to be done here, whether or not the folder's row says so yet
    std::set<DeviceId> connected;
    std::set<std::string> relays;  ///< that are connected
    [[nodiscard]] bool alone() const { return connected.empty() && relays.empty(); }
    /// All that can be done here is done, but for what the disk failed to read: waiting does not help.
    [[nodiscard]] bool settled() const;
    [[nodiscard]] bool in_step() const { return scanned && !open && row.state == files::FolderState::in_step; }
  };
  [[nodiscard]] Result<> forget_old_stop();
  [[nodiscard]] Result<> announce_interest();
  void take_interest_back();
  [[nodiscard]] Result<Snapshot> look();
  [[nodiscard]] Result<int> stay();
  /// One look of who stays: tells what is new since `before`, which becomes what is now.
  [[nodiscard]] Result<> look_around(Snapshot& before);
  [[nodiscard]] Result<int> once();
  /// Which devices have everything, while we have what they have. One that got everything and left is level still.
  struct Others {
    std::set<DeviceId> connected;
    std::set<DeviceId> met;                ///< connected now, or earlier in this run
    std::set<DeviceId> level;              ///< of those met
    std::map<DeviceId, std::size_t> held;  ///< of those met: level but for so many paths that they leave alone
    std::set<DeviceId> keep;               ///< of those met: the folder
    std::vector<std::string> relays;       ///< connected, and level with this device
    bool relays_behind = false;            ///< something is on its way to or from one of them
    bool contents_elsewhere = false;       ///< what is in this device's files, as far as is known
    /// Relays have what they can have, and no device that is there, or was, has everything.
    [[nodiscard]] bool at_relays_only() const {
      return connected.empty() && !all_level() && !relays.empty() && !relays_behind;
    }
    [[nodiscard]] bool all_level() const { return !level.empty() && std::ranges::includes(level, present()); }
    /// Whether nothing is on its way: who leaves paths alone lacks what is in them, and it does not come by waiting.
    [[nodiscard]] bool settled() const {
      if (relays_behind) return false;
      if (at_relays_only()) return true;
      auto const still = [this](DeviceId const& device) { return level.contains(device) || held.contains(device); };
      return !present().empty() && std::ranges::all_of(present(), still);
    }
    [[nodiscard]] std::set<DeviceId> const& present() const { return connected.empty() ? met : connected; }
  };
  [[nodiscard]] Result<Others> look_at_others();
  /// Whether this device has heard everything that those who are connected have; with nobody there, all that it can.
  [[nodiscard]] Result<bool> heard_all(Snapshot const& now);
  void tell_changes(Snapshot const& before, Snapshot const& now);
  [[nodiscard]] Result<> tell_in_step(Snapshot const& now);
  void tell_of_relays(Snapshot const& before, Snapshot const& now);
  void tell_skipped(engine::SkippedRow const& row);
  void show_progress(Snapshot const& now);
  void end_progress();
  [[nodiscard]] Error problem_of(files::FolderRow const& row) const;
  [[nodiscard]] Result<int> summarise(Snapshot const& last, std::optional<Error> const& reason);
  void advise_of_rest(Snapshot const& last);
  void print_summary(Json const& object, Snapshot const& last, Others const& others);

  Context& context_;
  SyncOptions const& options_;
  engine::Client& client_;
  RemovalClaims claims_;
  RoomWait room_;
  FolderPlace place_;
  Bytes interest_key_;
  Instant started_;
  engine::TallyRow tally_before_;
  std::set<DeviceId> met_;
  bool told_in_step_ = false;
  std::set<std::pair<std::string, std::string>> told_skips_;  ///< path and code
  std::unique_ptr<Progress> progress_;
  std::optional<Instant> pending_since_;
  std::uint64_t most_pending_files_ = 0, most_pending_bytes_ = 0;
  std::optional<std::chrono::milliseconds> progress_interval_;
};

/// "2 files (3.1 MiB)"
[[nodiscard]] std::string files_text(std::uint64_t files, std::uint64_t bytes);

/// "2 paths"
[[nodiscard]] std::string paths_text(std::uint64_t paths);

/// What a sync would do, without doing it: `--dry-run`.
[[nodiscard]] Result<int> dry_run(Context& context, SyncOptions const& options, engine::Client& client,
                                  FolderPlace const& place);

/// The summary's frame: folder, devices, relays and time are filled in.
[[nodiscard]] Result<Json> sync_summary(engine::Client& client, FolderPlace const& place, bool dry_run,
                                        Instant started);
/// What is left alone in a folder.
[[nodiscard]] Result<engine::SkippedRow> skipped_row(engine::Client& client, FolderId const& folder);
/// [{"path","code"}] of what is named of it.
[[nodiscard]] Json skipped_json(engine::SkippedRow const& row);
[[nodiscard]] Json skipped_item_json(std::string const& path, std::string const& code);

}  // namespace kith::cli
