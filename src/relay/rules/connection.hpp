#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "relay/channel/channel.hpp"
#include "relay/rules/bucket.hpp"
#include "relay/rules/feed.hpp"
#include "relay/rules/upload.hpp"

namespace kith::relay {

/// The rates of a group, over all its connections: who has many devices has no more of the relay for that.
struct GroupRates {
  Bucket orders, bytes;
  unsigned connections = 0;
};

/// The rates of one pseudonym in one group, over all its connections, so that dialling again gains nothing.
struct Device {
  Bucket orders, bytes;
  /// For what it sent while its group was in debt. Only what it sends itself moves this: no connection stops being read
  /// for what another one sends, when nobody would look at it again.
  Instant held_until{};
  unsigned connections = 0;
};

using SharedSlot = std::shared_ptr<wire::RelayPresence::Slot const>;

/// An unanswered order that only its newest value matters of: one is at the store, the newest of those after it waits.
template <class Task>
struct Newest {
  bool at_store = false;
  std::optional<Task> waiting;
};

/// What a connection is after its HELLO.
struct Member {
  GroupNo group;
  wire::ChannelId channel;
  wire::Pseudonym pseudonym;
  Device* device = nullptr;
  GroupRates* rates = nullptr;
  Feed feed;
  Upload upload;
  Newest<AckItems> acks;
  Newest<PutPresence> presence;
};

/// One connection: its channel, what it may send and how fast, what waits for it, and how it ends. What its messages
/// mean is the Relay's business. No sockets, clock or threads.
///
///     Handshake --Noise--> Stranger --admit()--> Member
///         |                   |                     |
///         +--refused, late----+--end(), bad bytes---+--> Ended --all sent, or 5 s--> done()
///
/// Orders come one at a time: after wait() the next one comes when resume() was called.
class Connection {
 public:
  enum class State { handshake, stranger, member, ended };
  /// How long the last words of an ended connection may take while nothing of them is taken, and in all.
  static constexpr auto kLingerTime = std::chrono::seconds{5};
  static constexpr auto kLongestLinger = std::chrono::seconds{60};
  /// Bytes that may come while reading() is false: one message of the link that was on its way.
  static constexpr std::size_t kMaxUnreadBytes = 4 * 1024 * 1024;

  /// @param settings  outlives the connection, may change
  Connection(crypto::DhKeyPair const& key, Settings const& settings, RandomSource& random, std::string address,
             Instant now);

  void on_bytes(ByteView bytes, Instant now);
  /// The next message to act upon; nullopt where there is none now. What does not decode ends the connection.
  [[nodiscard]] std::optional<wire::RelayMessage> next_order(Instant now);
  void wait() { waiting_ = true; }
  void resume() { waiting_ = false; }

  void send(wire::RelayMessage const& message, Instant now);
  void send_bulk(wire::RelayMessage const& message, Instant now);
  /// Sends slots of others, or keeps the newest of each where too much waits.
  void send_presence(SharedSlot const& slot, Instant now);
  void admit(Member member);
  /// Sends the last word, behind all that waits; nothing is read from then on.
  void end(wire::RelayFailure failure, Instant now);
  void close() { state_ = State::ended, gone_ = true; }  ///< without a word

  [[nodiscard]] bool poll_transmit(Bytes& out, Instant now);
  /// Ends what is late.
  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline(Instant now) const;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool ended() const { return state_ == State::ended; }
  [[nodiscard]] bool done() const { return ended() && (gone_ || channel_.queued_bytes() == 0); }
  [[nodiscard]] bool waiting() const { return waiting_; }
  [[nodiscard]] bool reading(Instant now) const;
  [[nodiscard]] bool has_room() const { return channel_.queued_bytes() <= settings_.max_queued_bytes; }
  [[nodiscard]] std::string const& address() const { return address_; }
  [[nodiscard]] Channel const& channel() const { return channel_; }
  [[nodiscard]] std::optional<Member>& member() { return member_; }
  [[nodiscard]] std::optional<Member> const& member() const { return member_; }

  /// The mailbox that a stranger has shown to have to do with: what its ACL_GET asks about.
  std::optional<wire::ChannelId> shown_channel;

 private:
  [[nodiscard]] Instant lingers_until() const;
  /// Counts for the device and for its group.
  void charge_bytes(double amount, Instant now);
  void charge_order(Instant now);
  void share(Bucket const& bucket, Rate const& rate, double amount, Instant now);
  [[nodiscard]] bool in_debt(Instant now) const;
  [[nodiscard]] std::optional<Instant> paused_until(Instant now) const;
  void read_on();
  void note_queued(Instant now, std::size_t before);
  void flush_presence(Instant now);

  Settings const& settings_;
  std::string address_;
  Channel channel_;
  State state_ = State::handshake;
  Instant opened_;
  Instant moved_;  ///< when the peer last took something, or something began to wait for it
  Instant ended_{};
  std::size_t stranger_bytes_ = 0;
  Bytes unread_;
  std::deque<wire::RelayMessage> inbox_;
  std::optional<std::string> broken_;  ///< why nothing can be read behind the inbox
  std::map<wire::Pseudonym, SharedSlot> presence_due_;
  std::optional<Member> member_;
  bool waiting_ = false;
  bool gone_ = false;
};

}  // namespace kith::relay
