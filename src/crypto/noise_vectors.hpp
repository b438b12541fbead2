#pragma once

#include <optional>
#include <string>

#include "crypto/noise.hpp"
#include "crypto/vector_files.hpp"

/// For tests: plays one published Noise vector from both sides.
namespace kith::crypto::noise {

inline std::optional<Pattern> pattern_of(std::string_view protocol_name) {
  if (protocol_name == "Noise_XX_25519_ChaChaPoly_BLAKE2s") return Pattern::xx;
  if (protocol_name == "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s") return Pattern::xx_psk3;
  return std::nullopt;
}

/// `side` is "init" or "resp", as the vectors' fields begin.
inline HandshakeState side_of(vectors::Json const& vector, Pattern pattern, Role role, std::string const& side) {
  auto const static_key = DhKeyPair::from(vectors::from_text<DhSecretKey>(vector.at(side + "_static")));
  vectors::ScriptedRandom random(vectors::hex(vector.at(side + "_ephemeral")));
  HandshakeState state(pattern, role, vectors::hex(vector.at(side + "_prologue")), static_key, random);
  if (pattern == Pattern::xx_psk3) state.set_psk(vectors::from_text<Psk>(vector.at(side + "_psks").at(0)));
  return state;
}

/// The vector's handshake, three messages, and what follows in alternate directions; throws nothing but for broken
/// files.
inline void check_vector(vectors::Json const& vector, Pattern pattern) {
  auto initiator = side_of(vector, pattern, Role::initiator, "init");
  auto responder = side_of(vector, pattern, Role::responder, "resp");
  auto const& messages = vector.at("messages");
  ASSERT_GT(messages.size(), 3U);

  for (std::size_t i = 0; i < 3; ++i) {
    auto& writer = i % 2 == 0 ? initiator : responder;
    auto& reader = i % 2 == 0 ? responder : initiator;
    Bytes message;
    Bytes payload;
    ASSERT_TRUE(writer.write_message(vectors::hex(messages[i].at("payload")), message)) << "message " << i;
    ASSERT_EQ(message, vectors::hex(messages[i].at("ciphertext"))) << "message " << i;
    ASSERT_TRUE(reader.read_message(message, payload)) << "message " << i;
    ASSERT_EQ(payload, vectors::hex(messages[i].at("payload"))) << "message " << i;
  }
  ASSERT_TRUE(initiator.finished() && responder.finished());
  auto a = initiator.split();
  auto b = responder.split();
  EXPECT_EQ(a.hash, b.hash);
  if (vector.contains("handshake_hash")) {
    EXPECT_EQ(a.hash, vectors::from_text<HandshakeHash>(vector["handshake_hash"]));
  }
  EXPECT_EQ(a.remote_static, DhKeyPair::from(vectors::from_text<DhSecretKey>(vector.at("resp_static"))).public_key);
  EXPECT_EQ(b.remote_static, DhKeyPair::from(vectors::from_text<DhSecretKey>(vector.at("init_static"))).public_key);

  for (std::size_t i = 3; i < messages.size(); ++i) {
    auto& send = i % 2 == 0 ? a.send : b.send;
    auto& receive = i % 2 == 0 ? b.receive : a.receive;
    Bytes message;
    Bytes payload;
    ASSERT_TRUE(send.encrypt_with_ad({}, vectors::hex(messages[i].at("payload")), message)) << "message " << i;
    EXPECT_EQ(message, vectors::hex(messages[i].at("ciphertext"))) << "message " << i;
    message[0] ^= 1;
    EXPECT_FALSE(receive.decrypt_with_ad({}, message, payload)) << "message " << i;
    message[0] ^= 1;
    ASSERT_TRUE(receive.decrypt_with_ad({}, message, payload)) << "message " << i;
    EXPECT_EQ(payload, vectors::hex(messages[i].at("payload"))) << "message " << i;
  }
}

}  // namespace kith::crypto::noise
