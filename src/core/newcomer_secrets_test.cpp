#include "support/raw_entry.hpp"
#include "support/secrets_fixture.hpp"

/// A device that is not in its roster yet cannot tell members from authors that somebody made up, and must read a long
/// history all the same.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct NewcomerSecrets : testing::SecretsFixture {
  /// Hands over an entry that waits for another one.
  void hand_over(TestDevice& to, Identity const& author, std::vector<EpochSecret> const& secrets, DeviceId const& from,
                 Tip const& need) {
    auto const body = testing::raw_body(author, {random.u64()}, {need}, op(secrets));
    auto const made = testing::raw_entry(body, author, a.replica, random);
    ASSERT_EQ(give(to, made.sealed, from).pending, 1U);
  }
  /// By so many authors that nobody knows, each with as many secrets as an entry may hold.
  void flood(TestDevice& to, std::size_t entries, DeviceId const& from) {
    for (std::size_t i = 0; i < entries; ++i) {
      hand_over(to, Identity::generate(random, {0}), secrets(kLimits.max_entry_secrets), from, never);
    }
  }
  static Received give(TestDevice& to, Bytes const& sealed, DeviceId const& from) {
    std::vector<ByteView> const items{sealed};
    return must(to.replica.receive(items, to.now(), from));
  }
  /// What `a` wrote under so many epochs.
  void write_under(std::size_t epochs) {
    for (std::size_t i = 0; i < epochs; ++i) {
      must(a.replica.rotate(a.now()));
      a.push(std::to_string(i));
    }
  }
  std::vector<Bytes> shuffled(std::vector<Bytes> items) {
    for (auto i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.u64() % i]);
    return items;
  }
  static void expect_saved(TestDevice& device) {
    TestDevice again(device.made_from, device.name, device.database->clone());
    must(again.replica.open());
    EXPECT_EQ(again.replica.state().secrets().size(), device.replica.state().secrets().size());
    EXPECT_EQ(again.replica.state().doubts_of_each(), device.replica.state().doubts_of_each());
  }

  TestDevice n{2, "n"};
  Tip const never = not_here();
  DeviceId const hostile = random.id<DeviceId>();
};

TEST_F(NewcomerSecrets, AreBoundedOverAllAuthors) {
  a.invite(n);
  flood(n, 2 * kLimits.max_newcomer_secrets / kLimits.max_entry_secrets, hostile);
  EXPECT_EQ(n.replica.state().doubts(), kLimits.max_newcomer_secrets);
  expect_saved(n);

  auto const one = secrets(1);
  hand_over(n, Identity::generate(random, {0}), one, hostile, never);
  EXPECT_EQ(n.replica.state().secret(epoch_id(a.replica.state().group(), one.front())), nullptr);
  auto const body = testing::raw_body(a.identity, {random.u64()}, {never}, {});
  auto const sealed = testing::raw_entry(body, a.identity, a.replica.state().group(), one.front(), random).sealed;
  EXPECT_EQ(give(n, sealed, hostile).pending, 1U) << "what is beyond is looked up";

  n.pull_from(a);
  ASSERT_TRUE(n.replica.self_active());
  EXPECT_EQ(n.replica.state().doubts(), kLimits.max_doubtful_secrets) << "of strangers no more than of others";
  expect_saved(n);
}

TEST_F(NewcomerSecrets, AreTakenFromWhoeverHandedOverMost) {
  a.invite(n);
  flood(n, kLimits.max_newcomer_secrets / kLimits.max_entry_secrets, hostile);
  auto const second = random.id<DeviceId>();
  flood(n, kLimits.max_newcomer_secrets / kLimits.max_entry_secrets, second);
  auto held = n.replica.state().doubts_of_each();
  EXPECT_EQ(held[hostile] + held[second], kLimits.max_newcomer_secrets);
  EXPECT_EQ(held[hostile], held[second]) << "and not beyond what the other one has";
  hand_over(n, a.identity, secrets(10), random.id<DeviceId>(), never);
  EXPECT_EQ(n.replica.state().doubts(), kLimits.max_newcomer_secrets);
  expect_saved(n);
}

/// Each epoch's secret is in an entry under the next one, and none of them is in use before the first entry is here.
TEST_F(NewcomerSecrets, OpenALongHistoryInAnyOrder) {
  constexpr std::size_t kEpochs = 120;
  write_under(kEpochs);
  a.invite(n);
  auto const history = a.sealed_entries();
  auto const empty = n.database->clone();
  for (int round = 0; round < 6; ++round) {
    bool const flooded = round % 2 == 1, one_by_one = round >= 4;
    TestDevice newcomer(n.made_from, n.name, empty->clone());
    must(newcomer.replica.open());
    if (flooded) {
      flood(newcomer, kLimits.max_newcomer_secrets / kLimits.max_entry_secrets, hostile);
      ASSERT_EQ(newcomer.replica.state().doubts(), kLimits.max_newcomer_secrets);
    }
    auto const items = round < 2 ? history : shuffled(history);
    if (one_by_one) {
      for (auto const& item : items) give(newcomer, item, a.identity.device());
    } else {
      std::vector<ByteView> const views(items.begin(), items.end());
      must(newcomer.replica.receive(views, newcomer.now(), a.identity.device()));
    }
    EXPECT_TRUE(newcomer.replica.self_active()) << round;
    EXPECT_EQ(newcomer.texts().size(), kEpochs) << round;
    EXPECT_EQ(must(newcomer.replica.heads()), must(a.replica.heads())) << round;
    EXPECT_LE(newcomer.replica.state().unused_secrets(), kLimits.max_doubtful_secrets) << round;
  }
}

/// Members' entries that wait count as strangers' when they are members no more.
TEST_F(NewcomerSecrets, OfRemovedMembersAreDroppedLikeStrangers) {
  a.invite(n);
  TestDevice b{3, "b"};
  a.invite(b);
  for (auto const* member : {&n, &b}) {
    for (int i = 0; i < 2; ++i) {
      hand_over(a, member->identity, secrets(kLimits.max_entry_secrets), member->identity.device(), never);
    }
  }
  ASSERT_EQ(a.replica.state().doubts(), 2 * kLimits.max_taught_secrets);
  for (auto const* member : {&n, &b}) {
    must(a.replica.remove_device(member->identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  }
  a.receive({});
  EXPECT_EQ(a.replica.state().doubts(), kLimits.max_doubtful_secrets);
  expect_saved(a);
}

}  // namespace
}  // namespace kith::core
