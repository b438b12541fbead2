#include <fmt/format.h>

#include "engine/network_machines.hpp"
#include "engine/relay_status.hpp"
#include "link/ws/invite_mailbox.hpp"

/// The invites of this home at the group's relays: who has no other way here comes through a mailbox there.
namespace kith::engine {

/// One invite at one relay.
struct Network::InviteAtRelay {
  Bytes row_id;  ///< lookup and relay key
  std::unique_ptr<link::InviteListener> listener;
  std::vector<std::weak_ptr<OpeningMachine>> conversations;
  std::optional<Error> failed;  ///< why the listener waits for nobody any more
  Instant again;                ///< not opened before
  InviteRelayRow row;
  InviteRelayRow shown;

  [[nodiscard]] bool talks() {
    std::erase_if(conversations, [](auto const& each) { return each.expired(); });
    return !conversations.empty();
  }
};

std::vector<core::Roster::Relay> Network::invite_relays() const {
  auto relays = instance_->replica.state().roster().relays();
  if (relays.size() > kMaxInviteRelays) relays.resize(kMaxInviteRelays);
  return relays;
}

/// Keeps each invite open at each relay until it is over, and those that are over until nobody is spoken to there.
Result<> Network::look_at_invites() {
  if (!exchange_) return {};
  auto& store = instance_->store();
  KITH_TRY(rows, all_control<InviteRow>(store));
  std::map<std::pair<std::string, wire::RelayKey>, core::Roster::Relay> wanted;
  for (auto const& [id, row] : rows) {
    // One that was used still serves the device that used it, should its welcome have been lost.
    bool const waits = (row.state == core::InviteState::open && row.inviter.alive()) ||
                       (row.state == core::InviteState::used && row.used_by);
    if (stopping_ || !waits || row.expires_ms <= current_time().wall.ms) continue;
    for (auto const& relay : invite_relays()) wanted.emplace(std::pair{std::string(text_of(id)), relay.relay}, relay);
  }
  for (auto one = invites_at_relays_.begin(); one != invites_at_relays_.end();) {
    auto& invite = *one->second;
    if (wanted.contains(one->first) || invite.talks()) {
      ++one;
      continue;
    }
    if (invite.listener && invite.row.open) revoked_at_ = Clock::now();
    KITH_CHECK(erase_control<InviteRelayRow>(store, invite.row_id));
    one = invites_at_relays_.erase(one);
  }
  for (auto const& [key, relay] : wanted) {
    auto& invite = invites_at_relays_[key];
    if (!invite) {
      invite = std::make_shared<InviteAtRelay>();
      invite->row_id = core::key_of(bytes_of(key.first), relay.relay.view());
      invite->again = Clock::now();
    }
    if (invite->failed && !invite->talks()) {
      bool const over = invite->failed->is(link::LinkError::invite_gone);  // a relay's time for invites is its own
      invite->again = Clock::now() + (over ? std::chrono::seconds{0} : kInviteRetry);
      invite->listener.reset();
      invite->failed.reset();
    }
    if (!invite->listener && invite->again <= Clock::now()) open_invite(key.first, relay, *invite);
    KITH_CHECK(show(*invite));
  }
  return {};
}

void Network::open_invite(std::string const& lookup, core::Roster::Relay const& relay, InviteAtRelay& invite) {
  auto const address = link::parse_relay_address(relay.url);
  auto const row = get_control<InviteRow>(instance_->store(), bytes_of(lookup));
  if (!row || !*row) return;
  if (!address) {
    invite.row.failure = address.error().name();
    return;
  }
  auto const left = std::chrono::milliseconds{(*row)->expires_ms - current_time().wall.ms};
  std::weak_ptr<InviteAtRelay> const weak = invites_at_relays_.at({lookup, relay.relay});
  auto const later = [this, weak](auto&& change) {
    loop_.post([this, weak, change] {
      auto const known = weak.lock();
      if (!known || !exchange_) return;
      change(*known);
      check(look_at_invites());
      settle();
    });
  };
  invite.listener = link::InviteListener::open(
      loop_, *address, lookup, std::max(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds{1}),
      [this, weak](std::string const& where) -> std::shared_ptr<link::StreamMachine> {
        auto const known = weak.lock();
        if (!known || !exchange_ || stopping_) return nullptr;
        auto machine =
            std::make_shared<OpeningMachine>(*this, fmt::format("{}{}:{}", kRelayed, where, ++last_relayed_));
        known->conversations.push_back(machine);
        return machine;
      },
      {[later](std::chrono::seconds) {
         later([](InviteAtRelay& known) {
           known.row.open = true;
           known.row.failure.clear();
         });
       },
       [later](Error const& error) {
         later([error](InviteAtRelay& known) {
           known.failed = error;
           known.row.open = false;
           if (!error.is(link::LinkError::invite_gone)) known.row.failure = error.name();
         });
       }});
}

/// Tells the process whose user has given the invite out.
Result<> Network::show(InviteAtRelay& invite) {
  if (invite.row == invite.shown) return {};
  invite.shown = invite.row;
  ring_due_ = true;
  return put_control(instance_->store(), invite.row, invite.row_id);
}

void Network::leave_invites() {
  for (auto const& [key, invite] : invites_at_relays_)
    static_cast<void>(erase_control<InviteRelayRow>(instance_->store(), invite->row_id));
  invites_at_relays_.clear();
}

}  // namespace kith::engine
