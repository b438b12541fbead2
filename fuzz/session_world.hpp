#pragma once

#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "core/session.hpp"
#include "property.hpp"
#include "samples.hpp"
#include "support/fixed_membership.hpp"
#include "support/played_session.hpp"
#include "support/seeded_random.hpp"

namespace kith::fuzz {

/// Two devices of one group. All randomness is fixed, so that an input can hold messages that fit.
struct SessionWorld {
  static constexpr std::uint64_t kDiallerSeed = 51, kAnswererSeed = 52;
  static constexpr Now kNow{Instant{} + std::chrono::hours{1}, {1'800'000'000'000}};

  core::Identity dialler = samples::laptop();
  core::Identity answerer = samples::phone();
  GroupId group = samples::group();
  wire::EpochSecret epoch = samples::first_epoch();
  testing::FixedMembership membership{group, {7}};

  SessionWorld() { membership.hold(epoch).admit(dialler.device()).admit(answerer.device()); }

  /// A side that is played by hand: an honest message 1 of the dialler, say, or a dishonest one.
  [[nodiscard]] testing::PlayedSession played_dialler(RandomSource& random) const {
    return {testing::PlayedSession::Role::initiator, dialler, group, wire::Opening{}, random};
  }
  [[nodiscard]] testing::PlayedSession played_answerer(RandomSource& random) const {
    return {testing::PlayedSession::Role::responder, answerer, group, wire::Opening{}, random};
  }
  /// The tags of somebody who knows the epoch, and three that mean nothing.
  [[nodiscard]] Bytes tags(testing::PlayedSession& dialling) const {
    Bytes tags;
    append(tags, dialling.tag(epoch).view());
    for (int i = 1; i < 4; ++i) append(tags, dialling.random_tag().view());
    return tags;
  }
};

/// A session under test and all that came out of it.
class WatchedSession {
 public:
  explicit WatchedSession(core::Session session) : session_(std::move(session)) { watch(); }

  void feed(ByteView bytes) {
    session_.on_bytes(bytes, now_);
    watch();
  }
  /// Lets time pass from deadline to deadline until the session is over, as it must be soon with a silent other side.
  void run_out() {
    for (int i = 0; i < 10 && !session_.done(); ++i) {
      auto const deadline = session_.next_deadline();
      if (!deadline) break;
      now_.mono = std::max(now_.mono, *deadline);
      session_.on_timer(now_);
      watch();
    }
  }

  [[nodiscard]] core::Session& session() { return session_; }
  [[nodiscard]] Bytes const& sent() const { return sent_; }
  /// What happened, in words that two runs can be compared by.
  [[nodiscard]] std::vector<std::string> const& story() const { return story_; }
  [[nodiscard]] bool opened() const { return opened_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::vector<wire::Frame> const& frames() const { return frames_; }

 private:
  void watch() {
    while (session_.poll_transmit(sent_, now_)) continue;
    while (auto event = session_.poll_event()) {
      require(!closed_, "nothing happens after the end");
      if (auto const* opened = std::get_if<core::SessionOpened>(&*event)) {
        opened_ = true;
        story_.push_back("opened " + to_hex(wire::encode(opened->peer.cert)) + opened->peer.version);
      } else if (auto* frame = std::get_if<core::SessionFrame>(&*event)) {
        Bytes bytes;
        wire::encode_frame(bytes, frame->frame);
        story_.push_back("frame " + to_hex(bytes));
        frames_.push_back(std::move(frame->frame));
      } else {
        closed_ = true;
        story_.push_back("closed " + std::get<core::SessionClosed>(*event).reason.name());
      }
    }
  }

  core::Session session_;
  Now now_ = SessionWorld::kNow;
  Bytes sent_;
  std::vector<std::string> story_;
  std::vector<wire::Frame> frames_;
  bool opened_ = false, closed_ = false;
};

}  // namespace kith::fuzz
