#include "sync/files/memory_disk.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "sync/files/unicode.hpp"

namespace kith::files {
namespace {

tl::unexpected<Error> fail_at(FilesError error, std::string_view path) {
  return fail(error, SystemDetail{0, std::string(path)});
}

}  // namespace

MemoryDisk::MemoryDisk(Options options) : options_(options), root_(new_node(Kind::directory, 0755)) {}

MemoryDisk::NodePtr MemoryDisk::new_node(Kind kind, std::uint32_t mode) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->inode = next_inode_++;
  node->mode = mode;
  node->mtime_ns = node->ctime_ns = now_ns_;
  node->durable = {{}, mode, now_ns_};
  return node;
}

MemoryDisk::NodePtr MemoryDisk::at(Slot const& slot) const {
  auto const found = slot.directory->names.find(slot.name);
  return found == slot.directory->names.end() ? nullptr : found->second;
}

MemoryDisk::Slot MemoryDisk::named(NodePtr const& directory, std::string_view name) const {
  auto const& names = directory->names;
  if (options_.ignores_case && !names.contains(std::string(name))) {
    auto const alike = std::find_if(names.begin(), names.end(),
                                    [&](auto const& entry) { return caseless(entry.first) == caseless(name); });
    if (alike != names.end()) return {directory, alike->first};
  }
  return {directory, std::string(name)};
}

Result<MemoryDisk::NodePtr> MemoryDisk::find(std::string_view path) const {
  if (path.empty()) return root_;
  KITH_TRY(where, slot(path));
  auto node = at(where);
  if (!node) return fail_at(FilesError::not_found, path);
  return node;
}

Result<MemoryDisk::Slot> MemoryDisk::slot(std::string_view path) const {
  NodePtr directory = root_;
  for (std::string_view rest = path;;) {
    auto const slash = rest.find('/');
    if (slash == std::string_view::npos) return named(directory, rest);
    auto next = at(named(directory, rest.substr(0, slash)));
    if (!next) return fail_at(FilesError::not_found, path);
    if (next->kind == Kind::symlink) return fail_at(FilesError::is_symlink, path);
    if (next->kind != Kind::directory) return fail_at(FilesError::not_a_directory, path);
    directory = std::move(next);
    rest.remove_prefix(slash + 1);
  }
}

Stat MemoryDisk::stat_of(Node const& node) const {
  std::uint64_t const size = node.kind == Kind::file ? node.data.size() : 0;
  return {node.kind, size, node.mtime_ns, node.ctime_ns, node.inode, 1, node.mode};
}

void MemoryDisk::set(Slot const& slot, NodePtr const& node) {
  if (node) {
    slot.directory->names[slot.name] = node;
  } else {
    slot.directory->names.erase(slot.name);
  }
}

void MemoryDisk::commit(Change change) {
  for (auto& edit : change) {
    set(edit.slot, edit.after);
    edit.slot.directory->mtime_ns = edit.slot.directory->ctime_ns = now_ns_;
    if (edit.after) edit.after->ctime_ns = now_ns_;
  }
  journal_.push_back(std::move(change));
}

MemoryDisk::NodePtr MemoryDisk::create(Slot const& slot, Kind kind, std::uint32_t mode) {
  auto node = new_node(kind, mode);
  commit({{slot, nullptr, node}});
  return node;
}

void MemoryDisk::unlink(Slot const& slot) { commit({{slot, at(slot), nullptr}}); }

void MemoryDisk::rename(Slot const& from, Slot const& to) {
  auto const node = at(from);
  commit({{from, node, nullptr}, {to, at(to), node}});
}

void MemoryDisk::exchange(Slot const& a, Slot const& b) {
  auto const in_a = at(a), in_b = at(b);
  commit({{a, in_a, in_b}, {b, in_b, in_a}});
}

Result<> MemoryDisk::resize(Node& node, std::uint64_t size) {
  if (size > node.data.size() && size - node.data.size() > free_bytes()) return fail_at(FilesError::no_space, {});
  node.data.resize(size);
  touched(node);
  return {};
}

void MemoryDisk::touched(Node& node) const {
  node.mtime_ns = node.ctime_ns = now_ns_;
  node.dirty = true;
}

void MemoryDisk::sync(Node& node) const {
  node.durable = {node.data, node.mode, node.mtime_ns};
  node.dirty = false;
}

void MemoryDisk::sync_saved(std::string_view path) {
  if (auto const node = find(path); node && (*node)->kind == Kind::file) sync(**node);
  journal_.clear();
}

void MemoryDisk::sync_names(NodePtr const& directory) {
  auto const touches = [&](Change const& change) {
    return std::any_of(change.begin(), change.end(),
                       [&](Edit const& edit) { return edit.slot.directory == directory; });
  };
  auto const last = std::find_if(journal_.rbegin(), journal_.rend(), touches);
  journal_.erase(journal_.begin(), last.base());
}

template <class Visit>
void MemoryDisk::for_each_file(NodePtr const& directory, std::string const& prefix, Visit const& visit) {
  for (auto const& [name, node] : directory->names) {
    if (node->kind == Kind::directory) for_each_file(node, prefix + name + '/', visit);
    if (node->kind == Kind::file) visit(prefix + name, *node);
  }
}

void MemoryDisk::sync_all() {
  for_each_file(root_, {}, [&](std::string const&, Node& node) { sync(node); });
  journal_.clear();
}

void MemoryDisk::crash(RandomSource& random) {
  ++crashes_;
  for (auto undo = random.below(journal_.size() + 1); undo > 0; --undo) {
    auto const& change = journal_.back();
    for (auto edit = change.rbegin(); edit != change.rend(); ++edit) set(edit->slot, edit->before);
    journal_.pop_back();
  }
  journal_.clear();
  for_each_file(root_, {}, [&](std::string const&, Node& node) {
    if (!node.dirty) return;
    // What was synced and has not been written again is safe, so a torn write begins behind the part that both share.
    auto const shared =
        std::mismatch(node.data.begin(), node.data.end(), node.durable.data.begin(), node.durable.data.end()).first -
        node.data.begin();
    auto const place = shared + static_cast<std::ptrdiff_t>(random.below(node.data.size() - shared + 1));
    switch (random.below(4)) {
      case 0: break;
      case 1:
        node.data = node.durable.data;
        node.mode = node.durable.mode;
        node.mtime_ns = node.durable.mtime_ns;
        break;
      case 2: node.data.resize(static_cast<std::size_t>(place)); break;
      default:
        std::fill(node.data.begin() + place, node.data.end(), std::uint8_t{0});
        break;  // allocated, never written
    }
    sync(node);
  });
}

std::uint64_t MemoryDisk::used_bytes() const {
  std::uint64_t used = 0;
  for_each_file(root_, {}, [&](std::string const&, Node const& node) { used += node.data.size(); });
  return used;
}

std::uint64_t MemoryDisk::free_bytes() const {
  if (!options_.capacity_bytes) return std::uint64_t{1} << 50;
  return *options_.capacity_bytes - std::min(used_bytes(), *options_.capacity_bytes);
}

MemoryDisk::Slot MemoryDisk::slot_with_parents(std::string_view path) {
  for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    auto const above = slot(path.substr(0, slash));
    KITH_ASSERT(above);
    if (!at(*above)) create(*above, Kind::directory, 0755);
  }
  auto where = slot(path);
  KITH_ASSERT(where);
  return *std::move(where);
}

void MemoryDisk::write_file(std::string_view path, ByteView bytes) {
  auto const where = slot_with_parents(path);
  auto node = at(where);
  if (!node) node = create(where, Kind::file, 0644);
  KITH_ASSERT(node->kind == Kind::file);
  node->data.assign(bytes.begin(), bytes.end());
  touched(*node);
}

void MemoryDisk::replace_file(std::string_view path, ByteView bytes) {
  auto const where = slot_with_parents(path);
  auto node = new_node(Kind::file, 0644);
  node->data.assign(bytes.begin(), bytes.end());
  touched(*node);
  commit({{where, at(where), node}});
}

void MemoryDisk::make_directory(std::string_view path) {
  static_cast<void>(slot_with_parents(std::string(path) + '/'));
}

void MemoryDisk::place(std::string_view path, Kind kind) {
  auto const where = slot_with_parents(path);
  KITH_ASSERT(!at(where));
  create(where, kind, 0777);
}

void MemoryDisk::move(std::string_view from, std::string_view to) {
  auto const source = slot_with_parents(from);
  KITH_ASSERT(at(source));
  rename(source, slot_with_parents(to));
}

void MemoryDisk::remove(std::string_view path) {
  auto const where = slot(path);
  KITH_ASSERT(where && at(*where));
  unlink(*where);
}

std::optional<Bytes> MemoryDisk::read_file(std::string_view path) const {
  auto const node = find(path);
  if (!node || (*node)->kind != Kind::file) return std::nullopt;
  return (*node)->data;
}

std::optional<Stat> MemoryDisk::look(std::string_view path) const {
  auto const node = find(path);
  if (!node) return std::nullopt;
  return stat_of(**node);
}

std::vector<std::string> MemoryDisk::files() const {
  std::vector<std::string> paths;
  for_each_file(root_, {}, [&](std::string const& path, Node const&) {
    if (!path.starts_with(".kith/")) paths.push_back(path);
  });
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace kith::files
