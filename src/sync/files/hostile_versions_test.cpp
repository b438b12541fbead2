#include "support/folder_group.hpp"
#include "sync/files/shown.hpp"

/// Thousands of versions of one path, which a member writes without parents: the path goes on, for everybody.
namespace kith::files {
namespace {

using testing::FolderDevice;
using testing::must;

constexpr std::size_t kMany = 3500;

struct HostileVersions : testing::FolderGroup {
  /// So many versions of a path without parents. @param alike  all with the same content
  void flood(std::string const& path, std::size_t count, bool alike) {
    std::vector<wire::Op> ops;
    for (std::size_t i = 0; i < count; ++i) {
      wire::FileSet set;
      set.folder = a.sync->id();
      set.path = path;
      set.mode = 0644;
      set.mtime_ns = static_cast<std::int64_t>(i);
      if (!alike) {
        set.size = i + 1;
        set.content.refs = {{set.size, a.random.id<ChunkId>()}};
      }
      ops.emplace_back(std::move(set));
    }
    must(a.replica.write(std::move(ops), a.now()));
    exchange();
  }
  FolderContext context(FolderDevice& device) {
    auto const open = [&device](FolderId const&) -> std::unique_ptr<FileSystem> {
      return std::make_unique<MemoryFileSystem>(device.disk);
    };
    return {device.sync->id(), device.store, device.replica, device.folders, *device.chunks, *device.gear, open};
  }
  static std::vector<VersionRow> versions(FolderDevice& device, std::string_view path) {
    return must(device.folders.versions(device.sync->id(), must(RelPath::parse(path))));
  }
};

TEST_F(HostileVersions, LeaveThePathEditable) {
  flood("x.txt", kMany, true);
  b.apply_from(a);
  ASSERT_EQ(b.read("x.txt"), "");
  b.write("x.txt", "edited");
  EXPECT_EQ(b.scan().changed_files, 1U);
  EXPECT_EQ(versions(b, "x.txt").size(), (kMany + kLimits.max_tips - 1) / kLimits.max_tips);
  settle();
  expect_same();
  EXPECT_EQ(content(a), (std::map<std::string, std::string>{{"x.txt", "edited"}}));
  b.write("x.txt", "edited again");
  settle();
  expect_same();
  EXPECT_EQ(versions(a, "x.txt").size(), 1U);
}

TEST_F(HostileVersions, LeaveThePathRemovable) {
  flood("x.txt", kMany, true);
  settle();
  b.disk.remove("x.txt");
  settle();
  expect_same();
  EXPECT_TRUE(a.disk.files().empty());
  b.write("x.txt", "made again");
  settle();
  expect_same();
  EXPECT_EQ(a.read("x.txt"), "made again");
  EXPECT_EQ(versions(a, "x.txt").size(), 1U);
}

TEST_F(HostileVersions, BecomeADirectory) {
  flood("x", kMany, true);
  settle();
  b.disk.remove("x");
  b.disk.make_directory("x");
  settle();
  expect_same();
  ASSERT_TRUE(a.disk.look("x"));
  EXPECT_EQ(a.disk.look("x")->kind, Kind::directory);
}

TEST_F(HostileVersions, ShowTheNewestCopiesUnderNamesOfTheirOwn) {
  flood("x.txt", kMany, false);
  auto here = context(b);
  auto const path = must(RelPath::parse("x.txt"));
  auto const shown = must(shown_at(here, path));
  EXPECT_EQ(shown.copies.size(), kMaxCopies);
  EXPECT_EQ(shown.hidden, kMany - 1 - kMaxCopies);
  auto losers = must(here.resolved(path)).losers;
  ASSERT_EQ(losers.size(), kMany - 1);
  std::set<std::string> names;
  for (std::size_t i = 0; i < kMaxCopies; ++i) {
    EXPECT_EQ(shown.copies[i].version.id, losers[losers.size() - kMaxCopies + i].id);
    EXPECT_TRUE(names.insert(name_key(shown.copies[i].path)).second);
  }
  auto const theirs = must(shown_at(*std::make_unique<FolderContext>(context(a)), path));
  for (std::size_t i = 0; i < kMaxCopies; ++i) EXPECT_EQ(theirs.copies[i].path, shown.copies[i].path);

  auto const report = b.apply_from(a);
  EXPECT_EQ(report.skipped, (std::vector<Skipped>{{"x.txt", Skipped::Why::no_copy}}));
  b.write("other", "goes on");
  settle();
  EXPECT_EQ(a.read("other"), "goes on");
}

TEST_F(HostileVersions, AreResolvedByOneLookAtEachEntry) {
  flood("x.txt", kMany, false);
  auto const rows = versions(b, "x.txt");
  std::set<EntryHash> entries;
  for (auto const& row : rows) entries.insert(row.entry);
  std::size_t asked = 0;
  auto const resolved = must(resolve(rows, [&](EntryHash const& hash) -> Result<core::EntryRecord> {
    ++asked;
    return must(b.replica.state().record(hash)).value();
  }));
  EXPECT_EQ(asked, entries.size());
  auto const last = std::ranges::max_element(rows, {}, &VersionRow::size);
  EXPECT_EQ(resolved.winner->id, last->id) << "the one behind all others";
}

TEST_F(HostileVersions, AreStoodForUpToALimit) {
  std::vector<VersionRow> rows;
  for (std::uint32_t i = 0; i < kMaxStandsFor + 10; ++i) {
    VersionRow row;
    row.entry = must(a.replica.state().tips()).front().hash;
    row.index = i;
    row.id = version_id(row.entry, i);
    rows.push_back(row);
  }
  std::ranges::sort(rows, {}, &VersionRow::id);
  auto const resolved = must(resolve(rows, [&](EntryHash const& hash) -> Result<core::EntryRecord> {
    return must(a.replica.state().record(hash)).value();
  }));
  EXPECT_EQ(resolved.winner->index, kMaxStandsFor + 9);
  EXPECT_EQ(resolved.stands_for.size(), kMaxStandsFor);
  EXPECT_TRUE(std::ranges::is_sorted(resolved.stands_for));
  EXPECT_TRUE(std::ranges::binary_search(resolved.stands_for, resolved.winner->id));
}

TEST_F(HostileVersions, WithoutRoomForACopysNameAreTold) {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += std::string(100, 'd') + '/';
  deep += std::string(29, 'd') + "/name";  // 26 bytes are left for a name, and a copy's has 35
  flood(deep, 2, false);
  auto const report = b.apply_from(a);
  EXPECT_EQ(report.skipped, (std::vector<Skipped>{{deep, Skipped::Why::no_copy}}));
}

/// What a removed device wrote that nobody had vouched for counts no longer: it leaves the disks it had reached.
TEST_F(HostileVersions, ThatCountNoLongerLeaveTheDisk) {
  FolderDevice c{3, "phone"};
  join(c);
  settle();
  all.pop_back();
  c.write("late.txt", "unvouched");
  c.scan();
  b.pull_from(c);
  b.apply_from(c);
  ASSERT_EQ(b.read("late.txt"), "unvouched");
  must(a.replica.remove_device(c.identity.device(), wire::RemoveReason::lost, nullptr, a.now()));
  b.pull_from(a);
  ASSERT_TRUE(versions(b, "late.txt").empty());
  b.apply_from(a);
  EXPECT_TRUE(b.disk.files().empty());
  EXPECT_EQ(trash(b), std::vector<std::string>{"unvouched"});
  expect_same();
}

}  // namespace
}  // namespace kith::files
