#include <gtest/gtest.h>

#include "support/every_relay_message.hpp"
#include "support/test_device.hpp"
#include "sync/relays/mailbox_claim.hpp"
#include "sync/relays/registration.hpp"

/// What those who ask a relay without being members yet make of every message in every step: one is due, and all others
/// end it. @see docs/spec/relay.md, "What is not due"
namespace kith::sync {
namespace {

using testing::every_relay_message;
using testing::must;
using testing::PlayedRelay;
using wire::RelayMessage;
using wire::RelayMessageType;

constexpr std::uint64_t kNobodysRequest = 9999;

struct Asking : ::testing::Test {
  Asking() { must(founder.replica.create_group("home", "laptop", words, founder.now())); }
  /// Listens until Noise is done and the machine has asked its first question.
  template <class Machine, class Give>
  static std::vector<RelayMessage> first_question(Machine& machine, PlayedRelay& relay, Give give) {
    std::vector<RelayMessage> heard;
    for (int i = 0; i < 2; ++i) {
      heard = relay.listen(machine);
      if (heard.empty()) must(give(relay.bytes()));
    }
    return heard;
  }
  /// The answers that lead through all steps, by what is asked.
  [[nodiscard]] RelayMessage due(RelayMessage const& asked) const {
    auto const request = wire::request_of(asked);
    if (std::holds_alternative<wire::Hello>(asked)) {
      wire::Welcome welcome;
      welcome.request = request;
      return welcome;
    }
    if (std::holds_alternative<wire::RecGet>(asked)) return wire::RecRecords{request, {}};
    return wire::Done{request};
  }

  testing::SeededRandom random{4};
  crypto::DhKeyPair key = crypto::DhKeyPair::generate(random);
  wire::RelayKey name{key.public_key.bytes};
  core::RecoveryKeys words = testing::test_recovery(9);
  testing::TestDevice founder{1, "laptop"};
};

TEST_F(Asking, EveryMessageInEveryStepOfARegistration) {
  for (std::size_t step = 0; step <= 3; ++step) {  // AclPut, Hello, RecPut; done
    for (bool const asked : {false, true}) {
      for (auto message : every_relay_message(kNobodysRequest)) {
        PlayedRelay relay(key, random);
        Registration registration(founder.identity, founder.replica.state().genesis(), founder.replica.state().group(),
                                  name, {}, random);
        auto const give = [&](ByteView bytes) { return registration.on_bytes(bytes); };
        auto heard = first_question(registration, relay, give);
        for (std::size_t i = 0; i < step; ++i) {
          ASSERT_EQ(heard.size(), 1U);
          relay.say(due(heard.front()));
          must(give(relay.bytes()));
          heard = relay.listen(registration);
        }
        ASSERT_EQ(registration.done(), step == 3);
        if (asked && heard.empty()) continue;
        if (asked) std::visit([&](auto& known) { known.request = wire::request_of(heard.front()); }, message);
        relay.say(message);
        auto const result = give(relay.bytes());
        bool const is_due = asked && wire::type_of(message) == wire::type_of(due(heard.front()));
        bool const is_told = step >= 2 && wire::type_of(message) == RelayMessageType::presence;
        EXPECT_EQ(result.has_value(), is_due || is_told) << step << " " << static_cast<int>(wire::type_of(message));
        if (!is_due) {
          EXPECT_TRUE(relay.listen(registration).empty()) << "nothing follows from it";
          EXPECT_EQ(registration.done(), step == 3);
        }
      }
    }
  }
}

TEST_F(Asking, EveryMessageToWhoLooksForRecords) {
  for (bool const asked : {false, true}) {
    for (bool const again : {false, true}) {
      for (auto message : every_relay_message(kNobodysRequest)) {
        PlayedRelay relay(key, random);
        RecordFetch fetch(words.locator, name, random);
        auto const give = [&](ByteView bytes) { return fetch.on_bytes(bytes); };
        auto const heard = first_question(fetch, relay, give);
        ASSERT_EQ(heard.size(), 1U);
        if (again) {
          relay.say(due(heard.front()));
          must(give(relay.bytes()));
        }
        if (asked) std::visit([&](auto& known) { known.request = wire::request_of(heard.front()); }, message);
        relay.say(message);
        auto const result = give(relay.bytes());
        bool const is_due = asked && !again && wire::type_of(message) == RelayMessageType::rec_records;
        EXPECT_EQ(result.has_value(), is_due) << static_cast<int>(wire::type_of(message));
        EXPECT_EQ(fetch.done(), is_due || again);
        EXPECT_TRUE(relay.listen(fetch).empty());
      }
    }
  }
}

/// A claim's steps, with the answers that lead from each to the next.
TEST_F(Asking, EveryMessageInEveryStepOfAClaim) {
  using enum RelayMessageType;
  core::Escrow escrow;
  auto const channel_key = crypto::SigningKey::generate(random);
  escrow.channel = {channel_key.public_key().bytes};
  escrow.channel_key = channel_key.seed();
  escrow.group = founder.replica.state().group();
  wire::AclRecord first;
  first.channel = escrow.channel;
  first.pseudonyms = {{{7}}};
  wire::sign_acl(first, channel_key);
  wire::RelayItem beginning;
  beginning.cursor = {1};
  beginning.sealed = founder.all_entries().front();

  struct Step {
    RelayMessageType asks, due;
  };
  // It probes and is told that its record is stale; reads the chain; puts; says HELLO; pulls.
  constexpr Step kSteps[]{
      {acl_put, error}, {acl_get, acl_records}, {acl_put, done}, {hello, welcome}, {pull, pull_response}};
  auto const answer = [&](RelayMessageType type, std::uint64_t request) -> RelayMessage {
    switch (type) {
      case error: {
        wire::RelayFailure failure;
        failure.request = request;
        failure.code = wire::RelayErrorCode::stale_acl;
        failure.detail = wire::encode(first);
        return failure;
      }
      case acl_records: return wire::AclRecords{request, {first}, false};
      case done: return wire::Done{request};
      case welcome: {
        wire::Welcome welcome;
        welcome.request = request;
        return welcome;
      }
      default: return wire::PullResponse{request, {beginning}, {1}, false};
    }
  };
  for (std::size_t step = 0; step < std::size(kSteps); ++step) {
    for (bool const asked : {false, true}) {
      for (auto message : every_relay_message(kNobodysRequest)) {
        PlayedRelay relay(key, random);
        auto const face = core::relay_face(founder.identity.root, name, escrow.group);
        MailboxClaim claim(words, escrow, name, core::relay_face(founder.identity.root, name, escrow.group), random);
        auto const give = [&](ByteView bytes) { return claim.on_bytes(bytes, Instant{}); };
        auto heard = first_question(claim, relay, give);
        for (std::size_t i = 0; i < step; ++i) {
          ASSERT_EQ(heard.size(), 1U) << i;
          ASSERT_TRUE(wire::type_of(heard.front()) == kSteps[i].asks) << i;
          relay.say(answer(kSteps[i].due, wire::request_of(heard.front())));
          must(give(relay.bytes()));
          heard = relay.listen(claim);
        }
        ASSERT_EQ(heard.size(), 1U) << step;
        auto const type = wire::type_of(message);
        if (asked && type == kSteps[step].due) continue;  // has to be the right one, and is told above
        if (asked) std::visit([&](auto& known) { known.request = wire::request_of(heard.front()); }, message);
        relay.say(message);
        auto const result = give(relay.bytes());
        // Once it has said HELLO it may be told what members are told unasked.
        bool const is_told = step == 4 && (type == presence || type == notify || type == blob);
        EXPECT_EQ(result.has_value(), is_told) << step << " " << static_cast<int>(type);
        EXPECT_FALSE(claim.done());
        EXPECT_TRUE(relay.listen(claim).empty()) << "nothing follows from it";
      }
    }
  }
}

}  // namespace
}  // namespace kith::sync
