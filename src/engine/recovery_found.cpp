// What a recovery found: shown before anybody says who is kept.
#include <algorithm>

#include "engine/recovery.hpp"
#include "sync/relays/object_book.hpp"

namespace kith::engine {

WallTime Recovery::founded_at() const {
  constexpr std::uint64_t kLatest = 253'402'300'799;  // the year 9999: the number is whoever's that founded it
  auto const seconds = std::min(instance_->replica.state().genesis().creator.created_s, kLatest);
  return WallTime{static_cast<std::int64_t>(seconds) * 1000};
}

Result<std::vector<FoundDevice>> Recovery::devices() {
  auto& replica = instance_->replica;
  std::map<DeviceId, std::uint64_t> latest;
  for (auto const& [number, chain] : replica.state().chains()) {
    KITH_TRY(record, replica.state().record(chain.last_hash));
    if (record) latest[chain.log.device] = std::max(latest[chain.log.device], record->hlc);
  }
  std::vector<FoundDevice> found;
  for (auto const& device : replica.state().roster().active_by_rank()) {
    if (device == replica.self()) continue;
    auto const& member = *replica.state().roster().find(device);
    auto const wrote = latest.find(device);
    found.push_back({device, member.name, member.paused,
                     wrote == latest.end() ? std::nullopt : std::optional(core::HybridClock::wall_of(wrote->second))});
  }
  return found;
}

Result<std::vector<FoundFolder>> Recovery::folders() {
  auto& store = instance_->store();
  auto const& roster = instance_->replica.state().roster();
  auto const lies_at_a_relay = [&](ChunkId const& chunk) -> Result<bool> {
    for (auto const& source : sources_) {
      sync::ObjectBook const book(source.relay, instance_->replica.self());
      KITH_TRY(place, book.find(store, roster, chunk));
      if (place) return true;
    }
    return false;
  };
  std::vector<FoundFolder> found;
  KITH_TRY(all, instance_->folders.folders());
  for (auto const& folder : all) {
    FoundFolder one{folder.id, folder.name, 0, 0, 0, 0, {}};
    KITH_CHECK(instance_->folders.scan(folder.id, [&](std::vector<files::VersionRow> const& versions) -> Result<> {
      auto const shown = std::ranges::find_if(versions, [](files::VersionRow const& version) {
        return !version.removed && version.kind == wire::FileKind::file;
      });
      if (shown == versions.end()) return {};
      ++one.files;
      one.bytes += shown->size;
      for (auto const& ref : shown->content.refs) {
        KITH_TRY(there, lies_at_a_relay(ref.id));
        if (there) continue;
        ++one.missing_files;
        one.missing_bytes += shown->size;
        one.wrote_missing.insert(shown->author);
        break;
      }
      return {};
    }));
    found.push_back(std::move(one));
  }
  return found;
}

Result<std::size_t> Recovery::missing_entries() {
  KITH_TRY(named, instance_->replica.missing(kLimits.max_tips));
  std::set<EntryHash> missing;
  for (auto const& tip : named) missing.insert(tip.hash);
  for (auto const& tip : given_tips_) {
    KITH_TRY(here, instance_->replica.holds(tip.hash));
    if (!here) missing.insert(tip.hash);
  }
  return missing.size();
}

}  // namespace kith::engine
