#include "core/waiting_room.hpp"
#include "support/raw_entry.hpp"
#include "support/secrets_fixture.hpp"

/// What entries leave behind that are not let in, give way, or come in many seals: nothing.
namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct DoubtfulSecrets : testing::SecretsFixture {
  DoubtfulSecrets() {
    a.invite(b);
    b.pull_from(a);
  }
  /// The first entry of a log.
  testing::RawMade made(Identity const& author, std::vector<Tip> tips, std::vector<EpochSecret> const& secrets) {
    return testing::raw_entry(testing::raw_body(author, {random.u64()}, std::move(tips), op(secrets)), author,
                              a.replica, random);
  }
  testing::RawMade sealed_under(EpochSecret const& secret, std::vector<Tip> tips) {
    return testing::raw_entry(testing::raw_body(b.identity, {random.u64()}, std::move(tips), {}), b.identity,
                              a.replica.state().group(), secret, random);
  }
  Received give(Bytes const& sealed, DeviceId const& from) {
    std::vector<ByteView> const items{sealed};
    return must(a.replica.receive(items, a.now(), from));
  }
  /// Secrets that `a` keeps, and that its database does.
  [[nodiscard]] std::size_t known() {
    TestDevice again(1, "a", a.database->clone());
    must(again.replica.open());
    EXPECT_EQ(again.replica.state().secrets().size(), a.replica.state().secrets().size());
    return a.replica.state().secrets().size();
  }
  [[nodiscard]] bool knows(EpochSecret const& secret) const {
    return a.replica.state().secret(epoch_id(a.replica.state().group(), secret)) != nullptr;
  }
  void expect_no_rows_left() {
    for (auto const* prefix : {"offered/", "held/", "holds/", "in_doubt/", "taught_by/", "pending_bytes/"}) {
      EXPECT_EQ(rows(prefix), 0U) << prefix;
    }
    EXPECT_EQ(rows("", Table::pending) + rows("", Table::waiting), 0U);
  }
  /// An entry of `b` that is not here yet: what others can wait for.
  testing::RawMade late() { return made(b.identity, must(a.replica.tips()), {}); }

  TestDevice b{2, "b"};
  Identity stranger = Identity::generate(random, {0});
  DeviceId const flood = random.id<DeviceId>(), honest = random.id<DeviceId>();
};

TEST_F(DoubtfulSecrets, FurtherSealsOfAnEntryLeaveNoRow) {
  testing::RawEntry entry;
  entry.group = a.replica.state().group();
  entry.epoch = a.replica.state().secret(*a.replica.sealing_epoch());
  entry.signer = &b.identity.sign;
  entry.body = wire::encode(testing::raw_body(b.identity, {7}, must(a.replica.tips()), {}));
  entry.id = random.id<EntryId>();
  auto const first = entry.sealed(random);
  ASSERT_EQ(give(first, honest).applied, 1U);
  auto const before = rows("", Table::items);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(give(entry.sealed(random), flood).duplicates, 1U);
  EXPECT_EQ(rows("", Table::items), before);
  EXPECT_EQ(give(first, honest).duplicates, 1U);
}

TEST_F(DoubtfulSecrets, WhatARefusedEntryTaughtIsDropped) {
  auto const before = known();
  auto const need = late();
  // More than is kept of a stranger's: of some only where they are is known.
  for (int i = 0; i < 4; ++i) {
    auto const entry = made(Identity::generate(random, {0}), {need.tip}, secrets(kLimits.max_entry_secrets));
    EXPECT_EQ(give(entry.sealed, flood).pending, 1U);
  }
  EXPECT_EQ(known(), before + kLimits.max_doubtful_secrets);
  EXPECT_EQ(rows("held/"), 4 * kLimits.max_entry_secrets);
  auto const received = give(need.sealed, honest);
  EXPECT_EQ(received.applied, 1U);
  EXPECT_EQ(received.refused, 4U);
  EXPECT_EQ(known(), before);
  expect_no_rows_left();
}

TEST_F(DoubtfulSecrets, WhatAnEntryTaughtThatGaveWayIsDropped) {
  constexpr std::size_t kPart = 64 * 1024;
  auto const before = known();
  auto const gives_way = made(stranger, {not_here()}, secrets(10));
  auto const stays = made(b.identity, {not_here()}, secrets(7));
  ASSERT_EQ(give(gives_way.sealed, flood).pending, 1U);
  ASSERT_EQ(give(stays.sealed, honest).pending, 1U);
  ASSERT_EQ(known(), before + 17);
  must(a.store.begin());
  WaitingRoom room(a.store);
  PendingRecord filler{{{flood, {1}}, {1}, {}}, {not_here()}, flood, Bytes(kPart)};
  do {  // all of them behind what is to give way
    filler.self.hash = random.id<EntryHash>();
    filler.self.hash.bytes[0] = 0xff;
  } while (must(room.keep_pending(filler, filler.needs)));
  must(a.store.commit());
  ASSERT_LT(gives_way.tip.hash.bytes[0], 0xff);
  ASSERT_TRUE(must(a.replica.holds(gives_way.tip.hash)));
  for (int i = 0; i < 6; ++i) {  // more than the filler left
    EXPECT_EQ(give(made(b.identity, {not_here()}, secrets(100)).sealed, honest).pending, 1U);
  }
  EXPECT_FALSE(must(a.replica.holds(gives_way.tip.hash)));
  EXPECT_TRUE(must(a.replica.holds(stays.tip.hash)));
  EXPECT_EQ(known(), before + 7 + 600);
  EXPECT_EQ(rows("held/"), 607U);
  EXPECT_EQ(rows("holds/"), 7U);
  EXPECT_EQ(rows("in_doubt/"), 607U);
}

/// Whichever came first.
TEST_F(DoubtfulSecrets, WhatAnAppliedEntryTeachesAsWellStays) {
  auto const both = secrets(2);
  auto const need = late();
  auto const first = made(b.identity, must(a.replica.tips()), {});
  std::vector<EpochSecret> before_, after_;
  before_.push_back(both[0].clone()), after_.push_back(both[1].clone());
  ASSERT_EQ(give(made(b.identity, must(a.replica.tips()), before_).sealed, honest).applied, 1U);
  ASSERT_EQ(give(made(stranger, {need.tip}, both).sealed, flood).pending, 1U);
  ASSERT_EQ(give(made(b.identity, must(a.replica.tips()), after_).sealed, honest).applied, 1U);
  ASSERT_EQ(give(need.sealed, honest).refused, 1U);
  EXPECT_TRUE(knows(both[0]));
  EXPECT_TRUE(knows(both[1]));
  EXPECT_EQ(rows("in_doubt/") + rows("held/"), 0U);
  EXPECT_EQ(a.replica.state().unused_secrets_of(b.identity.device()), 2U);
  EXPECT_EQ(a.replica.state().unused_secrets_of(stranger.device()), 0U);
}

TEST_F(DoubtfulSecrets, WhatSomethingAppliedIsSealedUnderStays) {
  auto const one = secrets(1);
  auto const need = late();
  auto const item = sealed_under(one.front(), must(a.replica.tips()));
  ASSERT_EQ(give(item.sealed, honest).unopened, 1U);
  EXPECT_EQ(give(made(stranger, {need.tip}, one).sealed, flood).applied, 1U) << "it opens what waited";
  ASSERT_EQ(give(need.sealed, honest).refused, 1U);
  EXPECT_TRUE(knows(one.front()));
  expect_no_rows_left();
}

/// The secret of an entry that waits stays as long as it does, whatever becomes of who taught it.
TEST_F(DoubtfulSecrets, WhatAWaitingEntryIsSealedUnderStays) {
  auto const one = secrets(1);
  auto const need = late(), other = late();
  ASSERT_EQ(give(made(stranger, {need.tip}, one).sealed, flood).pending, 1U);
  ASSERT_EQ(give(sealed_under(one.front(), {other.tip}).sealed, honest).pending, 1U);
  ASSERT_EQ(give(need.sealed, honest).refused, 1U);
  EXPECT_TRUE(knows(one.front()));
  EXPECT_EQ(give(other.sealed, honest).applied, 2U);
  EXPECT_TRUE(knows(one.front()));
  expect_no_rows_left();
}

/// An entry that was opened with a secret that is only looked up, and whose holder is gone when its past is here.
struct UnopenedAgain : DoubtfulSecrets {
  UnopenedAgain() {
    auto const need = late();
    for (int i = 0; i < 2; ++i) {  // so that `key` is not kept
      EXPECT_EQ(give(made(b.identity, {not_here()}, secrets(kLimits.max_entry_secrets)).sealed, honest).pending, 1U);
    }
    EXPECT_EQ(give(made(stranger, {need.tip}, key).sealed, flood).pending, 1U);
    entry = sealed_under(key.front(), {past.tip});
    EXPECT_EQ(give(entry.sealed, second).pending, 1U);
    EXPECT_TRUE(must(a.replica.holds(entry.tip.hash)));
    EXPECT_FALSE(knows(key.front()));
    EXPECT_EQ(give(need.sealed, honest).refused, 1U);
  }
  DeviceId const second = random.id<DeviceId>();
  std::vector<EpochSecret> key = secrets(1);
  testing::RawMade past = late(), entry;
};

TEST_F(UnopenedAgain, ItIsOpenedWhenTheSecretComes) {
  EXPECT_EQ(give(past.sealed, honest).unopened, 1U);
  EXPECT_EQ(rows("", Table::unopened), 1U);
  EXPECT_EQ(rows("", Table::pending), 2U) << "what fills the room";
  EXPECT_EQ(must(a.store.get(Table::pending, entry.tip.hash.view())), std::nullopt);
  EXPECT_EQ(rows("pending_bytes/"), 1U) << "it is counted once";
  EXPECT_EQ(rows("unopened_bytes/"), 1U);
  EXPECT_EQ(give(made(b.identity, must(a.replica.tips()), key).sealed, honest).applied, 2U);
  EXPECT_TRUE(must(a.replica.has(entry.tip.hash)));
  EXPECT_EQ(rows("", Table::unopened) + rows("unopened_bytes/"), 0U);
}

TEST_F(UnopenedAgain, ItIsAskedForWhenItGaveWay) {
  ASSERT_EQ(give(past.sealed, honest).unopened, 1U);
  must(a.store.begin());
  WaitingRoom room(a.store);
  ASSERT_EQ(must(room.take_unopened(epoch_id(a.replica.state().group(), key.front()))).size(), 1U);
  must(a.store.commit());
  EXPECT_FALSE(must(a.replica.holds(entry.tip.hash)));
  auto const names_it = made(b.identity, {entry.tip}, {});
  ASSERT_EQ(give(names_it.sealed, honest).pending, 1U);
  auto const missing = must(a.replica.missing(10));
  EXPECT_NE(std::ranges::find(missing, entry.tip), missing.end());
  EXPECT_EQ(give(made(b.identity, must(a.replica.tips()), key).sealed, honest).applied, 1U);
  EXPECT_EQ(give(entry.sealed, second).applied, 2U);
}

/// Were nothing known of what strangers' entries hold once there are many of them, whoever brings in a member could be
/// kept from being understood: what adds `d` is sealed under a secret that `d`'s own entry hands on.
TEST_F(DoubtfulSecrets, StrangersDoNotKeepANewMemberFromBeingUnderstood) {
  TestDevice c{3, "c"}, d{4, "d"}, late{5, "late"};
  a.invite(c);
  c.pull_from(a);
  c.invite(late);
  late.pull_from(c);
  for (int i = 0; i < 4; ++i) {
    auto const entry = made(Identity::generate(random, {0}), {not_here()}, secrets(kLimits.max_entry_secrets));
    std::vector<ByteView> const items{entry.sealed};
    ASSERT_EQ(must(late.replica.receive(items, late.now(), flood)).pending, 1U);
  }
  ASSERT_GE(late.replica.state().unused_secrets(), kLimits.max_doubtful_secrets);
  must(a.replica.rotate(a.now()));  // does not know of `late`
  auto const unknown = a.replica.sealing_epoch().value();
  a.invite(d);
  d.pull_from(a);
  c.pull_from(a);
  d.pull_from(c);
  d.push("hello");
  late.pull_from(d);
  EXPECT_EQ(late.texts(), std::vector<std::string>{"hello"});
  EXPECT_NE(late.replica.state().secret(unknown), nullptr);
}

}  // namespace
}  // namespace kith::core
