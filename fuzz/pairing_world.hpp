#pragma once

#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "core/entry.hpp"
#include "core/pair_inviter.hpp"
#include "core/pair_joiner.hpp"
#include "property.hpp"
#include "samples.hpp"
#include "support/must.hpp"
#include "support/one_invite.hpp"
#include "support/played_session.hpp"
#include "support/seeded_random.hpp"

/// Two devices and one code. All randomness is fixed, so that an input can hold messages that fit.
namespace kith::fuzz {

inline constexpr std::uint64_t kJoinerSeed = 61, kInviterSeed = 62;
inline constexpr Now kPairNow{Instant{} + std::chrono::hours{1}, {1'800'000'000'000}};

[[nodiscard]] inline core::PairingCode pairing_code() { return core::parse_code("7F3K-9QDM-2XHB-T6WP").value(); }
[[nodiscard]] inline wire::Opening pairing_opening() { return {.purpose = wire::Purpose::pairing}; }

/// The joiner's side played by hand: it knows the code, and may say anything.
class PlayedJoiner {
 public:
  PlayedJoiner() : random_(kJoinerSeed), nonce_(random_.id<wire::PairNonce>()) {
    auto const code = pairing_code();
    own_ = crypto::cpace::make_share(core::pair_generator(code.password.view(), code.lookup, nonce_), random_);
    transcript_ = wire::encode(pairing_opening());
    hello_ = wire::encode_pair_message(wire::PairHello{code.lookup, own_.share, nonce_});
    append(transcript_, hello_);
  }
  [[nodiscard]] Bytes const& hello() const { return hello_; }
  void on_share(ByteView message) {
    auto const share = std::get<wire::PairShare>(testing::must(wire::decode_pair_message(message)));
    auto const isk = testing::must(
        crypto::cpace::derive(own_.scalar, share.share, nonce_.view(), {own_.share, {}, share.share, {}}));
    Bytes before_tag = transcript_;
    append(before_tag, share.share.view());
    append(before_tag, share.nonce.view());
    keys_ = core::PairKeys::derive(isk, nonce_, share.nonce, before_tag);
    append(transcript_, message);
  }
  [[nodiscard]] crypto::Mac256 tag() const { return keys_->joiner_tag(transcript_); }
  /// What its proof is over, and the box of an honest one.
  [[nodiscard]] Bytes before_proofs() const {
    Bytes transcript = transcript_;
    append(transcript, tag().view());
    return transcript;
  }
  [[nodiscard]] Bytes identity() const { return identity_of(samples::phone(), "phone"); }
  [[nodiscard]] Bytes identity_of(core::Identity const& device, std::string name) const {
    auto const proof = core::pair_proof(device.sign, wire::PairMessageType::confirm, before_proofs());
    return wire::encode(wire::PairIdentityBox{device.cert, std::move(name), proof});
  }
  [[nodiscard]] Bytes confirm(ByteView box) {
    return wire::encode_pair_message(
        wire::PairConfirm{tag(), keys_->from_joiner.seal(wire::PairMessageType::confirm, box)});
  }
  template <wire::PairMessageType type>
  [[nodiscard]] Bytes sealed(ByteView box) {
    return wire::encode_pair_message(wire::PairSealed<type>{keys_->from_joiner.seal(type, box)});
  }

 private:
  testing::SeededRandom random_;
  wire::PairNonce nonce_;
  crypto::cpace::KeyShare own_;
  Bytes hello_;
  Bytes transcript_;
  std::optional<core::PairKeys> keys_;
};

/// The inviter's side played by hand.
class PlayedInviter {
 public:
  /// @param from_joiner  the opening and the prefixed hello
  explicit PlayedInviter(ByteView from_joiner) : random_(kInviterSeed) {
    Bytes transcript(from_joiner.begin(), from_joiner.begin() + wire::Opening::kBytes);
    ByteView const hello_bytes = from_joiner.subspan(wire::Opening::kBytes + 2);
    append(transcript, hello_bytes);
    auto const hello = std::get<wire::PairHello>(testing::must(wire::decode_pair_message(hello_bytes)));
    auto const code = pairing_code();
    auto const own =
        crypto::cpace::make_share(core::pair_generator(code.password.view(), code.lookup, hello.nonce), random_);
    auto const isk = testing::must(
        crypto::cpace::derive(own.scalar, hello.share, hello.nonce.view(), {hello.share, {}, own.share, {}}));
    wire::PairShare share{own.share, random_.id<wire::PairNonce>(), {}};
    append(transcript, share.share.view());
    append(transcript, share.nonce.view());
    keys_ = core::PairKeys::derive(isk, hello.nonce, share.nonce, transcript);
    share.tag = keys_->inviter_tag;
    share_ = wire::encode_pair_message(share);
    before_proofs_.assign(from_joiner.begin(), from_joiner.begin() + wire::Opening::kBytes);
    append(before_proofs_, hello_bytes);
    append(before_proofs_, share_);
    append(before_proofs_, keys_->joiner_tag(before_proofs_).view());
  }
  [[nodiscard]] Bytes const& share() const { return share_; }
  [[nodiscard]] Bytes const& before_proofs() const { return before_proofs_; }
  /// The box of an honest one.
  [[nodiscard]] Bytes identity() const {
    auto const laptop = samples::laptop();
    auto const proof = core::pair_proof(laptop.sign, wire::PairMessageType::identity, before_proofs_);
    return wire::encode(wire::PairIdentityBox{laptop.cert, "laptop", proof});
  }
  template <wire::PairMessageType type>
  [[nodiscard]] Bytes sealed(ByteView box) {
    return wire::encode_pair_message(wire::PairSealed<type>{keys_->from_inviter.seal(type, box)});
  }

 private:
  testing::SeededRandom random_;
  std::optional<core::PairKeys> keys_;
  Bytes share_;
  Bytes before_proofs_;
};

/// Our inviter, with a user who says yes to everything, and all that came out of it.
class WatchedInviter {
 public:
  WatchedInviter() : machine_(identity_, "laptop", invite, pairing_opening(), random_, kPairNow) {}

  void feed(ByteView bytes) {
    machine_.on_bytes(bytes, kPairNow);
    watch();
  }
  void watch() {
    while (auto event = machine_.poll_event()) {
      require(!over, "nothing happens after the end");
      if (auto const* asked = std::get_if<core::PairRequested>(&*event)) {
        requested = true;
        story.push_back("requested " + to_hex(wire::encode(asked->cert)) + asked->name);
        machine_.approve(samples::offer_box(), kPairNow);
      } else if (auto const* commit = std::get_if<core::PairCommit>(&*event)) {
        committed = true;
        story.push_back("commit " + to_hex(wire::encode(wire::PairPseudonymsBox{commit->pseudonyms})));
        machine_.welcome(samples::welcome_box(), kPairNow);
      } else if (std::holds_alternative<core::PairDone>(*event)) {
        over = finished = true;
        story.push_back("done");
      } else {
        over = true;
        story.push_back("failed " + std::get<core::PairFailed>(*event).reason.name());
      }
    }
    while (machine_.poll_transmit(sent)) continue;
  }
  void run_out() {
    if (auto const deadline = machine_.next_deadline()) machine_.on_timer({*deadline, kPairNow.wall});
    watch();
    require(machine_.done() && over, "a conversation with a silent other side comes to its end");
  }
  /// The last message that was sent, without its length.
  [[nodiscard]] Bytes last_message() const {
    wire::MessageSplitter splitter;
    splitter.feed(sent);
    Bytes last;
    while (auto message = testing::must(splitter.next(65535))) last = std::move(*message);
    return last;
  }

  testing::OneInvite invite{pairing_code()};
  Bytes sent;
  std::vector<std::string> story;
  bool requested = false, committed = false, finished = false, over = false;

 private:
  core::Identity identity_ = samples::laptop();
  testing::SeededRandom random_{kInviterSeed};
  core::PairInviter machine_;
};

/// Our joiner, which stores whatever welcomes it, and all that came out of it.
class WatchedJoiner {
 public:
  WatchedJoiner() : machine_(identity_, "phone", pairing_code(), random_, kPairNow) { watch(); }

  void feed(ByteView bytes) {
    machine_.on_bytes(bytes, kPairNow);
    watch();
  }
  void watch() {
    while (auto event = machine_.poll_event()) {
      require(!over, "nothing happens after the end");
      if (auto const* waiting = std::get_if<core::PairWaiting>(&*event)) {
        accepted = true;
        story.push_back("waiting " + to_hex(wire::encode(waiting->inviter)));
      } else if (auto const* welcomed = std::get_if<core::PairWelcomed>(&*event)) {
        require(core::group_id(welcomed->welcome.genesis) == welcomed->offer.group,
                "the group is the one that was offered");
        require(!welcomed->welcome.secrets.empty(), "a welcome brings a secret");
        story.push_back("welcomed " + to_hex(wire::encode(welcomed->welcome)));
        machine_.stored();
      } else if (std::holds_alternative<core::JoinDone>(*event)) {
        over = joined = true;
        story.push_back("done");
      } else {
        over = true;
        story.push_back("failed " + std::get<core::JoinFailed>(*event).reason.name());
      }
    }
    while (machine_.poll_transmit(sent)) continue;
  }
  void run_out() {
    if (auto const deadline = machine_.next_deadline()) machine_.on_timer({*deadline, kPairNow.wall});
    watch();
    require(machine_.done() && over, "a conversation with a silent other side comes to its end");
  }

  Bytes sent;
  std::vector<std::string> story;
  bool accepted = false, joined = false, over = false;

 private:
  core::Identity identity_ = samples::phone();
  testing::SeededRandom random_{kJoinerSeed};
  core::PairJoiner machine_;
};

}  // namespace kith::fuzz
