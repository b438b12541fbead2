#include "support/raw_entry.hpp"
#include "support/secrets_fixture.hpp"

/// A secret that was taken stays for good, and costs with every stranger's hello: who may teach us some, and how many.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct SecretsBounds : testing::SecretsFixture {
  SecretsBounds() {
    a.invite(b);
    b.pull_from(a);
  }
  [[nodiscard]] std::vector<wire::Op> renames(std::size_t count) const {
    std::vector<wire::Op> ops;
    for (std::size_t i = 0; i < count; ++i) ops.emplace_back(wire::DeviceRename{b.identity.device(), "b"});
    return ops;
  }
  /// The first entry of a log by `author`, sealed under an epoch that `a` knows.
  core::Received give(Identity const& author, std::vector<Tip> tips, std::vector<wire::Op> const& ops) {
    auto const body = testing::raw_body(author, {random.u64()}, std::move(tips), ops);
    return a.receive({testing::raw_entry(body, author, a.replica, random).sealed});
  }
  [[nodiscard]] Bytes sealed_under(EpochSecret const& secret) {
    auto const body = testing::raw_body(b.identity, {random.u64()}, must(a.replica.tips()), {});
    return testing::raw_entry(body, b.identity, a.replica.state().group(), secret, random).sealed;
  }
  [[nodiscard]] std::size_t known() const { return a.replica.state().secrets().size(); }

  TestDevice b{2, "b"};
  Identity stranger = Identity::generate(random, {0});
};

TEST_F(SecretsBounds, OfEntriesThatAreNotLetInNoneIsTaken) {
  auto const before = known();
  EXPECT_EQ(give(stranger, must(a.replica.tips()), op(secrets(10))).refused, 1U);
  EXPECT_EQ(known(), before);
  TestDevice again(1, "a", a.database);
  must(again.replica.open());
  EXPECT_EQ(again.replica.state().secrets().size(), before);
}

TEST_F(SecretsBounds, OfMembersAllAreTakenEvenBeforeTheirPastIsHere) {
  auto const before = known();
  EXPECT_EQ(give(b.identity, {not_here()}, op(secrets(10))).pending, 1U);
  EXPECT_EQ(known(), before + 10);
  EXPECT_EQ(give(b.identity, must(a.replica.tips()), op(secrets(7))).applied, 1U);
  EXPECT_EQ(known(), before + 17);
}

/// A device that is not known yet may be a member all the same, and what says so sealed under what it hands on.
TEST_F(SecretsBounds, OfWhoeverMayBeAStrangerSoManyAreTaken) {
  auto const before = known();
  EXPECT_EQ(give(stranger, {not_here()}, op(secrets(10))).pending, 1U);
  EXPECT_EQ(known(), before + 10);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(give(Identity::generate(random, {0}), {not_here()}, op(secrets(kLimits.max_entry_secrets))).pending, 1U);
  }
  EXPECT_LT(known(), kLimits.max_doubtful_secrets + kLimits.max_entry_secrets);
  auto const filled = known();
  EXPECT_EQ(give(b.identity, {not_here()}, op(secrets(10))).pending, 1U);
  EXPECT_EQ(known(), filled + 10) << "members are heard as before";
}

/// What one member brings and nothing uses is kept up to a number; the rest is found when something is sealed under it.
TEST_F(SecretsBounds, OfOneMemberSoManyAreKeptAndNoneIsLost) {
  auto const before = known();
  std::vector<EpochSecret> handed_on;
  for (int i = 0; i < 5; ++i) {
    auto const some = secrets(kLimits.max_entry_secrets);
    for (auto const& secret : some) handed_on.push_back(secret.clone());
    auto const tips = i == 4 ? std::vector{not_here()} : must(a.replica.tips());  // the last one has to wait
    EXPECT_EQ(give(b.identity, tips, op(some)).refused, 0U);
  }
  EXPECT_EQ(known(), before + kLimits.max_taught_secrets);
  EXPECT_EQ(give(a.identity, {not_here()}, op(secrets(10))).pending, 1U);
  EXPECT_EQ(known(), before + kLimits.max_taught_secrets + 10) << "others are heard as before";

  TestDevice again(1, "a", a.database);
  must(again.replica.open());
  auto expected = known();
  for (std::size_t const which : {std::size_t{3 * kLimits.max_entry_secrets}, handed_on.size() - 1}) {
    auto const& secret = handed_on[which];
    ASSERT_EQ(again.replica.state().secret(epoch_id(a.replica.state().group(), secret)), nullptr);
    auto const item = sealed_under(secret);
    EXPECT_EQ(again.receive({item}).applied, 1U) << "it opens, " << which;
    EXPECT_EQ(again.replica.state().secrets().size(), ++expected) << "what is used is kept";
  }
  EXPECT_EQ(a.receive({sealed_under(random.secret<EpochSecret>())}).unopened, 1U);
}

/// Where a secret is that there was no room for needs to be known no longer than until it is kept.
TEST_F(SecretsBounds, OfThoseKeptItIsNotNotedWhereTheyAre) {
  TestDevice c{3, "c"};
  a.invite(c);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(give(b.identity, must(a.replica.tips()), op(secrets(kLimits.max_entry_secrets))).applied, 1U);
  }
  ASSERT_EQ(a.replica.state().unused_secrets_of(b.identity.device()), kLimits.max_taught_secrets);
  EXPECT_EQ(rows("offered/"), 0U);
  auto const beyond = secrets(20);
  auto const only = [&](std::size_t which) {
    std::vector<EpochSecret> list;
    list.push_back(beyond[which].clone());
    return op(list);
  };
  ASSERT_EQ(give(b.identity, must(a.replica.tips()), op(beyond)).applied, 1U);
  EXPECT_EQ(rows("offered/"), 20U);
  EXPECT_EQ(a.receive({sealed_under(beyond[0])}).applied, 1U);
  EXPECT_EQ(rows("offered/"), 19U) << "it is in use";
  EXPECT_EQ(give(c.identity, must(a.replica.tips()), only(1)).applied, 1U);
  EXPECT_EQ(rows("offered/"), 18U) << "c has room";
  EXPECT_EQ(give(c.identity, {not_here()}, only(2)).pending, 1U);
  EXPECT_EQ(give(c.identity, {not_here()}, only(3)).pending, 1U);
  EXPECT_EQ(rows("offered/"), 18U) << "kept only as long as these wait";
  EXPECT_EQ(a.receive({sealed_under(beyond[2])}).applied, 1U);
  EXPECT_EQ(rows("offered/"), 17U);
  EXPECT_EQ(give(c.identity, must(a.replica.tips()), only(3)).applied, 1U);
  EXPECT_EQ(rows("offered/"), 16U);
  EXPECT_EQ(give(b.identity, must(a.replica.tips()), op(beyond)).applied, 1U);
  EXPECT_EQ(rows("offered/"), 16U) << "nor is it noted again";

  TestDevice again(1, "a", a.database);
  must(again.replica.open());
  for (auto const& secret : beyond) EXPECT_EQ(again.receive({sealed_under(secret)}).applied, 1U);
  EXPECT_EQ(rows("offered/"), 0U);
}

/// Were only those of known authors taken, `b` would wait for ever: what adds `d` is sealed under a secret that `d`
/// hands on.
TEST_F(SecretsBounds, OfANewMemberTheyOpenWhatMakesItOne) {
  TestDevice c{3, "c"}, d{4, "d"}, late{5, "late"};
  a.invite(c);
  c.pull_from(a);
  c.invite(late);
  late.pull_from(c);
  must(a.replica.rotate(a.now()));  // does not know of `late`
  auto const unknown = a.replica.sealing_epoch().value();
  a.invite(d);
  d.pull_from(a);
  c.pull_from(a);
  d.pull_from(c);
  ASSERT_TRUE(d.replica.state().roster().active(late.identity.device()));
  d.push("hello");
  ASSERT_NE(d.replica.sealing_epoch(), unknown) << "it has rotated for everybody";
  late.pull_from(d);
  EXPECT_EQ(late.texts(), std::vector<std::string>{"hello"});
  EXPECT_NE(late.replica.state().secret(unknown), nullptr);
}

TEST_F(SecretsBounds, EntriesWithTooManyAreRefused) {
  auto const refused = give(b.identity, must(a.replica.tips()), op(secrets(kLimits.max_entry_secrets + 1)));
  ASSERT_TRUE(refused.refusal);
  EXPECT_TRUE(refused.refusal->is(CoreError::bad_entry));
  auto ops = op(secrets(kLimits.max_entry_secrets));
  ops.emplace_back(wire::EpochSecrets{secrets(1)});
  EXPECT_EQ(give(b.identity, must(a.replica.tips()), ops).refused, 1U) << "over all ops";
  EXPECT_EQ(give(b.identity, must(a.replica.tips()), op(secrets(kLimits.max_entry_secrets))).applied, 1U);
}

/// Compressed, tens of thousands of equal ops fit into one small entry.
TEST_F(SecretsBounds, EntriesWithTooManyRosterOpsAreRefused) {
  auto ops = renames(kLimits.max_roster_ops);
  EXPECT_EQ(give(b.identity, must(a.replica.tips()), ops).applied, 1U);
  ops.emplace_back(wire::DevicePause{b.identity.device(), true});
  auto const refused = give(b.identity, must(a.replica.tips()), ops);
  ASSERT_TRUE(refused.refusal);
  EXPECT_TRUE(refused.refusal->is(CoreError::bad_entry));
  ops.pop_back();
  for (int i = 0; i < 100; ++i) ops.emplace_back(wire::Message{"t", 0, {Bytes{'x'}}});
  EXPECT_EQ(give(b.identity, must(a.replica.tips()), ops).applied, 1U) << "others are not counted";
}

/// What is written at once goes into as many entries as it takes, whatever begins the log.
TEST_F(SecretsBounds, WritersKeepBelow) {
  must(b.replica.start_incarnation());
  auto ops = renames(3 * kLimits.max_roster_ops);
  for (std::size_t i = 0; i < 3; ++i) ops.emplace_back(wire::EpochSecrets{secrets(300)});
  EXPECT_EQ(must(b.replica.write(std::move(ops), b.now())).size(), 3 * kLimits.max_roster_ops + 3);
  EXPECT_EQ(a.pull_from(b).refused, 0U);
  EXPECT_GE(known(), 900U);
}

/// A stranger's hello is held against so many: those that members are likely to know come first.
TEST_F(SecretsBounds, EpochsInUseComeFirst) {
  for (int i = 0; i < 5; ++i) must(a.replica.rotate(a.now()));
  auto const used_only = random.secret<EpochSecret>();
  ASSERT_EQ(a.receive({sealed_under(used_only)}).unopened, 1U);
  std::vector<EpochSecret> first;
  first.push_back(used_only.clone());
  ASSERT_EQ(give(b.identity, must(a.replica.tips()), op(first)).applied, 2U);
  ASSERT_EQ(give(b.identity, must(a.replica.tips()), op(secrets(50))).applied, 1U);

  TestDevice c{3, "c"};
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::DeviceAdd{c.identity.cert, c.name, a.replica.sealing_epoch().value(), std::nullopt});
  wire::PairWelcomeBox welcome;
  welcome.device_add = must(a.replica.write(std::move(ops), a.now())).front().entry;
  welcome.genesis = wire::decode<wire::Genesis>(wire::encode(a.replica.state().genesis())).value();
  welcome.secrets = a.replica.secrets_for_newcomer();
  for (auto& secret : secrets(20)) welcome.secrets.push_back(std::move(secret));
  must(c.replica.adopt_group(welcome, c.now()));
  c.pull_from(a);
  auto const waits = testing::raw_body(b.identity, {random.u64()}, {not_here()}, op(secrets(50)));
  ASSERT_EQ(c.receive({testing::raw_entry(waits, b.identity, a.replica, random).sealed}).pending, 1U);

  auto const& state = c.replica.state();
  auto const all = c.replica.epochs_newest_first(10'000);
  ASSERT_EQ(all.size(), 6U + 1 + 20 + 50 + 50);
  EXPECT_EQ(std::set<EpochId>(all.begin(), all.end()), state.known_epochs());
  auto const valid = state.book().valid();
  ASSERT_EQ(valid.size(), 6U);
  for (std::size_t i = 0; i < valid.size(); ++i) EXPECT_EQ(all[i], valid[i].id);
  EXPECT_EQ(all[6], epoch_id(state.group(), used_only));
  for (std::size_t i = 7; i < all.size(); ++i) {
    EXPECT_EQ(state.taught().contains(all[i]), i >= 27) << i;
    EXPECT_EQ(state.in_doubt(all[i]), i >= 77) << i;
  }
  for (std::size_t const most : {3U, 7U, 20U, 40U, 80U}) {
    EXPECT_EQ(c.replica.epochs_newest_first(most),
              std::vector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(most)));
  }
}

/// A date far ahead must not put off the next rotation for good.
TEST_F(SecretsBounds, ARotationDatedAheadGetsOldAllTheSame) {
  constexpr std::int64_t kDay = 24LL * 60 * 60 * 1000;
  b.clock_ms += 3650 * kDay;
  must(b.replica.rotate(b.now()));
  auto const epoch = b.replica.sealing_epoch();
  a.pull_from(b);
  ASSERT_EQ(a.replica.sealing_epoch(), epoch);
  auto due = a.replica.upkeep_due(a.now().wall);
  ASSERT_TRUE(due && due->by_age);
  EXPECT_LE(due->after, Replica::kEpochLifetime);
  a.clock_ms += 31 * kDay;
  TestDevice again(1, "a", a.database);
  must(again.replica.open());
  due = again.replica.upkeep_due(a.now().wall);
  ASSERT_TRUE(due && due->by_age);
  EXPECT_EQ(due->after.count(), 0);
  must(a.replica.do_upkeep(due->kind, a.now()));
  due = a.replica.upkeep_due(a.now().wall);
  ASSERT_TRUE(due);
  EXPECT_GT(due->after.count(), 29 * kDay) << "and only once";
}

}  // namespace
}  // namespace kith::core
