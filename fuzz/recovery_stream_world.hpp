#pragma once

#include "property.hpp"
#include "support/played_recovery.hpp"
#include "support/test_device.hpp"

namespace kith::fuzz {

/// A device of a group, and somebody who has the words. All randomness is fixed, so that an input can hold messages
/// that fit.
struct RecoveryStreamWorld {
  static constexpr std::uint64_t kReaderSeed = 61, kGiverSeed = 62;
  static constexpr Instant kNow = Instant{} + std::chrono::hours{1};

  RecoveryStreamWorld() {
    testing::must(founder.replica.create_group("home", "founder", words, founder.now()));
    founder.push("a message");
    entries = founder.sealed_entries();
  }
  [[nodiscard]] GroupId group() const { return founder.replica.state().group(); }
  [[nodiscard]] wire::Genesis const& genesis() const { return founder.replica.state().genesis(); }

  core::RecoveryKeys words = testing::test_recovery(9);
  testing::TestDevice founder{1, "founder"};
  std::vector<Bytes> entries;
};

/// The giver under test, with what it gives and how much of that it has read.
struct WatchedGiver {
  explicit WatchedGiver(RecoveryStreamWorld const& world)
      : random(RecoveryStreamWorld::kGiverSeed),
        giver(world.founder.identity, world.genesis(), source, {.purpose = wire::Purpose::recovery}, random,
              RecoveryStreamWorld::kNow) {
    source.entries = world.entries;
  }
  void feed(ByteView bytes) {
    giver.on_bytes(bytes, RecoveryStreamWorld::kNow);
    while (testing::must(giver.poll_transmit(said, RecoveryStreamWorld::kNow))) continue;
  }
  void end_in_time() {
    giver.on_timer(RecoveryStreamWorld::kNow + core::RecoveryGiver::kStallTime);
    require(giver.done(), "a giver with a silent other side comes to its end");
  }
  testing::SeededRandom random;
  testing::ListedEntries source;
  core::RecoveryGiver giver;
  Bytes said;
};

/// The reader under test.
struct WatchedReader {
  explicit WatchedReader(RecoveryStreamWorld const& world)
      : random(RecoveryStreamWorld::kReaderSeed), reader(world.words, random) {
    say();
  }
  void feed(ByteView bytes) {
    if (!failed) failed = !reader.on_bytes(bytes, RecoveryStreamWorld::kNow).has_value();
    for (auto& each : reader.take_entries()) entries.push_back(std::move(each));
    say();
  }
  testing::SeededRandom random;
  core::RecoveryReader reader;
  Bytes said;
  std::vector<Bytes> entries;
  bool failed = false;

 private:
  void say() {
    while (reader.poll_transmit(said)) continue;
  }
};

}  // namespace kith::fuzz
