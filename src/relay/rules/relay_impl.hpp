#pragma once

#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "relay/rules/connection.hpp"
#include "relay/rules/relay.hpp"

namespace kith::relay {

/// A group of which somebody is online.
struct OnlineGroup {
  wire::RelayCursor head;  ///< the highest that any reply told
  std::map<wire::Pseudonym, ConnectionId> members;
};

// What a reply of the store is about: the order that asked for it.
struct AboutHello {
  wire::Hello hello;
};
struct AboutAclPut {
  wire::ChannelId channel;
};
struct AboutPush {
  GroupNo group;
  wire::PushSeq first_seq;
};
struct AboutPull {
  GroupNo group;
};
struct AboutAck {};
struct AboutPresence {
  GroupNo group;
  wire::RelayPresence::Slot slot;
};
struct AboutAclGet {};
struct AboutRecGet {};
struct AboutObjGet {
  wire::ObjectId object;
  std::uint32_t offset = 0;
};
struct AboutObjHave {};
struct AboutChange {};  ///< answered by DONE
struct AboutSweep {};
using About = std::variant<AboutHello, AboutAclPut, AboutPush, AboutPull, AboutAck, AboutPresence, AboutAclGet,
                           AboutRecGet, AboutObjGet, AboutObjHave, AboutChange, AboutSweep>;

struct Asked {
  ConnectionId connection;
  std::uint64_t request = 0;
  About about;
};

/// The relay's whole state. `orders.cpp` acts on what devices say, `replies.cpp` on what the store answers, `relay.cpp`
/// on everything else.
struct Relay::Impl {
  Impl(crypto::DhKeyPair relay_key, Settings chosen, RandomSource& source);

  // orders.cpp: what a connection says. A message that is not due ends it.
  void pump(ConnectionId id, Now now);
  void act(ConnectionId id, Connection& from, wire::RelayMessage order, Now now);
  void on(ConnectionId id, Connection& from, wire::Hello hello, Now now);
  void on(ConnectionId id, Connection& from, wire::Push push, Now now);
  void on(ConnectionId id, Connection& from, wire::Pull pull, Now now);
  void on(ConnectionId id, Connection& from, wire::RelayAck ack, Now now);
  void on(ConnectionId id, Connection& from, wire::RelayPresence presence, Now now);
  void on(ConnectionId id, Connection& from, wire::DeleteItems drop, Now now);
  void on(ConnectionId id, Connection& from, wire::Trim trim, Now now);
  void on(ConnectionId id, Connection& from, wire::AclPut put, Now now);
  void on(ConnectionId id, Connection& from, wire::AclGet get, Now now);
  void on(ConnectionId id, Connection& from, wire::RecPut put, Now now);
  void on(ConnectionId id, Connection& from, wire::RecGet get, Now now);
  void on(ConnectionId id, Connection& from, wire::ObjPut put, Now now);
  void on(ConnectionId id, Connection& from, wire::ObjGet get, Now now);
  void on(ConnectionId id, Connection& from, wire::ObjHave have, Now now);
  void on(ConnectionId id, Connection& from, wire::ObjDelete drop, Now now);
  /// Of the kinds that only a relay sends none is ever due.
  template <class FromRelay>
  void on(ConnectionId id, Connection& from, FromRelay, Now now) {
    not_due(id, from, now);
  }
  void not_due(ConnectionId id, Connection& from, Now now);
  [[nodiscard]] bool may_register(Connection const& from, wire::AclPut const& put, Now now);
  [[nodiscard]] std::optional<wire::RelayFailure> unpaid(wire::AclPut const& put) const;

  // replies.cpp: what the store says.
  void on(AboutHello const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutAclPut const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutPush const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutPull const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutAck const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutPresence const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutAclGet const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutRecGet const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutObjGet const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutObjHave const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutChange const& about, Asked const& asked, StoreAnswer answer, Now now);
  void on(AboutSweep const& about, Asked const& asked, StoreAnswer answer, Now now);
  void welcome(ConnectionId id, Connection& to, wire::Hello const& hello, MemberOpened opened, Now now);
  void spread(GroupNo group, std::vector<wire::RelayItem> fresh, Now now);
  void dismiss(GroupNo group, wire::AclRecord const& record, Now now);
  void dismiss_all(GroupNo group, Now now);  ///< there is no such mailbox any more
  /// Says no to a request; ends the connection of who is no member any more.
  void refuse(Asked const& asked, StoreAnswer const& answer, Now now);

  // The store.
  void ask(ConnectionId id, std::uint64_t request, StoreTask task, About about, Now now);
  /// The same; the connection's next order waits for the reply.
  void ask_and_wait(ConnectionId id, Connection& from, std::uint64_t request, StoreTask task, About about, Now now);

  // relay.cpp
  [[nodiscard]] Connection* find(ConnectionId id);  ///< nullptr where it has ended or is gone
  void end(ConnectionId id, Connection& which, wire::RelayFailure failure, Now now);
  void leave(ConnectionId id, Connection& which);  ///< others are served without it
  void settle(ConnectionId id, Now now);           ///< after anything happened to a connection
  void notice(Connection& which, Now now);
  void forget_idle_rates(Instant now);
  [[nodiscard]] std::optional<Instant> deadline_of(Connection const& which, Instant now) const;

  struct Entry {
    Connection connection;
    std::optional<Instant> deadline;  ///< as it stands in `deadlines`
  };

  crypto::DhKeyPair key;
  wire::RelayKey name;
  Settings settings;
  RandomSource& random;
  std::map<ConnectionId, Entry> connections;
  std::map<GroupNo, OnlineGroup> groups;
  std::map<std::pair<GroupNo, wire::Pseudonym>, Device> devices;
  std::map<GroupNo, GroupRates> group_rates;
  std::map<std::string, Bucket> registrations;  ///< by address
  std::deque<StoreRequest> requests;
  std::unordered_map<std::uint64_t, Asked> at_store;  ///< by ticket
  std::set<std::pair<Instant, ConnectionId>> deadlines;
  std::set<ConnectionId> woken;
  Figures figures;
  std::uint64_t next_connection = 1;
  std::uint64_t next_ticket = 1;
  Instant last_now{};
  Instant sweep_at{};
  bool sweeping = false;
  bool draining = false;
};

}  // namespace kith::relay
