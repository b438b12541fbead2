#include <algorithm>

#include "engine/delivery.hpp"
#include "engine/device_name.hpp"
#include "engine/network_machines.hpp"

/// The invites of this home, as a Network answers for them: whom the user is asked about, and what follows.
namespace kith::engine {

/// Puts the user's question, in place of the one about whoever asked before at this invite: who came last is there for
/// certain, and one that is silent must not keep others out.
Result<> Network::ask_about(PairMachine& machine, bool agreed) {
  auto& store = instance_->store();
  auto const& lookup = machine.asked->lookup.symbols;
  for (auto* other : pairings_) {
    bool const tries_again =
        other != &machine && other->asked && other->asked->cert.device == machine.asked->cert.device;
    if (!tries_again) continue;
    other->answered = true;
    other->inviter.cancel();
    other->wake();
  }
  KITH_TRY(invite, get_control<InviteRow>(store, bytes_of(lookup)));
  if (invite) {
    KITH_TRY(twin, get_control<PairRow>(store, bytes_of(invite->twin)));
    bool const open = twin && (twin->state == PairState::requested || twin->state == PairState::approved);
    if (open) KITH_CHECK(erase_control<PairRow>(store, bytes_of(invite->twin)));
  }
  ring_due_ = true;
  PairRow const row{agreed ? PairState::approved : PairState::requested, machine.asked->cert.device,
                    machine.asked->name, machine.remote};
  return put_control(store, row, bytes_of(lookup));
}

/// Whether a member has what an invite gives, by what it wrote or said: else its welcome was lost on the way.
Result<bool> Network::has_come_in(DeviceId const& device) {
  auto const* member = instance_->replica.state().roster().find(device);
  if (member == nullptr) return false;
  if (instance_->replica.latest_epoch_of(device)) return true;
  KITH_TRY(book, DeliveryBook::load(instance_->replica, instance_->store()));
  for (auto const& entry : member->add_entries) {
    KITH_TRY(delivery, book.of(entry));
    if (std::ranges::find(delivery.safe_at, device) != delivery.safe_at.end()) return true;
  }
  return false;
}

bool Network::may_pair(std::string const& remote) const {
  std::size_t alike = 0, of_one = 0;
  for (auto const* each : pairings_) {
    if (is_relayed(each->remote) == is_relayed(remote)) ++alike;
    if (host_of(each->remote) == host_of(remote)) ++of_one;
  }
  return alike < kMaxPairings && of_one < (is_relayed(remote) ? kMaxPairingsOfRelay : kMaxPairingsOfOne);
}

/// Brings the user's answers to those who wait for them, and asks about the next where nobody is asked about.
Result<> Network::look_at_pairings() {
  auto& store = instance_->store();
  KITH_TRY(rows, all_control<PairRow>(store));
  for (auto const& asked : rows) {
    auto const& row = asked.second;
    bool const open = row.state == PairState::requested || row.state == PairState::approved;
    bool const there = std::ranges::any_of(pairings_, [&](auto const* each) { return each->is_about(row); });
    if (!open || there) continue;
    KITH_CHECK(erase_control<PairRow>(store, asked.first));
    ring_due_ = true;
  }
  std::map<std::string, PairMachine*> next;  // by lookup: who came last of those that nobody was asked about
  for (auto* pairing : pairings_) {
    if (!pairing->asked || pairing->answered) continue;
    KITH_CHECK(answer(*pairing));
    if (pairing->answered) continue;
    auto const& lookup = pairing->asked->lookup.symbols;
    KITH_TRY(invite, get_control<InviteRow>(store, bytes_of(lookup)));
    KITH_TRY(row, get_control<PairRow>(store, bytes_of(lookup)));
    if (!invite || row) continue;
    KITH_TRY(twin, get_control<PairRow>(store, bytes_of(invite->twin)));
    if (twin) continue;
    auto& last = next[std::min(lookup, invite->twin)];
    if (last == nullptr || last->number < pairing->number) last = pairing;
  }
  for (auto const& [lookup, pairing] : next) KITH_CHECK(ask_about(*pairing, false));
  return {};
}

Result<> Network::answer(PairMachine& machine) {
  auto& store = instance_->store();
  auto const& lookup = machine.asked->lookup.symbols;
  KITH_TRY(row, get_control<PairRow>(store, bytes_of(lookup)));
  KITH_TRY(invite, get_control<InviteRow>(store, bytes_of(lookup)));
  bool const about_it = row && machine.is_about(*row);  // else the answer is another joiner's
  // A "no" also takes the invite back; who was asked about hears the "no".
  if (about_it && row->state == PairState::denied) {
    machine.inviter.deny();
  } else if (!invite || invite->state == core::InviteState::cancelled || !invite->inviter.alive()) {
    machine.inviter.cancel();
  } else if (invite->used_by && *invite->used_by != machine.asked->cert.device) {
    machine.inviter.refuse_as_used();
  } else if (about_it && row->state == PairState::approved) {
    machine.offered = invite_relays();
    wire::PairOfferBox offer{instance_->replica.state().group(), instance_->replica.state().roster().group_name(), {}};
    for (auto const& relay : machine.offered) offer.relays.push_back({relay.url, relay.relay, relay.channel});
    machine.inviter.approve(offer, current_time());
  } else {
    return {};
  }
  machine.answered = true;
  machine.wake();
  return {};
}

Result<> Network::on_pair_event(PairMachine& machine, core::InviterEvent const& event) {
  auto& store = instance_->store();
  ring_due_ = true;
  if (auto const* requested = std::get_if<core::PairRequested>(&event)) {
    KITH_CHECK(instance_->replica.refresh());
    KITH_TRY(has_all, has_come_in(requested->cert.device));
    if (!requested->again && has_all && instance_->replica.state().roster().active(requested->cert.device)) {
      machine.inviter.fail_internally(core::CoreError::protocol_violation);
      return {};
    }
    KITH_TRY(invite, get_control<InviteRow>(store, bytes_of(requested->lookup.symbols)));
    machine.asked = *requested;
    KITH_CHECK(ask_about(machine, requested->again || (invite && invite->approve_all)));
    return look_at_pairings();
  }
  if (auto const* commit = std::get_if<core::PairCommit>(&event)) {
    auto committed = commit_pair(machine, *commit);
    if (committed) return {};
    if (committed.error().holds<store::StoreError>()) return committed;
    machine.inviter.fail_internally(committed.error());
    return {};
  }
  if (auto const* done = std::get_if<core::PairDone>(&event)) {
    KITH_CHECK(invites_->settle(done->lookup, core::InviteState::used, done->device));
    PairRow const row{PairState::joined, done->device, machine.asked ? machine.asked->name : std::string{},
                      machine.remote};
    KITH_CHECK(put_control(store, row, bytes_of(done->lookup.symbols)));
    return exchange_->on_local_change(current_time());
  }
  auto const& failed = std::get<core::PairFailed>(event);
  if (!failed.lookup) return {};
  KITH_TRY(row, get_control<PairRow>(store, bytes_of(failed.lookup->symbols)));
  if (row && machine.is_about(*row) && row->state != PairState::joined)
    KITH_CHECK(erase_control<PairRow>(store, bytes_of(failed.lookup->symbols)));
  machine.asked.reset();
  return look_at_pairings();
}

/// Lets the device in and hands over the group. Joining again by the same device writes nothing new.
Result<> Network::commit_pair(PairMachine& machine, core::PairCommit const& commit) {
  auto& replica = instance_->replica;
  // One invite, one device: from here on another one hears that it is used, even if this one never comes back.
  KITH_TRY(invite, get_control<InviteRow>(instance_->store(), bytes_of(commit.lookup.symbols)));
  bool const taken = invite && invite->used_by && *invite->used_by != commit.cert.device;
  if (!invite || taken || invite->state == core::InviteState::cancelled) return fail(core::CoreError::invite_used);
  KITH_CHECK(invites_->settle(commit.lookup, core::InviteState::used, commit.cert.device));
  KITH_CHECK(replica.refresh());
  auto const& roster = replica.state().roster();
  if (roster.removed(commit.cert.device)) return fail(core::CoreError::removed_peer);
  auto const* known = roster.find(commit.cert.device);
  wire::PairWelcomeBox welcome;
  if (known != nullptr && !known->add_entries.empty()) {
    welcome.device_add = known->add_entries.front();
  } else {
    // A write first, so that the epoch it names is one that exactly the active devices know.
    KITH_TRY(epoch, replica.usable_epoch(current_time()));
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DeviceAdd{commit.cert, free_name(taken_names(roster), commit.name), epoch, std::nullopt});
    for (std::size_t i = 0; i < machine.offered.size(); ++i)
      ops.emplace_back(wire::DeviceRelay{commit.cert.device, machine.offered[i].relay, commit.pseudonyms[i]});
    KITH_TRY(ids, replica.write(std::move(ops), current_time()));
    welcome.device_add = ids.front().entry;
  }
  Bytes genesis = wire::encode(replica.state().genesis());
  KITH_TRY(copy, wire::decode<wire::Genesis>(genesis));
  wipe(genesis);
  welcome.genesis = std::move(copy);
  welcome.secrets = replica.secrets_for_newcomer();
  if (listener_) {
    for (auto const& address : own_addresses()) welcome.addresses.push_back({address});
  }
  machine.inviter.welcome(welcome, current_time());
  KITH_CHECK(exchange_->on_local_change(current_time()));
  return relays_look();  // the relays are told whom they serve from now on
}

}  // namespace kith::engine
