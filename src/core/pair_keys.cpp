#include "core/pair_keys.hpp"

#include "core/identity.hpp"

namespace kith::core {
namespace {

template <class S>
S subkey(crypto::cpace::IntermediateKey const& isk, ByteView salt, std::string_view name) {
  Bytes info;
  append(info, bytes_of("kith/pair-keys/1"));
  info.push_back(0);
  append(info, bytes_of(name));
  return crypto::hkdf<S>(salt, isk.view(), info);
}

constexpr std::string_view kProofLabel = "kith/pair-proof/1";

Bytes proof_message(wire::PairMessageType type, ByteView transcript) {
  Bytes message{static_cast<std::uint8_t>(type)};
  append(message, transcript);
  return message;
}

Bytes box_aad(wire::PairMessageType type) {
  Bytes aad;
  append(aad, bytes_of("kith/pair-box/1"));
  aad.push_back(0);
  aad.push_back(static_cast<std::uint8_t>(type));
  return aad;
}

}  // namespace

crypto::XNonce BoxSealer::next_nonce() {
  crypto::XNonce nonce;
  store_be(nonce.bytes.data() + 16, count_);
  ++count_;
  return nonce;
}

Bytes BoxSealer::seal(wire::PairMessageType type, ByteView plaintext) {
  Bytes box;
  crypto::xchacha_seal(key_, next_nonce(), box_aad(type), plaintext, box);
  return box;
}

Result<Bytes> BoxSealer::open(wire::PairMessageType type, ByteView box) {
  Bytes plaintext;
  KITH_CHECK(crypto::xchacha_open(key_, next_nonce(), box_aad(type), box, plaintext));
  return plaintext;
}

PairKeys PairKeys::derive(crypto::cpace::IntermediateKey const& isk, wire::PairNonce const& joiner_nonce,
                          wire::PairNonce const& inviter_nonce, ByteView before_tag) {
  Bytes salt(joiner_nonce.bytes.begin(), joiner_nonce.bytes.end());
  append(salt, inviter_nonce.view());
  auto const inviter_confirm = subkey<crypto::AeadKey>(isk, salt, "confirm-i");
  return {crypto::hmac_sha256(inviter_confirm.view(), before_tag), subkey<crypto::AeadKey>(isk, salt, "confirm-j"),
          BoxSealer(subkey<crypto::AeadKey>(isk, salt, "box-i")),
          BoxSealer(subkey<crypto::AeadKey>(isk, salt, "box-j"))};
}

crypto::Mac256 PairKeys::joiner_tag(ByteView transcript) const {
  return crypto::hmac_sha256(joiner_confirm.view(), transcript);
}

crypto::Signature pair_proof(crypto::SigningKey const& key, wire::PairMessageType type, ByteView transcript) {
  return key.sign(kProofLabel, proof_message(type, transcript));
}

Result<> check_identity(wire::PairIdentityBox const& box, wire::PairMessageType type, ByteView transcript) {
  crypto::SignPublicKey const key{box.cert.device.bytes};
  bool const proved = crypto::verify(key, kProofLabel, proof_message(type, transcript), box.proof);
  if (!proved || !signature_fits(box.cert)) return fail(CoreError::bad_signature);
  return {};
}

crypto::cpace::Generator pair_generator(ByteView password, wire::Lookup const& lookup,
                                        wire::PairNonce const& joiner_nonce) {
  Bytes channel_identifier;
  append(channel_identifier, bytes_of("kith/pair/1"));
  channel_identifier.push_back(0);
  append(channel_identifier, bytes_of(lookup.symbols));
  return crypto::cpace::generator(password, channel_identifier, joiner_nonce.view());
}

}  // namespace kith::core
