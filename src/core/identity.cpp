#include "core/identity.hpp"

#include "crypto/kdf.hpp"

namespace kith::core {
namespace {

wire::Devcert make_devcert(crypto::SigningKey const& sign, crypto::DhPublicKey const& dx, std::uint64_t created_s) {
  wire::Devcert cert;
  cert.device = DeviceId{sign.public_key().bytes};
  cert.dx = dx;
  cert.created_s = created_s;
  cert.signature = sign.sign(kDevcertLabel, cert.signed_part());
  return cert;
}

/// One of the recovery keys: HKDF(BIP-39 seed, no salt, info).
template <class S>
S recovery_subkey(crypto::MnemonicSeed const& seed, std::string_view info) {
  return crypto::hkdf<S>({}, seed.view(), bytes_of(info));
}

}  // namespace

Identity Identity::generate(RandomSource& random, WallTime now) {
  auto const seed = random.secret<crypto::SignSeed>();
  auto dx = random.secret<crypto::DhSecretKey>();
  auto root = random.secret<DeviceRoot>();
  auto storage = random.secret<StorageKey>();
  return restore(seed, std::move(dx), std::move(root), std::move(storage), static_cast<std::uint64_t>(now.seconds()));
}

Identity Identity::restore(crypto::SignSeed const& seed, crypto::DhSecretKey dx, DeviceRoot root, StorageKey storage,
                           std::uint64_t created_s) {
  crypto::SigningKey sign(seed);
  auto pair = crypto::DhKeyPair::from(std::move(dx));
  auto cert = make_devcert(sign, pair.public_key, created_s);
  return {std::move(sign), std::move(pair), std::move(root), std::move(storage), cert};
}

Identity Identity::clone() const {
  return restore(sign.seed(), dx.secret_key.clone(), root.clone(), storage.clone(), cert.created_s);
}

bool signature_fits(wire::Devcert const& cert) {
  return crypto::verify(crypto::SignPublicKey{cert.device.bytes}, kDevcertLabel, cert.signed_part(), cert.signature);
}

RelayFace relay_face(DeviceRoot const& root, wire::RelayKey const& relay, GroupId const& group) {
  Bytes info;
  append(info, bytes_of("kith/pseudonym/1"));
  info.push_back(0);
  append(info, group.view());
  auto const okm = crypto::hkdf<Secret<64>>(relay.view(), root.view(), info);
  return {crypto::SigningKey(*crypto::SignSeed::from(okm.view().first<32>())),
          crypto::DhKeyPair::from(*crypto::DhSecretKey::from(okm.view().last<32>()))};
}

RecoveryKeys RecoveryKeys::from_entropy(crypto::MnemonicEntropy const& entropy) {
  std::string words = crypto::to_words(entropy);
  auto const seed = crypto::mnemonic_seed(words);
  wipe({reinterpret_cast<std::uint8_t*>(words.data()), words.size()});
  wipe_leftovers();
  return {crypto::SigningKey(recovery_subkey<crypto::SignSeed>(seed, "kith/recovery-sign/1")),
          crypto::DhKeyPair::from(recovery_subkey<crypto::DhSecretKey>(seed, "kith/recovery-dx/1")),
          recovery_subkey<wire::LocatorSecret>(seed, "kith/locator/1")};
}

Bytes recovery_message(GroupId const& group, DeviceId const& author, Incarnation incarnation, Seq seq,
                       wire::Op const& op) {
  Bytes out;
  wire::Writer writer(out);
  writer.array(5);
  writer.bin(group.view());
  writer.bin(author.view());
  writer.unsigned_integer(incarnation.value);
  writer.unsigned_integer(seq.value);
  wire::encode_op(out, op);
  return out;
}

bool recovery_signature_fits(crypto::SignPublicKey const& recovery_sign, GroupId const& group, DeviceId const& author,
                             Incarnation incarnation, Seq seq, wire::Op const& op) {
  auto const fits = [&](auto unsigned_op) {
    auto const signature = std::exchange(unsigned_op.recovery, std::nullopt);
    return signature && crypto::verify(recovery_sign, kRecoveryLabel,
                                       recovery_message(group, author, incarnation, seq, unsigned_op), *signature);
  };
  if (auto const* add = std::get_if<wire::DeviceAdd>(&op)) return fits(*add);
  if (auto const* remove = std::get_if<wire::DeviceRemove>(&op)) return fits(*remove);
  return false;
}

}  // namespace kith::core
