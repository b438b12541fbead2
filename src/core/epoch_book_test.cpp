#include "core/epoch_book.hpp"

#include <gtest/gtest.h>

#include "support/scenario.hpp"

namespace kith::core {
namespace {

using testing::EventNo;
using testing::Scenario;

struct EpochRules : ::testing::Test, Scenario {
  [[nodiscard]] RosterOp rotate(std::uint64_t number, std::vector<std::uint8_t> const& recipients,
                                std::vector<EpochId> carries = {}) const {
    Rotation rotation{number, {}, std::move(carries)};
    for (auto const recipient : recipients) rotation.recipients.push_back(device(recipient));
    return rotation;
  }
  [[nodiscard]] EpochBook book() const { return graph().book(); }
  [[nodiscard]] std::vector<EpochId> valid() const {
    std::vector<EpochId> ids;
    auto const known = book();
    for (auto const& one : known.valid()) ids.push_back(one.id);
    return ids;
  }
};

TEST_F(EpochRules, AGroupBeginsWithEpochOne) {
  ASSERT_EQ(book().valid().size(), 1U);
  EXPECT_EQ(book().valid()[0].number, 1U);
  EXPECT_EQ(book().valid()[0].id, epoch_of(0));
  EXPECT_TRUE(book().recipients_are(epoch_of(0), {device(1)}));
}

TEST_F(EpochRules, EachNumberFollowsTheLargestInItsPast) {
  auto const second = write(1, {}, {rotate(2, {1})});
  write(1, {}, {rotate(4, {1})});
  auto const third = write(1, {}, {rotate(3, {1})});
  write(1, {}, {rotate(2, {1})});
  EXPECT_EQ(valid(), (std::vector<EpochId>{epoch_of(third), epoch_of(second), epoch_of(0)}));
}

/// A number that does not fit, however large, moves no later one.
TEST_F(EpochRules, AVoidNumberCountsForNothing) {
  write(1, {}, {rotate(~std::uint64_t{0}, {1})});
  write(1, {}, {rotate(0, {1})});
  auto const second = write(1, {}, {rotate(2, {1})});
  EXPECT_EQ(valid().front(), epoch_of(second));
  EXPECT_EQ(book().next_number(graph().past(second)), 3U);
}

TEST_F(EpochRules, OfConcurrentEpochsWithOneNumberTheLargerIdIsLarger) {
  auto const two = write(1, {}, {add(2)});
  auto const mine = write(1, {}, {rotate(2, {1, 2})});
  auto const theirs = write(2, {two}, {rotate(2, {1, 2})});
  EXPECT_EQ(valid(), (std::vector<EpochId>{epoch_of(theirs), epoch_of(mine), epoch_of(0)}));
  EXPECT_EQ(book().largest({epoch_of(mine), epoch_of(0)})->id, epoch_of(mine)) << "the other one's secret is not here";
  EXPECT_FALSE(book().largest({}));
}

TEST_F(EpochRules, ARemovedDeviceStartsNoEpoch) {
  auto const two = write(1, {}, {add(2)});
  auto const known = write(2, {two}, {rotate(2, {1, 2})});
  write(1, {known}, {remove(2)});
  auto const late = write(2, {}, {rotate(3, {2})});
  EXPECT_EQ(valid(), (std::vector<EpochId>{epoch_of(known), epoch_of(0)}));
  EXPECT_EQ(book().next_number(graph().past(late)), 4U) << "its number fits all the same: that is a matter of its past";
}

TEST_F(EpochRules, RecipientsAreTheListAndWhoeverWasAddedUnderTheEpoch) {
  auto const two = write(1, {}, {add(2)});
  EXPECT_TRUE(book().recipients_are(epoch_of(0), {device(2), device(1)}));
  EXPECT_FALSE(book().recipients_are(epoch_of(0), {device(1)}));
  auto const second = write(1, {}, {rotate(2, {1, 2})});
  epoch = epoch_of(second);
  EXPECT_TRUE(book().recipients_are(epoch, {device(1), device(2)}));
  write(1, {}, {remove(2)});
  write(2, {two, second}, {add(3)});  // void, but 3 has been given the secret
  EXPECT_TRUE(book().recipients_are(epoch, {device(1), device(2), device(3)}));
  EXPECT_FALSE(book().recipients_are(epoch, {device(1)}));
  EXPECT_FALSE(book().recipients_are(epoch_of(99), {}));
}

TEST_F(EpochRules, EpochsCarryThoseWhoseSecretsRideInsideAndWhatTheseCarry) {
  auto const two = write(1, {}, {add(2)});
  auto const second = write(1, {}, {rotate(2, {1, 2}, {epoch_of(0)})});
  auto const rival = write(2, {two}, {rotate(2, {1, 2})});
  auto const third = write(1, {rival}, {rotate(3, {1, 2}, {epoch_of(second)})});
  EXPECT_EQ(book().carried_by(epoch_of(0)), (std::set<EpochId>{epoch_of(0)}));
  EXPECT_EQ(book().carried_by(epoch_of(third)), (std::set<EpochId>{epoch_of(0), epoch_of(second), epoch_of(third)}));
  epoch = epoch_of(third);
  write(2, {third}, {HandedOn{{epoch_of(rival)}}});
  EXPECT_EQ(book().carried_by(epoch_of(third)).size(), 4U);
}

/// What only set aside entries hand on, others may not have.
TEST_F(EpochRules, WhatIsSetAsideCarriesNothing) {
  auto const two = write(1, {}, {add(2)});
  write(1, {}, {remove(2)});
  auto const late = write(2, {two}, {rotate(2, {2}, {epoch_of(0)})});
  EXPECT_EQ(book().carried_by(epoch_of(late)), (std::set<EpochId>{epoch_of(late)}));
}

TEST_F(EpochRules, NumbersDoNotDependOnHowChainsAreNumbered) {
  auto const two = write(1, {}, {add(2)});
  auto const first = write(1, {}, {rotate(2, {1})});
  go_on_from(1, two);
  auto const branch = write(1, {}, {rotate(2, {1})});
  auto const on_branch = write(1, {}, {rotate(3, {1})});
  testing::LocalGraph const one(history, {0, two, first, branch, on_branch});
  testing::LocalGraph const other(history, {0, two, branch, on_branch, first});
  EXPECT_EQ(one.conclusions(), other.conclusions());
  EXPECT_EQ(one.book().next_number(one.past(on_branch)), 4U);
  EXPECT_EQ(other.book().next_number(other.past(first)), 3U);
}

}  // namespace
}  // namespace kith::core
