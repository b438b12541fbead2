#include "support/exchanges.hpp"

/// Chunks: whom they are asked from, and what of those who send damaged ones, or nothing.
namespace kith::sync {
namespace {

using testing::Exchanges;
using testing::must;
using testing::Puppet;
using namespace std::chrono_literals;

TEST_F(Exchanges, FetchChunksFromWhoHasThem) {
  add_third();
  dial(a, b);
  dial(a, c);
  pump();
  dial(b, a);
  dial(c, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  c.chunks[id] = Bytes(200'000, 7);
  a.exchange->want_chunks({{id, 200'000}});
  wait(1s);
  auto const arrived = a.events<ChunkArrived>();
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].bytes, c.chunks[id]);
  EXPECT_EQ(c.chunk_requests, 1U);
  EXPECT_EQ(a.exchange->chunks_wanted(), 0U);
}

TEST_F(Exchanges, AskAgainLaterForChunksThatNobodyHad) {
  dial(b, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  b.exchange->want_chunks({{id, 1000}});
  wait(Exchange::kNotHeldFor - 1s);
  EXPECT_EQ(a.chunk_requests, 1U);
  a.chunks[id] = Bytes(1000, 7);
  wait(2s);
  EXPECT_EQ(a.chunk_requests, 2U);
  EXPECT_EQ(b.events<ChunkArrived>().size(), 1U);
}

TEST_F(Exchanges, FetchFromOthersWhatOneSendsDamaged) {
  add_third();
  ChunkId id;
  id.bytes[0] = 5;
  Bytes const true_bytes(200'000, 7);
  a.contents[id] = true_bytes;
  b.chunks[id] = Bytes(200'000, 8);
  c.chunks[id] = true_bytes;
  dial(b, a);
  pump();
  a.exchange->want_chunks({{id, true_bytes.size()}});
  wait(Exchange::kDamagedFor - 1s);
  EXPECT_EQ(b.chunk_requests, 1U) << "and not again at once";
  EXPECT_TRUE(a.events<ChunkArrived>().empty());
  dial(c, a);
  wait(500ms);
  auto const arrived = a.events<ChunkArrived>();
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_EQ(arrived[0].bytes, true_bytes);
  EXPECT_EQ(b.chunk_requests, 1U);
}

TEST_F(Exchanges, AskWhoSendsDamagedChunksLessAndLess) {
  dial(b, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  a.contents[id] = Bytes(1000, 7);
  b.chunks[id] = Bytes(900, 7);  // of another length
  a.exchange->want_chunks({{id, 1000}});
  wait(Exchange::kDamagedFor / 2);
  b.exchange->set_contents({}, Contents::complete, 0, now());  // what it says of its contents does not make it believed
  cut(dial(b, a));
  dial(b, a);
  wait(Exchange::kDamagedFor / 2 - 1s);
  EXPECT_EQ(b.chunk_requests, 1U);
  wait(10 * Exchange::kDamagedFor);
  EXPECT_EQ(b.chunk_requests, 4U) << "after 30, 60 and 120 seconds more";
  b.chunks[id] = a.contents[id];
  wait(8 * Exchange::kDamagedFor);
  EXPECT_EQ(a.events<ChunkArrived>().size(), 1U) << "it may have been mended";
}

/// b lives, and never answers what it is asked for.
TEST_F(Exchanges, AskOthersWhereOneSaysNothing) {
  add_third();
  dial(c, a);
  pump();
  leave(c);
  ChunkId id;
  id.bytes[0] = 5;
  a.contents[id] = c.chunks[id] = Bytes(1000, 7);
  Puppet silent(b, a, now());
  silent.pump(now());
  silent.session.send(wire::Tips{});
  a.exchange->want_chunks({{id, 1000}});
  silent.pump(now());
  ASSERT_TRUE(silent.session.open());
  dial(c, a);
  auto const pass = [&](auto time) {
    for (auto const end = now().mono + time; now().mono < end;) {
      wait(1s);
      silent.session.on_timer(now());
      silent.pump(now());
    }
  };
  pass(Exchange::kChunkPatience - 2s);
  EXPECT_TRUE(silent.session.open());
  EXPECT_EQ(c.chunk_requests, 0U);
  pass(3s);
  EXPECT_FALSE(silent.session.open());
  EXPECT_EQ(c.chunk_requests, 1U);
  EXPECT_EQ(a.events<ChunkArrived>().size(), 1U);
}

/// What a chunk is said to be long is its version's author's word.
TEST_F(Exchanges, TakeAChunkThatIsWhatItsIdSaysWhateverItsLength) {
  dial(b, a);
  pump();
  ChunkId id;
  id.bytes[0] = 5;
  a.contents[id] = b.chunks[id] = Bytes(1000, 7);
  a.exchange->want_chunks({{id, 1}});
  wait(1s);
  EXPECT_EQ(a.events<ChunkArrived>().size(), 1U);
}

}  // namespace
}  // namespace kith::sync
