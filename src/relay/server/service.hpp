#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "crypto/dh.hpp"
#include "link/tcp/loop.hpp"
#include "relay/rules/relay.hpp"
#include "relay/server/config.hpp"
#include "relay/server/invite_http.hpp"
#include "relay/server/metrics.hpp"
#include "relay/server/store_threads.hpp"
#include "relay/server/websocket_server.hpp"

namespace kith::relay::server {

/// What the service needs of a storage, beside its parts.
struct Storage {
  StoreParts parts;
  std::function<StorageFigures()> figures;                          ///< any thread
  std::function<Result<>(std::filesystem::path const& to)> backup;  ///< any thread
};

/// A running relay: carries bytes between sockets and the rules, requests between the rules and the storage, and
/// answers HTTP. Lives on its loop's thread; is made and destroyed there or while the loop does not run.
class Service final : private SocketHandler {
 public:
  /// @param loop, random  outlive the service
  /// @return ServerError where it cannot listen
  [[nodiscard]] static Result<std::unique_ptr<Service>> open(link::Loop& loop, RandomSource& random,
                                                             crypto::DhKeyPair const& key, Config const& config,
                                                             Registration registration, Storage storage);
  ~Service() override;

  /// Takes a new configuration; where it listens stays. @return ServerError::bad_certificate, and nothing has changed
  [[nodiscard]] Result<> reload(Config const& config, Registration registration);
  /// Takes no new connections, tells devices to come back later, and calls back when all is answered or the time is
  /// over.
  void drain(std::function<void()> drained);

  /// Looks whether the storage can be written; a look within the last kProbeFresh counts.
  void check_health(std::function<void(bool healthy)> answer);
  /// @param answer  on the loop's thread, once the storage has been asked
  void take_snapshot(std::function<void(Snapshot const&)> answer);
  /// The mailboxes that there are. @param answer  nullopt where the storage cannot tell
  void list_mailboxes(std::function<void(std::optional<std::vector<GroupFigures>>)> answer);
  /// Removes a mailbox, and ends its connections. @param answer  whether it was there and is not now
  void remove_mailbox(GroupNo group, std::function<void(bool)> answer);
  /// Writes a copy of the database to a new file.
  void back_up(std::filesystem::path const& to, std::function<void(Result<>)> answer);
  [[nodiscard]] std::uint16_t port() const { return public_->port(); }
  [[nodiscard]] std::optional<std::uint16_t> monitoring_port() const;

  static constexpr auto kProbeFresh = std::chrono::seconds{5};
  static constexpr auto kProbePatience = std::chrono::seconds{5};
  static constexpr auto kDrainPatience = std::chrono::seconds{10};

 private:
  Service(link::Loop& loop, RandomSource& random, crypto::DhKeyPair const& key, Config const& config,
          Registration registration, Storage storage);

  void on_open(SocketId socket, std::string const& client) override;
  void on_bytes(SocketId socket, ByteView bytes) override;
  void on_closed(SocketId socket) override;
  [[nodiscard]] bool poll_transmit(SocketId socket, Bytes& out) override;
  [[nodiscard]] bool reading(SocketId socket) const override;
  [[nodiscard]] bool done(SocketId socket) const override;

  void answer_public(HttpRequest request, Respond respond);
  void answer_monitoring(HttpRequest request, Respond respond);
  void take_replies(std::vector<StoreReply> replies);
  void probe_ended(bool healthy);
  void ask_store(StoreTask task, std::function<void(StoreAnswer)> answer);
  void turn_soon();
  void turn();
  void ring();
  void look_whether_drained();
  [[nodiscard]] std::string state(bool healthy) const;

  link::Loop& loop_;
  Storage storage_;
  std::uint64_t max_bytes_;
  Relay relay_;
  InviteHttp invites_;
  std::unique_ptr<WebSocketServer> public_, monitoring_;
  std::unordered_map<std::uint64_t, ConnectionId> connection_of_;  ///< by socket
  std::map<ConnectionId, SocketId> socket_of_;
  std::unique_ptr<link::Loop::Alarm> alarm_;
  Instant const started_ = Clock::now();
  bool turn_posted_ = false;

  std::map<Ticket, std::function<void(StoreAnswer)>> waiting_for_store_;
  Ticket last_ticket_{kForeignTickets};  ///< which is the probe's
  std::vector<std::function<void(bool)>> waiting_for_probe_;
  std::optional<Instant> probe_until_;
  Instant probed_at_{};
  bool healthy_ = true;

  std::function<void()> drained_;  ///< set while draining
  bool draining_ = false;
  Instant drain_until_{};

  std::shared_ptr<bool> const alive_ = std::make_shared<bool>(true);  ///< for what storage threads still post
  std::optional<StoreThreads> threads_;                               ///< the last: ends before all they deliver to
};

}  // namespace kith::relay::server
