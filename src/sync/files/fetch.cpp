#include "sync/files/fetch.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace kith::files {
namespace {

/// Kept free, so that the database and the user's own programs can go on.
constexpr std::uint64_t kReserveBytes = std::uint64_t{32} << 20;

}  // namespace

TempName temp_name(VersionId const& version) { return TempName(to_hex(version.view())); }

Result<> Fetcher::start(std::shared_ptr<FileSystem> disk, RelPath const& path, VersionRow const& version) {
  if (files_.contains(version.id)) return {};
  if (!check_content(version.content)) return give_up(version.id);
  File file{path, version, disk, nullptr, false, nullptr, std::nullopt, 0, 0, 0, false, {}, {}};
  auto opened = disk->open_temp(temp_name(version.id));
  if (opened) {
    file.temp = std::move(*opened);
    KITH_TRY(stat, file.temp->stat());
    file.resumed = stat.size > 0;
  } else if (opened.error().is(FilesError::not_found)) {
    KITH_TRY(free, disk->free_space());
    if (version.size + kReserveBytes > free) {
      return fail(FilesError::no_space, CountDetail{version.size, free});
    }
    KITH_TRY(created, disk->create_temp(temp_name(version.id)));
    file.temp = std::move(created);
  } else {
    return fail(opened.error());
  }
  if (auto const top = top_node(version.content)) file.nodes.push_back(*top);
  files_.emplace(version.id, std::move(file));
  return {};
}

Result<> Fetcher::advance() {
  std::vector<VersionId> done, bad;
  for (auto& [id, file] : files_) {
    if (context_.stop()) break;
    auto const advanced = advance_file(file);
    if (!advanced && is_bad_content(advanced.error())) {
      bad.push_back(id);
      continue;
    }
    if (!advanced) return fail(advanced.error());
    if (!file.walked || file.missing > 0) continue;
    KITH_CHECK(finish(file));
    done.push_back(id);
  }
  for (auto const& id : done) files_.erase(id);
  for (auto const& id : bad) KITH_CHECK(give_up(id));
  return {};
}

/// The whole manifest comes before the first chunk: it is small, and the walk then never has to wait. Its author says
/// how often it names the same nodes; each is looked at once. What is not here moves to the front.
Result<> Fetcher::gather_nodes(File& file) {
  auto& nodes = file.nodes;
  std::size_t missing = 0;
  while (nodes.size() > missing && !context_.stop()) {
    NodeRef const ref = nodes.back();
    KITH_TRY(blob, context_.chunks.find_blob(ref.id));
    if (!blob) {
      if (!want_node(file.version.id, ref)) break;
      std::swap(nodes[missing++], nodes.back());
      continue;
    }
    KITH_TRY(node, decode_node(*blob, ref));
    nodes.pop_back();
    if (ref.level == 1) continue;
    for (std::size_t i = 0; i < node.refs.size(); ++i) {
      NodeRef const child = child_node(ref, node, i);
      if (file.seen.insert(child).second) nodes.push_back(child);
    }
  }
  if (nodes.empty()) {
    file.walk = std::make_unique<ChunkWalk>(file.version.content, context_.chunks.node_resolver());
    file.seen.clear();
  }
  return {};
}

Result<> Fetcher::advance_file(File& file) {
  if (!file.walk) KITH_CHECK(gather_nodes(file));
  while (file.walk && !file.walked && file.missing < kWindowChunks && wanted_bytes_ < kWindowBytes &&
         wants_.size() < kWindowChunks && !context_.stop()) {
    if (!file.next) {
      KITH_TRY(next, file.walk->next());
      if (!next) {
        file.walked = true;
        return {};
      }
      file.next = *next;
    }
    KITH_TRY(here, find_here(file, *file.next, file.next_offset));
    if (here) {
      file.bytes_done += file.next->length;
    } else {
      want_chunk(*file.next, {file.version.id, file.next_offset, file.next->length});
      ++file.missing;
    }
    file.next_offset += file.next->length;
    file.next.reset();
  }
  return {};
}

/// Looks for a chunk in what the temporary file holds from an earlier run, and in what this device holds elsewhere.
/// @return FilesError::length_mismatch where a chunk of that id has another length
Result<bool> Fetcher::find_here(File& file, ChunkRef const& ref, std::uint64_t offset) {
  if (file.resumed) {
    Bytes bytes(ref.length);
    auto const read = file.temp->read_at(offset, bytes);
    if (read && *read == ref.length && chunk_id(context_.chunks.key(), bytes) == ref.id) return true;
  }
  KITH_TRY(found, context_.chunks.find(ref.id));
  if (!found) return false;
  if (found->size() != ref.length) return fail(FilesError::length_mismatch, CountDetail{found->size(), ref.length});
  KITH_CHECK(file.temp->write_at(offset, *found));
  return true;
}

void Fetcher::want_chunk(ChunkRef const& ref, Spot const& spot) {
  auto const [found, is_new] = wants_.try_emplace(ref.id);
  if (is_new) {
    found->second.length = ref.length;
    wanted_bytes_ += ref.length;
  }
  found->second.spots.push_back(spot);
}

/// @return false where as much is asked for as there may be
bool Fetcher::want_node(VersionId const& version, NodeRef const& ref) {
  if (wants_.size() >= kWindowChunks && !wants_.contains(ref.id)) return false;
  wants_[ref.id].nodes.emplace(version, ref);
  return true;
}

/// The id says that these are the bytes that were meant. Whether they are of the length, or the manifest node, that was
/// said of them is another matter, and one of each version that said so.
Result<bool> Fetcher::on_chunk(ChunkId const& id, ByteView bytes) {
  auto const found = wants_.find(id);
  if (found == wants_.end() || chunk_id(context_.chunks.key(), bytes) != id) return false;
  auto const& want = found->second;
  std::set<VersionId> bad;
  bool is_node = false;
  for (auto const& [version, ref] : want.nodes) {
    if (decode_node(bytes, ref)) {
      is_node = true;
    } else {
      bad.insert(version);
    }
  }
  for (auto const& spot : want.spots) {
    if (spot.length != bytes.size()) bad.insert(spot.version);
  }
  if (is_node) {
    KITH_TRY(transaction, store::Transaction::begin(context_.store));
    KITH_CHECK(context_.chunks.put_blob(id, bytes));
    KITH_CHECK(transaction.commit());
  }
  for (auto const& spot : want.spots) {
    auto const file = files_.find(spot.version);
    if (file == files_.end() || bad.contains(spot.version)) continue;
    KITH_CHECK(file->second.temp->write_at(spot.offset, bytes));
  }
  for (auto const& spot : want.spots) {  // only now that nothing can fail any more
    auto const file = files_.find(spot.version);
    if (file == files_.end()) continue;
    --file->second.missing;
    file->second.bytes_done += bytes.size();
  }
  wanted_bytes_ -= want.length;
  given_out_.erase(id);
  wants_.erase(found);
  for (auto const& version : bad) KITH_CHECK(give_up(version));
  return true;
}

/// Its content cannot be made: nothing of it is wanted any more, and its temporary file goes.
Result<> Fetcher::give_up(VersionId const& version) {
  bad_.insert(version);
  auto const file = files_.find(version);
  if (file == files_.end()) return {};
  auto const disk = file->second.disk;
  forget_wants(version);
  files_.erase(file);
  auto removed = disk->remove_temp(temp_name(version));
  if (!removed && removed.error().is(FilesError::not_found)) return {};
  return removed;
}

Result<> Fetcher::finish(File& file) {
  KITH_CHECK(file.temp->truncate(file.version.size));
  KITH_CHECK(file.temp->set_attributes(file.version.mode, file.version.mtime_ns));
  fetched_.push_back({file.version.id, file.disk, std::move(file.temp)});
  return {};
}

std::vector<WantedChunk> Fetcher::take_wants() {
  std::vector<WantedChunk> wants;
  for (auto const& [id, want] : wants_) {
    if (given_out_.insert(id).second) wants.push_back({id, want.length});
  }
  return wants;
}

Result<> Fetcher::keep_only(FileSystem& disk, std::set<VersionId> const& wanted) {
  for (auto file = files_.begin(); file != files_.end();) {
    if (wanted.contains(file->first)) {
      ++file;
      continue;
    }
    forget_wants(file->first);
    file->second.temp.reset();
    KITH_CHECK(disk.remove_temp(temp_name(file->first)));
    file = files_.erase(file);
  }
  return {};
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
    wanted_bytes_ -= want.length;
    given_out_.erase(at->first);
    at = wants_.erase(at);
  }
}

std::uint64_t Fetcher::bytes_left() const {
  std::uint64_t left = 0;
  for (auto const& [id, file] : files_) left += file.version.size - std::min(file.version.size, file.bytes_done);
  return left;
}

}  // namespace kith::files
