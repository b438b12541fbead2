#pragma once

#include <gtest/gtest.h>

#include "core/stored_entries.hpp"
#include "support/played_recovery.hpp"
#include "support/test_device.hpp"

namespace kith::testing {

/// A group of two, and somebody who has its words.
struct RecoveryPair : ::testing::Test {
  RecoveryPair() {
    must(a.replica.create_group("home", "laptop", words, a.now()));
    a.invite(b);
    b.pull_from(a);
    for (int i = 0; i < 5; ++i) a.push("from a");
    b.pull_from(a);
    b.push("from b");
    a.pull_from(b);
  }

  core::RecoveryGiver giver_of(TestDevice& device, core::SealedSource& source,
                               wire::Opening const& opening = {.purpose = wire::Purpose::recovery}) {
    return {device.identity, device.replica.state().genesis(), source, opening, device.random, at};
  }
  Bytes said_by(core::RecoveryGiver& giver) {
    Bytes out;
    while (must(giver.poll_transmit(out, at))) continue;
    return out;
  }
  static Bytes said_by(core::RecoveryReader& reader) {
    Bytes out;
    while (reader.poll_transmit(out)) continue;
    return out;
  }
  /// What is behind the opening.
  static Bytes behind_opening(Bytes bytes) {
    bytes.erase(bytes.begin(), bytes.begin() + wire::Opening::kBytes);
    return bytes;
  }
  /// Carries bytes between the two until nobody has more to say.
  Result<> talk(core::RecoveryReader& reader, core::RecoveryGiver& giver) {
    giver.on_bytes(behind_opening(said_by(reader)), at);
    for (;;) {
      auto const to_reader = said_by(giver);
      KITH_CHECK(reader.on_bytes(to_reader, at));
      auto const to_giver = said_by(reader);
      if (to_reader.empty() && to_giver.empty()) return {};
      giver.on_bytes(to_giver, at);
    }
  }

  core::RecoveryKeys words = test_recovery(77), other_words = test_recovery(78);
  TestDevice a{1, "laptop"}, b{2, "desktop"}, r{9, "again"};
  Instant at = Instant{} + std::chrono::hours{1};
};

}  // namespace kith::testing
