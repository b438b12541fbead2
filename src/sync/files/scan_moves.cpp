#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "sync/files/scan.hpp"

/// Which files vanished for good, and which have another path now.
namespace kith::files {
namespace {

/// How many of each there are.
template <class Key>
class Counted {
 public:
  void add(Key key) { ++counts_[std::move(key)]; }
  [[nodiscard]] bool has(Key const& key) const { return counts_.contains(key); }
  [[nodiscard]] bool take(Key const& key) {
    auto const found = counts_.find(key);
    if (found == counts_.end()) return false;
    if (--found->second == 0) counts_.erase(found);
    return true;
  }

 private:
  std::map<Key, std::uint64_t> counts_;
};

}  // namespace

/// Files that are noted at another path already, where they still are: a scan that was cut short met them there.
Result<> Scanner::forget_noted_moves(std::vector<LocalFile const*>& lost) {
  std::map<std::uint64_t, Stat> noted;  // by inode
  for (auto const* gone : lost) noted.emplace(gone->stat.inode, Stat{});
  KITH_CHECK(context_.store.scan(Table::local_files, context_.id.view(), {}, [&](ByteView key, ByteView value) {
    if (!seen_.contains(std::string(text_of(key)))) return Store::Next::go_on;
    auto const row = core::decode_record<LocalFile>(value);
    if (!row) return Store::Next::go_on;
    if (auto const found = noted.find(row->stat.inode); found != noted.end()) found->second = row->stat;
    return Store::Next::go_on;
  }));
  std::erase_if(lost, [&](LocalFile const* gone) {
    auto const& there = noted.at(gone->stat.inode);
    return there.kind == Kind::file && same_but_ctime(there, gone->stat);
  });
  return {};
}

/// What vanished and has no other path, as far as the guard needs to know: files are read only where it would stop
/// otherwise, and only until it does not.
Result<std::uint64_t> Scanner::count_lost() {
  std::vector<LocalFile const*> lost;
  for (auto const& [path, before] : vanished_) {
    if (before.stat.kind == Kind::file) lost.push_back(&before);
  }
  if (!guard_.stops(lost.size(), known_files_)) return lost.size();

  // Renamed: the same file, untouched.
  std::multimap<std::uint64_t, Change const*> arrived;  // by inode
  for (auto const& change : changes_) {
    bool const arrives = !change.before || change.before->stat.inode != change.stat.inode;
    if (arrives && change.stat.kind == Kind::file) arrived.emplace(change.stat.inode, &change);
  }
  std::erase_if(lost, [&](LocalFile const* gone) {
    auto const [first, last] = arrived.equal_range(gone->stat.inode);
    auto const moved =
        std::find_if(first, last, [&](auto const& each) { return same_but_ctime(each.second->stat, gone->stat); });
    if (moved == last) return false;
    arrived.erase(moved);
    return true;
  });
  KITH_CHECK(forget_noted_moves(lost));

  // Copied and deleted, or touched on the way: another file with the same content.
  Counted<std::uint64_t> sizes;
  Counted<Bytes> contents;
  for (auto const* gone : lost) {
    sizes.add(gone->stat.size);
    contents.add(wire::encode(gone->content));
  }
  auto left = static_cast<std::uint64_t>(lost.size());
  for (auto const& [inode, change] : arrived) {
    if (!guard_.stops(left, known_files_) || stopping()) break;
    if (!sizes.has(change->stat.size)) continue;
    auto const hashed = hash_file(context_, *disk_, change->path);
    if (!hashed) continue;  // what cannot be read is told of when it is its turn
    auto const& content = hashed->built.content;
    bool const was_here = change->before && change->before->content == content;
    if (was_here || !contents.take(wire::encode(content))) continue;
    static_cast<void>(sizes.take(change->stat.size));
    --left;
  }
  return left;
}

}  // namespace kith::files
