#include "sync/files/fetch.hpp"

#include <unistd.h>

#include "support/folder_group.hpp"

/// What is fetched, and in which order, when not everything can be had.
namespace kith::files {
namespace {

using testing::FolderDevice;
using testing::must;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kReserve = 32 * kMiB;

struct Fetching : testing::FolderGroup {
  /// A third device with so much room.
  std::unique_ptr<FolderDevice> with_room(std::uint64_t bytes) {
    auto device = std::make_unique<FolderDevice>(3, "phone");
    device->disk = MemoryDisk({.capacity_bytes = bytes});
    join(*device);
    return device;
  }
  std::string random_text(std::size_t size) {
    Bytes bytes(size);
    a.random.fill(bytes);
    return std::string(text_of(bytes));
  }
  /// A file of one chunk that nobody has.
  void say_unavailable(std::string const& path, std::uint64_t size = 100) {
    wire::FileSet set;
    set.folder = a.sync->id();
    set.path = path;
    set.mode = 0644;
    set.size = size;
    Content whole{wire::HashAlg::blake2b_256_keyed, 0, {}};
    std::uint8_t level = 0;
    for (std::uint64_t span = kMaxChunkBytes; span < size; span *= kMaxNodeRefs) ++level;
    whole.level = level;
    whole.refs = {{size, a.random.id<ChunkId>()}};
    set.content = whole;
    ops.emplace_back(std::move(set));
  }
  void say_all() {
    must(a.replica.write(std::exchange(ops, {}), a.now()));
    exchange();
  }
  std::vector<wire::Op> ops;
};

/// Fails once, at the second temporary file that it is to make.
struct FailsInTheMiddle : MemoryFileSystem {
  FailsInTheMiddle(MemoryDisk& disk, int& made) : MemoryFileSystem(disk), made_(made) {}
  Result<std::unique_ptr<TempFile>> create_temp(TempName const& name) override {
    if (++made_ == 2) return fail(FilesError::io, SystemDetail{EIO, "temp"});
    return MemoryFileSystem::create_temp(name);
  }

 private:
  int& made_;
};

TEST_F(Fetching, WhatWasWholeBeforeTheDiskFailedIsNotMadeAgain) {
  for (int i = 0; i < 4; ++i) a.write("empty " + std::to_string(i), "");
  a.scan();
  exchange();
  int made = 0;
  b.open_disk = [&] { return std::make_unique<FailsInTheMiddle>(b.disk, made); };
  b.tick();
  auto const failed = b.sync->apply({}, b.now());
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is(FilesError::io));
  b.apply_from(a);
  expect_same();
  EXPECT_EQ(b.disk.files().size(), 4U);
}

TEST_F(Fetching, LeavesRoomWhateverIsUnderWay) {
  auto const c = with_room(kReserve + 5 * kMiB);
  for (int i = 0; i < 8; ++i) a.write("file " + std::to_string(i), random_text(2 * kMiB));
  a.scan();
  exchange();
  c->tick();
  EXPECT_TRUE(must(c->sync->apply({}, c->now())).no_space);
  EXPECT_EQ(c->sync->fetching(), 2U);
  c->sync->reset_wants();
  c->apply_from(a);
  EXPECT_EQ(c->disk.files().size(), 2U) << "what fits is there";
  EXPECT_GE(c->disk.free_bytes(), kReserve);
  EXPECT_EQ(must(c->sync->pending()).files, 6U);

  c->sync->try_again();
  c->tick();
  EXPECT_TRUE(must(c->sync->apply({}, c->now())).no_space) << "it is said again each time";
  for (auto const& path : c->disk.files()) a.disk.remove(path);
  a.scan();
  exchange();
  c->apply_from(a);
  EXPECT_TRUE(c->disk.files().empty());
  must(MemoryFileSystem(c->disk).purge_trash({std::numeric_limits<std::int64_t>::max() / 2'000'000}));
  c->sync->try_again();
  c->apply_from(a);
  EXPECT_EQ(c->disk.files().size(), 2U);
}

TEST_F(Fetching, PassesByWhatIsTooLargeForTheDisk) {
  auto const c = with_room(kReserve + 5 * kMiB);
  for (int i = 0; i < 20; ++i) say_unavailable("huge " + std::to_string(i), std::uint64_t{1} << 40);
  say_all();
  for (int i = 0; i < 20; ++i) a.write(std::to_string(i), random_text(1000));
  a.scan();
  exchange();
  c->tick();
  EXPECT_TRUE(must(c->sync->apply({}, c->now())).no_space);
  EXPECT_EQ(c->sync->fetching(), 20U);
  c->sync->reset_wants();
  c->apply_from(a);
  EXPECT_EQ(c->disk.files().size(), 20U);
  a.write("later", "it goes on");
  a.scan();
  exchange();
  c->apply_from(a);
  EXPECT_EQ(c->read("later"), "it goes on");
}

TEST_F(Fetching, GoesOnWhenADiskWasFullInTheMiddle) {
  auto const c = with_room(kReserve + 5 * kMiB);
  a.write("file", random_text(4 * kMiB));
  a.scan();
  exchange();
  c->tick();
  EXPECT_FALSE(must(c->sync->apply({}, c->now())).no_space);
  c->disk.write_file("filler", Bytes(c->disk.free_bytes()));
  for (auto const& want : c->sync->take_wants()) {
    must(c->sync->on_chunk(want.id, *must(a.chunks->find(want.id))));
  }
  c->scan();
  auto const report = must(c->sync->apply({}, c->now()));
  EXPECT_TRUE(report.no_space);
  EXPECT_EQ(c->sync->fetching(), 0U);
  EXPECT_FALSE(c->disk.look("file"));
  c->disk.remove("filler");
  c->sync->try_again();
  c->apply_from(a);
  EXPECT_EQ(c->read("file"), a.read("file"));
}

TEST_F(Fetching, PassesByWhatNobodyHas) {
  constexpr std::size_t kMany = 3 * Fetcher::kMaxFiles;
  for (std::size_t i = 0; i < kMany; ++i) say_unavailable("a" + std::to_string(i));
  say_all();
  for (int i = 0; i < 5; ++i) a.write("b" + std::to_string(i), "text");
  a.scan();
  exchange();
  b.apply_from(a);
  EXPECT_EQ(b.disk.files().size(), 5U);
  EXPECT_EQ(must(b.sync->pending()).files, kMany);
  EXPECT_LE(b.sync->fetching(), Fetcher::kMaxFiles);
  EXPECT_TRUE(b.sync->any_waiting());
  a.write("c", "it goes on");
  a.scan();
  exchange();
  b.apply_from(a);
  EXPECT_EQ(b.read("c"), "it goes on");
  auto const tmp = must(b.disk.find(".kith/tmp"));
  EXPECT_TRUE(tmp->names.empty()) << "nothing is written of what is not to be had";
}

TEST_F(Fetching, TakesWhatNobodyHadWhenSomebodyHasIt) {
  constexpr int kMany = 600;
  FolderDevice c{3, "phone"};
  join(c);
  for (int i = 0; i < kMany; ++i) c.write("f" + std::to_string(i), "text " + std::to_string(i));
  c.scan();
  exchange();
  b.apply_from(a);
  EXPECT_TRUE(b.disk.files().empty());
  EXPECT_GT(b.sync->take_unwanted().size(), 0U) << "nobody is to send what nobody waits for";
  b.sync->contents_moved();
  b.sync->try_again();
  b.apply_from(c);
  EXPECT_EQ(b.disk.files().size(), static_cast<std::size_t>(kMany));
  EXPECT_EQ(must(b.sync->pending()).files, 0U);
  EXPECT_FALSE(b.sync->any_waiting());
}

TEST_F(Fetching, AFileWithMissingPartsDoesNotHoldUpTheWindow) {
  // Far more than a window of one file's chunks is not to be had, and it is asked for first.
  auto const text = random_text(12 * kMiB);
  a.write("large", text);
  a.scan();
  exchange();
  b.tick();
  must(b.sync->apply({}, b.now()));
  auto const node = b.sync->take_wants();
  ASSERT_EQ(node.size(), 1U);
  must(b.sync->on_chunk(node[0].id, *must(a.chunks->find(node[0].id))));
  must(b.sync->apply({}, b.now()));
  auto const first = b.sync->take_wants();
  EXPECT_GT(first.size(), 30U);
  a.write("small", "text");
  a.write("medium", random_text(kMiB));
  a.scan();
  exchange();
  for (auto const& want : first) EXPECT_TRUE(b.sync->on_missing(want.id));
  for (auto const& want : first) EXPECT_FALSE(b.sync->on_missing(want.id)) << "no news";
  for (int round = 0; round < 5; ++round) {
    b.tick();
    must(b.sync->apply({}, b.now()));
    for (auto const& want : b.sync->take_wants()) must(b.sync->on_chunk(want.id, *must(a.chunks->find(want.id))));
  }
  EXPECT_EQ(b.read("small"), "text");
  EXPECT_EQ(b.read("medium"), a.read("medium"));
  for (auto const& want : first) must(b.sync->on_chunk(want.id, *must(a.chunks->find(want.id))));
  b.apply_from(a);
  EXPECT_EQ(b.read("large"), text);
}

/// A file has to step aside for a directory, and the content that it stood for is nowhere any more.
TEST_F(Fetching, WaitsInPeaceForWhatStandsInTheWay) {
  a.write("pics", "a picture");
  a.write("other", "a text");
  settle();
  wire::FileSet below;
  below.folder = a.sync->id();
  below.path = "pics/one";
  below.mode = 0644;
  below.size = 6;
  below.content = must(a.folders.versions(a.sync->id(), must(RelPath::parse("other")))).front().content;
  ops.emplace_back(std::move(below));
  say_all();
  a.disk.remove("pics");
  b.disk.write_file("pics", bytes_of("edited, and not scanned yet"));
  ::alarm(60);  // the fault that this is about is a round without end
  b.apply_from(a);
  ::alarm(0);
  EXPECT_EQ(b.read("pics"), "edited, and not scanned yet");
  settle();
  expect_same();
  EXPECT_EQ(a.read("pics/one"), "a text");
  EXPECT_TRUE(texts(a).contains("edited, and not scanned yet"));
}

TEST_F(Fetching, SmallFilesDoNotWaitForLargeOnes) {
  for (int i = 0; i < 3; ++i) a.write("large " + std::to_string(i), random_text(16 * kMiB));
  a.scan();
  exchange();
  std::deque<WantedChunk> line;
  std::uint64_t bytes = 0;
  auto const step = [&] {
    b.tick();
    must(b.sync->apply({}, b.now()));
    for (auto const& want : b.sync->take_wants()) line.push_back(want);
    if (line.empty()) return;
    auto const want = line.front();
    line.pop_front();
    bytes += want.length;
    must(b.sync->on_chunk(want.id, *must(a.chunks->find(want.id))));
  };
  while (bytes < kMiB) step();  // the window is full
  for (int i = 0; i < 8; ++i) a.write("small " + std::to_string(i), random_text(60'000));
  a.scan();
  exchange();
  bytes = 0;
  while (b.disk.files().size() < 8 && bytes < 48 * kMiB) step();
  EXPECT_EQ(b.disk.files().size(), 8U);
  EXPECT_LT(bytes, 12 * kMiB) << "what was asked for before them, and a turn each";
}

TEST_F(Fetching, LeavesNoTemporaryFilesOfWhatWasReplaced) {
  a.write("file", random_text(kMiB));
  a.scan();
  exchange();
  b.tick();
  must(b.sync->apply({}, b.now()));
  auto const wants = b.sync->take_wants();
  must(b.sync->on_chunk(wants[0].id, *must(a.chunks->find(wants[0].id))));
  ASSERT_EQ(must(b.disk.find(".kith/tmp"))->names.size(), 1U);
  b.bind("notes");  // the program starts again
  a.write("file", "replaced meanwhile");
  a.scan();
  exchange();
  b.apply_from(a);
  EXPECT_EQ(b.read("file"), "replaced meanwhile");
  EXPECT_TRUE(must(b.disk.find(".kith/tmp"))->names.empty());
}

/// What came from a relay goes from there as soon as this device says that it has it: not before a power failure would
/// leave it here.
TEST_F(Fetching, WhatIsReceivedOfAFileIsNotedOnceItIsDurable) {
  a.write("file", random_text(3 * kMiB));
  a.scan();
  exchange();
  b.tick();
  must(b.sync->apply({}, b.now()));
  std::vector<ChunkId> received;
  for (auto const& want : b.sync->take_wants()) {
    if (received.size() == 5) break;
    ASSERT_TRUE(must(b.sync->on_chunk(want.id, *must(a.chunks->find(want.id)), true)));
    received.push_back(want.id);
  }
  ASSERT_EQ(received.size(), 5U);
  auto const noted = [&] {
    return std::ranges::count_if(received, [&](ChunkId const& id) { return must(b.chunks->holds(id)); });
  };
  EXPECT_EQ(noted(), 0);
  EXPECT_TRUE(b.sync->any_to_keep());
  must(b.sync->keep_received());
  EXPECT_EQ(noted(), 5);
  EXPECT_FALSE(b.sync->any_to_keep());

  b.disk.crash(b.random);
  b.bind("notes");  // the program starts again
  EXPECT_EQ(noted(), 5);
  b.tick();
  must(b.sync->apply({}, b.now()));
  for (auto const& want : b.sync->take_wants()) EXPECT_EQ(std::ranges::count(received, want.id), 0) << "it is there";
  a.write("file", "replaced meanwhile");
  a.scan();
  exchange();
  b.apply_from(a);
  EXPECT_EQ(noted(), 0) << "the temporary file is gone";
}

}  // namespace
}  // namespace kith::files
