#include <gtest/gtest.h>

#include "base/assert.hpp"
#include "support/played_mailbox.hpp"

/// What a device makes of every type of message, and of every error, that a relay says without being asked for it.
/// @see docs/spec/relay.md, "What is not due"
namespace kith::sync {
namespace {

using testing::every_relay_message;
using testing::must;
using wire::RelayErrorCode;
using wire::RelayMessageType;

constexpr std::uint64_t kNobodysRequest = 9999;

/// What becomes of the connection, and what the user is told.
enum class Answer {
  ignored,
  ends,         ///< it is dialled again
  misbehaves,   ///< ends it, and the user is told
  not_served,   ///< likewise
  replaced,     ///< likewise
  anew,         ///< HELLO from 0, once on a connection
  shows_chain,  ///< the access records that it knows, once on a connection
};

Answer expected(RelayMessageType type, bool member) {
  switch (type) {
    case RelayMessageType::done:
    case RelayMessageType::blob:
    case RelayMessageType::notify:
    case RelayMessageType::presence: return member ? Answer::ignored : Answer::misbehaves;
    case RelayMessageType::error: return Answer::ends;  // its code is `internal`; the others follow below
    case RelayMessageType::hello:
    case RelayMessageType::welcome:
    case RelayMessageType::push:
    case RelayMessageType::push_ack:
    case RelayMessageType::pull:
    case RelayMessageType::pull_response:
    case RelayMessageType::ack:
    case RelayMessageType::delete_items:
    case RelayMessageType::trim:
    case RelayMessageType::acl_put:
    case RelayMessageType::acl_get:
    case RelayMessageType::rec_put:
    case RelayMessageType::rec_get:
    case RelayMessageType::acl_records:
    case RelayMessageType::rec_records:
    case RelayMessageType::obj_put:
    case RelayMessageType::obj_get:
    case RelayMessageType::obj_have:
    case RelayMessageType::obj_delete:
    case RelayMessageType::obj_part:
    case RelayMessageType::obj_held: return Answer::misbehaves;
  }
  KITH_UNREACHABLE();
}

/// Of an error that answers nothing.
Answer expected(RelayErrorCode code, bool member) {
  switch (code) {
    case RelayErrorCode::bad_frame: return member ? Answer::misbehaves : Answer::ends;  // HELLO came too late
    case RelayErrorCode::log_reset: return member ? Answer::misbehaves : Answer::anew;
    case RelayErrorCode::not_allowed: return member ? Answer::not_served : Answer::shows_chain;
    case RelayErrorCode::replaced: return Answer::replaced;
    case RelayErrorCode::unsupported_version:
    case RelayErrorCode::rate_limited:
    case RelayErrorCode::draining:
    case RelayErrorCode::internal: return Answer::ends;
    case RelayErrorCode::stale_acl:
    case RelayErrorCode::seq_gap:
    case RelayErrorCode::too_large:
    case RelayErrorCode::quota:
    case RelayErrorCode::storage_full:
    case RelayErrorCode::no_snapshot:
    case RelayErrorCode::not_found:
    case RelayErrorCode::stamp_needed: return Answer::misbehaves;
  }
  KITH_UNREACHABLE();
}

using testing::PlayedMailbox;
using State = PlayedMailbox::State;
constexpr State kStates[]{State::hello, State::catching_up, State::live};

struct Connected : PlayedMailbox {
  /// @param attended  the group uses the mailbox no more, and this device still looks at it
  explicit Connected(State state, bool attended = false) : PlayedMailbox(state, attended) { settle(); }
  void settle() {
    while (mailbox->poll_event()) continue;
    before = {must(device.replica.heads()), core::encode_record(mailbox->record())};
  }
  /// What a message led to.
  [[nodiscard]] Answer answer(wire::RelayMessage const& message) {
    say(message);
    bool const silent = heard.empty();
    if (!mailbox->link_done()) {
      if (silent) return Answer::ignored;
      EXPECT_EQ(heard.size(), 1U);
      bool const puts = std::holds_alternative<wire::AclPut>(heard.front());
      EXPECT_TRUE(puts || std::holds_alternative<wire::Hello>(heard.front()));
      return puts ? Answer::shows_chain : Answer::anew;
    }
    EXPECT_TRUE(silent) << "nobody is told anything any more";
    switch (mailbox->trouble()) {
      case RelayTrouble::none: return Answer::ends;
      case RelayTrouble::misbehaves: return Answer::misbehaves;
      case RelayTrouble::not_allowed: return Answer::not_served;
      case RelayTrouble::replaced: return Answer::replaced;
      default: ADD_FAILURE() << "trouble " << static_cast<int>(mailbox->trouble()); return Answer::ends;
    }
  }
  void expect_nothing_changed() {
    EXPECT_EQ(must(device.replica.heads()), before.first);
    EXPECT_EQ(core::encode_record(mailbox->record()), before.second);
    EXPECT_TRUE(device.texts().empty());
  }

  std::pair<crypto::Hash256, Bytes> before;
};

TEST(MailboxTable, TheStatesAreReached) {
  for (auto const state : kStates) {
    Connected connected(state);
    EXPECT_EQ(connected.mailbox->live(), state == State::live);
    EXPECT_FALSE(connected.mailbox->link_done());
    EXPECT_FALSE(connected.heard.empty()) << "it waits for an answer";
  }
}

TEST(MailboxTable, EveryMessageThatNobodyAskedFor) {
  for (auto const state : kStates) {
    for (auto const request : {std::uint64_t{0}, kNobodysRequest}) {
      for (auto const& message : every_relay_message(request)) {
        for (bool const attended : {false, true}) {
          Connected connected(state, attended);
          auto const type = wire::type_of(message);
          EXPECT_TRUE(connected.answer(message) == expected(type, state != State::hello))
              << static_cast<int>(state) << " " << static_cast<int>(type);
          connected.expect_nothing_changed();
        }
      }
    }
  }
}

TEST(MailboxTable, EveryErrorThatAnswersNothing) {
  for (auto const state : kStates) {
    for (std::uint8_t number = 1; valid(RelayErrorCode{number}); ++number) {
      for (auto const request : {std::uint64_t{0}, kNobodysRequest}) {
        Connected connected(state);
        wire::RelayFailure failure;
        failure.request = request;
        failure.code = RelayErrorCode{number};
        EXPECT_TRUE(connected.answer(failure) == expected(failure.code, state != State::hello))
            << static_cast<int>(state) << " " << static_cast<int>(number);
        connected.expect_nothing_changed();
      }
    }
  }
}

TEST(MailboxTable, WhatIsDoneOnceOnAConnectionIsNotDoneTwice) {
  wire::RelayFailure failure;
  failure.code = RelayErrorCode::log_reset;
  Connected anew(State::hello);
  EXPECT_TRUE(anew.answer(failure) == Answer::anew);
  EXPECT_TRUE(anew.answer(failure) == Answer::misbehaves);
  failure.code = RelayErrorCode::not_allowed;
  Connected shown(State::hello);
  EXPECT_TRUE(shown.answer(failure) == Answer::shows_chain);
  EXPECT_TRUE(shown.answer(failure) == Answer::not_served);
}

TEST(MailboxTable, NothingIsHeardOnceAConnectionHasEnded) {
  for (auto const& message : every_relay_message(kNobodysRequest)) {
    Connected connected(State::live);
    connected.say(wire::Hello{});
    ASSERT_TRUE(connected.mailbox->link_done());
    connected.settle();
    connected.say(message);
    EXPECT_FALSE(connected.mailbox->poll_event());
    EXPECT_TRUE(connected.heard.empty());
    connected.expect_nothing_changed();
  }
}

/// Before Noise is done there are no messages: the bytes of one are a damaged handshake.
TEST(MailboxTable, EveryMessageInPlaceOfTheHandshake) {
  for (auto const& message : every_relay_message(kNobodysRequest)) {
    Connected connected(State::live);
    must(connected.mailbox->on_closed(connected.now));
    connected.mailbox->dialling(connected.now);
    connected.mailbox->on_connected(connected.now);
    connected.settle();
    Bytes encoded, bytes;
    wire::encode_relay_message(encoded, message);
    wire::append_message(bytes, encoded);
    must(connected.mailbox->on_bytes(bytes, connected.now));
    EXPECT_TRUE(connected.mailbox->link_done());
    EXPECT_EQ(connected.mailbox->trouble(), RelayTrouble::none) << "whoever that was";
    connected.expect_nothing_changed();
  }
}

}  // namespace
}  // namespace kith::sync
