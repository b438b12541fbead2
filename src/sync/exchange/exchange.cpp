#include "sync/exchange/exchange.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace kith::sync {
namespace {

/// A link slower than this there and back is worth harder packing.
constexpr auto kSlowRoundTrip = std::chrono::milliseconds{5};

/// Faults of our own store end everything; all else is the other side's, and ends the link.
bool is_ours(Error const& error) {
  return error.holds<store::StoreError>() || error.is(core::CoreError::corrupt_record);
}

std::string hex_of(Incarnation incarnation) { return to_hex(core::key_of(incarnation.value)); }

}  // namespace

Exchange::Exchange(core::Replica& replica, store::Store& store, ChunkSource& chunks, core::View& messages,
                   core::View& folders, RandomSource& random)
    : replica_(replica),
      store_(store),
      chunk_source_(chunks),
      messages_(messages),
      folders_(folders),
      random_(random),
      peers_(store),
      dialler_(random) {}

LinkId Exchange::add_link(core::Session session, std::optional<DeviceId> dialled, std::string endpoint) {
  LinkId const id{++last_link_};
  auto& link = links_.try_emplace(id, std::move(session), replica_).first->second;
  link.dialled = dialled;
  link.endpoint = std::move(endpoint);
  wake(id);
  return id;
}

LinkId Exchange::dialled(std::optional<DeviceId> device, std::string endpoint, Now now) {
  return add_link(core::Session::initiate(replica_.identity(), *this, device, {}, random_, now), device,
                  std::move(endpoint));
}

LinkId Exchange::accepted(wire::Opening const& opening, std::string endpoint, Now now) {
  return add_link(core::Session::accept(replica_.identity(), *this, opening, {}, random_, now), std::nullopt,
                  std::move(endpoint));
}

Result<> Exchange::on_bytes(LinkId id, ByteView bytes, Now now) {
  auto const found = links_.find(id);
  if (found == links_.end()) return {};
  found->second.session.on_bytes(bytes, now);
  wake(id);
  return work_events(id, now);
}

Result<> Exchange::on_link_closed(LinkId id, Now now) {
  auto const found = links_.find(id);
  if (found == links_.end()) return {};
  found->second.session.on_closed(now);
  KITH_CHECK(work_events(id, now));
  links_.erase(id);
  return {};
}

Result<bool> Exchange::poll_transmit(LinkId id, Bytes& out, Now now) {
  auto const found = links_.find(id);
  if (found == links_.end()) return false;
  auto& link = found->second;
  if (link.session.open()) KITH_CHECK(pump(link, now));
  return link.session.poll_transmit(out, now);
}

bool Exchange::link_done(LinkId id) const {
  auto const found = links_.find(id);
  return found == links_.end() || found->second.session.done();
}

bool Exchange::link_open(LinkId id) const {
  auto const found = links_.find(id);
  return found != links_.end() && found->second.session.open();
}

/// Fills the session's queue as far as there is room, control before bulk.
Result<> Exchange::pump(Link& link, Now now) {
  auto& session = link.session;
  while (session.queued_bytes() < kQueueBytes) {
    KITH_TRY(frame, link.log.next_frame());
    if (!frame) break;
    session.send(*frame);
  }
  while (auto const frame = link.chunks.next_control()) session.send(*frame);
  if (link.presence_due && *link.presence_due <= now.mono) KITH_CHECK(send_presence(link, now));
  if (std::exchange(link.asks_witnesses, false)) ask_witnesses(link, now);
  bool const slow = session.round_trip() && *session.round_trip() > kSlowRoundTrip;
  while (session.queued_bytes() < kQueueBytes) {
    KITH_TRY(piece, link.chunks.next_piece(chunk_source_, slow));
    if (!piece) break;
    session.send_bulk(*piece);
  }
  return {};
}

Result<> Exchange::work_events(LinkId id, Now now) {
  for (;;) {
    auto const found = links_.find(id);
    if (found == links_.end()) return {};
    auto event = found->second.session.poll_event();
    if (!event) return {};
    if (auto const* opened = std::get_if<core::SessionOpened>(&*event)) {
      KITH_CHECK(on_opened(id, opened->peer, now));
    } else if (auto const* unwelcome = std::get_if<core::SessionUnwelcome>(&*event)) {
      hear(id, unwelcome->peer.cert, now);
    } else if (auto* frame = std::get_if<core::SessionFrame>(&*event)) {
      if (auto taken = on_frame(id, std::move(frame->frame), now); !taken) {
        KITH_CHECK(refuse_frame(id, taken.error(), now));
      } else if (found->second.session.queued_bytes() > kMostQueuedBytes) {
        KITH_CHECK(refuse_frame(id, core::CoreError::protocol_violation, now));
      }
    } else {
      KITH_CHECK(on_closed(id, std::get<core::SessionClosed>(*event), now));
    }
  }
}

Result<> Exchange::refuse_frame(LinkId id, Error const& error, Now) {
  if (is_ours(error)) return fail(error);
  links_.at(id).session.close(wire::CloseCode::bad_frame, error.name());
  wake(id);
  return {};
}

Result<> Exchange::on_opened(LinkId id, core::SessionPeer const& peer, Now now) {
  auto& link = links_.at(id);
  DeviceId const device = peer.cert.device;
  link.device = device;
  link.incarnation = peer.incarnation;
  settle_double(id, now);
  if (cloned_) {
    link.session.close(wire::CloseCode::done);
    return {};
  }
  link.log.start(device);
  link.chunks.start();
  link.presence_due = now.mono;
  link.asks_witnesses = witnesses_ != nullptr;
  dialler_.connected(device);
  auto& record = peers_.change(device, now.mono);
  record.last_seen_ms = now.wall.ms;
  record.endpoint = link.endpoint;
  record.clock_ahead_s = peer.clock_ahead.count();
  if (link.session.dialled_by_us()) learn_addresses(device, {link.endpoint}, Source::first_hand, now);
  events_.emplace_back(PeerUp{device, link.endpoint, peer.clock_ahead});
  assign_wants(now);
  wake(id);
  return {};
}

/// A newer session replaces an older one by the same dialler. Of two that cross, the one dialled by the lower device
/// stays, if it still answers.
void Exchange::settle_double(LinkId id, Now now) {
  auto& link = links_.at(id);
  auto const other_id = open_link(*link.device, id);
  if (!other_id) return;
  auto& other = links_.at(*other_id);
  bool const crossing = link.session.dialled_by_us() != other.session.dialled_by_us();
  bool const ours_is_lower = replica_.self() < *link.device;
  bool const keep_new = !crossing || link.session.dialled_by_us() == ours_is_lower;
  if (keep_new) {
    // The text tells the other side whether its own newer session came, or that of a copy of it.
    other.session.close(wire::CloseCode::replaced, hex_of(link.incarnation));
    wake(*other_id);
    return;
  }
  other.session.ping(now);
  crossings_.push_back({*other_id, id, now.mono, now.mono + kCrossingPing});
  wake(*other_id);
}

Result<> Exchange::on_frame(LinkId id, wire::Frame frame, Now now) {
  auto& link = links_.at(id);
  if (link.unwelcome) return on_unwelcome_frame(id, frame, now);
  if (auto* data = std::get_if<wire::Data>(&frame)) {
    KITH_TRY(received, link.log.on_data(*data, now));
    if (received.applied == 0 && !received.roster_changed) return {};
    events_.emplace_back(EntriesApplied{received.applied});
    return after_change(received.roster_changed, id, now);
  }
  if (auto const* tips = std::get_if<wire::Tips>(&frame)) return on_peer_tips(id, tips->tips, now);
  if (auto const* ack = std::get_if<wire::Ack>(&frame)) return on_peer_tips(id, ack->tips, now);
  if (auto const* want = std::get_if<wire::Want>(&frame)) return link.log.on_want(*want);
  if (auto const* want = std::get_if<wire::ChunkWant>(&frame)) return link.chunks.on_want(*want);
  if (auto* piece = std::get_if<wire::FileChunk>(&frame)) return on_piece(id, std::move(*piece), now);
  if (auto const* presence = std::get_if<wire::Presence>(&frame)) return on_presence(id, *presence, now);
  if (auto const* credit = std::get_if<wire::Credit>(&frame)) {
    link.chunks.on_credit(*credit);
    return {};
  }
  if (auto const* want = std::get_if<wire::DigestWant>(&frame)) return on_digest_want(link, *want, now);
  if (auto const* answer = std::get_if<wire::Digest>(&frame)) {
    auto& due = answer->token == wire::DigestWant::kRelaysAlone ? link.witnesses_due : link.digests_due;
    if (due == 0) return {};
    --due;
    events_.emplace_back(DigestArrived{*link.device, *answer});
    return {};
  }
  return fail(core::CoreError::protocol_violation);
}

/// Entries have come in: the other links hear of them, and what follows from a changed roster is done.
Result<> Exchange::after_change(bool roster_changed, std::optional<LinkId> from, Now now) {
  KITH_CHECK(take_incarnation(now));
  contents_stale_ = true;
  for (auto& [id, link] : links_) {
    if (id != from && link.device && link.session.open()) KITH_CHECK(link.log.on_local_change());
  }
  presence_soon(now);
  if (roster_changed) {
    KITH_CHECK(cut_removed(now));
    for (auto const& [id, link] : links_) learn_contacts(link, now);
    refresh_dialling(now);
  }
  plan_upkeep(now);
  wake_all();
  return {};
}

Result<> Exchange::on_local_change(Now now) {
  KITH_CHECK(replica_.refresh());
  return after_change(true, std::nullopt, now);
}

Result<> Exchange::on_peer_tips(LinkId id, std::vector<Tip> const& tips, Now now) {
  auto& link = links_.at(id);
  KITH_TRY(started_anew, link.log.on_peer_tips(tips));
  auto& record = peers_.change(*link.device, now.mono);
  record.acked = tips;
  record.last_seen_ms = now.wall.ms;
  events_.emplace_back(PeerMoved{*link.device});
  return started_anew ? take_incarnation(now) : Result<>{};
}

Result<> Exchange::on_presence(LinkId id, wire::Presence const& presence, Now now) {
  auto& link = links_.at(id);
  if (presence.counter <= link.heard_presence) return {};
  link.heard_presence = presence.counter;
  auto& record = peers_.change(*link.device, now.mono);
  bool const content_moved = record.content != presence.content_tips || record.held != presence.held;
  auto const old_addresses = record.addresses;
  record.seen = presence.tips;
  record.content = presence.content_tips;
  record.held = presence.held;
  record.folders = presence.folders;
  record.last_seen_ms = now.wall.ms;
  std::vector<std::string> addresses;
  for (auto const& address : presence.addresses) addresses.push_back(address.text);
  record.addresses.clear();
  learn_addresses(*link.device, addresses, Source::first_hand, now);
  if (link.session.dialled_by_us()) learn_addresses(*link.device, {link.endpoint}, Source::first_hand, now);
  if (record.addresses != old_addresses) presence_soon(now);  // the others may want to dial it too
  link.contacts = presence.contacts;
  learn_contacts(link, now);
  if (content_moved) {
    for (auto& [chunk, want] : wants_) want.not_held_until.erase(*link.device);
    events_.emplace_back(ContentsMoved{*link.device});
    assign_wants(now);
  }
  return on_peer_tips(id, presence.tips, now);
}

/// Addresses that another device passes on: hearsay, and only of devices that belong to the group as far as is known
/// here.
void Exchange::learn_contacts(Link const& link, Now now) {
  for (auto const& contact : link.contacts) {
    if (contact.device == replica_.self() || !replica_.state().roster().active(contact.device)) continue;
    std::vector<std::string> hearsay;
    for (auto const& address : contact.addresses) hearsay.push_back(address.text);
    learn_addresses(contact.device, hearsay, Source::hearsay, now);
  }
}

Result<> Exchange::on_piece(LinkId id, wire::FileChunk piece, Now now) {
  auto& link = links_.at(id);
  ChunkId const chunk = piece.id;
  link.chunks_moved = now.mono;
  auto answer = link.chunks.on_piece(std::move(piece));
  if (!answer) note_damaged(id, chunk, now);  // the link ends, and the next one would ask for it again
  if (!answer) return fail(answer.error());
  if (!*answer) return {};
  auto& [of, bytes, damaged] = **answer;
  auto const want = wants_.find(of);
  if (want != wants_.end()) {
    // Only the bytes count: the length that was asked for is what some version's author says it is.
    if (bytes && chunk_source_.fits(of, *bytes)) {
      wants_.erase(want);
      events_.emplace_back(ChunkArrived{of, std::move(*bytes)});
    } else if (bytes || damaged) {
      note_damaged(id, of, now);
    } else {
      want->second.asked.reset();
      want->second.not_held_until[*link.device] = now.mono + kNotHeldFor;
      if (nobody_has(want->second, now)) events_.emplace_back(ChunkMissing{of});
    }
  }
  assign_wants(now);
  return {};
}

/// Others are asked, and this device again after a while, each time a longer one.
void Exchange::note_damaged(LinkId id, ChunkId const& chunk, Now now) {
  auto const want = wants_.find(chunk);
  if (want == wants_.end() || want->second.asked != id) return;
  want->second.asked.reset();
  auto& damaged = want->second.damaged_by[*links_.at(id).device];
  auto const wait = kDamagedFor * (std::int64_t{1} << std::min(damaged.times++, 7U));
  damaged.until = now.mono + std::min<std::chrono::seconds>(wait, kDamagedForMost);
  if (nobody_has(want->second, now)) events_.emplace_back(ChunkMissing{chunk});
}

std::optional<Instant> Exchange::patience_ends(Link const& link) const {
  return link.chunks.asking() ? std::optional(link.chunks_moved + kChunkPatience) : std::nullopt;
}

/// The session ends, which takes back what was asked; others are asked, and in the next one this device for other
/// chunks.
Result<> Exchange::give_up_on_chunks(LinkId id, Now now) {
  auto& link = links_.at(id);
  for (auto const& chunk : link.chunks.asked()) note_damaged(id, chunk, now);
  link.session.close(wire::CloseCode::done);
  wake(id);
  return work_events(id, now);
}

Result<> Exchange::on_closed(LinkId id, core::SessionClosed const& closed, Now now) {
  auto& link = links_.at(id);
  wake(id);
  for (auto& [chunk, want] : wants_) {
    if (want.asked == id) want.asked.reset();
  }
  std::erase_if(crossings_, [&](Crossing const& crossing) { return crossing.keep == id || crossing.other == id; });
  // Of a session that was open, with a member: whoever only remembers an epoch can say anything before that.
  bool const replaced = closed.close && closed.close->code == wire::CloseCode::replaced && link.device;
  if (replaced) count_replacement(closed.close->text, now);
  if (closed.reason.is(core::CoreError::removed_self) && link.device) events_.emplace_back(RemovedNotice{*link.device});
  if (!link.device) {
    if (link.dialled) dialler_.failed(*link.dialled, now.mono);
    events_.emplace_back(LinkFailed{link.dialled, link.endpoint, closed.reason});
    return {};
  }
  DeviceId const device = *link.device;
  link.device.reset();
  if (!open_link(device)) {
    dialler_.lost(device, now.mono);
    events_.emplace_back(PeerDown{device});
  }
  assign_wants(now);
  return {};
}

Result<> Exchange::take_incarnation(Now now) {
  KITH_TRY(current, replica_.incarnation());
  if (current != incarnation_) before_ = {incarnation_, now.mono};
  incarnation_ = current;
  return {};
}

void Exchange::count_replacement(std::string const& incarnation, Now now) {
  if (incarnation == hex_of(incarnation_)) return;  // our own newer session
  bool const just_left = before_ && now.mono < before_->left + kIncarnationLinger;
  if (just_left && incarnation == hex_of(before_->incarnation)) return;
  replacements_.push_back(now.mono);
  while (replacements_.front() + kCloneWindow < now.mono) replacements_.pop_front();
  if (replacements_.size() < kCloneHits || cloned_) return;
  cloned_ = true;
  events_.emplace_back(ClonedNotice{});
  close_all(wire::CloseCode::done);
}

std::optional<ExchangeEvent> Exchange::poll_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Exchange::wake_all() {
  for (auto const& [id, link] : links_) wake(id);
}

}  // namespace kith::sync
