#include <algorithm>

#include "sync/relays/mailbox.hpp"

/// What devices have taken out of the objects at a relay, so that these can go and make room. @see docs/spec/objects.md
namespace kith::sync {

// What this device has taken.

void Mailbox::on_given(ChunkId const& chunk, Now now) {
  if (!holds_chunk_) return;
  given_.insert(chunk);
  if (!given_due_) given_due_ = now.mono + kGivenEvery;
}

/// Looks what is durably here by now: of what was handed out soon, of all that lies there now and then, since it may
/// have come by another way.
Result<> Mailbox::look_at_taken(Now now) {
  if (!holds_chunk_ || state_ != State::live) return {};
  if (given_due_ && *given_due_ <= now.mono) {
    for (auto chunk = given_.begin(); chunk != given_.end();) {
      KITH_TRY(here, holds_chunk_(*chunk));
      if (!here) {
        ++chunk;
        continue;
      }
      KITH_TRY(news, book_.set_stored(store_, *chunk, true));
      taken_moved_ = taken_moved_ || news;
      chunk = given_.erase(chunk);
    }
    given_due_.reset();
    if (given_.size() > ContainerIndex::kMostChunks * 16) given_.clear();  // they are found with all others
    if (!given_.empty()) given_due_ = now.mono + kGivenEvery;
  }
  if (stored_due_ <= now.mono) {
    std::size_t looked = 0;
    auto const& objects = book_.objects();
    auto each = stored_next_ ? objects.lower_bound(*stored_next_) : objects.begin();
    for (; each != objects.end() && looked < kMostStoredLooks; ++each) {
      if (each->second.missing == 0) continue;
      looked += each->second.missing;
      KITH_TRY(news, book_.look(store_, each->first, holds_chunk_));
      taken_moved_ = taken_moved_ || news;
    }
    stored_next_ = each == objects.end() ? std::nullopt : std::optional(each->first);
    stored_due_ = now.mono + (stored_next_ ? kStoredPause : kStoredEvery);
  }
  if (taken_moved_ && presence_) presence_due_ = true;
  return {};
}

/// Told where others leave something here at all, or something is lacking.
Result<std::optional<Taken>> Mailbox::taken() const {
  if (!holds_chunk_ || record_.log_epoch.is_zero()) return std::nullopt;
  bool const others =
      std::ranges::any_of(book_.objects(), [&](auto const& each) { return each.second.device != replica_.self(); });
  KITH_TRY(lacked, lacked_there());
  if (!others && lacked.empty()) return std::nullopt;
  auto taken = taken_of(book_, replica_.self(), record_.log_epoch, record_.position);
  taken.lacked = std::move(lacked);
  return taken;
}

/// Some of what is wanted and lies nowhere there.
Result<std::vector<std::uint64_t>> Mailbox::lacked_there() const {
  std::vector<std::uint64_t> marks;
  std::size_t looked = 0;
  for (auto const& chunk : wanted_) {
    if (marks.size() == Taken::kMostLacked || ++looked > kMostLookedAt) break;
    KITH_TRY(place, book_.find(store_, replica_.state().roster(), chunk));
    if (!place) marks.push_back(Taken::mark_of(chunk));
  }
  return marks;
}

bool Mailbox::offers_more() const {
  return std::ranges::any_of(book_.objects(), [](auto const& each) {
    return each.second.kind == ObjectBook::Kind::others_object && each.second.missing > 0;
  });
}

// What others have.

Result<> Mailbox::hear_taken(DeviceId const& device, std::optional<Taken> taken) {
  if (!taken || taken->log_epoch != record_.log_epoch) {
    taken_by_.erase(device);
    return {};
  }
  TakenBy heard;
  for (auto const& [object, known] : book_.objects()) {
    auto const* span = taken->find_open(known.cursor);
    if (span == nullptr || span->bits.empty()) continue;
    KITH_TRY(chunks, book_.chunks_in(store_, object));
    for (std::size_t i = 0; i < std::min(chunks.size(), span->bits.size() * 8); ++i) {
      if ((span->bits[i / 8] >> i % 8 & 1) != 0) heard.chunks.insert(chunks[i]);
    }
  }
  heard.taken = std::move(*taken);
  taken_by_.insert_or_assign(device, std::move(heard));
  return {};
}

/// Who has all that was in an object, as far as they have told.
std::set<DeviceId> Mailbox::takers_of(wire::ObjectId const& object) const {
  std::set<DeviceId> takers;
  auto const found = book_.objects().find(object);
  if (found == book_.objects().end()) return takers;
  for (auto const& [device, by] : taken_by_) {
    if (by.taken.covers(found->second.cursor)) takers.insert(device);
  }
  return takers;
}

/// Of an object that has gone only those have taken it who had it by then: to whoever came later it was not announced.
Result<Mailbox::Traces> Mailbox::traces(ChunkId const& chunk, WallTime now) const {
  Traces traces;
  KITH_TRY(objects, book_.objects_with(store_, chunk));
  for (auto const& object : objects) {
    auto const found = book_.objects().find(object);
    if (found == book_.objects().end()) continue;
    auto const& known = found->second;
    traces.ours = traces.ours || known.kind == ObjectBook::Kind::own_object;
    if (known.expires_ms <= now.ms) continue;  // nobody says any more what was in it
    for (auto const& device : known.taken_by) {
      auto const by = taken_by_.find(device);
      bool const open_again = by != taken_by_.end() && by->second.taken.find_open(known.cursor) != nullptr;
      if (!open_again) traces.taken_by.insert(device);
    }
    if (known.lies_there()) traces.taken_by.merge(takers_of(object));
  }
  for (auto const& [device, by] : taken_by_) {
    if (by.chunks.contains(chunk)) traces.taken_by.insert(device);
    if (std::ranges::count(by.taken.lacked, Taken::mark_of(chunk)) > 0) traces.lacked_by.insert(device);
  }
  return traces;
}

// What can go.

Result<> Mailbox::drop_objects(std::set<ChunkId> const& lacked, Now now) {
  if (state_ != State::live || drop_requests_[1] != 0) return {};
  KITH_TRY(own, book_.own_objects(store_));
  std::erase_if(own, [&](ObjectBook::Own const& each) {
    return std::ranges::any_of(each.noted.chunks, [&](ChunkId const& chunk) { return lacked.contains(chunk); });
  });
  if (!own.empty()) {
    KITH_TRY(transaction, store::Transaction::begin(store_));
    for (auto const& [object, noted] : own) {
      relied_.erase(object);
      doubted_.erase(object);
      KITH_CHECK(book_.retire(store_, object, ObjectBook::Kind::leaving_object, takers_of(object), now.wall));
    }
    KITH_CHECK(transaction.commit());
  }
  return send_drops();
}

/// What an earlier connection or process uploaded and did not come to announce would take its room for days.
Result<> Mailbox::drop_unannounced(Now now) {
  std::set<wire::ObjectId> announced;
  auto const add = [&](OutboxItem const& item) {
    if (!item.entry.is_zero()) return;
    auto const opened = open_announcement(replica_.state(), {relay_.relay, face_.pseudonym()}, item.sealed);
    if (opened) announced.insert(opened->announcement.object);
  };
  std::ranges::for_each(record_.outbox, add);
  std::ranges::for_each(announcements_, add);
  std::vector<wire::ObjectId> over;
  for (auto const& [object, known] : book_.objects()) {
    bool const under_way = object_ && object_->announcement.object == object;
    if (known.kind == ObjectBook::Kind::uploading_object && !under_way && !announced.contains(object))
      over.push_back(object);
  }
  if (!over.empty()) {
    KITH_TRY(transaction, store::Transaction::begin(store_));
    for (auto const& object : over)
      KITH_CHECK(book_.retire(store_, object, ObjectBook::Kind::leaving_object, {}, now.wall));
    KITH_CHECK(transaction.commit());
  }
  return send_drops();
}

/// What is to go stays noted until the relay has said that it is gone: a crash in between leaves nothing there.
Result<> Mailbox::send_drops() {
  constexpr std::size_t kMost = std::min(wire::kRelayLimits.max_object_ids, wire::kRelayLimits.max_push_items);
  if (state_ != State::live || drop_requests_[1] != 0) return {};
  wire::DeleteItems announcements;
  dropped_.clear();
  for (auto const& [object, known] : book_.objects()) {
    if (known.kind != ObjectBook::Kind::leaving_object || dropped_.size() == kMost) continue;
    if (known.cursor.value > 0) announcements.cursors.push_back(known.cursor);
    dropped_.push_back(object);
  }
  if (dropped_.empty()) return {};
  announcements.request = ++last_request_;
  drop_requests_ = {announcements.request, ++last_request_};
  // First what names them: who pulls it later would take them for there.
  if (!announcements.cursors.empty()) channel_->send(std::move(announcements));
  channel_->send(wire::ObjDelete{drop_requests_[1], dropped_});
  return {};
}

/// There is room again: what waited for it goes on.
Result<> Mailbox::on_dropped(Now now) {
  drop_requests_ = {};
  {
    KITH_TRY(transaction, store::Transaction::begin(store_));
    for (auto const& object : std::exchange(dropped_, {}))
      KITH_CHECK(book_.retire(store_, object, ObjectBook::Kind::gone_object, {}, now.wall));
    KITH_CHECK(transaction.commit());
  }
  KITH_CHECK(send_drops());
  bool const full = trouble_ == RelayTrouble::quota || trouble_ == RelayTrouble::storage_full;
  if (full) {
    upload_not_before_.reset();
    push_not_before_.reset();
  }
  events_.emplace_back(RelayMoved{});
  KITH_CHECK(push(now));
  return next_upload(now);
}

}  // namespace kith::sync
