#include <algorithm>

#include "sync/files/fetch.hpp"

/// What is asked for, and which files give their place to others because it does not come.
namespace kith::files {

void Fetcher::want_chunk(ChunkRef const& ref, Spot const& spot) {
  auto const [found, is_new] = wants_.try_emplace(ref.id);
  if (is_new) {
    found->second.length = ref.length;
    open_bytes_ += ref.length;
    ++open_wants_;
  }
  found->second.spots.push_back(spot);
}

/// @return false where as much is asked for as there may be
bool Fetcher::want_node(File& file, NodeRef const& ref) {
  auto want = wants_.find(ref.id);
  if (want == wants_.end()) {
    if (open_wants_ >= kWindowChunks || file.nodes_wanted >= kFileNodes) return false;
    want = wants_.try_emplace(ref.id).first;
    ++open_wants_;
  }
  if (want->second.nodes.emplace(file.version.id, ref).second) ++file.nodes_wanted;
  turn_ = file.version.id;
  return true;
}

std::vector<WantedChunk> Fetcher::take_wants() {
  std::vector<WantedChunk> wants;
  for (auto const& [id, want] : wants_) {
    if (given_out_.insert(id).second) wants.push_back({id, want.length});
  }
  return wants;
}

void Fetcher::forget_wants(VersionId const& version) {
  for (auto at = wants_.begin(); at != wants_.end();) {
    auto& want = at->second;
    std::erase_if(want.spots, [&](Spot const& spot) { return spot.version == version; });
    std::erase_if(want.nodes, [&](auto const& node) { return node.first == version; });
    if (!want.spots.empty() || !want.nodes.empty()) {
      ++at;
      continue;
    }
    if (given_out_.contains(at->first)) unwanted_.push_back(at->first);
    at = erase_want(at);
  }
}

Fetcher::Wants::iterator Fetcher::erase_want(Wants::iterator want) {
  if (!want->second.not_held) {
    --open_wants_;
    open_bytes_ -= want->second.length;
  }
  given_out_.erase(want->first);
  return wants_.erase(want);
}

bool Fetcher::on_missing(ChunkId const& id) {
  auto const want = wants_.find(id);
  if (want == wants_.end()) return false;
  if (std::exchange(want->second.not_held, true)) return false;
  --open_wants_;
  open_bytes_ -= want->second.length;
  return true;
}

/// Of files that are stuck, those go first that have nothing yet: the others would be looked through again.
bool Fetcher::make_room() {
  if (open_wants_ == wants_.size()) return false;
  std::set<VersionId> waiting, moving;
  for (auto const& [id, want] : wants_) {
    auto& versions = want.not_held ? waiting : moving;
    for (auto const& spot : want.spots) versions.insert(spot.version);
    for (auto const& [version, ref] : want.nodes) versions.insert(version);
  }
  std::erase_if(waiting, [&](VersionId const& id) { return moving.contains(id); });
  auto const has_something = [&](VersionId const& id) {
    auto const file = files_.find(id);
    return file != files_.end() && file->second.bytes_done > 0;
  };
  if (!std::ranges::all_of(waiting, has_something)) std::erase_if(waiting, has_something);
  for (auto const& id : waiting) set_aside(id);
  return !waiting.empty();
}

void Fetcher::set_aside(VersionId const& version) {
  if (files_.erase(version) > 0) forget_wants(version);
  if (aside_.size() >= kMostAside) aside_.clear();
  aside_.insert(version);
}

void Fetcher::reset_missing() {
  for (auto& [id, want] : wants_) {
    if (!std::exchange(want.not_held, false)) continue;
    ++open_wants_;
    open_bytes_ += want.length;
  }
}

}  // namespace kith::files
