#include "base/assert.hpp"
#include "samples.hpp"
#include "support/played_recovery.hpp"
#include "support/seeded_random.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

using testing::must;
using testing::PlayedRecovery;
using testing::SeededRandom;
using Role = PlayedRecovery::Role;

constexpr std::uint64_t kReaderSeed = 41, kGiverSeed = 42;

/// What is behind a message's length.
ByteView message_of(Bytes const& prefixed) { return ByteView{prefixed}.subspan(2); }

Json spoken(crypto::noise::Transport& giver, crypto::noise::Transport& reader, wire::Frame const& frame) {
  Bytes bytes, message, plain;
  wire::encode_frame(bytes, frame);
  must(giver.send.encrypt_with_ad({}, bytes, message));
  must(reader.receive.decrypt_with_ad({}, message, plain));
  KITH_ASSERT(plain == bytes);
  if (std::holds_alternative<wire::Rekey>(frame)) giver.send.rekey(), reader.receive.rekey();
  return {{"plaintext", hex(bytes)}, {"message", hex(message)}};
}

/// The sealed entry of entries.json that founds the group.
Bytes founding_entry() {
  auto const all = entries();
  for (auto const& each : all.at("entries")) {
    auto const sealed = from_hex(each.at("sealed").get<std::string>()).value();
    if (core::genesis_in(sealed, samples::group(), samples::recovery())) return sealed;
  }
  KITH_UNREACHABLE();
}

}  // namespace

Json recovery() {
  auto const words = samples::recovery();
  auto const laptop = samples::laptop();
  auto const genesis = samples::genesis();
  wire::Opening const opening{.purpose = wire::Purpose::recovery};
  SeededRandom random_r(kReaderSeed), random_g(kGiverSeed);
  auto const reader_static = crypto::DhKeyPair::generate(random_r);
  PlayedRecovery reader(Role::initiator, reader_static, random_r);
  PlayedRecovery giver(Role::responder, laptop.dx, random_g);

  auto const hello = reader.hello(words.locator);
  Bytes const message_1(hello.begin() + wire::Opening::kBytes, hello.end());
  Bytes const tag = must(giver.read(message_1));
  Bytes const message_2 = giver.giving(laptop, samples::group(), genesis.locator_secret);
  Bytes const payload_2 = must(reader.read(message_2));
  Bytes const message_3 = reader.proof(words.sign);
  Bytes const payload_3 = must(giver.read(message_3));
  auto r = reader.split();
  auto g = giver.split();
  KITH_ASSERT(r.hash == g.hash);
  auto const founding = founding_entry();
  Json transport = Json::array();
  transport.push_back(spoken(g, r, wire::Data{{{founding}}}));
  transport.push_back(spoken(g, r, wire::Rekey{}));
  transport.push_back(spoken(g, r, wire::Tips{{samples::tip(1, 1, 1)}}));

  return {{"note", kSeededRandom},
          {"group_id", hex(samples::group())},
          {"locator_secret", hex(words.locator)},
          {"recovery_sign_seed", hex(words.sign.seed())},
          {"recovery_dx_secret", hex(words.dx.secret_key)},
          {"psk", hex(core::recovery_psk(words.locator))},
          {"giver",
           {{"sign_seed", hex(laptop.sign.seed())},
            {"dx_secret", hex(laptop.dx.secret_key)},
            {"created_s", laptop.cert.created_s},
            {"devcert", hex(wire::encode(laptop.cert))},
            {"random_seed", kGiverSeed},
            {"draws", {"ephemeral secret key, 32 bytes"}}}},
          {"reader",
           {{"random_seed", kReaderSeed},
            {"static_secret", hex(reader_static.secret_key)},
            {"draws", {"static secret key, 32 bytes", "ephemeral secret key, 32 bytes"}}}},
          {"opening", hex(wire::encode(opening))},
          {"prologue", hex(core::recovery_prologue(opening))},
          {"tag", hex(tag)},
          {"message_1", hex(message_of(message_1))},
          {"payload_2", hex(payload_2)},
          {"message_2", hex(message_of(message_2))},
          {"payload_3", hex(payload_3)},
          {"message_3", hex(message_of(message_3))},
          {"handshake_hash", hex(r.hash)},
          {"transport_of_giver", transport}};
}

}  // namespace kith::vectors
