#pragma once

#include <algorithm>
#include <map>
#include <optional>

#include "core/entry.hpp"
#include "core/pair_inviter.hpp"
#include "core/pair_joiner.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::testing {

/// Invites in memory, counted as a home counts them.
struct TestInvites final : core::InviteBook {
  struct Invite {
    core::InviteState state = core::InviteState::open;
    Bytes password;
    std::optional<DeviceId> used_by;
    std::uint8_t tries = 0;
  };

  [[nodiscard]] std::optional<core::InviteView> find(wire::Lookup const& lookup) override {
    auto const found = invites.find(lookup);
    if (found == invites.end()) return std::nullopt;
    auto const& invite = found->second;
    bool const counts = invite.state == core::InviteState::open || invite.state == core::InviteState::used;
    bool const burnt = counts && invite.tries >= kMaxTries;
    return core::InviteView{burnt ? core::InviteState::voided : invite.state, core::PairPassword(invite.password),
                            invite.used_by};
  }
  [[nodiscard]] std::optional<std::uint8_t> begin_try(wire::Lookup const& lookup) override {
    if (disk_full) return std::nullopt;
    auto& invite = invites.at(lookup);
    return static_cast<std::uint8_t>(kMaxTries - std::min(kMaxTries, ++invite.tries));
  }
  void try_succeeded(wire::Lookup const& lookup) override { --invites.at(lookup).tries; }

  void add(core::PairingCode const& code) {
    invites[code.lookup].password = Bytes(code.password.view().begin(), code.password.view().end());
  }
  std::map<wire::Lookup, Invite> invites;
  bool disk_full = false;  ///< no try can be counted
};

/// An inviter and a joiner with a link between them, and what each of them said happened.
struct PairingPair {
  PairingPair() { invites.add(code); }

  [[nodiscard]] Now now() const { return {Instant{} + elapsed, {1'800'000'000'000 + elapsed.count()}}; }
  void join() { join(code.clone(), joining); }
  void join(core::PairingCode with, core::Identity const& identity) {
    inviter.reset();
    joiner.emplace(identity, "phone", std::move(with), random, now());
  }
  /// The bytes that are ready at one end. The connection's first eleven are an opening.
  Bytes from_joiner() {
    Bytes out;
    while (joiner->poll_transmit(out)) {
    }
    return out;
  }
  Bytes from_inviter() {
    Bytes out;
    while (inviter && inviter->poll_transmit(out)) {
    }
    return out;
  }
  void to_inviter(ByteView bytes) {
    if (!inviter) {
      auto const opening = wire::decode_opening(bytes.first(std::min(bytes.size(), wire::Opening::kBytes)));
      if (!opening || opening->purpose != wire::Purpose::pairing) return;
      inviter.emplace(inviting, "laptop", invites, *opening, random, now());
      bytes = bytes.subspan(wire::Opening::kBytes);
    }
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
      inviter->on_bytes(bytes.first(std::min(piece, bytes.size())), now());
    }
  }
  void to_joiner(ByteView bytes) {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
      joiner->on_bytes(bytes.first(std::min(piece, bytes.size())), now());
    }
  }
  /// One turn: what both have to say is carried over, altered where `alter` says so.
  /// @return whether anything was said
  bool turn() {
    auto bytes = from_joiner();
    bool const joiner_spoke = !bytes.empty();
    if (joiner_spoke && alter) alter(bytes, true);
    if (joiner_spoke) to_inviter(bytes);
    bytes = from_inviter();
    bool const inviter_spoke = !bytes.empty();
    if (inviter_spoke && alter) alter(bytes, false);
    if (inviter_spoke) to_joiner(bytes);
    return joiner_spoke || inviter_spoke;
  }
  /// Turns until both are silent; whatever asks for a person or a program is answered as it should be.
  void run() {
    do {
      while (turn()) {
      }
    } while (answer());
  }
  /// Notes what happened. @return whether something was answered
  bool answer() {
    bool answered = false;
    while (auto event = inviter ? inviter->poll_event() : std::nullopt) {
      if (std::get_if<core::PairRequested>(&*event) && approves) inviter->approve(offer(), now()), answered = true;
      if (std::get_if<core::PairCommit>(&*event) && commits) inviter->welcome(welcome(), now()), answered = true;
      inviter_events.push_back(std::move(*event));
    }
    while (auto event = joiner->poll_event()) {
      if (std::get_if<core::PairWelcomed>(&*event) && stores) joiner->stored(), answered = true;
      joiner_events.push_back(std::move(*event));
    }
    return answered;
  }

  [[nodiscard]] wire::PairOfferBox offer() const {
    wire::PairOfferBox box{core::group_id(genesis()), "home", {}};
    box.relays.push_back({"ws://relay", relay, {}});
    return box;
  }
  [[nodiscard]] wire::Genesis genesis() const {
    wire::Genesis genesis;
    genesis.creator = inviting.cert;
    genesis.name = "home";
    return genesis;
  }
  [[nodiscard]] wire::PairWelcomeBox welcome() const {
    wire::PairWelcomeBox box;
    box.genesis = genesis();
    box.secrets.push_back(epoch.clone());
    box.device_add.bytes[0] = 7;
    box.addresses = {{"10.0.0.1:4711"}};
    return box;
  }
  template <class Event, class Events>
  [[nodiscard]] static std::size_t count(Events const& events) {
    return static_cast<std::size_t>(
        std::ranges::count_if(events, [](auto const& event) { return std::holds_alternative<Event>(event); }));
  }
  template <class Event, class Events>
  [[nodiscard]] static Event const* find(Events const& events) {
    for (auto const& event : events) {
      if (auto const* found = std::get_if<Event>(&event)) return found;
    }
    return nullptr;
  }
  /// Why it failed, or "".
  [[nodiscard]] std::string inviter_failure() const {
    auto const* failed = find<core::PairFailed>(inviter_events);
    return failed == nullptr ? "" : failed->reason.name();
  }
  [[nodiscard]] std::string joiner_failure() const {
    auto const* failed = find<core::JoinFailed>(joiner_events);
    return failed == nullptr ? "" : failed->reason.name();
  }

  SeededRandom random{1};
  core::Identity inviting = core::Identity::generate(random, {0});
  core::Identity joining = core::Identity::generate(random, {0});
  core::PairingCode code = core::PairingCode::generate(random);
  core::EpochSecret epoch = random.secret<core::EpochSecret>();
  wire::RelayKey relay = random.id<wire::RelayKey>();
  TestInvites invites;
  std::optional<core::PairInviter> inviter;
  std::optional<core::PairJoiner> joiner;
  std::vector<core::InviterEvent> inviter_events;
  std::vector<core::JoinerEvent> joiner_events;
  std::function<void(Bytes&, bool from_joiner)> alter;
  bool approves = true, commits = true, stores = true;
  std::size_t piece = 1 << 20;
  std::chrono::milliseconds elapsed{0};
};

}  // namespace kith::testing
