#include "engine/invites.hpp"

#include <gtest/gtest.h>

#include "store/memory_store.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::engine {
namespace {

using core::InviteState;
using kith::testing::must;

struct StoredInvite : ::testing::Test {
  [[nodiscard]] InviteState state() { return invites.find(lookup()).value().state; }
  [[nodiscard]] wire::Lookup const& lookup() const { return created.code.lookup; }

  kith::testing::SeededRandom random{1};
  core::StorageKey key = random.secret<core::StorageKey>();
  std::shared_ptr<store::MemoryDatabase> database = std::make_shared<store::MemoryDatabase>();
  store::MemoryStore store{database};
  WallTime wall{1'800'000'000'000};
  StoredInvites invites{store, key, [this] { return wall; }};
  StoredInvites::Created created = must(invites.create(std::chrono::minutes{10}, false, random));
};

TEST_F(StoredInvite, IsBurntByThreeTriesThatWereNotTakenBack) {
  EXPECT_EQ(invites.begin_try(lookup()), 2);
  EXPECT_EQ(invites.begin_try(lookup()), 1);
  invites.try_succeeded(lookup());
  EXPECT_EQ(invites.begin_try(lookup()), 1);
  EXPECT_EQ(state(), InviteState::open);
  EXPECT_EQ(invites.begin_try(lookup()), 0);
  EXPECT_EQ(state(), InviteState::voided);
  EXPECT_EQ(invites.find(created.link_lookup)->state, InviteState::open) << "the twin has tries of its own";
}

TEST_F(StoredInvite, IsBurntAsWellOnceItIsUsed) {
  must(invites.settle(lookup(), InviteState::used, random.id<DeviceId>()));
  EXPECT_EQ(state(), InviteState::used);
  for (int left : {2, 1, 0}) EXPECT_EQ(invites.begin_try(lookup()), left);
  EXPECT_EQ(state(), InviteState::voided);
  wall.ms += 11 * 60 * 1000;
  EXPECT_EQ(state(), InviteState::expired);
}

/// The caller says nothing then: a try that nobody counted would be a guess for nothing.
TEST_F(StoredInvite, CountsOrSaysThatItCannot) {
  {
    store::MemoryStore other(database);
    auto const busy = must(store::Transaction::begin(other));
    EXPECT_EQ(invites.begin_try(lookup()), std::nullopt);
  }
  EXPECT_EQ(invites.begin_try({"ZZZZZZZZ"}), std::nullopt) << "gone meanwhile";
  EXPECT_EQ(invites.begin_try(lookup()), 2);
  database->crash();
  EXPECT_EQ(invites.begin_try(lookup()), std::nullopt);
}

}  // namespace
}  // namespace kith::engine
