#include "engine/delivery.hpp"

#include <algorithm>

#include "engine/instance.hpp"
#include "sync/files/folder_sync.hpp"
#include "sync/relays/object_book.hpp"

namespace kith::engine {

std::string without_key(std::string const& url) { return url.substr(0, url.find("/#")); }

Result<DeliveryBook> DeliveryBook::load(core::Replica& replica, store::Store& store) {
  DeliveryBook book(replica, store);
  KITH_TRY(tips, replica.tips());
  book.tips_ = std::move(tips);
  KITH_TRY(bound, files::bound_folders(store));
  for (auto const& [folder, row] : bound) book.folders_.push_back(folder);
  sync::PeerBook peers(store);
  KITH_CHECK(peers.load());
  for (auto const& [device, record] : peers.all()) {
    if (!replica.state().roster().active(device) || device == replica.self()) continue;
    Known known;
    KITH_TRY(acked, book.past_of(record.acked));
    KITH_TRY(seen, book.past_of(record.seen));
    known.acked = std::move(acked);
    known.seen = std::move(seen);
    KITH_TRY(messages, book.past_of(record.content));
    if (record.held == 0) known.content = messages;
    known.messages = std::move(messages);
    book.records_.emplace(device, record);
    book.known_.emplace(device, std::move(known));
  }
  bool const alone = replica.state().roster().active_by_rank().size() < 2;  // nobody lacks anything: nothing is left
  for (auto const& relay : replica.state().roster().relays()) {
    KITH_TRY(record, sync::RelayRecord::load(store, relay.relay, relay.channel));
    bool const lies_there = !alone && record.left_until_ms > current_time().wall.ms;
    book.relays_.push_back({relay, std::move(record.there), lies_there ? std::move(record.left) : core::Past{}});
  }
  return book;
}

bool DeliveryBook::relay_holds_all(wire::RelayKey const& relay) const {
  return std::ranges::any_of(relays_, [&](AtRelay const& each) {
    return each.relay.relay == relay && each.there.includes(replica_->state().counting().heads);
  });
}

std::uint64_t DeliveryBook::relay_lacks(wire::RelayKey const& relay, Whose whose) const {
  auto const found = std::ranges::find(relays_, relay, [](AtRelay const& each) { return each.relay.relay; });
  return count_beyond(found == relays_.end() ? core::Past{} : found->there, whose);
}

std::uint64_t DeliveryBook::own_only_here() const {
  core::Past elsewhere;
  for (auto const& [device, known] : known_) {
    elsewhere.include(known.acked);
    elsewhere.include(known.seen);
  }
  for (auto const& each : relays_) elsewhere.include(each.there);
  return count_beyond(elsewhere, Whose::own);
}

/// Entries in the heads that are not in a past.
std::uint64_t DeliveryBook::count_beyond(core::Past const& there, Whose whose) const {
  auto const& state = replica_->state();
  std::uint64_t count = 0;
  for (auto const& place : state.counting().heads.places()) {
    auto const& chain = state.chains().at(place.chain);
    if (there.contains(place) || (whose == Whose::own && chain.log.device != replica_->self())) continue;
    auto const known = std::max(there.last(place.chain).value + 1, chain.first.value);
    count += place.seq.value + 1 - known;
  }
  return count;
}

/// Whether a device has what an entry refers to; a folder's files only one that keeps it.
bool DeliveryBook::has_contents(core::ChainPlace place, std::optional<FolderId> const& folder) const {
  return std::ranges::any_of(known_, [&](auto const& each) {
    return each.second.content.contains(place) && (!folder || keeps(each.first, *folder));
  });
}

/// Whether one device has what any entry up to this one refers to.
bool DeliveryBook::has_all_contents(core::ChainPlace place) const {
  return std::ranges::any_of(known_, [&](auto const& each) {
    return each.second.content.contains(place) &&
           std::ranges::all_of(folders_, [&](FolderId const& folder) { return keeps(each.first, folder); });
  });
}

Result<bool> DeliveryBook::contents_elsewhere() {
  constexpr std::size_t kMostLooked = 1000;  // beyond, nobody waits for the answer: it counts as not known
  auto const& state = replica_->state();
  auto const own_is_left = [&](AtRelay const& relay) {
    return std::ranges::all_of(state.counting().heads.places(), [&](core::ChainPlace place) {
      return state.chains().at(place.chain).log.device != replica_->self() || relay.left.contains(place);
    });
  };
  if (std::ranges::any_of(relays_, own_is_left)) return true;
  std::size_t looked = 0;
  for (auto const& head : state.counting().heads.places()) {
    auto const& chain = state.chains().at(head.chain);
    if (chain.log.device != replica_->self()) continue;
    for (auto place = head; place.seq >= chain.first && !has_all_contents(place); --place.seq.value) {
      if (++looked > kMostLooked) return false;
      KITH_TRY(hash, state.hash_at(place));
      KITH_TRY(entry, state.open_stored(hash));
      for (auto const& op : entry.ops) {
        auto const* file = std::get_if<wire::FileSet>(&op);
        if (file != nullptr && !file->content.refs.empty() && !has_contents(place, file->folder)) return false;
        auto const* message = std::get_if<wire::Message>(&op);
        bool const in_chunks = message != nullptr && std::holds_alternative<wire::Content>(message->content.value);
        if (!in_chunks || has_contents(place, std::nullopt)) continue;
        bool lies_there = false;
        for (auto const& relay : relays_) {
          KITH_TRY(there, lies_at(relay, std::get<wire::Content>(message->content.value)));
          lies_there = lies_there || there;
        }
        if (!lies_there) return false;
      }
    }
  }
  return true;
}

/// Tips that are not here yet add nothing: what they cover of ours shows once they have come.
Result<core::Past> DeliveryBook::past_of(std::vector<Tip> const& tips) {
  core::Past past;
  for (auto const& tip : tips) {
    KITH_TRY(record, replica_->state().record(tip.hash));
    if (record) past.include(record->past);
  }
  return past;
}

Result<Delivery> DeliveryBook::of(EntryHash const& entry) {
  Delivery delivery;
  KITH_TRY(record, replica_->state().record(entry));
  if (!record) return delivery;
  for (auto const& [device, known] : known_) {
    bool const seen = known.seen.contains(record->place());
    if (seen) delivery.seen_by.push_back(device);
    if (seen || known.acked.contains(record->place())) delivery.safe_at.push_back(device);
  }
  for (auto const& each : relays_) {
    if (each.there.contains(record->place())) delivery.at_relays.push_back(without_key(each.relay.url));
  }
  if (!delivery.safe_at.empty() || !delivery.at_relays.empty()) delivery.state = DeliveryState::safe;
  if (!delivery.seen_by.empty()) delivery.state = DeliveryState::seen;
  return delivery;
}

Result<Delivery> DeliveryBook::of(core::MessageRow const& message) {
  KITH_TRY(delivery, of(message.id.entry));
  if (message.content.refs.empty() || message.author != replica_->self()) return delivery;
  bool const known_elsewhere = delivery.state != DeliveryState::pending;
  KITH_TRY(record, replica_->state().record(message.id.entry));
  if (!record) return delivery;
  auto const lacks = [&](DeviceId const& device) { return !known_.at(device).messages.contains(record->place()); };
  std::erase_if(delivery.safe_at, lacks);
  std::erase_if(delivery.seen_by, lacks);
  delivery.at_relays.clear();
  for (auto const& each : relays_) {
    if (!each.there.contains(record->place())) continue;
    KITH_TRY(lies_there, lies_at(each, message.content));
    if (lies_there || each.left.contains(record->place())) delivery.at_relays.push_back(without_key(each.relay.url));
  }
  bool const safe = !delivery.safe_at.empty() || !delivery.at_relays.empty();
  delivery.state = !delivery.seen_by.empty() ? DeliveryState::seen
                   : safe                    ? DeliveryState::safe
                                             : DeliveryState::pending;
  delivery.contents_only_here = known_elsewhere && delivery.state == DeliveryState::pending;
  return delivery;
}

Result<bool> DeliveryBook::lies_at(AtRelay const& relay, wire::Content const& content) const {
  sync::ObjectBook const objects(relay.relay.relay, replica_->self());
  auto const& roster = replica_->state().roster();
  auto const now_ms = current_time().wall.ms;
  for (auto const& piece : content.refs) {
    KITH_TRY(place, objects.find(*store_, roster, piece.id));
    if (!place || place->expires_ms <= now_ms) return false;
  }
  return true;
}

bool DeliveryBook::holds_all(DeviceId const& device) const {
  auto const found = known_.find(device);
  if (found == known_.end()) return false;
  return std::ranges::all_of(tips_, [&](Tip const& tip) {
    auto const record = replica_->state().record(tip.hash);
    return record && *record && found->second.acked.contains((*record)->place());
  });
}

bool DeliveryBook::holds_all_contents(DeviceId const& device) const {
  auto const found = records_.find(device);
  return found != records_.end() && found->second.content == tips_ && found->second.held == 0;
}

std::size_t DeliveryBook::held_back(DeviceId const& device) const {
  auto const found = records_.find(device);
  return found != records_.end() && found->second.content == tips_ ? found->second.held : 0;
}

bool DeliveryBook::contents_unknown(DeviceId const& device) const {
  auto const found = records_.find(device);
  return found == records_.end() || found->second.content.empty();
}

bool DeliveryBook::keeps(DeviceId const& device, FolderId const& folder) const {
  auto const found = records_.find(device);
  return found != records_.end() && std::ranges::find(found->second.folders, folder) != found->second.folders.end();
}

Result<bool> DeliveryBook::we_hold_all(DeviceId const& device) {
  auto const found = records_.find(device);
  if (found == records_.end()) return false;
  for (auto const& tip : found->second.acked) {
    KITH_TRY(record, replica_->state().record(tip.hash));
    if (!record) return false;
  }
  return true;
}

Result<std::uint64_t> count_pending_messages(core::MessagesView& messages, DeviceId const& self, DeliveryBook& book) {
  constexpr std::size_t kAtOnce = 256;
  KITH_TRY(last, messages.last());
  std::uint64_t pending = 0;
  // From the newest back: entries of one device are acknowledged in their order, so the first that is safe ends it.
  for (std::uint64_t end = last.value; end > 0;) {
    std::uint64_t const begin = end > kAtOnce ? end - kAtOnce : 0;
    KITH_TRY(rows, messages.after({begin}, static_cast<std::size_t>(end - begin)));
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
      if (row->author != self || row->number.value > end) continue;
      KITH_TRY(delivery, book.of(*row));
      if (delivery.state != DeliveryState::pending) return pending;
      ++pending;
    }
    end = begin;
  }
  return pending;
}

}  // namespace kith::engine
