#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "relay/rules/store.hpp"

namespace kith::relay::server {

/// What a relay's storage is made of. Each part is used by one thread.
struct StoreParts {
  std::shared_ptr<RelayStore> writer;
  std::shared_ptr<RelayStore> reader;  ///< for requests that only read; null: the writer answers them
  /// Moves the write-ahead log into the database; empty: somebody else does, or there is none.
  std::function<void()> checkpoint;
};

/// Since the start.
struct ThreadFigures {
  std::uint64_t batches = 0;     ///< transactions of the writer
  std::uint64_t writes = 0;      ///< requests in them
  std::uint64_t reads = 0;       ///< requests of the reader
  std::uint64_t waiting = 0;     ///< requests now
  std::uint64_t writing_us = 0;  ///< time in the writer's transactions
  std::uint64_t slowest_batch_us = 0;
};

/// The threads that work on the storage: a writer, which takes all that waits into one transaction, a reader beside it,
/// and one that keeps the write-ahead log short. Requests come from one thread, the relay's.
class StoreThreads {
 public:
  /// Requests that may wait for one thread, and in one transaction: beyond it submit() says no and they wait with the
  /// relay, which refuses newcomers then.
  static constexpr std::size_t kMaxWaiting = 4096;
  static constexpr std::size_t kMaxBatch = 512;
  static constexpr auto kCheckpointEvery = std::chrono::milliseconds{500};

  /// @param deliver  is called with replies on a storage thread: it hands them over and returns
  StoreThreads(StoreParts parts, std::function<void(std::vector<StoreReply>)> deliver);
  /// Works off what was submitted; nothing is delivered after it returns.
  ~StoreThreads();

  [[nodiscard]] bool has_room() const;
  void submit(StoreRequest request);  ///< only where has_room()
  /// Runs on the writer's thread, between two transactions.
  void on_writer(std::function<void(RelayStore&)> work);
  /// Runs on both storage threads.
  void change(StoreLimits const& limits);
  [[nodiscard]] ThreadFigures figures() const;

 private:
  /// One thread's work, in order.
  struct Queue {
    std::mutex mutex;
    std::condition_variable news;
    std::deque<StoreRequest> requests;
    std::deque<std::function<void(RelayStore&)>> orders;
    bool ending = false;
  };
  void work(Queue& queue, RelayStore& store, bool writes);
  void keep_short();

  StoreParts parts_;
  std::function<void(std::vector<StoreReply>)> deliver_;
  mutable Queue writes_, reads_;
  std::mutex checkpoint_mutex_;
  std::condition_variable checkpoint_news_;
  bool ending_ = false;
  std::atomic<bool> written_ = false;
  std::atomic<std::uint64_t> batches_ = 0, write_count_ = 0, read_count_ = 0, writing_us_ = 0, slowest_us_ = 0;
  std::thread writer_, reader_, checkpointer_;
};

}  // namespace kith::relay::server
