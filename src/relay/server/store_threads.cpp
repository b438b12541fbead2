#include "relay/server/store_threads.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "relay/server/thread.hpp"

namespace kith::relay::server {

StoreThreads::StoreThreads(StoreParts parts, std::function<void(std::vector<StoreReply>)> deliver)
    : parts_(std::move(parts)), deliver_(std::move(deliver)) {
  writer_ = start_thread([this] { work(writes_, *parts_.writer, true); });
  if (parts_.reader) reader_ = start_thread([this] { work(reads_, *parts_.reader, false); });
  if (parts_.checkpoint) checkpointer_ = start_thread([this] { keep_short(); });
}

StoreThreads::~StoreThreads() {
  for (auto* queue : {&writes_, &reads_}) {
    std::lock_guard const lock(queue->mutex);
    queue->ending = true;
    queue->news.notify_one();
  }
  writer_.join();
  if (reader_.joinable()) reader_.join();
  {
    std::lock_guard const lock(checkpoint_mutex_);
    ending_ = true;
    checkpoint_news_.notify_one();
  }
  if (checkpointer_.joinable()) checkpointer_.join();
}

bool StoreThreads::has_room() const {
  return std::ranges::all_of(std::array{&writes_, &reads_}, [](auto* queue) {
    std::lock_guard const lock(queue->mutex);
    return queue->requests.size() < kMaxWaiting;
  });
}

void StoreThreads::submit(StoreRequest request) {
  auto& queue = parts_.reader && only_reads(request.task) ? reads_ : writes_;
  std::lock_guard const lock(queue.mutex);
  queue.requests.push_back(std::move(request));
  queue.news.notify_one();
}

void StoreThreads::on_writer(std::function<void(RelayStore&)> order) {
  std::lock_guard const lock(writes_.mutex);
  writes_.orders.push_back(std::move(order));
  writes_.news.notify_one();
}

void StoreThreads::change(StoreLimits const& limits) {
  for (auto* queue : {&writes_, &reads_}) {
    if (queue == &reads_ && !parts_.reader) continue;
    std::lock_guard const lock(queue->mutex);
    queue->orders.emplace_back([limits](RelayStore& store) { store.change(limits); });
    queue->news.notify_one();
  }
}

void StoreThreads::work(Queue& queue, RelayStore& store, bool writes) {
  std::vector<StoreRequest> batch;
  std::deque<std::function<void(RelayStore&)>> orders;
  while (true) {
    {
      std::unique_lock lock(queue.mutex);
      queue.news.wait(lock, [&] { return queue.ending || !queue.requests.empty() || !queue.orders.empty(); });
      if (queue.requests.empty() && queue.orders.empty()) return;
      auto const count = static_cast<std::ptrdiff_t>(std::min(queue.requests.size(), kMaxBatch));
      batch.assign(std::move_iterator(queue.requests.begin()), std::move_iterator(queue.requests.begin() + count));
      queue.requests.erase(queue.requests.begin(), queue.requests.begin() + count);
      orders.swap(queue.orders);
    }
    for (auto const& order : orders) order(store);
    orders.clear();
    if (batch.empty()) continue;
    auto const begin = Clock::now();
    auto replies = store.work(batch);
    auto const took =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count());
    (writes ? write_count_ : read_count_) += batch.size();
    if (writes) {
      ++batches_;
      writing_us_ += took;
      slowest_us_ = std::max(slowest_us_.load(), took);
      written_ = true;
    }
    deliver_(std::move(replies));
  }
}

void StoreThreads::keep_short() {
  std::unique_lock lock(checkpoint_mutex_);
  while (!checkpoint_news_.wait_for(lock, kCheckpointEvery, [this] { return ending_; })) {
    if (!written_.exchange(false)) continue;
    lock.unlock();
    parts_.checkpoint();
    lock.lock();
  }
}

ThreadFigures StoreThreads::figures() const {
  ThreadFigures figures{batches_, write_count_, read_count_, 0, writing_us_, slowest_us_};
  for (auto* queue : {&writes_, &reads_}) {
    std::lock_guard const lock(queue->mutex);
    figures.waiting += queue->requests.size();
  }
  return figures;
}

}  // namespace kith::relay::server
