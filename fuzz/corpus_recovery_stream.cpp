#include <fmt/format.h>

#include "corpus.hpp"
#include "recovery_stream_world.hpp"

/// What both sides of reading a group by its words may hear, by the fixed randomness of recovery_stream_world.hpp.
namespace kith::fuzz {

Corpus recovery_stream_corpus() {
  enum Mode : std::uint8_t { stranger, proof, behind_proof, answer, giving, frames };
  constexpr std::uint8_t kCut = 5;
  Corpus corpus;
  auto const add = [&](std::string_view name, Mode mode, ByteView bytes) {
    corpus.push_back({fmt::format("{:02}-{}", corpus.size(), name), behind({mode, kCut}, bytes)});
  };
  auto const stream = [](std::initializer_list<wire::Frame> said) {
    Bytes bytes;
    for (auto const& frame : said) wire::encode_frame(bytes, frame);
    return bytes;
  };
  auto const with = [](ByteView bytes, ByteView rest) {
    Bytes all(bytes.begin(), bytes.end());
    append(all, rest);
    return all;
  };
  RecoveryStreamWorld world;
  WatchedReader reader(world);
  ByteView const hello = ByteView{reader.said}.subspan(wire::Opening::kBytes);
  WatchedGiver giver(world);
  giver.feed(hello);
  wire::Data beginning;
  for (auto const& entry : world.entries) beginning.entries.push_back({entry});
  auto const tips = testing::must(world.founder.replica.tips());

  add("hello", stranger, hello);
  add("tag_of_nothing", stranger, testing::prefixed(Bytes(64, 1)));
  add("proof", proof, wire::encode(wire::RecoveryProof{}));
  add("ping", behind_proof, Bytes(40, 1));
  add("reply", answer, ByteView{giver.said}.first(100));
  add("refusal", answer, wire::encode(wire::Opening{.purpose = wire::Purpose::refusal}));
  add("giving", giving, wire::encode(wire::RecoveryGiving{world.founder.identity.cert, world.group(), {}}));
  add("all", frames, stream({beginning, wire::Tips{tips}}));
  add("tips_first", frames, stream({wire::Tips{tips}}));
  add("rekey", frames, stream({beginning, wire::Rekey{}}));
  add("nothing", frames, stream({wire::Data{}}));
  add("hello_and_rubbish", stranger, with(hello, Bytes(8, 0xff)));
  return corpus;
}

}  // namespace kith::fuzz
