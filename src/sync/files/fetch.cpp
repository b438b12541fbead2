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
  File file{path, version, disk, nullptr, false, nullptr, std::nullopt, 0, 0, 0, false, {}};
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
  KITH_CHECK(check_content(version.content));
  if (version.content.level > 0) file.nodes.emplace_back(version.content.refs.front(), version.content.level);
  files_.emplace(version.id, std::move(file));
  return {};
}

Result<> Fetcher::advance() {
  std::vector<VersionId> done;
  for (auto& [id, file] : files_) {
    if (context_.stop()) return {};
    KITH_CHECK(advance_file(file));
    if (!file.walked || file.missing > 0) continue;
    KITH_CHECK(finish(file));
    done.push_back(id);
  }
  for (auto const& id : done) files_.erase(id);
  return {};
}

/// The whole manifest comes before the first chunk: it is small, and the walk then never has to wait.
Result<> Fetcher::gather_nodes(File& file) {
  std::vector<std::pair<ChunkRef, std::uint8_t>> open = std::move(file.nodes);
  file.nodes.clear();
  while (!open.empty()) {
    auto const [ref, level] = open.back();
    open.pop_back();
    KITH_TRY(blob, context_.chunks.find_blob(ref.id));
    if (!blob) {
      want(ref.id, 0, std::nullopt);
      file.nodes.emplace_back(ref, level);
      continue;
    }
    KITH_TRY(node, decode_node(*blob, ref, level));
    if (level == 1) continue;
    for (auto const& child : node.refs) open.emplace_back(child, static_cast<std::uint8_t>(level - 1));
  }
  if (file.nodes.empty())
    file.walk = std::make_unique<ChunkWalk>(file.version.content, context_.chunks.node_resolver());
  return {};
}

Result<> Fetcher::advance_file(File& file) {
  if (!file.walk) KITH_CHECK(gather_nodes(file));
  while (file.walk && !file.walked && wanted_bytes_ < kWindowBytes && wants_.size() < kWindowChunks) {
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
      want(file.next->id, file.next->length, Spot{file.version.id, file.next_offset});
      ++file.missing;
    }
    file.next_offset += file.next->length;
    file.next.reset();
  }
  return {};
}

/// Looks for a chunk in what the temporary file holds from an earlier run, and in what this device holds elsewhere.
Result<bool> Fetcher::find_here(File& file, ChunkRef const& ref, std::uint64_t offset) {
  if (file.resumed) {
    Bytes bytes(ref.length);
    auto const read = file.temp->read_at(offset, bytes);
    if (read && *read == ref.length && chunk_id(context_.chunks.key(), bytes) == ref.id) return true;
  }
  KITH_TRY(found, context_.chunks.find(ref.id));
  if (!found || found->size() != ref.length) return false;
  KITH_CHECK(file.temp->write_at(offset, *found));
  return true;
}

void Fetcher::want(ChunkId const& id, std::uint64_t length, std::optional<Spot> spot) {
  auto const [found, is_new] = wants_.try_emplace(id);
  if (is_new) {
    found->second.length = length;
    wanted_bytes_ += length;
  }
  if (spot) found->second.spots.push_back(*spot);
}

Result<bool> Fetcher::on_chunk(ChunkId const& id, ByteView bytes) {
  auto const found = wants_.find(id);
  if (found == wants_.end() || chunk_id(context_.chunks.key(), bytes) != id) return false;
  auto const& want = found->second;
  if (want.spots.empty()) {
    KITH_TRY(transaction, store::Transaction::begin(context_.store));
    KITH_CHECK(context_.chunks.put_blob(id, bytes));
    KITH_CHECK(transaction.commit());
  }
  for (auto const& spot : want.spots) {
    auto const file = files_.find(spot.version);
    if (file != files_.end()) KITH_CHECK(file->second.temp->write_at(spot.offset, bytes));
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
  return true;
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
    for (auto want = wants_.begin(); want != wants_.end();) {
      auto& spots = want->second.spots;
      bool const had_spots = !spots.empty();
      std::erase_if(spots, [&](Spot const& spot) { return spot.version == file->first; });
      if (had_spots && spots.empty()) {
        wanted_bytes_ -= want->second.length;
        given_out_.erase(want->first);
        want = wants_.erase(want);
      } else {
        ++want;
      }
    }
    file->second.temp.reset();
    KITH_CHECK(disk.remove_temp(temp_name(file->first)));
    file = files_.erase(file);
  }
  return {};
}

std::uint64_t Fetcher::bytes_left() const {
  std::uint64_t left = 0;
  for (auto const& [id, file] : files_) left += file.version.size - std::min(file.version.size, file.bytes_done);
  return left;
}

}  // namespace kith::files
