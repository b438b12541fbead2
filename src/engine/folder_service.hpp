#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/control.hpp"
#include "engine/folder_looks.hpp"
#include "engine/network.hpp"
#include "engine/skipped_list.hpp"
#include "engine/watcher.hpp"
#include "sync/files/folder_sync.hpp"

namespace kith::engine {

/// Keeps folders in step, on a thread of its own: every folder of this device that some process of the home is
/// interested in. Watches, scans, applies, and asks the network for the chunks that it lacks. How it goes is in each
/// folder's row.
///
/// Its thread owns it too. A disk that does not answer may hold the thread for ever: then it is left behind, and ends
/// should it ever come back.
class FolderService : public std::enable_shared_from_this<FolderService> {
 public:
  static constexpr auto kQuiet = std::chrono::milliseconds{60};         ///< no change for so long: look
  static constexpr auto kLongestWait = std::chrono::milliseconds{500};  ///< however busy it is
  static constexpr auto kRescan = std::chrono::hours{1};
  static constexpr auto kRescanUnwatched = std::chrono::seconds{10};  ///< where the system has no watches left
  static constexpr auto kLookAgain = std::chrono::milliseconds{150};  ///< for files that changed as they were read
  static constexpr auto kRetry = std::chrono::seconds{30};            ///< after what a person has to mend
  /// Between looks at a disk that was full or failed, at first; then ever longer, up to kRetry.
  static constexpr auto kRetryFirst = std::chrono::seconds{1};
  /// Between looks at files that the disk failed to read, at first and at last.
  static constexpr auto kReadFirst = std::chrono::seconds{1};
  static constexpr auto kReadLast = std::chrono::seconds{300};
  static constexpr auto kStalled = std::chrono::seconds{5};  ///< nothing has come for so long
  /// Between syncs of what came from relays into files that are not whole yet.
  static constexpr auto kKeepEvery = std::chrono::seconds{2};
  /// How often contents are asked for again that nobody had, at first and at last.
  static constexpr auto kSeekFirst = std::chrono::seconds{10};
  static constexpr auto kSeekLast = std::chrono::seconds{160};
  static constexpr auto kAskAgain = std::chrono::seconds{60};  ///< for chunks that did not come

  static constexpr auto kLookAtSilent = std::chrono::seconds{2};
  static constexpr auto kSilent = std::chrono::seconds{10};   ///< a disk that is slow to start answers before that
  static constexpr auto kStopTime = std::chrono::seconds{5};  ///< for the thread to end what it is at

  /// @param network  told until stop() has returned
  FolderService(Network& network, core::Identity const& identity, NetworkOptions const& options,
                std::shared_ptr<FolderLooks const> looks);
  ~FolderService();
  FolderService(FolderService const&) = delete;

  void start();
  /// Ends the thread, or leaves it behind where it does not end in time. Must be called before the network goes.
  void stop();
  // Any thread:
  void look();  ///< something may have changed
  /// @param by_relay  it came from a relay, where it is to go from once it is durably here
  void deliver(ChunkId const& id, ByteView bytes, bool by_relay);
  void deliver_missing(ChunkId const& id);  ///< nobody who is connected has it
  void contents_moved();                    ///< somebody came, or has contents that they had not

 private:
  struct Folder {
    explicit Folder(files::FolderContext context) : sync(std::move(context)) {}
    files::FolderSync sync;
    std::unique_ptr<Watcher> watcher;
    files::DeleteGuard guard;
    std::set<Bytes> interests;  ///< keys of the rows of those who want it
    files::FolderRow row;
    TallyRow tally;
    bool tally_moved = false;
    bool count_due = false;  ///< files came or went since they were counted
    std::set<std::string> dirty;
    bool all_dirty = true;
    Instant dirty_since;
    Instant last_event;
    std::optional<Instant> look_again;
    Instant next_rescan;
    std::chrono::seconds read_after = kReadFirst;
    std::optional<Instant> read_again;  ///< for files that the disk failed to read
    std::chrono::seconds retry_after = kRetryFirst;
    std::optional<Instant> retry;         ///< it is stopped until then
    std::optional<Instant> silent_since;  ///< its disk does not answer
    std::optional<Instant> space_retry;   ///< what does not fit on the disk waits until then
    bool apply_held = false;              ///< so does everything that applying does: it cannot even tidy up
    std::chrono::seconds seek_after = kSeekFirst;
    std::optional<Instant> seek_again;  ///< for contents that nobody had
    Instant last_seek;
    Instant last_kept;  ///< what was received was made durable
    Instant last_move;  ///< a chunk was asked for, or came
    SkippedList skipped;
    Instant ask_again;
    bool apply_due = true;
  };

  struct Delivered {
    ChunkId id;
    std::optional<Bytes> bytes;  ///< none: nobody has it
    bool by_relay = false;
  };

  void run();
  [[nodiscard]] Result<> work();
  [[nodiscard]] Result<> refresh_folders();
  [[nodiscard]] Result<> serve(Folder& folder);
  [[nodiscard]] Result<> wait_for_disk(Folder& folder);
  [[nodiscard]] Result<> scan(Folder& folder);
  [[nodiscard]] Result<> apply(Folder& folder);
  [[nodiscard]] Result<> stop_for(Folder& folder, Error const& error);
  [[nodiscard]] Result<> stop_folder(Folder& folder, std::string_view code, std::string subject);
  [[nodiscard]] Result<> put_stopped(Folder& folder, std::string_view code, std::string subject);
  [[nodiscard]] Result<> take_chunk(Folder& folder, Delivered const& chunk);
  [[nodiscard]] Result<> keep_received(Folder& folder);
  [[nodiscard]] static std::vector<files::Skipped> bad_names(Folder const& folder, std::set<std::string> const& paths);
  void read_again_in_time(Folder& folder, bool everything);
  [[nodiscard]] static Instant next_retry(Folder& folder);
  void try_again_in_time(Folder& folder, bool news);
  void ask_network(Folder& folder);
  [[nodiscard]] Result<> count_files(Folder& folder);
  void note_applied(Folder& folder, files::ApplyReport const& report);
  static void recall_skipped(Folder& folder, SkippedRow const& earlier);
  [[nodiscard]] Result<> note_scanned(Folder& folder, bool scanned);
  [[nodiscard]] Result<> note_skipped(Folder& folder);
  [[nodiscard]] Result<> put_row(Folder& folder, files::FolderState state);
  [[nodiscard]] Result<> leave(Folder& folder);
  [[nodiscard]] bool take_events(Folder& folder);
  [[nodiscard]] std::chrono::milliseconds wait_time() const;
  void wait();
  [[nodiscard]] bool stopping() const { return stopping_; }
  template <class Tell>
  void tell_network(Tell tell) {
    std::lock_guard const guard(network_mutex_);
    if (network_ != nullptr) tell(*network_);
  }

  std::mutex network_mutex_;
  Network* network_;  ///< null once the thread was left behind
  core::Identity const identity_;
  NetworkOptions options_;
  std::shared_ptr<FolderLooks const> looks_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> left_behind_{false};
  std::mutex end_mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  int wake_ = -1;  ///< eventfd
  std::mutex queue_mutex_;
  std::deque<Delivered> queue_;
  bool contents_moved_ = false;

  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Doorbell> bell_;
  std::map<FolderId, std::unique_ptr<Folder>> folders_;
};

}  // namespace kith::engine
