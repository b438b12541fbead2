#include <algorithm>

#include "sync/relays/mailbox.hpp"
#include "sync/relays/sealed_presence.hpp"

/// What lies at a relay beside the log: containers of chunks for devices that are away, and who was seen there when.
namespace kith::sync {

/// Nothing is sealed for a device that is known to be removed: while one could still open it, it waits for a rotation.
Result<std::optional<EpochId>> Mailbox::box_epoch() {
  KITH_CHECK(replica_.refresh());
  return replica_.box_epoch();
}

// Presence.

Result<> Mailbox::set_presence(wire::Presence presence, std::vector<wire::RelayWitness> shown, Now now) {
  presence.counter = 0;
  if (attended_ || (presence_ == presence && shown_ == shown)) return {};
  presence_ = std::move(presence);
  shown_ = std::move(shown);
  presence_due_ = true;
  return state_ == State::live ? send_presence(now) : Result<>{};
}

/// Its epoch may still be on its way. Nobody else can have made a higher counter than this device's: it is signed.
void Mailbox::catch_up_with_own_slot() {
  if (!own_slot_) return;
  auto const opened = open_presence(replica_.state(), relay_.relay, *own_slot_);
  if (!opened) return;
  record_.presence_counter = std::max(record_.presence_counter, own_slot_->counter);
  own_slot_.reset();
  presence_due_ = presence_.has_value();
}

Result<> Mailbox::send_presence(Now now) {
  catch_up_with_own_slot();
  if (!presence_due_ || !presence_ || presence_not_before_ > now.mono) return {};
  presence_not_before_ = now.mono + kPresenceEvery;
  KITH_TRY(epoch, box_epoch());
  if (!epoch) return {};
  presence_due_ = taken_moved_ = false;
  record_.presence_counter =
      std::max(record_.presence_counter + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(now.wall.ms, 0)));
  KITH_TRY(was_taken, taken());
  auto sent = *presence_;
  sent.counter = record_.presence_counter;
  sent.acked_cursor = record_.position.value;
  wire::RelayPresence::Slot slot{face_.pseudonym(), record_.presence_counter, {}};
  slot.sealed = seal_presence(replica_.state(), replica_.identity(), *epoch, relay_.relay, slot.pseudonym,
                              std::move(sent), {std::move(was_taken), shown_}, random_);
  channel_->send(wire::RelayPresence{0, {std::move(slot)}});
  if (!flush_due_) flush_due_ = now.mono + kFlushAfter;
  return {};
}

/// Slots that do not open are of devices that were removed, or of which this one has still to hear, or under an epoch
/// that is still on its way: they are tried again when more is known.
Result<> Mailbox::hear_presence(wire::RelayPresence const& presence, Now now) {
  for (auto const& slot : presence.slots) {
    if (slot.pseudonym == face_.pseudonym()) {
      if (slot.counter > record_.presence_counter) own_slot_ = slot;
      continue;
    }
    // Those that are known outlive the connection: a relay could show an old one again. Only what an active device has
    // signed gets a place.
    auto heard = std::ranges::find(record_.heard, slot.pseudonym, &RelayRecord::Heard::pseudonym);
    bool const known = heard != record_.heard.end();
    if (known && slot.counter < heard->counter) continue;
    if (known && slot.counter == heard->counter && heard_presence_.contains(slot.pseudonym)) continue;
    auto opened = open_presence(replica_.state(), relay_.relay, slot);
    if (!opened) {
      if (unheard_.size() < wire::kRelayLimits.max_members || unheard_.contains(slot.pseudonym))
        unheard_.insert_or_assign(slot.pseudonym, slot);
      continue;
    }
    unheard_.erase(slot.pseudonym);
    heard_presence_.insert(slot.pseudonym);
    if (!known || slot.counter > heard->counter) {
      known ? static_cast<void>(heard->counter = slot.counter)
            : static_cast<void>(record_.heard.push_back({slot.pseudonym, slot.counter}));
      if (!flush_due_) flush_due_ = now.mono + kFlushAfter;
    }
    KITH_CHECK(hear_taken(opened->device, std::move(opened->extras.taken)));
    events_.emplace_back(
        RelayPresenceHeard{opened->device, std::move(opened->presence), std::move(opened->extras.shown)});
  }
  return {};
}

// Where chunks lie.

/// Where a chunk lies that need not be left there again.
Result<std::optional<ObjectBook::Place>> Mailbox::lasting_place(ChunkId const& chunk, WallTime now) const {
  auto const& roster = replica_.state().roster();
  KITH_TRY(place, book_.find(store_, roster, chunk));
  if (!place || !roster.active(place->device)) return std::nullopt;
  auto const left = std::chrono::milliseconds{place->expires_ms - now.ms};
  bool const lasts = left > kObjectMargin && left <= kObjectTime;  // longer, where the clock has gone back since
  return lasts ? std::move(place) : std::nullopt;
}

Result<bool> Mailbox::has_chunk(ChunkId const& chunk, WallTime now) const {
  KITH_TRY(place, lasting_place(chunk, now));
  return place.has_value();
}

/// What an announcement says may be over: whoever uploaded the object has deleted it, or the relay has lost it.
Result<bool> Mailbox::rely_on_chunk(ChunkId const& chunk, Now now) {
  KITH_TRY(place, lasting_place(chunk, now.wall));
  if (!place || state_ != State::live) return place.has_value();
  auto const relied = relied_.find(place->object);
  if (relied == relied_.end() || relied->second + kRelyTime <= now.mono) {
    relied_[place->object] = now.mono;
    doubted_.insert(place->object);
  }
  return true;
}

void Mailbox::ask_for_objects(Now now) {
  if (ask_again_ && *ask_again_ <= now.mono) {
    ask_again_.reset();
    for (auto const& [object, since] : relied_) doubted_.insert(object);
  }
  if (have_request_ != 0 || doubted_.empty()) return;
  asked_objects_.clear();
  while (!doubted_.empty() && asked_objects_.size() < wire::kRelayLimits.max_object_ids) {
    asked_objects_.push_back(*doubted_.begin());
    doubted_.erase(doubted_.begin());
  }
  have_request_ = ++last_request_;
  channel_->send(wire::ObjHave{have_request_, asked_objects_});
}

Result<> Mailbox::on_held(wire::ObjHeld const& held, Now now) {
  have_request_ = 0;
  std::set<wire::ObjectId> there;
  for (auto const& each : held.objects) there.insert(each.object);
  for (auto const& object : asked_objects_) {
    if (!there.contains(object)) KITH_CHECK(forget_object(object, now));
  }
  if (!relied_.empty() && !ask_again_) ask_again_ = now.mono + kAskAgain;
  ask_for_objects(now);
  return {};
}

/// It is not there. What was said to lie there for those who are away may be what has gone: that is looked at again.
Result<> Mailbox::forget_object(wire::ObjectId const& object, Now now) {
  if (relied_.erase(object) > 0) {
    record_.left = {};
    if (!flush_due_) flush_due_ = now.mono + kFlushAfter;
    events_.emplace_back(RelayMoved{});
  }
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_CHECK(book_.retire(store_, object, ObjectBook::Kind::gone_object, takers_of(object), now.wall));
  return transaction.commit();
}

/// Forgets what has expired, and the presences of devices that are none any more.
Result<> Mailbox::sweep(Now now) {
  sweep_due_ = now.mono + kSweepEvery;
  std::set<wire::Pseudonym> names;
  for (auto const& [device, member] : replica_.state().roster().members()) {
    auto const name = member.pseudonyms.find(relay_.relay);
    if (member.state == core::MemberState::active && name != member.pseudonyms.end()) names.insert(name->second);
  }
  std::erase_if(record_.heard, [&](RelayRecord::Heard const& each) { return !names.contains(each.pseudonym); });
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_CHECK(book_.forget_expired(store_, now.wall));
  return transaction.commit();
}

// Uploads.

bool Mailbox::uploading() const {
  bool const announcing =
      std::ranges::any_of(record_.outbox, [](OutboxItem const& item) { return item.entry.is_zero(); });
  return !uploads_.empty() || object_ || !announcements_.empty() || announcing;
}

Result<> Mailbox::work_objects(Now now) {
  KITH_CHECK(look_at_taken(now));
  KITH_CHECK(send_presence(now));
  ask_for_objects(now);
  if (std::exchange(drop_again_, false)) KITH_CHECK(drop_unannounced(now));
  KITH_CHECK(next_upload(now));
  return next_download();
}

Result<> Mailbox::upload(std::vector<ChunkId> const& chunks, Now now) {
  std::set<ChunkId> known(uploads_.begin(), uploads_.end());
  if (object_) known.insert(object_->announcement.chunks.begin(), object_->announcement.chunks.end());
  for (auto const& chunk : chunks) {
    if (known.insert(chunk).second) uploads_.push_back(chunk);
  }
  return state_ == State::live ? next_upload(now) : Result<>{};
}

Result<> Mailbox::next_upload(Now now) {
  if (object_ || uploads_.empty() || state_ != State::live || !read_chunk_) return {};
  if (upload_not_before_ && *upload_not_before_ > now.mono) return {};
  if (object_ttl_.count() == 0) return {};
  KITH_TRY(epoch, box_epoch());
  if (!epoch) {
    upload_not_before_ = now.mono + kPresenceEvery;
    return {};
  }
  upload_not_before_.reset();
  ContainerBuilder container;
  while (!uploads_.empty()) {
    ChunkId const id = uploads_.front();
    KITH_TRY(there, has_chunk(id, now.wall));
    if (!there) {
      KITH_TRY(plain, read_chunk_(id));
      if (plain && !container.add(id, files::pack_chunk(std::move(*plain), true))) break;
    }
    uploads_.pop_front();
  }
  if (container.empty()) return {};
  Upload upload;
  upload.since = now.mono;
  upload.announcement.object = random_.id<wire::ObjectId>();
  upload.announcement.chunks = container.chunks();
  Bytes const sealed = seal_object(replica_, *epoch, upload.announcement.object, container.finish(), random_);
  {
    KITH_TRY(transaction, store::Transaction::begin(store_));
    KITH_CHECK(book_.begin(store_, upload.announcement.object, now.wall));
    KITH_CHECK(transaction.commit());
  }
  upload.announcement.size_bytes = static_cast<std::uint32_t>(sealed.size());
  auto const ttl = static_cast<std::uint32_t>(std::min<std::chrono::seconds>(kObjectTime, object_ttl_).count());
  for (std::size_t offset = 0; offset < sealed.size(); offset += kObjectPieceBytes) {
    auto const piece = ByteView{sealed}.subspan(offset, std::min(kObjectPieceBytes, sealed.size() - offset));
    upload.request = ++last_request_;
    channel_->send_bulk(wire::ObjPut{upload.request, upload.announcement.object,
                                     static_cast<std::uint32_t>(sealed.size()), static_cast<std::uint32_t>(offset), ttl,
                                     Bytes(piece.begin(), piece.end())});
  }
  object_ = std::move(upload);
  return {};
}

/// The object is on the relay's disk: the others may hear of it. It counts as there when the relay has the announcement
/// too; after a crash in between its chunks are uploaded again.
Result<> Mailbox::on_uploaded(Now now) {
  auto const upload = *std::exchange(object_, std::nullopt);
  KITH_TRY(epoch, box_epoch());
  auto const ttl = std::min<std::chrono::seconds>(kObjectTime, object_ttl_);
  if (epoch) {
    announcements_.push_back(
        {{},
         static_cast<std::uint32_t>(ttl.count()),
         seal_announcement(replica_, *epoch, {relay_.relay, face_.pseudonym()}, upload.announcement, random_)});
  }
  events_.emplace_back(RelayMoved{});
  KITH_CHECK(push(now));
  return next_upload(now);
}

/// It lasts until the first of the objects expires that were relied on in this look. Those that expire within the
/// margin were not: what was in them is left there again.
void Mailbox::note_left(core::Past const& heads, Now now) {
  auto const time = std::min<std::chrono::seconds>(kObjectTime, object_ttl_);
  auto until = now.wall.ms + std::chrono::milliseconds(time).count();
  bool relies = false;
  for (auto const& [object, since] : relied_) {
    auto const known = book_.objects().find(object);
    if (known == book_.objects().end()) continue;
    if (std::chrono::milliseconds{known->second.expires_ms - now.wall.ms} <= kObjectMargin) continue;
    until = std::min(until, known->second.expires_ms);
    relies = true;
  }
  if (record_.left == heads && (!relies || record_.left_until_ms == until)) return;
  record_.left = heads;
  record_.left_until_ms = until;
  if (!flush_due_) flush_due_ = now.mono + kFlushAfter;
}

// Downloads.

Result<> Mailbox::want(std::vector<ChunkId> const& chunks, Now now) {
  auto const before = std::exchange(wanted_, std::set<ChunkId>(chunks.begin(), chunks.end()));
  taken_moved_ = taken_moved_ || before != wanted_;
  for (auto const& chunk : wanted_) {
    // What was taken and is wanted all the same was lost here: it must come once more.
    if (before.contains(chunk) || !holds_chunk_) continue;
    KITH_TRY(lost, book_.set_stored(store_, chunk, false));
    taken_moved_ = taken_moved_ || lost;
  }
  for (auto wanted = wanted_.begin(); wanted != wanted_.end();) {
    auto const cached = cache_.find(*wanted);
    if (cached == cache_.end()) {
      ++wanted;
      continue;
    }
    cache_bytes_ -= cached->second.size();
    on_given(*wanted, now);
    events_.emplace_back(RelayChunk{*wanted, std::move(cached->second)});
    cache_.erase(cached);
    wanted = wanted_.erase(wanted);
  }
  return state_ == State::live ? next_download() : Result<>{};
}

Result<> Mailbox::next_download() {
  if (download_ || state_ != State::live) return {};
  for (auto const& chunk : wanted_) {
    // Whether it has expired the relay knows better than this device's clock.
    KITH_TRY(place, book_.find(store_, replica_.state().roster(), chunk));
    if (!place) continue;
    download_ = Download{++last_request_, place->object, {}};
    constexpr auto kPart = static_cast<std::uint32_t>(wire::kRelayLimits.max_object_part_bytes);
    channel_->send(wire::ObjGet{download_->request, place->object, 0, kPart});
    return {};
  }
  return {};
}

Result<> Mailbox::on_part(wire::ObjPart part, Now now) {
  bool const fits = part.object == download_->object && part.offset == download_->bytes.size() &&
                    part.total <= wire::kRelayLimits.max_object_bytes && !part.bytes.empty() &&
                    part.bytes.size() <= part.total - part.offset;
  if (!fits) {
    misbehaved(relay::ChannelError::out_of_place, now);
    return {};
  }
  append(download_->bytes, part.bytes);
  if (download_->bytes.size() < part.total) {
    constexpr auto kPart = static_cast<std::uint32_t>(wire::kRelayLimits.max_object_part_bytes);
    download_->request = ++last_request_;
    channel_->send(
        wire::ObjGet{download_->request, part.object, static_cast<std::uint32_t>(download_->bytes.size()), kPart});
    return {};
  }
  KITH_CHECK(on_object(download_->bytes, now));
  download_.reset();
  return next_download();
}

Result<> Mailbox::on_object(ByteView sealed, Now now) {
  auto const plain = open_object(replica_.state(), download_->object, sealed);
  auto const key = files::chunk_key(replica_.state().genesis().content_secret);
  auto chunks =
      plain ? open_container(key, *plain) : Result<std::vector<std::pair<ChunkId, Bytes>>>(fail(plain.error()));
  // One that does not open, or lacks what it was announced with, is not asked for again.
  bool helped = false;
  if (chunks) {
    for (auto& [id, bytes] : *chunks) {
      if (wanted_.erase(id) > 0) {
        helped = true;
        on_given(id, now);
        events_.emplace_back(RelayChunk{id, std::move(bytes)});
      } else if (!cache_.contains(id)) {
        cache_bytes_ += bytes.size();
        cache_order_.push_back(id);
        cache_.emplace(id, std::move(bytes));
      }
    }
  }
  while (cache_bytes_ > kCacheBytes && !cache_order_.empty()) {
    auto const oldest = cache_.find(cache_order_.front());
    cache_order_.pop_front();
    if (oldest == cache_.end()) continue;
    cache_bytes_ -= oldest->second.size();
    cache_.erase(oldest);
  }
  return helped ? Result<>{} : forget_object(download_->object, now);
}

}  // namespace kith::sync
