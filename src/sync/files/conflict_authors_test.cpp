#include "base/encoding.hpp"
#include "support/folder_group.hpp"
#include "support/seeds.hpp"
#include "sync/files/shown.hpp"

/// Which of many conflict copies show: nobody hides what another wrote.
namespace kith::files {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::FolderDevice;
using testing::must;

FolderContext context(FolderDevice& device) {
  auto const open = [&device](FolderId const&) -> std::unique_ptr<FileSystem> {
    return std::make_unique<MemoryFileSystem>(device.disk);
  };
  return {device.sync->id(), device.store, device.replica, device.folders, *device.chunks, *device.gear, open};
}

/// Writes a version of a path without parents. @param number  says what its content is
void say(FolderDevice& by, std::string const& path, std::uint64_t number) {
  wire::FileSet set;
  set.folder = by.sync->id();
  set.path = path;
  set.mode = 0644;
  set.size = number + 1;
  Bytes text;
  append_be(text, number);
  set.content.refs = {{set.size, chunk_id(by.chunks->key(), text)}};
  std::vector<wire::Op> ops;
  ops.emplace_back(std::move(set));
  by.tick();
  must(by.replica.write(std::move(ops), by.now()));
}

struct ConflictAuthors : testing::FolderGroup {
  FolderDevice c{3, "phone"};
};

TEST_F(ConflictAuthors, NobodyHidesAnothersCopy) {
  join(c);
  say(b, "x.txt", 200'000);
  say(c, "x.txt", 300'000);
  exchange();
  say(c, "x.txt", 200'000);  // as b wrote it
  exchange();
  for (std::uint64_t i = 0; i < 200; ++i) say(a, "x.txt", i);
  exchange();
  std::optional<std::vector<RelPath>> first;
  for (auto* device : all) {
    auto here = context(*device);
    auto const shown = must(shown_at(here, must(RelPath::parse("x.txt"))));
    ASSERT_EQ(shown.winner->author, a.identity.device());
    EXPECT_EQ(shown.copies.size(), kMaxCopies);
    EXPECT_EQ(shown.hidden, 201 - kMaxCopies);
    EXPECT_TRUE(std::ranges::any_of(shown.copies, [](Copy const& copy) { return copy.version.size == 200'001; }));
    std::vector<RelPath> names;
    for (auto const& copy : shown.copies) names.push_back(copy.path);
    if (!first) first = names;
    EXPECT_EQ(names, *first);
  }
}

using Order = std::tuple<std::uint64_t, EntryHash, std::uint32_t>;
Order order_of(VersionRow const& version) { return {version.hlc, version.entry, version.index}; }

/// What the spec says of one path, from its versions alone and in another way than shown_at() finds it.
AssertionResult as_specified(std::vector<VersionRow> versions, Shown const& shown) {
  std::ranges::sort(versions, {}, order_of);
  std::vector<VersionRow> losers;
  for (auto const& version : versions) {
    auto const same = [&](VersionRow const& other) { return other.same_content(version); };
    if (!same(*shown.winner) && std::ranges::none_of(losers, same)) losers.push_back(version);
  }
  std::map<DeviceId, VersionRow> newest;
  for (auto const& version : versions) {
    if (!version.same_content(*shown.winner)) newest.insert_or_assign(version.author, version);
  }
  if (shown.copies.size() != std::min(losers.size(), kMaxCopies)) {
    return AssertionFailure() << shown.copies.size() << " copies of " << losers.size();
  }
  if (shown.hidden != losers.size() - shown.copies.size()) return AssertionFailure() << "hidden: " << shown.hidden;
  auto const is_shown = [&](VersionRow const& version) {
    return std::ranges::any_of(shown.copies, [&](Copy const& copy) { return copy.version.same_content(version); });
  };
  std::set<Bytes> named;
  for (auto const& [author, version] : newest) {
    named.insert(wire::encode(version.content));
    if (!is_shown(version)) return AssertionFailure() << "an author's newest does not show";
  }
  std::size_t left = kMaxCopies - std::min(named.size(), kMaxCopies);
  for (auto loser = losers.rbegin(); loser != losers.rend(); ++loser) {
    if (named.contains(wire::encode(loser->content))) continue;
    bool const fits = left > 0;
    if (is_shown(*loser) != fits) return AssertionFailure() << "not the newest of the others";
    left -= fits ? 1 : 0;
  }
  for (std::size_t i = 1; i < shown.copies.size(); ++i) {
    if (order_of(shown.copies[i - 1].version) >= order_of(shown.copies[i].version)) {
      return AssertionFailure() << "out of order";
    }
  }
  return AssertionSuccess();
}

TEST(ConflictAuthorsProperty, AnyLifeShowsWhatIsSpecifiedOnEveryDevice) {
  struct Life : testing::FolderGroup {
    void TestBody() override {}
    FolderDevice c{3, "phone"};
    FolderDevice d{4, "tablet"};
  };
  testing::for_each_seed(20, [](std::uint64_t seed) -> AssertionResult {
    testing::Dice dice(seed);
    Life life;
    life.join(life.c);
    life.join(life.d);
    RelPath const path = must(RelPath::parse("x.txt"));
    std::size_t const contents = dice.between(20, 120);
    for (std::size_t steps = dice.between(30, 150); steps > 0; --steps) {
      // One of them writes most.
      auto& by = dice.chance(70) ? *life.all.front() : *dice.pick(life.all);
      say(by, path.text(), dice.below(contents));
      if (dice.chance(10)) dice.pick(life.all)->pull_from(by);
    }
    dice.shuffle(life.all);
    life.exchange();
    std::optional<std::vector<std::string>> expected;
    for (auto* device : life.all) {
      auto here = context(*device);
      auto const shown = must(shown_at(here, path));
      auto specified = as_specified(must(device->folders.versions(device->sync->id(), path)), shown);
      if (!specified) return specified << " on " << device->name;
      std::vector<std::string> names;
      for (auto const& copy : shown.copies) names.push_back(copy.path.text() + to_hex(copy.version.id.view()));
      if (!expected) expected = names;
      if (names != *expected) return AssertionFailure() << "devices differ";
    }
    return AssertionSuccess();
  });
}

}  // namespace
}  // namespace kith::files
