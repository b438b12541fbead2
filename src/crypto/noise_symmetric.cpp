#include <algorithm>

#include "base/assert.hpp"
#include "crypto/blake2s.hpp"
#include "crypto/noise.hpp"

/// CipherState and SymmetricState: the parts of Noise that know no pattern.
namespace kith::crypto::noise {
namespace {

constexpr std::uint64_t kRekeyNonce = ~std::uint64_t{0};  ///< never encrypts a message, section 5.1

/// Section 12.3: 32 bits of zeros, then the nonce little-endian.
std::array<std::uint8_t, 12> chacha_nonce(std::uint64_t n) {
  std::array<std::uint8_t, 12> nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return nonce;
}

/// Section 4.3: HKDF(chaining_key, input_key_material, N), N being 2 or 3.
template <std::size_t N>
std::array<Secret<kBlake2sBytes>, N> hkdf(ChainingKey const& chaining_key, ByteView input) {
  Secret<kBlake2sBytes> temp_key;
  hmac_blake2s(chaining_key.view(), {input}, temp_key.mutable_view());
  std::array<Secret<kBlake2sBytes>, N> outputs;
  ByteView previous;
  for (std::uint8_t i = 0; i < N; ++i) {
    auto const counter = static_cast<std::uint8_t>(i + 1);
    hmac_blake2s(temp_key.view(), {previous, {&counter, 1}}, outputs[i].mutable_view());
    previous = outputs[i].view();
  }
  return outputs;
}

}  // namespace

Result<> CipherState::encrypt_with_ad(ByteView ad, ByteView plaintext, Bytes& out) {
  if (plaintext.size() > (key_ ? kMaxPlaintextBytes : kMaxMessageBytes)) return fail(CryptoError::message_too_long);
  if (!key_) {
    append(out, plaintext);
    return {};
  }
  if (nonce_ == kRekeyNonce) return fail(CryptoError::nonce_exhausted);
  chacha_seal(*key_, chacha_nonce(nonce_), ad, plaintext, out);
  ++nonce_;
  return {};
}

Result<> CipherState::decrypt_with_ad(ByteView ad, ByteView ciphertext, Bytes& out) {
  if (ciphertext.size() > kMaxMessageBytes) return fail(CryptoError::message_too_long);
  if (!key_) {
    append(out, ciphertext);
    return {};
  }
  if (nonce_ == kRekeyNonce) return fail(CryptoError::nonce_exhausted);
  KITH_CHECK(chacha_open(*key_, chacha_nonce(nonce_), ad, ciphertext, out));
  ++nonce_;
  return {};
}

void CipherState::rekey() {
  KITH_ASSERT(key_.has_value());
  static constexpr std::array<std::uint8_t, AeadKey::kBytes> zeros{};
  Bytes sealed;
  chacha_seal(*key_, chacha_nonce(kRekeyNonce), {}, zeros, sealed);
  key_ = AeadKey::from(ByteView{sealed}.first(AeadKey::kBytes));
  wipe(sealed);
}

SymmetricState::SymmetricState(std::string_view protocol_name) {
  if (protocol_name.size() <= kBlake2sBytes) {
    std::copy(protocol_name.begin(), protocol_name.end(), hash_.bytes.begin());
  } else {
    hash_.bytes = blake2s({bytes_of(protocol_name)});
  }
  chaining_key_ = ChainingKey{hash_.bytes};
}

void SymmetricState::mix_key(ByteView input) {
  auto const [chaining_key, key] = hkdf<2>(chaining_key_, input);
  chaining_key_ = ChainingKey{chaining_key.view()};
  cipher_ = CipherState(AeadKey{key.view()});
}

void SymmetricState::mix_hash(ByteView data) { hash_.bytes = blake2s({hash_.view(), data}); }

void SymmetricState::mix_key_and_hash(ByteView input) {
  auto const [chaining_key, hash, key] = hkdf<3>(chaining_key_, input);
  chaining_key_ = ChainingKey{chaining_key.view()};
  mix_hash(hash.view());
  cipher_ = CipherState(AeadKey{key.view()});
}

Result<> SymmetricState::encrypt_and_hash(ByteView plaintext, Bytes& out) {
  auto const start = out.size();
  KITH_CHECK(cipher_.encrypt_with_ad(hash_.view(), plaintext, out));
  mix_hash(ByteView{out}.subspan(start));
  return {};
}

Result<> SymmetricState::decrypt_and_hash(ByteView ciphertext, Bytes& out) {
  KITH_CHECK(cipher_.decrypt_with_ad(hash_.view(), ciphertext, out));
  mix_hash(ciphertext);
  return {};
}

std::pair<CipherState, CipherState> SymmetricState::split() {
  auto const [initiator, responder] = hkdf<2>(chaining_key_, {});
  wipe();
  return {CipherState(AeadKey{initiator.view()}), CipherState(AeadKey{responder.view()})};
}

void SymmetricState::wipe() {
  chaining_key_ = {};
  cipher_ = {};
}

}  // namespace kith::crypto::noise
