#include "samples.hpp"
#include "support/played_session.hpp"
#include "support/seeded_random.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

using testing::must;
using testing::PlayedSession;
using testing::SeededRandom;

constexpr std::uint64_t kInitiatorSeed = 21, kResponderSeed = 22, kInitiatorTime = 1'800'000'000,
                        kResponderTime = 1'800'000'003;
constexpr auto kVersionText = "1-1 kith/0.1.0";

Json side(core::Identity const& identity, Incarnation incarnation, std::uint64_t seed, std::uint64_t timestamp) {
  return {{"sign_seed", hex(identity.sign.seed())},
          {"dx_secret", hex(identity.dx.secret_key)},
          {"created_s", identity.cert.created_s},
          {"devcert", hex(wire::encode(identity.cert))},
          {"incarnation", incarnation.value},
          {"random_seed", seed},
          {"ephemeral_secret", hex(SeededRandom(seed).secret<crypto::DhSecretKey>())},
          {"timestamp_s", timestamp}};
}

Json payload_json(std::optional<unsigned> index, wire::HandshakePayload const& payload, Bytes const& bytes) {
  Json out;
  if (index) out["tag_index"] = *index;
  out["fields"] = testing::to_json(payload);
  out["payload"] = hex(bytes);
  return out;
}

/// One transport message of one frame, and what it decrypts to.
Json spoken(std::string_view from, crypto::noise::CipherState& send, crypto::noise::CipherState& receive,
            wire::Frame const& frame) {
  Bytes frames;
  wire::encode_frame(frames, frame);
  Bytes message, plain;
  must(send.encrypt_with_ad({}, frames, message));
  must(receive.decrypt_with_ad({}, message, plain));
  KITH_ASSERT(plain == frames);
  bool const rekey = std::holds_alternative<wire::Rekey>(frame);
  if (rekey) send.rekey(), receive.rekey();
  return {{"from", from}, {"plaintext", hex(frames)}, {"message", hex(message)}};
}

}  // namespace

Json session() {
  auto const group = samples::group();
  auto const laptop = samples::laptop();
  auto const phone = samples::phone();
  wire::Opening const opening{};
  SeededRandom random_i(kInitiatorSeed), random_r(kResponderSeed);
  PlayedSession initiator(PlayedSession::Role::initiator, laptop, group, opening, random_i);
  PlayedSession responder(PlayedSession::Role::responder, phone, group, opening, random_r);

  // The initiator knows two epochs, the responder the older one only: its tag is the second.
  Bytes tags;
  Json tags_json = Json::array();
  for (auto const& tag : {initiator.tag(samples::second_epoch()), initiator.tag(samples::first_epoch()),
                          initiator.random_tag(), initiator.random_tag()}) {
    append(tags, tag.view());
    tags_json.push_back(hex(tag));
  }
  initiator.begin();
  Bytes const message_1 = initiator.end(tags);
  must(responder.read(message_1));

  constexpr std::uint8_t kIndex = 1;
  responder.prove(samples::first_epoch());
  responder.begin();
  auto const reply = responder.honest(kVersionText, kResponderTime, {0x2222});
  Bytes payload_2{kIndex};
  wire::encode_to(payload_2, reply);
  Bytes const message_2 = responder.end(payload_2);
  KITH_ASSERT(must(initiator.read(message_2)) == payload_2 && initiator.signature_fits(reply));

  initiator.prove(samples::first_epoch());
  initiator.begin();
  auto const proof = initiator.honest(kVersionText, kInitiatorTime, {0x1111});
  Bytes const payload_3 = wire::encode(proof);
  Bytes const message_3 = initiator.end(payload_3);
  KITH_ASSERT(must(responder.read(message_3)) == payload_3 && responder.signature_fits(proof));

  auto i = initiator.split();
  auto r = responder.split();
  KITH_ASSERT(i.hash == r.hash);
  Json transport = Json::array();
  transport.push_back(spoken("initiator", i.send, r.receive, wire::Tips{{samples::tip(1, 1, 1)}}));
  transport.push_back(spoken("responder", r.send, i.receive, wire::Tips{}));
  transport.push_back(spoken("responder", r.send, i.receive, wire::Ping{5}));
  transport.push_back(spoken("initiator", i.send, r.receive, wire::Rekey{}));
  transport.push_back(spoken("initiator", i.send, r.receive, wire::Pong{5}));
  transport.push_back(spoken("initiator", i.send, r.receive, wire::Close{}));

  auto const epoch = [&](wire::EpochSecret const& secret) {
    return Json{{"secret", hex(secret)},
                {"epoch_id", hex(core::epoch_id(group, secret))},
                {"psk", hex(PlayedSession::psk(group, secret))}};
  };
  Json handshake{
      {"name", "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s between two devices"},
      {"group_id", hex(group)},
      {"epochs_of_initiator", {epoch(samples::second_epoch()), epoch(samples::first_epoch())}},
      {"epochs_of_responder", Json::array({epoch(samples::first_epoch())})},
      {"initiator", side(laptop, {0x1111}, kInitiatorSeed, kInitiatorTime)},
      {"responder", side(phone, {0x2222}, kResponderSeed, kResponderTime)},
      {"initiator_draws",
       {"ephemeral secret key, 32 bytes", "third tag, 16 bytes", "fourth tag, 16 bytes", "handshake nonce, 32 bytes"}},
      {"responder_draws", {"ephemeral secret key, 32 bytes", "handshake nonce, 32 bytes"}},
      {"opening", hex(wire::encode(opening))},
      {"prologue", hex(PlayedSession::prologue(opening))},
      {"tags", tags_json},
      {"message_1", hex(message_1)},
      {"payload_2", payload_json(kIndex, reply, payload_2)},
      {"message_2", hex(message_2)},
      {"payload_3", payload_json(std::nullopt, proof, payload_3)},
      {"message_3", hex(message_3)},
      {"handshake_hash", hex(i.hash)},
      {"transport", transport}};
  return {{"note",
           std::string(kSeededRandom) +
               " In the stream each message follows its length as u16. After the message that holds REKEY its sender "
               "goes on with the next key."},
          {"handshakes", Json::array({handshake})}};
}

}  // namespace kith::vectors
