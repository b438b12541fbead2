#include "base/assert.hpp"
#include "crypto/noise.hpp"

namespace kith::crypto::noise {
namespace {

std::string_view protocol_name(Pattern pattern) {
  switch (pattern) {
    case Pattern::xx: return "Noise_XX_25519_ChaChaPoly_BLAKE2s";
    case Pattern::xx_psk3: return "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s";
  }
  KITH_UNREACHABLE();
}

/// The bytes that a public key takes in a message: alone, or sealed where there is a key already.
std::size_t static_key_bytes(SymmetricState const& symmetric) {
  return DhPublicKey::kBytes + (symmetric.has_key() ? kAeadTagBytes : 0);
}

}  // namespace

HandshakeState::HandshakeState(Pattern pattern, Role role, ByteView prologue, DhKeyPair const& static_key,
                               RandomSource& random)
    : pattern_(pattern),
      role_(role),
      symmetric_(protocol_name(pattern)),
      static_(static_key.clone()),
      ephemeral_(DhKeyPair::generate(random)) {
  symmetric_.mix_hash(prologue);
}

void HandshakeState::set_psk(Psk psk) {
  KITH_ASSERT(pattern_ == Pattern::xx_psk3);
  psk_ = std::move(psk);
}

bool HandshakeState::my_turn() const {
  return !failed_ && !finished() && (next_message_ % 2 == 0) == (role_ == Role::initiator);
}

std::span<HandshakeState::Token const> HandshakeState::due_tokens() const {
  static constexpr Token first[] = {Token::e};
  static constexpr Token second[] = {Token::e, Token::ee, Token::s, Token::es};
  static constexpr Token third[] = {Token::s, Token::se, Token::psk};
  if (next_message_ == 0) return first;
  if (next_message_ == 1) return second;
  return std::span{third}.first(pattern_ == Pattern::xx_psk3 ? 3 : 2);
}

bool HandshakeState::due(Step step, bool writing) const {
  bool const psk_missing = step == Step::tokens && pattern_ == Pattern::xx_psk3 && next_message_ == 2 && !psk_;
  return !failed_ && !finished() && my_turn() == writing && step_ == step && !psk_missing;
}

Result<> HandshakeState::write_tokens(Bytes& out) {
  if (!due(Step::tokens, true)) return fail(CryptoError::wrong_state);
  auto const start = out.size();
  for (auto const token : due_tokens()) {
    if (auto written = write_token(token, out); !written) {
      out.resize(start);
      return ended(std::move(written));
    }
  }
  message_bytes_ = out.size() - start;
  step_ = Step::payload;
  return {};
}

Result<> HandshakeState::write_payload(ByteView payload, Bytes& out) {
  if (!due(Step::payload, true)) return fail(CryptoError::wrong_state);
  std::size_t const tag_bytes = symmetric_.has_key() ? kAeadTagBytes : 0;
  if (payload.size() > kMaxMessageBytes - tag_bytes - message_bytes_) {
    return ended(fail(CryptoError::message_too_long));
  }
  if (auto sealed = symmetric_.encrypt_and_hash(payload, out); !sealed) return ended(std::move(sealed));
  payload_done();
  return {};
}

Result<> HandshakeState::read_tokens(ByteView& message) {
  if (!due(Step::tokens, false)) return fail(CryptoError::wrong_state);
  if (message.size() > kMaxMessageBytes) return ended(fail(CryptoError::message_too_long));
  for (auto const token : due_tokens()) {
    if (auto read = read_token(token, message); !read) return ended(std::move(read));
  }
  step_ = Step::payload;
  return {};
}

Result<> HandshakeState::read_payload(ByteView ciphertext, Bytes& out) {
  if (!due(Step::payload, false)) return fail(CryptoError::wrong_state);
  if (auto opened = symmetric_.decrypt_and_hash(ciphertext, out); !opened) return ended(std::move(opened));
  payload_done();
  return {};
}

Result<> HandshakeState::write_message(ByteView payload, Bytes& out) {
  auto const start = out.size();
  KITH_CHECK(write_tokens(out));
  auto written = write_payload(payload, out);
  if (!written) out.resize(start);
  return written;
}

Result<> HandshakeState::read_message(ByteView message, Bytes& payload) {
  KITH_CHECK(read_tokens(message));
  return read_payload(message, payload);
}

Transport HandshakeState::split() {
  KITH_ASSERT(finished() && !split_);
  split_ = true;
  auto [initiator, responder] = symmetric_.split();
  wipe_keys();
  bool const initiating = role_ == Role::initiator;
  return {std::move(initiating ? initiator : responder), std::move(initiating ? responder : initiator),
          symmetric_.hash(), *remote_static_};
}

Result<> HandshakeState::write_token(Token token, Bytes& out) {
  switch (token) {
    case Token::e:
      append(out, ephemeral_.public_key.view());
      mix_ephemeral(ephemeral_.public_key);
      return {};
    case Token::s: return symmetric_.encrypt_and_hash(static_.public_key.view(), out);
    case Token::ee:
    case Token::es:
    case Token::se:
    case Token::psk: return mix_token(token);
  }
  KITH_UNREACHABLE();
}

Result<> HandshakeState::read_token(Token token, ByteView& message) {
  switch (token) {
    case Token::e:
      if (message.size() < DhPublicKey::kBytes) return fail(CryptoError::truncated);
      remote_ephemeral_ = DhPublicKey::from(message.first(DhPublicKey::kBytes));
      message = message.subspan(DhPublicKey::kBytes);
      mix_ephemeral(*remote_ephemeral_);
      return {};
    case Token::s: {
      auto const size = static_key_bytes(symmetric_);
      if (message.size() < size) return fail(CryptoError::truncated);
      Bytes public_key;
      KITH_CHECK(symmetric_.decrypt_and_hash(message.first(size), public_key));
      remote_static_ = DhPublicKey::from(public_key);
      message = message.subspan(size);
      return {};
    }
    case Token::ee:
    case Token::es:
    case Token::se:
    case Token::psk: return mix_token(token);
  }
  KITH_UNREACHABLE();
}

Result<> HandshakeState::mix_token(Token token) {
  if (token == Token::psk) {
    symmetric_.mix_key_and_hash(psk_->view());
    psk_.reset();
    return {};
  }
  // es names the initiator's ephemeral and the responder's static key, se the other two; each side has one of the pair.
  bool const initiating = role_ == Role::initiator;
  bool const my_static = token == (initiating ? Token::se : Token::es);
  bool const their_static = token == (initiating ? Token::es : Token::se);
  auto const& ours = my_static ? static_ : ephemeral_;
  auto const& theirs = their_static ? remote_static_ : remote_ephemeral_;
  KITH_TRY(shared, dh(ours.secret_key, *theirs));
  symmetric_.mix_key(shared.view());
  return {};
}

void HandshakeState::mix_ephemeral(DhPublicKey const& ephemeral) {
  symmetric_.mix_hash(ephemeral.view());
  if (pattern_ == Pattern::xx_psk3) symmetric_.mix_key(ephemeral.view());
}

void HandshakeState::payload_done() {
  ++next_message_;
  step_ = Step::tokens;
}

void HandshakeState::wipe_keys() {
  static_.secret_key = {};
  ephemeral_.secret_key = {};
  psk_.reset();
}

Result<> HandshakeState::ended(Result<> result) {
  failed_ = true;
  wipe_keys();
  symmetric_.wipe();
  return result;
}

}  // namespace kith::crypto::noise
