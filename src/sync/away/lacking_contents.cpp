#include "sync/away/lacking_contents.hpp"

#include <algorithm>
#include <set>

namespace kith::sync {
namespace {

/// Another device, by what it last told.
struct Other {
  DeviceId device;
  core::Past seen;     ///< entries that it has
  core::Past content;  ///< entries whose contents it has
  std::set<FolderId> folders;
  bool told = false;       ///< it has told of itself at all
  bool behind = false;     ///< it lacks something
  bool connected = false;  ///< gets them at first hand
};

Result<core::Past> past_of(core::Replica& replica, std::vector<Tip> const& tips) {
  core::Past past;
  for (auto const& tip : tips) {
    KITH_TRY(record, replica.state().record(tip.hash));
    if (record) past.include(record->past);
  }
  return past;
}

class Gathering {
 public:
  Gathering(ContentSources const& sources, std::vector<Other> others, AtRelays const& relays)
      : sources_(sources), others_(std::move(others)), relays_(relays) {}

  Result<LackingContents> run() {
    found_.known = found_.covered = true;
    KITH_TRY(folders, sources_.folders.folders());
    for (auto const& folder : folders) {
      auto const visit = [&](std::vector<files::VersionRow> const& versions) { return look_at(versions, folder.id); };
      KITH_CHECK(sources_.folders.scan(folder.id, visit));
    }
    for (MessageNumber at{};;) {
      KITH_TRY(rows, sources_.messages.after(at, kRowsAtOnce));
      for (auto const& row : rows) {
        at = row.number;
        if (!row.content.refs.empty()) KITH_CHECK(look(row.id.entry, row.author, row.content, std::nullopt));
      }
      if (rows.size() < kRowsAtOnce) break;
    }
    return std::move(found_);
  }

 private:
  static constexpr std::size_t kRowsAtOnce = 256;

  [[nodiscard]] bool lacks(Other const& other, core::EntryRecord const& record, bool own,
                           std::optional<FolderId> const& folder) const {
    if (!other.behind || other.content.contains(record.place())) return false;
    // Who knows of the change and does not keep its folder does not want it; who does not know yet may.
    bool const knows = other.seen.contains(record.place());
    bool const keeps = !folder || !other.told || other.folders.contains(*folder);
    return own ? keeps || !knows : keeps && knows;
  }

  [[nodiscard]] bool is_held(core::EntryRecord const& record, std::optional<FolderId> const& folder) const {
    return std::ranges::any_of(others_, [&](Other const& other) {
      return other.content.contains(record.place()) && (!folder || other.folders.contains(*folder));
    });
  }

  Result<> look_at(std::vector<files::VersionRow> const& versions, FolderId const& folder) {
    for (auto const& version : versions) {
      bool const file = !version.removed && version.kind == wire::FileKind::file;
      if (file) KITH_CHECK(look(version.entry, version.author, version.content, folder));
    }
    return {};
  }

  Result<> look(EntryHash const& entry, DeviceId const& author, wire::Content const& content,
                std::optional<FolderId> const& folder) {
    KITH_TRY(record, sources_.replica.state().record(entry));
    if (!record) return {};
    bool const own = author == sources_.replica.self();
    lacking_.clear();
    bool to_be_left = false;
    for (auto const& other : others_) {
      if (!lacks(other, *record, own, folder)) continue;
      lacking_.push_back(&other);
      to_be_left = to_be_left || !other.connected;
    }
    // Who knows of it and does not want it leaves it here; who is connected has not got it yet.
    if (own && !to_be_left && !is_held(*record, folder)) found_.covered = false;
    if (lacking_.empty()) return {};
    found_.any = true;
    auto const resolve = sources_.chunks.node_resolver();
    std::vector<ChunkId> nodes;
    files::ChunkWalk walk(content, [&](ChunkId const& id) {
      nodes.push_back(id);
      return resolve(id);
    });
    for (;;) {
      auto const next = walk.next();
      for (auto const& node : nodes) KITH_CHECK(take(node));
      nodes.clear();
      // Of a content that is not whole here, what is here: its other chunks are not known, and if one of them goes from
      // a relay where somebody lacks it, it is left there again.
      if (!next || !*next) return {};
      KITH_CHECK(take((*next)->id));
    }
  }

  Result<> take(ChunkId const& id) {
    KITH_TRY(traces, relays_.traces(id));
    bool lacked = false, to_be_left = false;
    for (auto const* other : lacking_) {
      if (traces.taken_by.contains(other->device) && !traces.lacked_by.contains(other->device)) continue;
      lacked = true;
      to_be_left = to_be_left || !other->connected;
    }
    if (lacked && traces.ours) found_.lacked.insert(id);
    if (!to_be_left || found_.chunks.size() >= kMostChunks || !looked_at_.insert(id).second) return {};
    KITH_TRY(there, relays_.there(id));
    if (!there) found_.chunks.push_back(id);
    return {};
  }

  ContentSources const& sources_;
  std::vector<Other> others_;
  AtRelays const& relays_;
  std::vector<Other const*> lacking_;  ///< the content that is looked at
  std::set<ChunkId> looked_at_;
  LackingContents found_;
};

}  // namespace

Result<LackingContents> lacking_contents(ContentSources const& sources, Exchange& exchange, AtRelays const& relays) {
  auto& replica = sources.replica;
  auto const connected = exchange.connected();
  auto const& heads = replica.state().counting().heads;
  std::vector<Other> others;
  bool everywhere = true, all_connected = true;
  for (auto const& device : replica.state().roster().active_by_rank()) {
    if (device == replica.self()) continue;
    Other one;
    one.device = device;
    if (auto const* record = exchange.peers().find(device)) {
      KITH_TRY(seen, past_of(replica, record->seen));
      KITH_TRY(content, past_of(replica, record->content));
      one.seen = std::move(seen);
      one.content = std::move(content);
      one.folders.insert(record->folders.begin(), record->folders.end());
      one.told = record->last_seen_ms > 0;
    }
    bool const has_all = one.content.includes(heads);
    everywhere = everywhere && has_all;
    bool const direct = std::ranges::find(connected, device) != connected.end();
    all_connected = all_connected && (has_all || direct);
    one.behind = !has_all;
    one.connected = direct;
    others.push_back(std::move(one));
  }
  if (all_connected) {
    LackingContents none;
    none.any = !everywhere;
    none.known = everywhere;  // what those that are connected lack is not looked for: they tell soon
    return none;
  }
  return Gathering(sources, std::move(others), relays).run();
}

}  // namespace kith::sync
