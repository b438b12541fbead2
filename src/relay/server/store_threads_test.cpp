#include "relay/server/store_threads.hpp"

#include <future>

#include <gtest/gtest.h>

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;

/// Notes which requests come together; can be held up.
struct SlowStore final : RelayStore {
  std::vector<StoreReply> work(std::span<StoreRequest const> requests) override {
    std::unique_lock lock(mutex);
    news.wait(lock, [this] { return !held; });
    batches.push_back(requests.size());
    std::vector<StoreReply> replies;
    for (auto const& request : requests) replies.push_back({request.ticket, Stored{}});
    return replies;
  }
  void change(StoreLimits const& limits) override {
    std::lock_guard const lock(mutex);
    max_groups = limits.max_groups;
  }
  void hold(bool on) {
    std::lock_guard const lock(mutex);
    held = on;
    news.notify_all();
  }
  std::mutex mutex;
  std::condition_variable news;
  bool held = false;
  std::vector<std::size_t> batches;
  std::uint64_t max_groups = 0;
};

struct StoreThreadsTest : ::testing::Test {
  void start(bool with_reader = true, std::function<void()> checkpoint = {}) {
    threads.emplace(StoreParts{writer, with_reader ? reader : nullptr, std::move(checkpoint)},
                    [this](std::vector<StoreReply> replies) {
                      std::lock_guard const lock(mutex);
                      for (auto const& reply : replies) tickets.push_back(reply.ticket.value);
                    });
  }
  void submit(std::uint64_t ticket, StoreTask task) { threads->submit({{ticket}, {}, std::move(task)}); }
  bool soon(std::function<bool()> const& holds) {
    for (int tries = 0; tries < 1000; ++tries) {
      {
        std::lock_guard const lock(mutex);
        if (holds()) return true;
      }
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  std::shared_ptr<SlowStore> writer = std::make_shared<SlowStore>(), reader = std::make_shared<SlowStore>();
  std::mutex mutex;
  std::vector<std::uint64_t> tickets;
  std::optional<StoreThreads> threads;
};

TEST_F(StoreThreadsTest, TakesAllThatWaitsIntoOneTransaction) {
  start();
  writer->hold(true);
  submit(1, Probe{});
  ASSERT_TRUE(soon([&] { return threads->figures().waiting == 0; }));
  for (std::uint64_t i = 2; i <= 100; ++i) submit(i, Probe{});
  EXPECT_EQ(threads->figures().waiting, 99U);
  writer->hold(false);
  ASSERT_TRUE(soon([&] { return tickets.size() == 100; }));
  EXPECT_TRUE(std::ranges::is_sorted(tickets));
  EXPECT_EQ(writer->batches, (std::vector<std::size_t>{1, 99}));
  EXPECT_EQ(threads->figures().batches, 2U);
  EXPECT_EQ(threads->figures().writes, 100U);
}

TEST_F(StoreThreadsTest, ReadsWhileTheWriterIsBusy) {
  start();
  writer->hold(true);
  submit(1, Probe{});
  submit(2, ReadAcl{});
  EXPECT_TRUE(soon([&] { return tickets == std::vector<std::uint64_t>{2}; }));
  writer->hold(false);
  EXPECT_TRUE(soon([&] { return tickets.size() == 2; }));
  EXPECT_EQ(threads->figures().reads, 1U);
}

TEST_F(StoreThreadsTest, LetsTheWriterReadWhereThereIsNoReader) {
  start(false);
  submit(1, ReadAcl{});
  EXPECT_TRUE(soon([&] { return tickets.size() == 1; }));
  EXPECT_EQ(writer->batches.size(), 1U);
}

TEST_F(StoreThreadsTest, SaysWhenItHasNoRoom) {
  start();
  writer->hold(true);
  for (std::uint64_t i = 0; threads->has_room() && i < 2 * StoreThreads::kMaxWaiting; ++i) submit(i, Probe{});
  EXPECT_FALSE(threads->has_room());
  EXPECT_LE(threads->figures().waiting, StoreThreads::kMaxWaiting);
  writer->hold(false);
  EXPECT_TRUE(soon([&] { return threads->has_room(); }));
}

TEST_F(StoreThreadsTest, WorksOffWhatWaitsBeforeItEnds) {
  start();
  writer->hold(true);
  for (std::uint64_t i = 1; i <= 1000; ++i) submit(i, Probe{});
  auto const ended = std::async(std::launch::async, [&] { threads.reset(); });
  EXPECT_EQ(ended.wait_for(50ms), std::future_status::timeout);
  writer->hold(false);
  ended.wait();
  EXPECT_EQ(tickets.size(), 1000U);
}

TEST_F(StoreThreadsTest, GivesOrdersToTheStoresBetweenTransactions) {
  start();
  StoreLimits limits;
  limits.max_groups = 77;
  threads->change(limits);
  std::promise<RelayStore*> ran;
  threads->on_writer([&](RelayStore& store) { ran.set_value(&store); });
  EXPECT_EQ(ran.get_future().get(), writer.get());
  threads.reset();
  EXPECT_EQ(writer->max_groups, 77U);
  EXPECT_EQ(reader->max_groups, 77U);
}

TEST_F(StoreThreadsTest, KeepsTheWriteAheadLogShortOnlyWhereThereWereWrites) {
  std::atomic<int> checkpoints = 0;
  start(true, [&] { ++checkpoints; });
  std::this_thread::sleep_for(StoreThreads::kCheckpointEvery * 3 / 2);
  EXPECT_EQ(checkpoints, 0);
  submit(1, Probe{});
  EXPECT_TRUE(soon([&] { return checkpoints == 1; }));
  std::this_thread::sleep_for(StoreThreads::kCheckpointEvery * 3 / 2);
  EXPECT_EQ(checkpoints, 1);
}

}  // namespace
}  // namespace kith::relay::server
