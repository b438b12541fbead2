#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/noise_vectors.hpp"

namespace kith::crypto::noise {
namespace {

Psk psk_of(std::uint8_t value) {
  Psk psk;
  std::fill_n(psk.data(), Psk::kBytes, value);
  return psk;
}

DhKeyPair key_pair(std::uint8_t value) {
  vectors::ScriptedRandom random(Bytes(32, value));
  return DhKeyPair::generate(random);
}

HandshakeState side(Pattern pattern, Role role, std::string_view prologue = "prologue") {
  std::uint8_t const number = role == Role::initiator ? 10 : 20;
  vectors::ScriptedRandom random(Bytes(32, static_cast<std::uint8_t>(number + 1)));
  HandshakeState state(pattern, role, bytes_of(prologue), key_pair(number), random);
  if (pattern == Pattern::xx_psk3) state.set_psk(psk_of(9));
  return state;
}

/// Two sides, and a network that may alter one message.
struct Conversation {
  explicit Conversation(Pattern pattern)
      : initiator(side(pattern, Role::initiator)), responder(side(pattern, Role::responder)) {}

  HandshakeState& writer(int i) { return i % 2 == 0 ? initiator : responder; }
  HandshakeState& reader(int i) { return i % 2 == 0 ? responder : initiator; }

  /// Plays messages 0 to `count` - 1 and returns the first error. `alter` sees each message on its way.
  template <class Alter>
  Result<> play(int count, Alter alter) {
    for (int i = 0; i < count; ++i) {
      Bytes message;
      Bytes payload;
      KITH_CHECK(writer(i).write_message(bytes_of("payload"), message));
      alter(i, message);
      KITH_CHECK(reader(i).read_message(message, payload));
    }
    return {};
  }
  Result<> play(int count) {
    return play(count, [](int, Bytes const&) {});
  }

  HandshakeState initiator;
  HandshakeState responder;
};

class Handshake : public ::testing::TestWithParam<Pattern> {};
INSTANTIATE_TEST_SUITE_P(BothPatterns, Handshake, ::testing::Values(Pattern::xx, Pattern::xx_psk3),
                         [](auto const& about) { return about.param == Pattern::xx ? "XX" : "XXpsk3"; });

TEST(NoiseVectors, OfCacophony) {
  auto const file = vectors::read_json(vectors::kOwnFolder / "noise.json");
  ASSERT_EQ(file["vectors"].size(), 2U);
  for (auto const& vector : file["vectors"]) {
    auto const pattern = pattern_of(vector["protocol_name"].get<std::string>());
    ASSERT_TRUE(pattern);
    check_vector(vector, *pattern);
  }
}

TEST_P(Handshake, TellsWhoseTurnItIs) {
  Conversation talk(GetParam());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(talk.writer(i).my_turn());
    EXPECT_FALSE(talk.reader(i).my_turn());
    Bytes message;
    Bytes payload;
    ASSERT_TRUE(talk.writer(i).write_message({}, message));
    ASSERT_TRUE(talk.reader(i).read_message(message, payload));
  }
  for (auto* state : {&talk.initiator, &talk.responder}) {
    EXPECT_TRUE(state->finished());
    EXPECT_FALSE(state->my_turn());
  }
  EXPECT_EQ(talk.initiator.remote_ephemeral(), talk.responder.ephemeral_public());
  EXPECT_EQ(talk.initiator.remote_static(), key_pair(20).public_key);
  EXPECT_EQ(talk.responder.remote_static(), key_pair(10).public_key);
}

TEST_P(Handshake, BothSidesSeeOneHashBeforeEachPayload) {
  Conversation talk(GetParam());
  std::set<HandshakeHash> seen;
  for (int i = 0; i < 3; ++i) {
    Bytes message{0xee};  // what is written goes behind what is there
    ASSERT_TRUE(talk.writer(i).write_tokens(message));
    auto const hash = talk.writer(i).hash();
    ASSERT_TRUE(talk.writer(i).write_payload(hash.view(), message));

    ByteView rest = ByteView{message}.subspan(1);
    Bytes payload;
    ASSERT_TRUE(talk.reader(i).read_tokens(rest));
    EXPECT_EQ(talk.reader(i).hash(), hash);
    ASSERT_TRUE(talk.reader(i).read_payload(rest, payload));
    EXPECT_TRUE(equal(payload, hash.view()));
    EXPECT_EQ(talk.reader(i).hash(), talk.writer(i).hash());
    EXPECT_TRUE(seen.insert(hash).second);
  }
}

TEST_P(Handshake, RefusesEveryFlippedBit) {
  Conversation honest(GetParam());
  std::array<std::size_t, 3> sizes{};
  ASSERT_TRUE(
      honest.play(3, [&](int i, Bytes const& message) { sizes[static_cast<std::size_t>(i)] = message.size(); }));

  std::size_t refused = 0;
  for (int altered = 0; altered < 3; ++altered) {
    auto const bits = sizes[static_cast<std::size_t>(altered)] * 8;
    for (std::size_t bit = 0; bit < bits; ++bit) {
      Conversation talk(GetParam());
      auto const played = talk.play(3, [&](int i, Bytes& message) {
        if (i == altered) message[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      });
      EXPECT_FALSE(played) << "message " << altered << " bit " << bit;
      EXPECT_FALSE(talk.initiator.finished() && talk.responder.finished());
      ++refused;
    }
  }
  EXPECT_EQ(refused, (sizes[0] + sizes[1] + sizes[2]) * 8);
}

TEST_P(Handshake, RefusesEveryTruncation) {
  for (int altered = 0; altered < 3; ++altered) {
    for (std::size_t size = 0;; ++size) {
      Conversation talk(GetParam());
      bool whole = false;
      auto const played = talk.play(3, [&](int i, Bytes& message) {
        if (i != altered) return;
        whole = size >= message.size();
        if (!whole) message.resize(size);
      });
      if (whole) break;
      EXPECT_FALSE(played) << "message " << altered << " cut to " << size;
    }
  }
}

/// Whatever failed, and although the right bytes come afterwards.
TEST_P(Handshake, StaysFailed) {
  auto const has_failed = [](HandshakeState& state, Bytes const& right_message) {
    Bytes out{7};
    ByteView view = right_message;
    for (auto const& result : {state.write_tokens(out), state.write_payload({}, out), state.read_tokens(view),
                               state.read_payload(ByteView{right_message}.last(16), out)}) {
      EXPECT_TRUE(!result && result.error().is(CryptoError::wrong_state));
    }
    EXPECT_EQ(out, Bytes{7});
    EXPECT_FALSE(state.my_turn());
    EXPECT_FALSE(state.finished());
    EXPECT_DEATH((void)state.split(), "bug at");
  };
  Bytes message;
  Bytes out;
  Conversation at_reading_tokens(GetParam());
  ASSERT_TRUE(at_reading_tokens.play(1));
  ASSERT_TRUE(at_reading_tokens.responder.write_message({}, message));
  EXPECT_FALSE(at_reading_tokens.initiator.read_message(ByteView{message}.first(40), out));
  has_failed(at_reading_tokens.initiator, message);

  Conversation at_reading_payload(GetParam());
  ASSERT_TRUE(at_reading_payload.play(1));
  message.clear();
  ASSERT_TRUE(at_reading_payload.responder.write_message({}, message));
  message.back() ^= 1;
  EXPECT_FALSE(at_reading_payload.initiator.read_message(message, out));
  message.back() ^= 1;
  has_failed(at_reading_payload.initiator, message);

  Conversation at_writing(GetParam());
  EXPECT_FALSE(at_writing.initiator.write_message(Bytes(65536), out));
  has_failed(at_writing.initiator, message);
}

/// Looks for the secrets in the bytes of the object itself, where all of them are kept.
TEST_P(Handshake, KeepsNoSecretOnceItIsOver) {
  auto const holds = [](HandshakeState const& state, Bytes const& secret) {
    std::string_view const object(reinterpret_cast<char const*>(&state), sizeof state);
    return object.find(text_of(secret)) != std::string_view::npos;
  };
  auto const holds_any = [&](HandshakeState const& state, std::uint8_t number) {
    return holds(state, Bytes(32, number)) || holds(state, Bytes(32, static_cast<std::uint8_t>(number + 1))) ||
           holds(state, Bytes(32, 9));
  };
  Conversation finished(GetParam());
  EXPECT_TRUE(holds(finished.initiator, Bytes(32, 10)));
  EXPECT_TRUE(holds(finished.initiator, Bytes(32, 11)));
  EXPECT_EQ(holds(finished.initiator, Bytes(32, 9)), GetParam() == Pattern::xx_psk3);
  ASSERT_TRUE(finished.play(3));
  auto const a = finished.initiator.split();
  auto const b = finished.responder.split();
  EXPECT_FALSE(holds_any(finished.initiator, 10));
  EXPECT_FALSE(holds_any(finished.responder, 20));

  Conversation failed(GetParam());
  ASSERT_FALSE(failed.play(2, [](int i, Bytes& message) { message.back() ^= i == 1 ? 1 : 0; }));
  EXPECT_FALSE(holds_any(failed.initiator, 10));
}

TEST_P(Handshake, AMessageThatIsNotDueChangesNothing) {
  Conversation talk(GetParam());
  auto const is_wrong_state = [](Result<> const& result) {
    return !result && result.error().is(CryptoError::wrong_state);
  };
  for (int i = 0; i < 3; ++i) {
    Bytes out;
    ByteView view;
    EXPECT_TRUE(is_wrong_state(talk.reader(i).write_message({}, out)));
    EXPECT_TRUE(is_wrong_state(talk.writer(i).read_message(Bytes(200), out)));
    EXPECT_TRUE(is_wrong_state(talk.writer(i).write_payload({}, out)));
    EXPECT_TRUE(is_wrong_state(talk.reader(i).read_payload({}, out)));
    EXPECT_TRUE(out.empty());

    ASSERT_TRUE(talk.writer(i).write_tokens(out));
    EXPECT_TRUE(is_wrong_state(talk.writer(i).write_tokens(out)));
    ASSERT_TRUE(talk.writer(i).write_payload({}, out));
    view = out;
    ASSERT_TRUE(talk.reader(i).read_tokens(view));
    EXPECT_TRUE(is_wrong_state(talk.reader(i).read_tokens(view)));
    Bytes payload;
    ASSERT_TRUE(talk.reader(i).read_payload(view, payload));
  }
  Bytes out;
  EXPECT_TRUE(is_wrong_state(talk.initiator.write_message({}, out)));
  EXPECT_TRUE(is_wrong_state(talk.responder.read_message(Bytes(200), out)));
  EXPECT_EQ(talk.initiator.split().hash, talk.responder.split().hash);
  EXPECT_DEATH((void)talk.initiator.split(), "bug at");
}

TEST_P(Handshake, TheLongestMessageIs65535Bytes) {
  bool const psk = GetParam() == Pattern::xx_psk3;
  std::array<std::size_t, 3> const overhead{32U + (psk ? 16U : 0U), 96, 64};
  for (int i = 0; i < 3; ++i) {
    auto const most = kMaxMessageBytes - overhead[static_cast<std::size_t>(i)];
    Conversation fits(GetParam());
    ASSERT_TRUE(fits.play(i));
    Bytes message;
    Bytes payload;
    ASSERT_TRUE(fits.writer(i).write_message(Bytes(most, 1), message)) << i;
    EXPECT_EQ(message.size(), kMaxMessageBytes);
    ASSERT_TRUE(fits.reader(i).read_message(message, payload)) << i;
    EXPECT_EQ(payload, Bytes(most, 1));

    Conversation too_long(GetParam());
    ASSERT_TRUE(too_long.play(i));
    Bytes kept{7};
    EXPECT_TRUE(too_long.writer(i).write_message(Bytes(most + 1), kept).error().is(CryptoError::message_too_long));
    EXPECT_TRUE(too_long.reader(i).read_message(Bytes(65536), kept).error().is(CryptoError::message_too_long));
    EXPECT_EQ(kept, Bytes{7});
  }
}

TEST_P(Handshake, AnotherPrologueFails) {
  auto initiator = side(GetParam(), Role::initiator, "prologue");
  auto responder = side(GetParam(), Role::responder, "prologuf");
  Bytes first;
  Bytes second;
  Bytes payload;
  ASSERT_TRUE(initiator.write_message({}, first));
  if (GetParam() == Pattern::xx) {
    ASSERT_TRUE(responder.read_message(first, payload));  // nothing in it is sealed yet
    ASSERT_TRUE(responder.write_message({}, second));
    EXPECT_TRUE(initiator.read_message(second, payload).error().is(CryptoError::not_authentic));
  } else {
    EXPECT_TRUE(responder.read_message(first, payload).error().is(CryptoError::not_authentic));
  }
}

/// A peer that sends a point of small order would know the result of every exchange with it.
TEST_P(Handshake, RefusesAnEphemeralKeyOfSmallOrder) {
  Conversation talk(GetParam());
  Bytes message;
  ASSERT_TRUE(talk.initiator.write_message({}, message));
  std::fill_n(message.begin(), 32, std::uint8_t{0});
  Bytes payload;
  if (GetParam() == Pattern::xx) {
    ASSERT_TRUE(talk.responder.read_message(message, payload));
    Bytes out{7};
    EXPECT_TRUE(talk.responder.write_message({}, out).error().is(CryptoError::weak_point));
    EXPECT_EQ(out, Bytes{7});
  } else {
    EXPECT_FALSE(talk.responder.read_message(message, payload));
  }

  Conversation second(GetParam());
  ASSERT_TRUE(second.play(1));
  message.clear();
  ASSERT_TRUE(second.responder.write_message({}, message));
  std::fill_n(message.begin(), 32, std::uint8_t{0});
  EXPECT_TRUE(second.initiator.read_message(message, payload).error().is(CryptoError::weak_point));
}

TEST(NoisePsk, AnotherPskFailsAtTheThirdMessage) {
  Conversation talk(Pattern::xx_psk3);
  ASSERT_TRUE(talk.play(2));
  talk.initiator.set_psk(psk_of(8));
  Bytes message;
  Bytes payload;
  ASSERT_TRUE(talk.initiator.write_message({}, message));
  EXPECT_TRUE(talk.responder.read_message(message, payload).error().is(CryptoError::not_authentic));
}

TEST(NoisePsk, MayComeAsLateAsBeforeTheThirdMessage) {
  auto const without_psk = [](Role role, std::uint8_t number) {
    vectors::ScriptedRandom random(Bytes(32, static_cast<std::uint8_t>(number + 1)));
    return HandshakeState(Pattern::xx_psk3, role, bytes_of("prologue"), key_pair(number), random);
  };
  auto initiator = without_psk(Role::initiator, 10);
  auto responder = without_psk(Role::responder, 20);
  Bytes first;
  Bytes second;
  Bytes third;
  Bytes payload;
  ASSERT_TRUE(initiator.write_message({}, first));
  ASSERT_TRUE(responder.read_message(first, payload));
  ASSERT_TRUE(responder.write_message({}, second));
  ASSERT_TRUE(initiator.read_message(second, payload));

  EXPECT_TRUE(initiator.write_message({}, third).error().is(CryptoError::wrong_state));
  initiator.set_psk(psk_of(9));
  ASSERT_TRUE(initiator.write_message({}, third));
  EXPECT_TRUE(responder.read_message(third, payload).error().is(CryptoError::wrong_state));
  responder.set_psk(psk_of(9));
  ASSERT_TRUE(responder.read_message(third, payload));
  EXPECT_EQ(initiator.split().hash, responder.split().hash);
}

TEST(NoisePsk, BelongsToItsPatternOnly) {
  auto xx = side(Pattern::xx, Role::initiator);
  EXPECT_DEATH(xx.set_psk(psk_of(9)), "bug at");
}

RC_GTEST_PROP(NoiseTransport, CarriesAnyMessagesInOrder, (std::vector<Bytes> const& messages)) {
  Conversation talk(Pattern::xx_psk3);
  RC_ASSERT(talk.play(3).has_value());
  auto a = talk.initiator.split();
  auto b = talk.responder.split();
  for (auto const& message : messages) {
    bool const from_a = *rc::gen::arbitrary<bool>();
    auto& send = from_a ? a.send : b.send;
    auto& receive = from_a ? b.receive : a.receive;
    if (*rc::gen::inRange(0, 4) == 0) {
      send.rekey();
      receive.rekey();
    }
    Bytes sealed;
    Bytes opened;
    RC_ASSERT(send.encrypt_with_ad({}, message, sealed).has_value());
    RC_ASSERT(!(from_a ? a : b).receive.decrypt_with_ad({}, sealed, opened).has_value());  // reflected
    RC_ASSERT(receive.decrypt_with_ad({}, sealed, opened).has_value());
    RC_ASSERT(opened == message);
  }
}

}  // namespace
}  // namespace kith::crypto::noise
