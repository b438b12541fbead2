#include "engine/folder_looks.hpp"
#include "engine/folder_service.hpp"
#include "engine/log.hpp"
#include "engine/network_machines.hpp"

/// What a Network tells the other processes of the home, and what they ask of it.
namespace kith::engine {

Result<> Network::tell(sync::ExchangeEvent const& event) {
  auto& store = instance_->store();
  if (auto const* up = std::get_if<sync::PeerUp>(&event)) {
    dialling_.erase(up->endpoint);
    coming_[up->device] = up->endpoint;
    if (folders_) folders_->contents_moved();
    return {};
  }
  if (auto const* down = std::get_if<sync::PeerDown>(&event)) {
    ring_due_ = true;
    uploads_soon();
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
    KITH_CHECK(relays_look());
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
    bool const by_relay = given_by_relays_.erase(chunk->id) > 0;
    if (folders_) folders_->deliver(chunk->id, chunk->bytes, by_relay);
    return {};
  }
  if (auto const* missing = std::get_if<sync::ChunkMissing>(&event)) {
    if (folders_) folders_->deliver_missing(missing->id);
    return {};
  }
  if (std::holds_alternative<sync::ContentsMoved>(event)) {
    if (folders_) folders_->contents_moved();
    return {};
  }
  if (auto const* digest = std::get_if<sync::DigestArrived>(&event)) {
    ring_due_ = true;
    KITH_CHECK(compare_relays(digest->device, digest->digest.relays));
    if (digest->digest.token == wire::DigestWant::kRelaysAlone) return {};
    DigestRow row{current_time().wall.ms, digest->digest};
    row.digest.relays.clear();  // told by the relays' rows
    return put_control(store, row, digest->device.view());
  }
  if (auto const* claim = std::get_if<sync::RemovedNotice>(&event)) return note_claim(claim->by);
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
  KITH_CHECK(erase_control<SaidRemovedRow>(store, device.view()));  // it would not say what it holds
  KITH_CHECK(put_control(store, SessionRow{endpoint, current_time().wall.ms}, device.view()));
  return transaction.commit();
}

/// Whether it is so, the roster says by now, as the proof comes ahead of the claim. Where it does not, the device may
/// be lying, or this one may be unable to read the proof: people are told, and nothing else follows.
Result<> Network::note_claim(DeviceId const& by) {
  log::info("session.said_to_be_removed", {{"by", log::short_id(by)}});
  ring_due_ = true;
  auto& store = instance_->store();
  if (instance_->replica.state().roster().removed(instance_->replica.self())) return {};
  KITH_TRY(known, get_control<SaidRemovedRow>(store, by.view()));
  return known ? Result<>{} : put_control(store, SaidRemovedRow{current_time().wall.ms}, by.view());
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
  KITH_CHECK(look_at_invites());
  return look_at_pairings();
}

/// From now on this thread hears of folders' disks without asking them.
Result<> Network::begin_looks() {
  looks_ = std::make_shared<FolderLooks>(look_for_markers(instance_->replica.state().group()), [this] {
    loop_.post([this] {
      if (!owner_ || stopping_) return;
      check(look_at_contents());
      settle();
    });
  });
  instance_->is_silent = [looks = looks_](FolderId const& id) { return looks->silent(id); };
  KITH_TRY(bound, files::bound_folders(instance_->store()));
  looks_->look(bound);
  static_cast<void>(looks_->wait(kFirstLook));  // whoever answers later is named later
  return {};
}

/// Tells the others which folders this device keeps, and whether it has every content that it should, or how many paths
/// it leaves alone where that is all that it lacks. A folder that was stopped, or whose disk is away, is no copy to
/// count on. Where one has not been looked at since somebody wanted it kept in step, its user may have changed anything
/// meanwhile.
Result<> Network::look_at_contents() {
  using sync::Contents;
  KITH_TRY(wanted, want_message_contents());
  auto& store = instance_->store();
  KITH_TRY(interests, live_interests(store));
  KITH_TRY(bound, files::bound_folders(store));
  looks_->look(bound);
  std::vector<FolderId> kept;
  auto contents = message_chunks_.empty() ? Contents::complete : Contents::lacking;
  std::size_t held = 0;
  for (auto const& [id, row] : bound) {
    auto const interest = interests.find(id);
    bool const looked_after = interest != interests.end();
    bool const stopped = row.state == files::FolderState::stopped && row.problem != "disk-full";
    if (stopped || (!looked_after && !looks_->there(id).value_or(false))) continue;
    kept.push_back(id);
    KITH_TRY(left, files::work_left(store, id.view()));
    if (left == files::WorkLeft::open) contents = std::min(contents, Contents::lacking);
    if (left == files::WorkLeft::held) {
      KITH_TRY(paths, files::count_held(store, id));
      held += paths;
    }
    if (looked_after && !interest->second) contents = Contents::unknown;
  }
  exchange_->set_contents(std::move(kept), contents, held, current_time());
  tell_relays_soon();
  return wanted ? exchange_->on_timer(current_time()) : Result<>{};
}

/// Contents of messages that are too large for their entry: asked for as soon as the message is known.
/// @return whether any are wanted that were not
Result<bool> Network::want_message_contents() {
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
  exchange_->want_chunks(wanted);
  return !wanted.empty();
}

}  // namespace kith::engine
