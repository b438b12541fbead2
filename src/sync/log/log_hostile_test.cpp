#include <gtest/gtest.h>

#include "support/log_network.hpp"

/// What a member can say that cheats, or whose program is broken: one exchange alone, fed by hand.
namespace kith::sync {
namespace {

using core::CoreError;
using testing::LogEnd;
using testing::must;
using testing::TestDevice;
using Range = wire::Want::Range;

/// `a` is honest, and `b` whatever the test makes of it.
struct HostilePeers : ::testing::Test {
  HostilePeers() {
    must(a.replica.create_group("home", "laptop", testing::test_recovery(7), a.now()));
    a.invite(b);
    b.pull_from(a);
    for (int i = 0; i < 20; ++i) a.push("m" + std::to_string(i));
    b.pull_from(a);
    drain();
  }
  /// Everything that `a` has to say now.
  std::vector<wire::Frame> drain() {
    std::vector<wire::Frame> frames;
    for (int i = 0; i < 10'000; ++i) {
      auto frame = end.next();
      if (!frame) return frames;
      frames.push_back(std::move(*frame));
    }
    ADD_FAILURE() << "it goes on for ever";
    return frames;
  }
  /// The entries in the answer to one range. The answer ends.
  std::size_t entries_for(Range const& range) {
    must(end.log.on_want({{range}}));
    std::size_t entries = 0;
    auto const frames = drain();
    for (auto const& frame : frames) entries += std::get<wire::Data>(frame).entries.size();
    EXPECT_TRUE(!frames.empty() && std::get<wire::Data>(frames.back()).entries.empty());
    return entries;
  }
  Tip tip_of_a() {
    for (auto const& tip : must(a.replica.tips())) {
      if (tip.log.device == a.identity.device()) return tip;
    }
    ADD_FAILURE() << "no tip";
    return {};
  }
  Tip made_up(std::uint64_t number) {
    testing::Dice dice(number);
    return {{dice.id<DeviceId>(), {number}}, {1 + number % 1000}, dice.id<EntryHash>()};
  }
  wire::Want want_of(std::vector<wire::Frame> const& frames) {
    for (auto const& frame : frames) {
      if (auto const* want = std::get_if<wire::Want>(&frame)) return *want;
    }
    return {};
  }

  TestDevice a{1, "laptop"};
  TestDevice b{2, "desktop"};
  LogEnd end{a};
};

TEST_F(HostilePeers, GetNothingForRangesThatAreNone) {
  auto const tip = tip_of_a();
  auto const largest = std::numeric_limits<std::uint64_t>::max();
  auto const other = made_up(5);
  struct Row {
    char const* what;
    Range range;
    std::size_t entries;
  };
  Row const rows[]{
      {"the whole log", {tip.log, {1}, tip.seq, tip.hash}, tip.seq.value},
      {"from nothing on", {tip.log, {0}, tip.seq, tip.hash}, tip.seq.value},
      {"its last entry", {tip.log, tip.seq, tip.seq, tip.hash}, 1},
      {"from behind its end", {tip.log, {tip.seq.value + 1}, tip.seq, tip.hash}, 0},
      {"from the largest number", {tip.log, {largest}, tip.seq, tip.hash}, 0},
      {"to an entry under another number", {tip.log, {1}, {tip.seq.value - 1}, tip.hash}, 0},
      {"to beyond its end", {tip.log, {1}, {tip.seq.value + 1}, tip.hash}, 0},
      {"to the largest number", {tip.log, {1}, {largest}, tip.hash}, 0},
      {"to nothing", {tip.log, {0}, {0}, tip.hash}, 0},
      {"all numbers", {tip.log, {0}, {largest}, tip.hash}, 0},
      {"an entry that nobody has", {tip.log, {1}, tip.seq, other.hash}, 0},
      {"an entry under another device", {{other.log.device, tip.log.incarnation}, {1}, tip.seq, tip.hash}, 0},
      {"an entry under another incarnation", {{tip.log.device, other.log.incarnation}, {1}, tip.seq, tip.hash}, 0},
      {"a log that nobody has", {other.log, {1}, other.seq, other.hash}, 0},
  };
  for (auto const& row : rows) EXPECT_EQ(entries_for(row.range), row.entries) << row.what;
  must(end.log.on_want({}));
  EXPECT_EQ(drain().size(), 1U) << "no ranges: the end at once";
}

TEST_F(HostilePeers, GetNothingThatIsSetAside) {
  b.push("nobody vouches for this");
  a.pull_from(b);
  auto const tips = must(a.replica.tips());
  auto const tip = *std::ranges::find(tips, b.identity.device(), [](Tip const& one) { return one.log.device; });
  EXPECT_EQ(entries_for({tip.log, {1}, tip.seq, tip.hash}), 1U);
  must(a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  TestDevice c{3, "phone"};
  a.invite(c);
  b.push("and for this even less");
  a.pull_from(b);
  auto const late = must(b.replica.tips());
  for (auto const& one : late) {
    if (one.log.device != b.identity.device()) continue;
    EXPECT_EQ(entries_for({one.log, {1}, one.seq, one.hash}), 0U);
  }
}

TEST_F(HostilePeers, CannotEndAnAnswerThatNobodyAskedFor) {
  auto const refused = end.log.on_data({}, a.now());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CoreError::protocol_violation));

  must(end.log.on_peer_tips({made_up(1)}));
  EXPECT_EQ(want_of(drain()).ranges.size(), 1U);
  must(end.log.on_data({}, a.now()));
  EXPECT_TRUE(drain().empty());
  EXPECT_FALSE(end.log.on_data({}, a.now())) << "twice";
}

TEST_F(HostilePeers, MayBringWhatWasNotAskedForIfItIsTrue) {
  b.push("true");
  auto const good = b.sealed_entries().back();
  auto damaged = good;
  damaged.back() ^= 1;
  TestDevice stranger{9};
  must(stranger.replica.create_group("other", "x", testing::test_recovery(8), stranger.now()));
  std::vector<Bytes> const bad{damaged, {}, Bytes(5, 0x4b), Bytes(200, 0), Bytes(good.begin(), good.end() - 1)};
  auto const heads = must(a.replica.heads());
  for (auto const& bytes : bad) {
    auto const received = must(end.log.on_data({{{bytes}}}, a.now()));
    EXPECT_EQ(received.applied + received.pending + received.unopened, 0U);
    EXPECT_EQ(received.refused, 1U);
  }
  for (auto const& bytes : stranger.sealed_entries()) {
    EXPECT_EQ(must(end.log.on_data({{{bytes}}}, a.now())).applied, 0U);
  }
  EXPECT_EQ(must(a.replica.heads()), heads);
  EXPECT_TRUE(drain().empty()) << "nothing was applied, nothing is acknowledged";

  EXPECT_EQ(must(end.log.on_data({{{damaged}, {good}, {good}}}, a.now())).applied, 1U);
  auto const frames = drain();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<wire::Ack>(frames.front()));
}

/// Asked for once, and not again until something else changes.
TEST_F(HostilePeers, AreNotAskedForEverForWhatTheyDoNotGive) {
  must(end.log.on_peer_tips({made_up(1), made_up(2)}));
  EXPECT_EQ(want_of(drain()).ranges.size(), 2U);
  must(end.log.on_data({}, a.now()));
  EXPECT_TRUE(drain().empty());
  a.push("of our own");
  must(end.log.on_local_change());
  auto frames = drain();
  ASSERT_EQ(frames.size(), 1U) << "the push";
  EXPECT_TRUE(std::holds_alternative<wire::Data>(frames.front()));

  b.push("of theirs");
  must(end.log.on_data({{{b.sealed_entries().back()}}}, a.now()));
  EXPECT_EQ(want_of(drain()).ranges.size(), 2U) << "what was missing may be there now";
  must(end.log.on_data({}, a.now()));
  EXPECT_TRUE(drain().empty());

  must(end.log.on_peer_tips({made_up(2), made_up(3)}));
  EXPECT_EQ(want_of(drain()).ranges.size(), 2U) << "they say that they have it";
}

/// It came to be named with an answer that brought what cannot be opened, and is none of that.
TEST_F(HostilePeers, AreAskedAtOnceForWhatTheyHaveSince) {
  must(b.replica.remove_device(a.identity.device(), wire::RemoveReason::lost, nullptr, b.now()));
  must(b.replica.rotate(b.now()));
  b.push("closed");
  auto const closed = b.sealed_entries().back();
  must(end.log.on_data({{{closed}}}, a.now()));
  drain();
  auto const late = made_up(1);
  for (int i = 0; i < 10; ++i) {
    must(end.log.on_peer_tips({late}));
    auto const want = want_of(drain());
    ASSERT_EQ(want.ranges.size(), 1U) << i;
    EXPECT_EQ(want.ranges[0].log, late.log);
    must(end.log.on_data({{{closed}}}, a.now()));
    must(end.log.on_data({}, a.now()));
    drain();
    must(end.log.on_peer_tips({}));
    drain();
  }
}

/// An answer that brings something else each time is no reason to go on asking for ever.
TEST_F(HostilePeers, AreNotAskedForEverByAnswersThatHelpALittle) {
  must(end.log.on_peer_tips({made_up(1)}));
  std::size_t wants = 0;
  for (; wants < 100 && !want_of(drain()).ranges.empty(); ++wants) {
    b.push("something else");
    must(end.log.on_data({{{b.sealed_entries().back()}}}, a.now()));
    must(end.log.on_data({}, a.now()));
  }
  EXPECT_GT(wants, 1U);
  EXPECT_LT(wants, 100U);
}

TEST_F(HostilePeers, WhoNameMoreTipsThanFitAreAskedInTurn) {
  std::vector<Tip> tips;
  for (std::uint64_t i = 0; i < 1000; ++i) tips.push_back(made_up(i));
  must(end.log.on_peer_tips(tips));
  std::set<EntryHash> asked;
  std::size_t wants = 0;
  for (auto want = want_of(drain()); !want.ranges.empty(); want = want_of(drain())) {
    ++wants;
    EXPECT_LE(want.ranges.size(), kLimits.max_wants);
    for (auto const& range : want.ranges) EXPECT_TRUE(asked.insert(range.hash).second) << "asked twice";
    must(end.log.on_data({}, a.now()));
    ASSERT_LT(wants, 100U);
  }
  EXPECT_EQ(asked.size(), 1000U);
  EXPECT_EQ(wants, (1000 + kLimits.max_wants - 1) / kLimits.max_wants);
}

/// Numbers at the ends of their range do not turn what is asked for round.
TEST_F(HostilePeers, WhoNameTipsWithOddNumbersAreAskedForThemAsTheyAre) {
  auto const log = tip_of_a().log;
  auto const largest = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t const seq : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{5}, largest - 1, largest}) {
    LogEnd fresh{b};  // to b it is another device's log
    must(fresh.log.on_peer_tips({{log, {seq}, made_up(seq).hash}}));
    std::size_t wants = 0;
    while (auto frame = fresh.next()) {
      auto const* want = std::get_if<wire::Want>(&*frame);
      if (want == nullptr) continue;
      ++wants;
      for (auto const& range : want->ranges) {
        EXPECT_EQ(range.to.value, seq);
        EXPECT_LE(range.from.value, 1 + tip_of_a().seq.value) << seq;
      }
      must(fresh.log.on_data({}, b.now()));
    }
    EXPECT_EQ(wants, 1U) << seq;
  }
}

/// Whoever names an entry of ours that we never wrote makes us begin a new log, once.
TEST_F(HostilePeers, WhoNameOurOwnLogWronglyCostUsOneIncarnation) {
  auto const before = must(a.replica.incarnation());
  auto const lie = Tip{tip_of_a().log, {1000}, made_up(1).hash};
  EXPECT_TRUE(must(end.log.on_peer_tips({lie})));
  auto const after = must(a.replica.incarnation());
  EXPECT_NE(after, before);
  EXPECT_FALSE(must(end.log.on_peer_tips({lie})));
  a.push("goes on");
  EXPECT_FALSE(must(end.log.on_peer_tips({lie})));
  EXPECT_EQ(must(a.replica.incarnation()), after);
  b.pull_from(a);
  EXPECT_EQ(must(a.replica.heads()), must(b.replica.heads()));
}

/// Asking many times at once is answered one after the other, each to its end, and nothing is read before its turn.
TEST_F(HostilePeers, WhoAskManyTimesAreAnsweredInTurn) {
  auto const tip = tip_of_a();
  for (std::uint64_t i = 1; i <= 5; ++i)
    must(end.log.on_want({{{tip.log, {tip.seq.value + 1 - i}, tip.seq, tip.hash}}}));
  std::vector<std::size_t> answers{0};
  for (auto const& frame : drain()) {
    auto const entries = std::get<wire::Data>(frame).entries.size();
    if (entries == 0) answers.push_back(0);
    answers.back() += entries;
  }
  EXPECT_EQ(answers, (std::vector<std::size_t>{1, 2, 3, 4, 5, 0}));
}

/// Answers wait until they are read. Who asks for more and reads none of it does not fill our memory.
TEST_F(HostilePeers, WhoAskAndDoNotReadAreCut) {
  auto const tip = tip_of_a();
  wire::Want const want{{{tip.log, {1}, tip.seq, tip.hash}}};
  std::size_t taken = 0;
  while (taken < 1000 && end.log.on_want(want)) ++taken;
  EXPECT_GE(taken, 2U);
  EXPECT_LE(taken, 16U);
  auto const refused = end.log.on_want(want);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CoreError::protocol_violation));
  drain();
  EXPECT_TRUE(end.log.on_want(want)) << "once it has read the answers it may ask again";
}

}  // namespace
}  // namespace kith::sync
