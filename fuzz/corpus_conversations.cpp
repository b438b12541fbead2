#include <fmt/format.h>

#include "corpus.hpp"
#include "pairing_world.hpp"
#include "session_world.hpp"

/// Corpora of the targets that hold conversations: what an honest other side says, by the world's fixed randomness.
namespace kith::fuzz {
namespace {

using testing::must;
using testing::prefixed;
using testing::SeededRandom;

void add(Corpus& corpus, std::string_view name, Bytes bytes) {
  corpus.push_back({fmt::format("{:02}-{}", corpus.size(), name), std::move(bytes)});
}

Bytes frame(wire::Frame const& value) {
  Bytes out;
  wire::encode_frame(out, value);
  return out;
}

}  // namespace

Corpus session_corpus() {
  enum Mode : std::uint8_t { to_answerer, to_dialler, tags, reply, proof, frames };
  Corpus corpus;
  SessionWorld const world;
  SeededRandom random_d(SessionWorld::kDiallerSeed), random_a(SessionWorld::kAnswererSeed);

  // Our own answerer, and an honest dialler played by hand.
  auto dialler = world.played_dialler(random_d);
  Bytes const honest_tags = world.tags(dialler);
  dialler.begin();
  Bytes stream = prefixed(dialler.end(honest_tags));
  add(corpus, "message_1", behind({to_answerer, 0}, stream));
  add(corpus, "tags", behind({tags, 0}, honest_tags));
  Bytes last_tag(48, 0xEE);
  append(last_tag, ByteView{honest_tags}.first(16));
  add(corpus, "last_tag", behind({tags, 0}, last_tag));
  SeededRandom random_of_ours(SessionWorld::kAnswererSeed);
  WatchedSession ours(
      core::Session::accept(world.answerer, world.membership, wire::Opening{}, {}, random_of_ours, SessionWorld::kNow));
  ours.feed(stream);
  static_cast<void>(must(dialler.read(ByteView{ours.sent()}.subspan(2))));
  dialler.prove(world.epoch);
  dialler.begin();
  Bytes const proof_payload = wire::encode(dialler.honest("1-1 kith/0.1.0", 1'800'000'000, {7}));
  append(stream, prefixed(dialler.end(proof_payload)));
  add(corpus, "proof", behind({proof, 0}, proof_payload));
  auto transport = dialler.split();
  for (auto const& value : {wire::Frame(wire::Tips{}), wire::Frame(wire::Ping{5}), wire::Frame(wire::Close{})}) {
    Bytes message;
    must(transport.send.encrypt_with_ad({}, frame(value), message));
    append(stream, prefixed(message));
  }
  for (std::uint8_t const cut : {std::uint8_t{0}, std::uint8_t{9}})
    add(corpus, "whole_session", behind({to_answerer, cut}, stream));

  // Our own dialler, and an honest answerer.
  SeededRandom random_of_dialler(SessionWorld::kDiallerSeed);
  WatchedSession dialling(core::Session::initiate(world.dialler, world.membership, world.answerer.device(), {},
                                                  random_of_dialler, SessionWorld::kNow));
  auto answerer = world.played_answerer(random_a);
  static_cast<void>(must(answerer.read(ByteView{dialling.sent()}.subspan(wire::Opening::kBytes + 2))));
  answerer.prove(world.epoch);
  answerer.begin();
  Bytes reply_payload{0};
  wire::encode_to(reply_payload, answerer.honest("1-1 kith/0.1.0", 1'800'000'000, {7}));
  add(corpus, "reply", behind({reply, 0}, reply_payload));
  add(corpus, "message_2", behind({to_dialler, 5}, prefixed(answerer.end(reply_payload))));
  add(corpus, "refusal",
      behind({to_dialler, 0},
             wire::encode(wire::Opening{.purpose = wire::Purpose::refusal, .version_min = 2, .version_max = 3})));

  Bytes all;
  for (auto const& sample : samples::frames()) append(all, frame(sample.value));
  add(corpus, "all_frames", behind({frames, 11}, all));
  add(corpus, "rekey_alone", behind({frames, 11}, frame(wire::Rekey{})));
  Bytes chatter = frame(wire::Ping{1});
  append(chatter, frame(wire::Digest{}));
  append(chatter, frame(wire::Ping{2}));
  add(corpus, "pings", behind({frames, 0}, chatter));
  add(corpus, "close", behind({frames, 1}, frame(wire::Close{wire::CloseCode::removed, ""})));
  return corpus;
}

Corpus inviter_corpus() {
  enum Mode : std::uint8_t { stranger, after_share, confirm_box, pseudonyms_box, joined_box };
  Corpus corpus;
  WatchedInviter ours;
  PlayedJoiner joiner;
  Bytes stream = prefixed(joiner.hello());
  add(corpus, "hello", behind({stranger, 0}, stream));
  ours.feed(stream);
  joiner.on_share(ours.last_message());
  Bytes const confirm = prefixed(joiner.confirm(joiner.identity()));
  add(corpus, "confirm", behind({after_share, 0}, confirm));
  append(stream, confirm);
  append(stream, prefixed(joiner.sealed<wire::PairMessageType::pseudonyms>(wire::encode(samples::pseudonyms_box()))));
  append(stream, prefixed(joiner.sealed<wire::PairMessageType::joined>(wire::encode(wire::PairJoinedBox{}))));
  for (std::uint8_t const cut : {std::uint8_t{0}, std::uint8_t{7}})
    add(corpus, "whole_conversation", behind({stranger, cut}, stream));
  wire::PairConfirm const wrong{{}, Bytes(60, 1)};
  add(corpus, "wrong_tag", behind({after_share, 3}, prefixed(wire::encode_pair_message(wrong))));
  add(corpus, "wrong_code",
      behind({after_share, 3}, prefixed(wire::encode_pair_message(wire::PairEnd{wire::PairEndCode::wrong_code, 0}))));
  add(corpus, "unknown_lookup",
      behind({stranger, 1}, prefixed(wire::encode_pair_message(wire::PairHello{{"00000000"}, {}, {}}))));
  add(corpus, "identity_box", behind({confirm_box, 0}, joiner.identity()));
  add(corpus, "identity_without_proof", behind({confirm_box, 0}, wire::encode(samples::identity_box())));
  add(corpus, "our_own_identity", behind({confirm_box, 0}, joiner.identity_of(samples::laptop(), "laptop")));
  add(corpus, "pseudonyms_box", behind({pseudonyms_box, 0}, wire::encode(samples::pseudonyms_box())));
  add(corpus, "joined_box", behind({joined_box, 0}, wire::encode(wire::PairJoinedBox{})));
  return corpus;
}

Corpus joiner_corpus() {
  enum Mode : std::uint8_t { stranger, identity_box, offer_box, welcome_box };
  Corpus corpus;
  WatchedJoiner const ours;
  PlayedInviter inviter(ours.sent);
  Bytes stream = prefixed(inviter.share());
  add(corpus, "share", behind({stranger, 0}, stream));
  append(stream, prefixed(inviter.sealed<wire::PairMessageType::identity>(inviter.identity())));
  append(stream, prefixed(inviter.sealed<wire::PairMessageType::offer>(wire::encode(samples::offer_box()))));
  append(stream, prefixed(inviter.sealed<wire::PairMessageType::welcome>(wire::encode(samples::welcome_box()))));
  for (std::uint8_t const cut : {std::uint8_t{0}, std::uint8_t{7}})
    add(corpus, "whole_conversation", behind({stranger, cut}, stream));
  add(corpus, "refusal",
      behind({stranger, 0},
             wire::encode(wire::Opening{.purpose = wire::Purpose::refusal, .version_min = 2, .version_max = 3})));
  for (auto const code : {wire::PairEndCode::expired, wire::PairEndCode::voided}) {
    add(corpus, "end", behind({stranger, 0}, prefixed(wire::encode_pair_message(wire::PairEnd{code, 0}))));
  }
  Bytes wrong_tag =
      prefixed(wire::encode_pair_message(wire::PairShare{samples::counted<crypto::cpace::Share>(0), {}, {}}));
  add(corpus, "weak_share", behind({stranger, 0}, wrong_tag));
  wrong_tag = prefixed(inviter.share());
  wrong_tag.back() ^= 1;
  append(wrong_tag, prefixed(wire::encode_pair_message(wire::PairEnd{wire::PairEndCode::wrong_code, 2})));
  add(corpus, "wrong_tag", behind({stranger, 4}, wrong_tag));
  add(corpus, "identity_box", behind({identity_box, 0}, inviter.identity()));
  add(corpus, "identity_without_proof",
      behind({identity_box, 0}, wire::encode(wire::PairIdentityBox{samples::laptop().cert, "laptop", {}})));
  add(corpus, "offer_box", behind({offer_box, 0}, wire::encode(samples::offer_box())));
  add(corpus, "welcome_box", behind({welcome_box, 0}, wire::encode(samples::welcome_box())));
  return corpus;
}

}  // namespace kith::fuzz
