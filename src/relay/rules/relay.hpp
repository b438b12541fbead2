#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/random.hpp"
#include "crypto/dh.hpp"
#include "relay/rules/settings.hpp"
#include "relay/rules/store.hpp"

namespace kith::relay {

/// Names one connection of this process.
struct ConnectionId {
  std::uint64_t value = 0;
  friend auto operator<=>(ConnectionId const&, ConnectionId const&) = default;
};

/// Counters and gauges since the start, for metrics.
struct Figures {
  std::uint64_t connections = 0, members = 0, groups_online = 0;
  std::uint64_t handshakes_failed = 0, hellos_refused = 0;
  std::uint64_t items_pushed = 0, items_delivered = 0, items_pulled = 0, notices = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t rate_limited = 0, quota_refusals = 0, dropped_to_pull = 0;
  std::uint64_t waiting_requests = 0;
};

/// All conversations of one relay: who may use which mailbox, what is stored, and who gets it. No sockets, clock,
/// threads or disk: the caller brings bytes, time and the store's replies, and carries away bytes and requests.
///
/// A connection:  Handshake --Noise--> Stranger --HELLO, proof and ACL fit--> Member --error, replaced, drained-->
/// Ended
///
/// PUSH_ACK goes out, and items go on to others, only when the store has answered: then they are on the disk.
class Relay {
 public:
  /// @param key  the relay's static key: what devices pin
  Relay(crypto::DhKeyPair key, Settings settings, RandomSource& random);
  ~Relay();

  // Connections.
  /// @param address  of the client, without port: what limits go by
  [[nodiscard]] ConnectionId open(std::string address, Now now);
  void on_bytes(ConnectionId connection, ByteView bytes, Now now);
  void on_closed(ConnectionId connection, Now now);
  /// Appends what the connection is to send. @return false where there is nothing now
  [[nodiscard]] bool poll_transmit(ConnectionId connection, Bytes& out, Now now);
  [[nodiscard]] bool done(ConnectionId connection) const;  ///< nothing more will come or go: close it
  /// Whether more bytes of it should be read now: false while it waits for the store or is over its rate.
  [[nodiscard]] bool reading(ConnectionId connection) const;
  /// Connections that have got something to send, may be read again or are done, since this was last asked.
  [[nodiscard]] std::set<ConnectionId> take_woken();

  // The store.
  [[nodiscard]] std::optional<StoreRequest> poll_request();
  void on_reply(StoreReply reply, Now now);

  // Time.
  void on_timer(Now now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  // The operator.
  void change(Settings settings);  ///< takes effect at once, for open connections too
  /// Ends the connections of a mailbox that the store has removed, when it is told so in the order of the store's
  /// replies.
  void forget(GroupNo group, Now now);
  void drain(Now now);  ///< tells everybody DRAINING once what they pushed is answered; takes no new connections
  [[nodiscard]] bool drained() const;
  [[nodiscard]] Figures figures() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kith::relay
