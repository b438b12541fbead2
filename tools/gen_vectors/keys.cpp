#include "core/entry.hpp"
#include "crypto/mnemonic.hpp"
#include "samples.hpp"
#include "sync/files/chunk_id.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

Json devcert(std::string_view name, core::Identity const& identity) {
  return {{"name", name},
          {"sign_seed", hex(identity.sign.seed())},
          {"dx_secret", hex(identity.dx.secret_key)},
          {"created_s", identity.cert.created_s},
          {"signed_part", hex(identity.cert.signed_part())},
          {"fields", testing::to_json(identity.cert)},
          {"encoding", hex(wire::encode(identity.cert))}};
}

Json epoch(std::string_view name, wire::EpochSecret const& secret) {
  Json subkeys;
  for (auto const* use : {"entry", "object", "presence", "noise-psk", "mdns", "signal"}) {
    subkeys[use] = hex(core::epoch_subkey(samples::group(), secret, use));
  }
  return {{"name", name},
          {"group_id", hex(samples::group())},
          {"secret", hex(secret)},
          {"epoch_id", hex(core::epoch_id(samples::group(), secret))},
          {"subkeys", subkeys}};
}

Json chunks() {
  auto const secret = samples::genesis().content_secret.clone();
  auto const key = files::chunk_key(secret);
  Json list = Json::array();
  for (std::string_view const text : {"", "a", "the quick brown fox jumps over the lazy dog"}) {
    list.push_back({{"bytes", hex(bytes_of(text))}, {"chunk_id", hex(files::chunk_id(key, bytes_of(text)))}});
  }
  return {{"content_secret", hex(secret)}, {"chunk_key", hex(key)}, {"chunks", list}};
}

Json recovery(std::string_view name, crypto::MnemonicEntropy const& entropy) {
  auto const words = crypto::to_words(entropy);
  auto const keys = core::RecoveryKeys::from_entropy(entropy);
  return {{"name", name},
          {"entropy", hex(entropy)},
          {"words", words},
          {"bip39_seed", hex(crypto::mnemonic_seed(words))},
          {"recovery_sign_seed", hex(keys.sign.seed())},
          {"recovery_sign", hex(keys.sign.public_key())},
          {"recovery_dx_secret", hex(keys.dx.secret_key)},
          {"recovery_dx", hex(keys.dx.public_key)},
          {"locator_secret", hex(keys.locator)}};
}

Json recovery_signature(wire::Op op) {
  auto const keys = samples::recovery();
  auto const author = samples::phone().device();
  Incarnation const incarnation{5};
  Seq const seq{1};
  Bytes const message = core::recovery_message(samples::group(), author, incarnation, seq, op);
  auto const unsigned_op = testing::to_json(op);
  auto const signature = keys.sign.sign(core::kRecoveryLabel, message);
  if (auto* add = std::get_if<wire::DeviceAdd>(&op)) add->recovery = signature;
  if (auto* remove = std::get_if<wire::DeviceRemove>(&op)) remove->recovery = signature;
  return {{"name", "by the recovery key of the first recovery"},
          {"group_id", hex(samples::group())},
          {"author", hex(author)},
          {"incarnation", incarnation.value},
          {"seq", seq.value},
          {"op", unsigned_op},
          {"message", hex(message)},
          {"signature", hex(signature)},
          {"signed_op", testing::to_json(op)}};
}

Json pseudonym(std::string_view name, core::Identity const& identity, std::uint8_t relay) {
  auto const relay_key = samples::counted<wire::RelayKey>(relay);
  auto const face = core::relay_face(identity.root, relay_key, samples::group());
  return {{"name", name},
          {"root", hex(identity.root)},
          {"relay_key", hex(relay_key)},
          {"group_id", hex(samples::group())},
          {"sign_seed", hex(face.sign.seed())},
          {"pseudonym", hex(face.pseudonym())},
          {"dx_secret", hex(face.dx.secret_key)},
          {"dx", hex(face.dx.public_key)}};
}

Json heads(std::string_view name, std::vector<Tip> const& tips) {
  Bytes encoding;
  wire::Encoder{encoding}(wire::list(tips, tips.size()));
  return {{"name", name},
          {"tips", testing::to_json(tips)},
          {"encoding", hex(encoding)},
          {"heads", hex(crypto::hash256("kith/heads/1", {encoding}))}};
}

}  // namespace

Json keys() {
  using samples::tip;
  return {
      {"note",
       "Ids and keys, and what they are derived from. H, H16, sign and HKDF are those of docs/spec/conventions.md; an "
       "HKDF's info is "
       "its label, and where something follows, a zero byte and that."},
      {"devcerts", {devcert("the laptop's", samples::laptop()), devcert("the phone's", samples::phone())}},
      {"groups", Json::array({{{"genesis", testing::to_json(samples::genesis())},
                               {"encoding", hex(wire::encode(samples::genesis()))},
                               {"group_id", hex(samples::group())}}})},
      {"epochs", {epoch("the first", samples::first_epoch()), epoch("the second", samples::second_epoch())}},
      {"content", chunks()},
      {"recoveries",
       {recovery("entropy that counts up", samples::counted<crypto::MnemonicEntropy>(0)),
        recovery("entropy of zeros", crypto::MnemonicEntropy{})}},
      {"recovery_signatures",
       {recovery_signature(wire::DeviceAdd{
            samples::phone().cert, "phone", core::epoch_id(samples::group(), samples::first_epoch()), {}}),
        recovery_signature(wire::DeviceRemove{samples::laptop().device(), wire::RemoveReason::compromised, {}})}},
      {"pseudonyms",
       {pseudonym("the laptop at one relay", samples::laptop(), 0x31), pseudonym("at another", samples::laptop(), 0x32),
        pseudonym("the phone at the first", samples::phone(), 0x31)}},
      {"heads",
       {heads("of nothing", {}), heads("of one log", {tip(1, 1, 1)}),
        heads("of a fork and a second incarnation", {tip(1, 1, 1), tip(1, 1, 2), tip(1, 2, 1), tip(2, 1, 300)})}}};
}

}  // namespace kith::vectors
