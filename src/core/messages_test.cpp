#include "core/messages.hpp"

#include <gtest/gtest.h>

#include "support/test_device.hpp"

namespace kith::core {
namespace {

using testing::must;
using testing::TestDevice;

struct Messages : ::testing::Test {
  Messages() {
    must(a.replica.create_group("home", "a", recovery, a.now()));
    a.invite(b);
    b.pull_from(a);
  }
  RecoveryKeys recovery = testing::test_recovery(1);
  TestDevice a{1}, b{2};
};

TEST_F(Messages, AreNumberedAsThisDeviceCameToHoldThem) {
  auto const first = a.push("one");
  b.push("two");
  auto const third = a.push("three");
  a.pull_from(b);
  EXPECT_EQ(a.texts(), (std::vector<std::string>{"one", "three", "two"}));
  EXPECT_EQ(must(a.messages.number_of(first)), MessageNumber{1});
  EXPECT_EQ(must(a.messages.number_of(third)), MessageNumber{2});
  EXPECT_EQ(must(a.messages.last()), MessageNumber{3});
  EXPECT_FALSE(must(a.messages.number_of({first.entry, 1})));
  b.pull_from(a);
  EXPECT_EQ(b.texts(), (std::vector<std::string>{"two", "one", "three"}));
  EXPECT_EQ(must(a.messages.digest()), must(b.messages.digest())) << "numbers are each device's own";
}

TEST_F(Messages, RowsSayWhoWroteWhatAndWhen) {
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::Message{"topic", 60, {Bytes{'x', 'y'}}});
  auto const now = b.now();
  auto const id = must(b.replica.write(std::move(ops), now)).front();
  a.pull_from(b);
  auto const rows = must(a.messages.after({0}, 10));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].number, MessageNumber{1});
  EXPECT_EQ(rows[0].id, id);
  EXPECT_EQ(rows[0].author, b.identity.device());
  EXPECT_EQ(rows[0].topic, "topic");
  EXPECT_EQ(rows[0].size_bytes, 2U);
  EXPECT_GE(rows[0].written_at(), now.wall);
  EXPECT_FALSE(rows[0].expired({rows[0].written_at().ms + 58'000}));
  EXPECT_TRUE(rows[0].expired({rows[0].written_at().ms + 61'000}));
  EXPECT_EQ(must(inline_content(a.replica.state(), rows[0])), (Bytes{'x', 'y'}));
}

TEST_F(Messages, WithoutTtlNeverExpire) {
  a.push("for ever");
  EXPECT_FALSE(must(a.messages.after({0}, 1))[0].expired({9'000'000'000'000}));
}

TEST_F(Messages, AfterGivesWhatFollowsAndNoMoreThanAsked) {
  for (int i = 0; i < 5; ++i) a.push("m" + std::to_string(i));
  auto const rows = must(a.messages.after({2}, 2));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number, MessageNumber{3});
  EXPECT_EQ(rows[1].number, MessageNumber{4});
  EXPECT_TRUE(must(a.messages.after({5}, 10)).empty());
}

TEST_F(Messages, ManyInOneEntryAreEachAMessage) {
  std::vector<wire::Op> ops;
  for (int i = 0; i < 3; ++i) ops.emplace_back(wire::Message{"t", 0, {Bytes{static_cast<std::uint8_t>('a' + i)}}});
  ops.emplace(ops.begin() + 1, wire::DeviceRename{a.identity.device(), "renamed"});
  auto const ids = must(a.replica.write(std::move(ops), a.now()));
  ASSERT_EQ(ids.size(), 4U);
  EXPECT_EQ(a.texts(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(must(a.messages.number_of(ids[3])), MessageNumber{3});
  EXPECT_FALSE(must(a.messages.number_of(ids[1])));
}

TEST_F(Messages, LargeOnesAreNamedByTheirChunks) {
  wire::Content content;
  content.refs = {{1000, b.random.id<ChunkId>()}, {500, b.random.id<ChunkId>()}};
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::Message{"big", 0, {content}});
  must(a.replica.write(std::move(ops), a.now()));
  auto const rows = must(a.messages.after({0}, 10));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].size_bytes, 1500U);
  EXPECT_EQ(rows[0].content, content);
  EXPECT_FALSE(inline_content(a.replica.state(), rows[0])) << "its bytes are not in the entry";
}

TEST_F(Messages, KeepTheirNumbersWhenTheViewIsBuiltAgain) {
  a.push("one");
  b.push("two");
  a.pull_from(b);
  a.push("three");
  auto const before = a.texts();
  must(a.store.begin());
  must(a.messages.clear());
  must(a.store.commit());
  EXPECT_TRUE(a.texts().empty());
  must(a.replica.rebuild_views());
  EXPECT_EQ(a.texts(), before);
  EXPECT_EQ(must(a.messages.last()), MessageNumber{3});
}

/// What a removed device wrote behind everybody's back is shown until the removal is known, and its number is not used
/// again.
TEST_F(Messages, ThoseThatCountNoLongerGoAndTheirNumbersStayFree) {
  TestDevice c{3};
  a.invite(c);
  c.pull_from(a);
  b.pull_from(a);
  b.push("only c hears this");
  c.pull_from(b);
  c.push("and answers");
  EXPECT_EQ(c.texts().size(), 2U);
  a.replica.remove_device(b.identity.device(), wire::RemoveReason::lost, nullptr, a.now()).value();
  b.push("nobody vouches for this");
  c.receive({b.sealed_entries().back()});
  EXPECT_EQ(c.texts().size(), 3U);
  auto const digest_with = must(c.messages.digest());
  c.pull_from(a);
  EXPECT_EQ(c.texts(), (std::vector<std::string>{"only c hears this", "and answers"}));
  EXPECT_NE(must(c.messages.digest()), digest_with);
  c.push("later");
  EXPECT_EQ(must(c.messages.after({0}, 10)).back().number, MessageNumber{4});
  a.pull_from(c);
  EXPECT_EQ(must(a.messages.digest()), must(c.messages.digest()));
}

TEST(MessageRows, AreHiddenWhenTheirTtlIsOverAndNotBefore) {
  MessageRow row;
  row.hlc = std::uint64_t{1'800'000'000'000} << 16;
  WallTime const written = row.written_at();
  auto const expired = [&](std::uint64_t ttl_s, std::int64_t age_s) {
    row.ttl_s = ttl_s;
    return row.expired({written.ms + 1000 * age_s});
  };
  auto const largest = std::numeric_limits<std::uint64_t>::max();
  EXPECT_FALSE(expired(0, 1'000'000'000)) << "0: never";
  EXPECT_FALSE(expired(10, 9));
  EXPECT_TRUE(expired(10, 10));
  EXPECT_FALSE(expired(10, -5)) << "its author's clock is ahead";
  for (auto const ttl : {largest, largest / 2 + 1, largest / 2}) {
    EXPECT_FALSE(expired(ttl, 0)) << ttl;
    EXPECT_FALSE(expired(ttl, -5)) << ttl;
    EXPECT_FALSE(expired(ttl, 10'000'000'000)) << ttl;
  }
}

TEST_F(Messages, RowsDecodeOnlyAsTheyWereWritten) {
  a.push("x");
  auto const row = must(a.store.get(Table::messages, key_of(std::uint64_t{1})));
  ASSERT_TRUE(row);
  EXPECT_EQ(encode_record(must(decode_record<MessageRow>(*row))), *row);
  for (std::size_t cut = 0; cut < row->size(); ++cut)
    EXPECT_FALSE(decode_record<MessageRow>(ByteView{*row}.first(cut)));
}

}  // namespace
}  // namespace kith::core
