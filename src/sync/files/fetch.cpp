#include "sync/files/fetch.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace kith::files {
namespace {

Result<> remove_temp(FileSystem& disk, VersionId const& version) {
  auto removed = disk.remove_temp(temp_name(version));
  if (!removed && removed.error().is(FilesError::not_found)) return {};
  return removed;
}

}  // namespace

TempName temp_name(VersionId const& version) { return TempName(to_hex(version.view())); }

Result<> Fetcher::start(std::shared_ptr<FileSystem> disk, VersionRow const& version) {
  if (files_.contains(version.id)) return {};
  if (!check_content(version.content)) return give_up(version.id);
  File file;
  file.version = version;
  file.disk = disk;
  auto opened = disk->open_temp(temp_name(version.id));
  if (opened) {
    file.temp = std::move(*opened);
    KITH_TRY(stat, file.temp->stat());
    file.resumed_bytes = stat.size;
    file.kept = stat.size > 0;  // an earlier run may have noted some of it
  } else if (!opened.error().is(FilesError::not_found)) {
    return fail(opened.error());
  }
  if (auto const needed = bytes_left(file); needed > 0) {
    KITH_TRY(free, disk->free_space());
    if (needed + bytes_left() + kReserveBytes > free) {
      no_space_ = Error(FilesError::no_space, CountDetail{needed, free});
      set_aside(version.id);
      return fail(*no_space_);
    }
  }
  if (auto const top = top_node(version.content)) file.nodes.push_back(*top);
  files_.emplace(version.id, std::move(file));
  return {};
}

/// Files take turns: the one behind the last that asked for something begins. Where one fails, those before it have
/// been seen to: a file that is whole is so once.
Result<> Fetcher::advance() {
  std::vector<VersionId> order, done, bad, full;
  std::optional<Error> failure;
  for (auto const& [id, file] : files_) order.push_back(id);
  std::rotate(order.begin(), std::ranges::upper_bound(order, turn_), order.end());
  for (auto const& id : order) {
    if (context_.stop()) break;
    auto& file = files_.at(id);
    auto advanced = advance_file(file);
    bool const whole = advanced && file.walked && file.missing == 0;
    if (whole) advanced = finish(file);
    if (advanced) {
      if (whole) done.push_back(id);
    } else if (is_bad_content(advanced.error())) {
      bad.push_back(id);
    } else if (advanced.error().is(FilesError::no_space)) {
      no_space_ = advanced.error();
      full.push_back(id);
    } else {
      failure = advanced.error();
      break;
    }
  }
  for (auto const& id : done) {
    if (files_.at(id).nodes_wanted > 0) forget_wants(id);  // nodes that another file brought
    KITH_CHECK(unkeep(files_.at(id)));
    files_.erase(id);
  }
  for (auto const& id : full) set_aside(id);
  for (auto const& id : bad) KITH_CHECK(give_up(id));
  if (failure) return fail(*failure);
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
      if (!want_node(file, ref)) break;
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
  while (file.walk && !file.walked && file.missing < kFileChunks && !window_full() && !context_.stop()) {
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
      turn_ = file.version.id;
    }
    file.next_offset += file.next->length;
    file.next.reset();
  }
  return {};
}

/// Looks for a chunk in what the temporary file holds from an earlier run, and in what this device holds elsewhere.
/// @return FilesError::length_mismatch where a chunk of that id has another length
Result<bool> Fetcher::find_here(File& file, ChunkRef const& ref, std::uint64_t offset) {
  if (offset < file.resumed_bytes) {
    Bytes bytes(ref.length);
    auto const read = file.temp->read_at(offset, bytes);
    if (read && *read == ref.length && chunk_id(context_.chunks.key(), bytes) == ref.id) {
      KITH_TRY(kept, context_.chunks.has_received(context_.id, file.version.id, ref.id));
      file.kept = file.kept || kept;
      if (!kept) file.to_keep.push_back(ref.id);
      return true;
    }
  }
  KITH_TRY(found, context_.chunks.find(ref.id));
  if (!found) return false;
  if (found->size() != ref.length) return fail(FilesError::length_mismatch, CountDetail{found->size(), ref.length});
  KITH_CHECK(write(file, offset, *found));
  return true;
}

Result<> Fetcher::write(File& file, std::uint64_t offset, ByteView bytes) {
  if (!file.temp) {
    KITH_TRY(created, file.disk->create_temp(temp_name(file.version.id)));
    file.temp = std::move(created);
  }
  return file.temp->write_at(offset, bytes);
}

/// The id says that these are the bytes that were meant. Whether they are of the length, or the manifest node, that was
/// said of them is another matter, and one of each version that said so.
Result<bool> Fetcher::on_chunk(ChunkId const& id, ByteView bytes, bool keep) {
  auto const found = wants_.find(id);
  if (found == wants_.end() || chunk_id(context_.chunks.key(), bytes) != id) return false;
  auto const& want = found->second;
  std::set<VersionId> bad, full;
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
    if (file == files_.end() || bad.contains(spot.version) || full.contains(spot.version)) continue;
    auto const written = write(file->second, spot.offset, bytes);
    if (written) continue;
    if (!written.error().is(FilesError::no_space)) return fail(written.error());
    no_space_ = written.error();
    full.insert(spot.version);
  }
  for (auto const& spot : want.spots) {  // only now that nothing can fail any more
    auto const file = files_.find(spot.version);
    if (file == files_.end()) continue;
    --file->second.missing;
    file->second.bytes_done += bytes.size();
    if (keep) file->second.to_keep.push_back(id);
  }
  for (auto const& [version, ref] : want.nodes) {
    if (auto const file = files_.find(version); file != files_.end()) --file->second.nodes_wanted;
  }
  erase_want(found);
  for (auto const& version : full) set_aside(version);
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
  KITH_CHECK(unkeep(file->second));
  files_.erase(file);
  return remove_temp(*disk, version);
}

bool Fetcher::any_to_keep() const {
  return std::ranges::any_of(files_, [](auto const& each) { return !each.second.to_keep.empty(); });
}

Result<> Fetcher::keep(FileSystem& disk) {
  KITH_CHECK(disk.sync_all());
  KITH_TRY(transaction, store::Transaction::begin(context_.store));
  for (auto& [id, file] : files_) {
    for (auto const& chunk : file.to_keep) KITH_CHECK(context_.chunks.add_received(context_.id, id, chunk));
    file.kept = file.kept || !file.to_keep.empty();
  }
  KITH_CHECK(transaction.commit());
  for (auto& [id, file] : files_) file.to_keep.clear();
  return {};
}

/// The file is whole, or goes. In one that is set aside, and may be taken up again, the notes stay.
Result<> Fetcher::unkeep(File const& file) {
  if (!file.kept) return {};
  KITH_TRY(transaction, store::Transaction::begin(context_.store));
  KITH_CHECK(context_.chunks.remove_received(context_.id, file.version.id, file.version.content));
  return transaction.commit();
}

Result<> Fetcher::finish(File& file) {
  if (!file.temp) KITH_CHECK(write(file, 0, {}));
  KITH_CHECK(file.temp->truncate(file.version.size));
  KITH_CHECK(file.temp->set_attributes(file.version.mode, file.version.mtime_ns));
  fetched_.push_back({file.version.id, file.disk, std::move(file.temp)});
  return {};
}

Result<> Fetcher::keep_only(FileSystem& disk, std::set<VersionId> const& wanted) {
  for (auto file = files_.begin(); file != files_.end();) {
    if (wanted.contains(file->first)) {
      ++file;
      continue;
    }
    forget_wants(file->first);
    file->second.temp.reset();
    KITH_CHECK(unkeep(file->second));
    KITH_CHECK(remove_temp(disk, file->first));
    file = files_.erase(file);
  }
  return {};
}

/// The temporary file is filled from its start, so what an earlier run left of it is there but for some last chunks.
std::uint64_t Fetcher::bytes_left(File const& file) {
  return file.version.size - std::min(file.version.size, std::max(file.bytes_done, file.resumed_bytes));
}

std::uint64_t Fetcher::bytes_left() const {
  std::uint64_t left = 0;
  for (auto const& [id, file] : files_) left += bytes_left(file);
  return left;
}

}  // namespace kith::files
