#pragma once

#include "core/stored_entries.hpp"
#include "engine/network.hpp"

/// The machines that a Network runs over its connections.
namespace kith::engine {

/// The address of "host:port", without the port.
inline std::string host_of(std::string const& remote) { return remote.substr(0, remote.rfind(':')); }

/// Whether somebody comes through a relay's mailboxes. @see kRelayed
inline bool is_relayed(std::string_view remote) { return remote.starts_with(kRelayed); }

/// One link of the exchange.
class Network::LinkMachine final : public link::StreamMachine {
 public:
  LinkMachine(Network& network, sync::LinkId id) : network_(network), id_(id) {}
  void on_bytes(ByteView bytes) override;
  void on_closed() override;
  [[nodiscard]] bool poll_transmit(Bytes& out) override;
  [[nodiscard]] bool done() const override;

 private:
  Network& network_;
  sync::LinkId id_;
};

/// The inviter's side of one pairing.
class Network::PairMachine final : public link::StreamMachine {
 public:
  PairMachine(Network& network, wire::Opening const& opening, std::string remote);
  ~PairMachine() override;
  void on_bytes(ByteView bytes) override;
  void on_closed() override;
  void on_timer() override;
  [[nodiscard]] bool poll_transmit(Bytes& out) override { return inviter.poll_transmit(out); }
  [[nodiscard]] std::optional<Instant> next_deadline() override { return inviter.next_deadline(); }
  [[nodiscard]] bool done() const override { return inviter.done(); }
  void work_events();
  /// Whether the row is about this conversation: a device that tries again comes by another connection.
  [[nodiscard]] bool is_about(PairRow const& row) const {
    return asked && row.device == asked->cert.device && row.endpoint == remote;
  }

  core::PairInviter inviter;
  std::string remote;
  std::uint64_t number;                      ///< the later one came later
  std::vector<core::Roster::Relay> offered;  ///< the relays of the offer
  std::optional<core::PairRequested> asked;  ///< what the user is asked about, or has answered; none once it is over
  bool answered = false;

 private:
  Network& network_;
};

/// The side of one recovery that has the group.
class Network::RecoveryMachine final : public link::StreamMachine {
 public:
  RecoveryMachine(Network& network, wire::Opening const& opening, std::string remote);
  ~RecoveryMachine() override;
  void on_bytes(ByteView bytes) override;
  void on_closed() override { giver_.on_closed(); }
  void on_timer() override { giver_.on_timer(Clock::now()); }
  [[nodiscard]] bool poll_transmit(Bytes& out) override;
  [[nodiscard]] std::optional<Instant> next_deadline() override { return giver_.next_deadline(); }
  [[nodiscard]] bool done() const override { return giver_.done() || !network_.exchange_; }
  [[nodiscard]] bool proved() const { return giver_.proved(); }

 private:
  Network& network_;
  std::string remote_;
  core::StoredEntries entries_;
  core::RecoveryGiver giver_;
};

/// A fresh connection from outside: reads the clear opening and hands over to the machine that it asks for. Says
/// nothing.
class Network::OpeningMachine final : public link::StreamMachine {
 public:
  OpeningMachine(Network& network, std::string remote);
  ~OpeningMachine() override;
  void is_known();  ///< no stranger any more
  void on_bytes(ByteView bytes) override;
  void on_closed() override;
  void on_timer() override;
  [[nodiscard]] bool poll_transmit(Bytes& out) override;
  [[nodiscard]] std::optional<Instant> next_deadline() override;
  [[nodiscard]] bool done() const override { return inner_ ? inner_->done() : refused_; }

 private:
  Network& network_;
  std::string remote_;
  Bytes held_;
  Instant deadline_;
  bool refused_ = false;
  bool stranger_ = true;  ///< counts among Network::strangers_
  std::optional<sync::LinkId> link_;
  std::shared_ptr<RecoveryMachine> recovery_;
  std::shared_ptr<link::StreamMachine> inner_;
};

}  // namespace kith::engine
