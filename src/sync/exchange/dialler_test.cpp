#include "sync/exchange/dialler.hpp"

#include <gtest/gtest.h>

#include "support/seeded_random.hpp"

namespace kith::sync {
namespace {

using namespace std::chrono_literals;

struct Dialling : ::testing::Test {
  Dialling() {
    peer.bytes[0] = 1;
    other.bytes[0] = 2;
  }
  /// Dials and reports a failure. @return how long the device waits now
  std::chrono::milliseconds fail_once() {
    now = dialler.next_due().value();
    EXPECT_EQ(dialler.next(now), peer);
    dialler.failed(peer, now);
    return std::chrono::duration_cast<std::chrono::milliseconds>(dialler.next_due().value() - now);
  }
  testing::SeededRandom random{5};
  Dialler dialler{random};
  Instant now = Instant{} + 1h;
  DeviceId peer, other;
};

TEST_F(Dialling, BeginsAtOnceAndWaitsLongerEachTime) {
  dialler.add(peer, now);
  EXPECT_EQ(dialler.next_due(), now);
  std::set<std::int64_t> jitters;
  for (auto const plain : {1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 30000ms, 30000ms, 30000ms}) {
    auto const waited = fail_once();
    EXPECT_GE(waited, plain * 3 / 4);
    EXPECT_LE(waited, plain * 5 / 4);
    jitters.insert((waited - plain) * 10'000 / plain);
  }
  EXPECT_GT(jitters.size(), 4U) << "no two devices in step";
}

TEST_F(Dialling, IsNotDueBeforeItsTime) {
  dialler.add(peer, now);
  EXPECT_EQ(dialler.next(now), peer);
  EXPECT_EQ(dialler.next(now), std::nullopt) << "under way";
  dialler.failed(peer, now);
  EXPECT_EQ(dialler.next(dialler.next_due().value() - 1ms), std::nullopt);
  EXPECT_EQ(dialler.next(dialler.next_due().value()), peer);
}

TEST_F(Dialling, CountsADialThatNobodyReportsOnAsFailed) {
  dialler.add(peer, now);
  EXPECT_EQ(dialler.next(now), peer);
  EXPECT_EQ(dialler.next(now + Dialler::kAttemptTime - 1ms), std::nullopt);
  EXPECT_EQ(dialler.next(now + Dialler::kAttemptTime), peer);
}

TEST_F(Dialling, RestsWhileConnectedAndIsQuickAfterwards) {
  dialler.add(peer, now);
  for (int i = 0; i < 6; ++i) static_cast<void>(fail_once());
  dialler.connected(peer);
  EXPECT_EQ(dialler.next_due(), std::nullopt);
  dialler.failed(peer, now);  // another dial of the same device
  EXPECT_EQ(dialler.next_due(), std::nullopt);
  dialler.hurry_all(now);
  EXPECT_EQ(dialler.next(now + 1h), std::nullopt);
  dialler.lost(peer, now);
  EXPECT_LE(dialler.next_due().value(), now + 1250ms);
}

TEST_F(Dialling, HurriesWhenSomethingSuggestsIt) {
  dialler.add(peer, now);
  dialler.add(other, now + 1min);
  for (int i = 0; i < 6; ++i) static_cast<void>(fail_once());
  dialler.hurry(peer, now);
  EXPECT_LE(fail_once(), 1250ms) << "the waits begin anew";
  EXPECT_EQ(dialler.next(now), std::nullopt);
  dialler.hurry_all(now);
  EXPECT_TRUE(dialler.next(now) && dialler.next(now));
}

TEST_F(Dialling, ForgetsWhoIsNotWantedAnyMore) {
  dialler.add(peer, now);
  dialler.remove(peer);
  dialler.lost(peer, now);
  dialler.failed(peer, now);
  dialler.hurry(peer, now);
  EXPECT_EQ(dialler.next(now + 1h), std::nullopt);
}

}  // namespace
}  // namespace kith::sync
