#include <algorithm>
#include <limits>

#include "base/assert.hpp"
#include "core/entry.hpp"
#include "sync/exchange/exchange.hpp"

/// What an exchange does by itself: time, dialling, presence, the group's upkeep, chunks, and its answers as a
/// membership.
namespace kith::sync {

Result<> Exchange::start(Now now) {
  KITH_CHECK(peers_.load());
  KITH_TRY(current, replica_.incarnation());
  incarnation_ = current;
  KITH_TRY(inviter, store_.get(store::Table::meta, bytes_of(kInviterKey)));
  if (inviter) inviter_ = DeviceId::from(*inviter);
  refresh_dialling(now);
  plan_upkeep(now);
  return {};
}

Result<> Exchange::on_timer(Now now) {
  std::vector<LinkId> ids;
  for (auto const& [id, link] : links_) ids.push_back(id);
  for (auto const id : ids) {
    auto const found = links_.find(id);
    if (found == links_.end()) continue;
    auto& link = found->second;
    bool const due = link.session.next_deadline() && *link.session.next_deadline() <= now.mono;
    if (due) {
      link.session.on_timer(now);
      KITH_CHECK(work_events(id, now));
    }
    // Into the queue at once: a link that takes nothing now would keep this due, and the timer running.
    bool const presence = link.presence_due && *link.presence_due <= now.mono;
    if (presence && link.session.open()) KITH_CHECK(send_presence(link, now));
    if (presence) link.presence_due.reset();
    if (due || presence) wake(id);
    auto const patience = link.session.open() ? patience_ends(link) : std::nullopt;
    if (patience && *patience <= now.mono) KITH_CHECK(give_up_on_chunks(id, now));
  }
  for (auto const& crossing : std::vector(crossings_)) {
    auto const keep = links_.find(crossing.keep);
    auto const other = links_.find(crossing.other);
    bool const answered = keep != links_.end() && keep->second.session.heard() > crossing.since;
    if (!answered && now.mono < crossing.until) continue;
    std::erase_if(crossings_,
                  [&](Crossing const& each) { return each.keep == crossing.keep && each.other == crossing.other; });
    auto const loser = answered ? other : keep;
    if (loser == links_.end()) continue;
    loser->second.session.close(wire::CloseCode::done);
    wake(loser->first);
    KITH_CHECK(work_events(loser->first, now));
  }
  if (peers_.flush_due() && *peers_.flush_due() <= now.mono) KITH_CHECK(peers_.flush());
  if (upkeep_ && upkeep_due_ <= now.mono) KITH_CHECK(do_upkeep(now));
  assign_wants(now);
  return {};
}

std::optional<Instant> Exchange::next_deadline() const {
  std::optional<Instant> next;
  auto const consider = [&](std::optional<Instant> const& instant) {
    if (instant && (!next || *instant < *next)) next = instant;
  };
  for (auto const& [id, link] : links_) {
    consider(link.session.next_deadline());
    consider(link.presence_due);
    if (link.session.open()) consider(patience_ends(link));
  }
  for (auto const& crossing : crossings_) consider(crossing.until);
  consider(peers_.flush_due());
  if (upkeep_) consider(upkeep_due_);
  if (!cloned_) consider(dialler_.next_due());
  auto const devices = connected();
  for (auto const& [chunk, want] : wants_) {
    if (want.asked) continue;
    for (auto const& device : devices) consider(want.not_before(device));
  }
  return next;
}

// Dialling.

void Exchange::refresh_dialling(Now now) {
  auto const& roster = replica_.state().roster();
  bool const joining = roster.find(replica_.self()) == nullptr;
  bool const out = roster.removed(replica_.self());
  for (auto const& [device, record] : peers_.all()) {
    bool const wanted = !out && device != replica_.self() && !record.addresses.empty() &&
                        (roster.active(device) || (joining && inviter_ == device));
    if (wanted) {
      dialler_.add(device, now.mono);
    } else {
      dialler_.remove(device);
    }
  }
}

std::optional<Exchange::Dial> Exchange::poll_dial(Now now) {
  if (cloned_) return std::nullopt;
  auto const device = dialler_.next(now.mono);
  if (!device) return std::nullopt;
  auto const* record = peers_.find(*device);
  return Dial{*device, record == nullptr ? std::vector<std::string>{} : record->addresses};
}

void Exchange::dial_failed(DeviceId const& device, Now now) { dialler_.failed(device, now.mono); }

void Exchange::learn_addresses(DeviceId const& device, std::vector<std::string> const& addresses, Source source,
                               Now now) {
  auto const* known = peers_.find(device);
  std::vector<std::string> merged = known == nullptr ? std::vector<std::string>{} : known->addresses;
  merged.insert(source == Source::first_hand ? merged.begin() : merged.end(), addresses.begin(), addresses.end());
  std::vector<std::string> unique;
  for (auto& address : merged) {
    if (std::ranges::find(unique, address) == unique.end()) unique.push_back(std::move(address));
  }
  if (unique.size() > kLimits.max_addresses) unique.resize(kLimits.max_addresses);
  if (known != nullptr && known->addresses == unique) return;
  peers_.change(device, now.mono).addresses = std::move(unique);
  refresh_dialling(now);
  if (open_link(device)) dialler_.connected(device);
}

// Upkeep.

void Exchange::plan_upkeep(Now now) {
  auto const due = replica_.upkeep_due(now.wall);
  if (!due) {
    upkeep_.reset();
    return;
  }
  Instant const at = now.mono + due->after;
  bool const planned_already = upkeep_ == due->kind && !due->by_age && !upkeep_by_age_;
  if (!planned_already || at < upkeep_due_) upkeep_due_ = at;
  upkeep_ = due->kind;
  upkeep_by_age_ = due->by_age;
}

Result<> Exchange::do_upkeep(Now now) {
  KITH_CHECK(replica_.refresh());
  auto const due = replica_.upkeep_due(now.wall);
  bool const still = due && due->kind == upkeep_ && (!due->by_age || due->after.count() == 0);
  upkeep_.reset();
  if (still) {
    auto done = replica_.do_upkeep(due->kind, now);
    if (!done && !done.error().is(core::CoreError::removed_self)) return done;
    events_.emplace_back(EntriesApplied{1});
  }
  return after_change(true, std::nullopt, now);
}

// Presence.

void Exchange::presence_soon(Now now) {
  for (auto& [id, link] : links_) {
    if (link.device && !link.presence_due) link.presence_due = now.mono + kPresenceAfter;
  }
}

/// @param device  whom it is for: its own addresses it knows
Result<wire::Presence> Exchange::presence_for(std::optional<DeviceId> const& device) {
  wire::Presence presence;
  KITH_TRY(tips, replica_.tips());
  bool const complete = contents_ == Contents::complete && !contents_stale_;
  if (complete && held_ == 0) content_tips_ = tips;
  if (contents_ == Contents::unknown) content_tips_.clear();
  // What is no longer left alone is on its way: then only what was said before that holds.
  presence.content_tips = complete ? tips : content_tips_;
  presence.held = complete ? held_ : std::uint16_t{0};
  presence.tips = std::move(tips);
  for (auto const& address : addresses_) presence.addresses.push_back({address});
  presence.folders = kept_folders_;
  for (auto const& [other, record] : peers_.all()) {
    if (other == device || record.addresses.empty() || !replica_.state().roster().active(other)) continue;
    auto& contact = presence.contacts.emplace_back();
    contact.device = other;
    for (auto const& address : record.addresses) contact.addresses.push_back({address});
    if (presence.contacts.size() == kLimits.max_contacts) break;
  }
  return presence;
}

Result<> Exchange::send_presence(Link& link, Now now) {
  link.presence_due.reset();
  KITH_TRY(presence, presence_for(link.device));
  link.presence_counter =
      std::max(link.presence_counter + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(now.wall.ms, 0)));
  presence.counter = link.presence_counter;
  link.session.send(presence);
  return {};
}

Result<wire::Presence> Exchange::presence() {
  KITH_TRY(presence, presence_for(std::nullopt));
  presence.contacts.clear();  // each leaves its own
  return presence;
}

Result<> Exchange::hear_presence(DeviceId const& device, wire::Presence const& presence, Now now) {
  if (open_link(device) || !replica_.state().roster().active(device)) return {};
  auto& record = peers_.change(device, now.mono);
  bool const content_moved =
      record.content != presence.content_tips || record.held != presence.held || record.folders != presence.folders;
  record.acked = record.seen = presence.tips;
  record.content = presence.content_tips;
  record.held = presence.held;
  record.folders = presence.folders;
  // The counter is what its clock said, or a little more.
  auto const left_at = static_cast<std::int64_t>(
      std::min<std::uint64_t>(presence.counter, static_cast<std::uint64_t>(std::max<std::int64_t>(now.wall.ms, 0))));
  record.last_seen_ms = std::max(record.last_seen_ms, left_at);
  std::vector<std::string> addresses;
  for (auto const& address : presence.addresses) addresses.push_back(address.text);
  learn_addresses(device, addresses, Source::hearsay, now);
  if (content_moved) events_.emplace_back(ContentsMoved{device});
  events_.emplace_back(PeerMoved{device});
  KITH_TRY(claimed, replica_.note_foreign_tips(presence.tips));
  return claimed ? after_change(false, std::nullopt, now) : Result<>{};
}

void Exchange::set_addresses(std::vector<std::string> addresses, Now now) {
  if (addresses.size() > kLimits.max_addresses) addresses.resize(kLimits.max_addresses);
  if (addresses == addresses_) return;
  addresses_ = std::move(addresses);
  presence_soon(now);
}

void Exchange::set_contents(std::vector<FolderId> folders, Contents contents, std::size_t held, Now now) {
  if (folders.size() > kLimits.max_folders) folders.resize(kLimits.max_folders);
  constexpr std::size_t most = std::numeric_limits<decltype(held_)>::max();
  auto const told = static_cast<decltype(held_)>(std::min(held, most));
  bool const news = contents_stale_ || folders != kept_folders_ || contents != contents_ || told != held_;
  contents_stale_ = false;
  kept_folders_ = std::move(folders);
  contents_ = contents;
  held_ = told;
  if (news) presence_soon(now);
}

// Chunks.

void Exchange::want_chunks(std::vector<std::pair<ChunkId, std::uint64_t>> const& chunks) {
  for (auto const& [id, length] : chunks) wants_.try_emplace(id, Want{length, std::nullopt, {}, {}});
}

std::optional<Instant> Exchange::Want::not_before(DeviceId const& device) const {
  auto const lacks = not_held_until.find(device);
  auto const damages = damaged_by.find(device);
  std::optional<Instant> until;
  if (lacks != not_held_until.end()) until = lacks->second;
  if (damages != damaged_by.end()) until = std::max(until.value_or(damages->second.until), damages->second.until);
  return until;
}

void Exchange::unwant_chunks(std::vector<ChunkId> const& chunks) {
  for (auto const& id : chunks) wants_.erase(id);
}

std::vector<ChunkId> Exchange::unasked() const {
  std::vector<ChunkId> ids;
  for (auto const& [id, want] : wants_) {
    if (!want.asked) ids.push_back(id);
  }
  return ids;
}

bool Exchange::take_chunk(ChunkId const& id, Bytes bytes) {
  if (!chunk_source_.fits(id, bytes)) return false;
  if (wants_.erase(id) > 0) events_.emplace_back(ChunkArrived{id, std::move(bytes)});
  return true;
}

bool Exchange::nobody_has(Want const& want, Now now) const {
  return std::ranges::all_of(links_, [&](auto const& each) {
    auto const& [id, link] = each;
    if (!link.device || !link.session.open()) return true;
    auto const not_before = want.not_before(*link.device);
    return not_before && *not_before > now.mono;
  });
}

/// Spreads what is wanted over the connected devices that are not known to lack it.
void Exchange::assign_wants(Now now) {
  for (auto& [chunk, want] : wants_) {
    if (want.asked) continue;
    for (auto& [id, link] : links_) {
      if (!link.device || !link.session.open() || !link.chunks.may_ask(want.length)) continue;
      auto const not_before = want.not_before(*link.device);
      if (not_before && *not_before > now.mono) continue;
      if (!link.chunks.asking()) link.chunks_moved = now.mono;
      link.chunks.ask(chunk, want.length);
      want.asked = id;
      wake(id);
      break;
    }
  }
}

// Looking.

std::optional<LinkId> Exchange::open_link(DeviceId const& device, std::optional<LinkId> except) const {
  for (auto const& [id, link] : links_) {
    if (link.device == device && link.session.open() && id != except) return id;
  }
  return std::nullopt;
}

std::vector<DeviceId> Exchange::connected() const {
  std::vector<DeviceId> devices;
  for (auto const& [id, link] : links_) {
    bool const counted = !link.device || std::ranges::find(devices, *link.device) != devices.end();
    if (link.session.open() && !counted) devices.push_back(*link.device);
  }
  return devices;
}

std::string Exchange::endpoint_of(DeviceId const& device) const {
  auto const id = open_link(device);
  return id ? links_.at(*id).endpoint : std::string{};
}

Result<bool> Exchange::equal_with(DeviceId const& device) {
  auto const id = open_link(device);
  if (!id) return false;
  return links_.at(*id).log.equal();
}

Result<wire::Digest> Exchange::digest(std::uint64_t token) {
  wire::Digest answer;
  answer.token = token;
  KITH_TRY(heads, replica_.heads());
  KITH_TRY(messages, messages_.digest());
  KITH_TRY(folders, folders_.digest());
  answer.heads = heads;
  answer.roster = replica_.state().roster().digest();
  answer.messages = messages;
  answer.folders = folders;
  if (witnesses_) {
    KITH_TRY(shown, witnesses_());
    answer.relays = std::move(shown.relays);
  }
  return answer;
}

Result<> Exchange::on_digest_want(Link& link, wire::DigestWant const& want, Now now) {
  bool const of_relays = want.token == wire::DigestWant::kRelaysAlone;
  auto& next = of_relays ? link.next_witnesses : link.next_digest;
  if (now.mono < next) return {};  // the views are read for it: once in a while is enough
  next = now.mono + kDigestEvery;
  if (!of_relays) {
    KITH_TRY(answer, digest(want.token));
    link.session.send(answer);
    return {};
  }
  KITH_CHECK(say_witnesses(link));
  // It has something to compare now; what it has been shown may be more than what this device was.
  if (witnesses_ && link.asked_witnesses + kWitnessesEvery <= now.mono) ask_witnesses(link, now);
  return {};
}

Result<> Exchange::say_witnesses(Link& link) {
  wire::Digest answer;
  answer.token = wire::DigestWant::kRelaysAlone;
  if (witnesses_) {
    KITH_TRY(shown, witnesses_());
    answer.relays = std::move(shown.relays);
    link.owes_witnesses = shown.more_soon;
    link.said_witnesses = answer.relays.size();
  }
  link.session.send(answer);
  return {};
}

Result<> Exchange::tell_owed_witnesses() {
  auto const owes = [](auto const& each) { return each.second.owes_witnesses && each.second.session.open(); };
  if (std::ranges::none_of(links_, owes)) return {};
  KITH_TRY(shown, witnesses_());
  for (auto& [id, link] : links_) {
    if (!link.device || !link.session.open() || !link.owes_witnesses) continue;
    if (shown.more_soon && shown.relays.size() <= link.said_witnesses) continue;
    KITH_CHECK(say_witnesses(link));
    wake(id);
  }
  return {};
}

void Exchange::ask_witnesses(Link& link, Now now) {
  link.asked_witnesses = now.mono;
  link.witnesses_due = kMostDigestsDue;  // what cannot be said yet comes later, relay by relay
  link.session.send(wire::DigestWant{wire::DigestWant::kRelaysAlone});
}

void Exchange::ask_witnesses(Now now) {
  for (auto& [id, link] : links_) {
    if (!link.device || !link.session.open()) continue;
    ask_witnesses(link, now);
    wake(id);
  }
}

void Exchange::ask_digests() {
  for (auto& [id, link] : links_) {
    if (!link.device) continue;
    link.session.send(wire::DigestWant{random_.u64() | 1});
    link.digests_due = std::min(link.digests_due + 1, kMostDigestsDue);
    wake(id);
  }
}

void Exchange::close_all(wire::CloseCode code) {
  for (auto& [id, link] : links_) {
    link.session.close(code);
    wake(id);
  }
}

void Exchange::leave(Now now) {
  for (auto& [id, link] : links_) {
    // What cannot be read now is said at the next meeting.
    if (link.device && link.presence_due && link.session.open()) static_cast<void>(send_presence(link, now));
  }
  close_all(wire::CloseCode::shutting_down);
}

// core::Membership

GroupId Exchange::group() const { return replica_.state().group(); }

std::vector<EpochId> Exchange::epochs_for(std::optional<DeviceId> const& dialled) const {
  auto const newest = replica_.epochs_newest_first(kLimits.max_hello_epochs);
  std::vector<EpochId> epochs;
  auto const offer = [&](EpochId const& epoch) {
    bool const held = replica_.state().secret(epoch) != nullptr;
    if (held && epochs.size() < wire::kEpochTags && std::ranges::find(epochs, epoch) == epochs.end())
      epochs.push_back(epoch);
  };
  if (!newest.empty()) offer(newest.front());
  if (dialled) {
    if (auto const epoch = replica_.latest_epoch_of(*dialled)) offer(*epoch);
    if (auto const* member = replica_.state().roster().find(*dialled)) offer(member->add_epoch);
  }
  for (auto const& epoch : newest) offer(epoch);
  return epochs;
}

std::vector<EpochId> Exchange::epochs_for_hello() const {
  return replica_.epochs_newest_first(kLimits.max_hello_epochs);
}

crypto::noise::Psk Exchange::psk(EpochId const& epoch) const {
  auto const* secret = replica_.state().secret(epoch);
  KITH_ASSERT(secret != nullptr);
  return crypto::noise::Psk(core::epoch_subkey(group(), *secret, "noise-psk").view());
}

core::Membership::Verdict Exchange::judge(wire::Devcert const& cert) const {
  if (cert.device == replica_.self()) return Verdict::unknown;
  auto const& roster = replica_.state().roster();
  auto const* member = roster.find(cert.device);
  if (member == nullptr) {
    bool const joining = roster.find(replica_.self()) == nullptr;
    return joining && inviter_ == cert.device ? Verdict::welcome : Verdict::unknown;
  }
  if (member->state != core::MemberState::active) return Verdict::removed;
  return member->cert.dx == cert.dx ? Verdict::welcome : Verdict::unknown;
}

}  // namespace kith::sync
