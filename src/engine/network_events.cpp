#include <algorithm>

#include "engine/folder_service.hpp"
#include "engine/log.hpp"
#include "engine/network_machines.hpp"

/// What a Network tells the other processes of the home, and what they ask of it.
namespace kith::engine {
namespace {

/// The device's name, with a number behind it where another active device has it already.
std::string free_name(core::Roster const& roster, std::string const& wanted) {
  auto const taken = [&](std::string const& name) {
    return std::ranges::any_of(roster.members(), [&](auto const& known) {
      return known.second.state == core::MemberState::active && known.second.name == name;
    });
  };
  std::size_t room = kLimits.max_name_bytes - 8;
  while (room > 0 && room < wanted.size() && (static_cast<unsigned char>(wanted[room]) & 0xC0) == 0x80) --room;
  std::string const stem = wanted.substr(0, room);  // no character is cut in two
  std::string name = stem;
  for (int number = 2; taken(name); ++number) name = fmt::format("{}-{}", stem, number);
  return name;
}

}  // namespace

Result<> Network::tell(sync::ExchangeEvent const& event) {
  auto& store = instance_->store();
  if (auto const* up = std::get_if<sync::PeerUp>(&event)) {
    dialling_.erase(up->endpoint);
    coming_[up->device] = up->endpoint;
    return {};
  }
  if (auto const* down = std::get_if<sync::PeerDown>(&event)) {
    ring_due_ = true;
    if (auto const gone = coming_.extract(down->device))
      KITH_CHECK(erase_control<DialRow>(store, bytes_of(gone.mapped())));
    return erase_control<SessionRow>(store, down->device.view());
  }
  if (auto const* failed = std::get_if<sync::LinkFailed>(&event)) {
    if (dialling_.erase(failed->endpoint) == 0) return {};
    ring_due_ = true;
    DialRow row{current_time().wall.ms, failed->reason.name()};
    if (auto const* versions = std::get_if<VersionsDetail>(&failed->reason.detail())) {
      row.their_min = static_cast<std::uint8_t>(versions->theirs_min);
      row.their_max = static_cast<std::uint8_t>(versions->theirs_max);
    }
    return put_control(store, row, bytes_of(failed->endpoint));
  }
  if (std::holds_alternative<sync::EntriesApplied>(event)) {
    ring_due_ = true;
    if (folders_) folders_->look();
    return look_at_contents();
  }
  if (auto const* moved = std::get_if<sync::PeerMoved>(&event)) {
    ring_due_ = true;
    auto const came = coming_.extract(moved->device);
    return came ? introduce(moved->device, came.mapped()) : Result<>{};
  }
  if (auto const* chunk = std::get_if<sync::ChunkArrived>(&event)) {
    if (message_chunks_.erase(chunk->id) > 0) {
      KITH_TRY(transaction, store::Transaction::begin(store));
      KITH_CHECK(instance_->chunks->put_blob(chunk->id, chunk->bytes));
      KITH_CHECK(transaction.commit());
      ring_due_ = true;
      KITH_CHECK(look_at_contents());
    }
    if (folders_) folders_->deliver(chunk->id, chunk->bytes);
    return {};
  }
  if (auto const* digest = std::get_if<sync::DigestArrived>(&event)) {
    ring_due_ = true;
    return put_control(store, DigestRow{current_time().wall.ms, digest->digest}, digest->device.view());
  }
  if (auto const* claim = std::get_if<sync::RemovedNotice>(&event)) {
    // Whether it is so, the roster says by now: the proof comes ahead of the claim.
    log::info("session.said_to_be_removed", {{"by", log::short_id(claim->by)}});
    ring_due_ = true;
    return {};
  }
  if (std::holds_alternative<sync::ClonedNotice>(event)) return note_problem("state-cloned", {});
  return {};
}

/// Shows a session to the other processes once the device has said what it holds, and not before: from then on they
/// judge by this whether something is still to come. Who was removed gets no word of that, only a farewell.
Result<> Network::introduce(DeviceId const& device, std::string const& endpoint) {
  auto& store = instance_->store();
  auto const* record = exchange_->peers().find(device);
  KITH_TRY(transaction, store::Transaction::begin(store));
  if (record != nullptr) KITH_CHECK(store.put(store::Table::peers, device.view(), core::encode_record(*record)));
  KITH_CHECK(erase_control<DialRow>(store, bytes_of(endpoint)));
  KITH_CHECK(put_control(store, SessionRow{endpoint, current_time().wall.ms}, device.view()));
  return transaction.commit();
}

Result<> Network::note_problem(std::string_view code, std::string subject) {
  ring_due_ = true;
  return put_control(instance_->store(), ProblemRow{std::move(subject), current_time().wall.ms}, bytes_of(code));
}

Result<> Network::look_at_requests() {
  auto& store = instance_->store();
  KITH_TRY(dials, all_control<DialRow>(store));
  for (auto const& [address, row] : dials) {
    if (row.failure.empty()) dial_address(std::string(text_of(address)));
  }
  KITH_TRY(verify, get_control<VerifyRow>(store));
  if (verify && verify->asked_ms > answered_verify_ms_) {
    answered_verify_ms_ = verify->asked_ms;
    exchange_->hurry(current_time());
    exchange_->ask_digests();
  }
  for (auto* pairing : pairings_) {
    if (!pairing->asked || pairing->answered) continue;
    auto const& lookup = pairing->asked->lookup.symbols;
    KITH_TRY(row, get_control<PairRow>(store, bytes_of(lookup)));
    KITH_TRY(invite, get_control<InviteRow>(store, bytes_of(lookup)));
    bool const about_it = row && row->device == pairing->asked->cert.device;  // else the answer is another joiner's
    // A "no" also takes the invite back; who was asked about hears the "no".
    if (about_it && row->state == PairState::denied) {
      pairing->answered = true;
      pairing->inviter.deny();
    } else if (!invite || invite->state == core::InviteState::cancelled || !invite->inviter.alive()) {
      pairing->answered = true;
      pairing->inviter.cancel();
    } else if (about_it && row->state == PairState::approved) {
      pairing->answered = true;
      pairing->inviter.approve(
          {instance_->replica.state().group(), instance_->replica.state().roster().group_name(), {}}, current_time());
    } else if (row && !about_it) {
      continue;
    }
    pairing->wake();
  }
  return {};
}

Result<> Network::on_pair_event(PairMachine& machine, core::InviterEvent const& event) {
  auto& store = instance_->store();
  ring_due_ = true;
  if (auto const* requested = std::get_if<core::PairRequested>(&event)) {
    KITH_CHECK(instance_->replica.refresh());
    if (!requested->again && instance_->replica.state().roster().active(requested->cert.device)) {
      // A member has what an invite gives, unless this one's welcome was lost on the way.
      machine.inviter.fail_internally(core::CoreError::protocol_violation);
      return {};
    }
    KITH_TRY(invite, get_control<InviteRow>(store, bytes_of(requested->lookup.symbols)));
    bool const agreed = requested->again || (invite && invite->approve_all);
    PairRow const row{agreed ? PairState::approved : PairState::requested, requested->cert.device, requested->name,
                      machine.remote};
    KITH_CHECK(put_control(store, row, bytes_of(requested->lookup.symbols)));
    machine.asked = *requested;
    return look_at_requests();
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
  bool const ours = row && machine.asked && row->device == machine.asked->cert.device;
  if (ours && row->state != PairState::joined)
    KITH_CHECK(erase_control<PairRow>(store, bytes_of(failed.lookup->symbols)));
  return {};
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
  auto const* known = roster.find(commit.cert.device);
  if (known != nullptr && known->state != core::MemberState::active) return fail(core::CoreError::removed_peer);
  wire::PairWelcomeBox welcome;
  if (known != nullptr && !known->add_entries.empty()) {
    welcome.device_add = known->add_entries.front();
  } else {
    // A write first, so that the epoch it names is one that exactly the active devices know.
    KITH_TRY(epoch, replica.usable_epoch(current_time()));
    std::vector<wire::Op> ops;
    ops.emplace_back(wire::DeviceAdd{commit.cert, free_name(roster, commit.name), epoch, std::nullopt});
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
  return exchange_->on_local_change(current_time());
}

/// Tells the others which folders this device keeps, and whether it has every content that it should.
Result<> Network::look_at_contents() {
  KITH_CHECK(want_message_contents());
  auto& store = instance_->store();
  KITH_TRY(bound, files::bound_folders(store));
  std::vector<FolderId> kept;
  bool complete = message_chunks_.empty();
  for (auto const& [id, row] : bound) {
    kept.push_back(id);
    KITH_CHECK(store.scan(core::Table::folder_work, id.view(), {}, [&](ByteView, ByteView) {
      complete = false;
      return Store::Next::stop;
    }));
  }
  exchange_->set_contents(std::move(kept), complete, current_time());
  return {};
}

/// Contents of messages that are too large for their entry: asked for as soon as the message is known.
Result<> Network::want_message_contents() {
  std::vector<std::pair<ChunkId, std::uint64_t>> wanted;
  for (;;) {
    KITH_TRY(rows, instance_->messages.after(messages_looked_at_, 256));
    for (auto const& row : rows) {
      messages_looked_at_ = row.number;
      if (!has_plain_content(row)) continue;
      for (auto const& ref : row.content.refs) {
        KITH_TRY(here, instance_->chunks->has_blob(ref.id));
        if (!here && message_chunks_.emplace(ref.id, ref.length).second) wanted.emplace_back(ref.id, ref.length);
      }
    }
    if (rows.size() < 256) break;
  }
  if (wanted.empty()) return {};
  exchange_->want_chunks(wanted);
  return exchange_->on_timer(current_time());
}

}  // namespace kith::engine
