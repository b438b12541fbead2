#include "support/folder_group.hpp"
#include "sync/files/chunk_id.hpp"
#include "sync/files/chunker.hpp"

/// Contents that a member writes into the log and that are not what it says. Each concerns its own path only.
namespace kith::files {
namespace {

using testing::FolderDevice;
using testing::must;

/// `a` is the member that lies, `b` the one that takes it in. What `a` says has chunks that `a` gives out.
struct HostileContent : testing::FolderGroup {
  /// Keeps bytes where others can fetch them.
  ChunkId give_out(Bytes const& bytes) {
    auto const id = chunk_id(a.chunks->key(), bytes);
    auto transaction = must(store::Transaction::begin(a.store));
    must(a.chunks->put_blob(id, bytes));
    must(transaction.commit());
    return id;
  }
  Content below(Bytes const& node, std::uint8_t level, std::uint64_t length) {
    return {wire::HashAlg::blake2b_256_keyed, level, {{length, give_out(node)}}};
  }
  Content below(ManifestNode const& node, std::uint64_t length) {
    return below(wire::encode(node), node.level, length);
  }

  void say(std::string const& path, Content content) {
    wire::FileSet set;
    set.folder = a.sync->id();
    set.path = path;
    set.mode = 0644;
    set.size = content_size(content);
    set.content = std::move(content);
    std::vector<wire::Op> ops;
    ops.emplace_back(std::move(set));
    must(a.replica.write(std::move(ops), a.now()));
    b.pull_from(a);
  }
  static std::vector<VersionRow> versions(FolderDevice& device, std::string_view path) {
    return must(device.folders.versions(device.sync->id(), must(RelPath::parse(path))));
  }
  static std::size_t temporary_files(FolderDevice& device) {
    auto const tmp = device.disk.find(".kith/tmp");
    return tmp ? (*tmp)->names.size() : 0;
  }
  /// A folder of b's that counts how often it is asked whether to stop: once for each step of a walk.
  std::unique_ptr<FolderSync> counting_sync(std::uint64_t& steps) {
    auto const open = [this](FolderId const&) -> std::unique_ptr<FileSystem> {
      return std::make_unique<MemoryFileSystem>(b.disk);
    };
    FolderContext context{b.sync->id(), b.store, b.replica, b.folders, *b.chunks, *b.gear, open, [&steps] {
                            ++steps;
                            return false;
                          }};
    return std::make_unique<FolderSync>(std::move(context));
  }
};

constexpr std::uint64_t kMin = kMinChunkBytes, kMax = kMaxChunkBytes;

TEST_F(HostileContent, ConcernsItsPathOnly) {
  a.write("good", "text");
  a.scan();
  ChunkId const some = give_out(Bytes(10, 'x'));
  std::map<std::string, Content> const bad{
      {"bad length", below(ManifestNode{1, {{kMax + 1, some}}}, kMax + 1)},
      {"contradiction", below(ManifestNode{1, {{10, some}}}, 11)},
      {"empty node", below(ManifestNode{1, {}}, 10)},
      {"garbage", below(Bytes{0x93, 0x01}, 1, 10)},
      {"garbage below", below(ManifestNode{2, {{10, give_out(Bytes{0xC1})}}}, 10)},
      {"other level", below(wire::encode(ManifestNode{1, {{10, some}}}), 2, 10)},
      {"tiny chunks", below(ManifestNode{1, {{1, some}, {1, some}}}, 2)},
  };
  for (auto const& [path, content] : bad) say(path, content);
  auto const report = b.apply_from(a);
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"good"});
  std::map<std::string, std::string_view> said;
  for (auto const& skipped : report.skipped) said.emplace(skipped.path, skip_code(skipped.why));
  EXPECT_EQ(report.skipped.size(), bad.size());
  for (auto const& [path, content] : bad) {
    EXPECT_EQ(said[path], "bad-content") << path;
    bool const kept = must(b.chunks->has_blob(content.refs[0].id));
    EXPECT_EQ(kept, path == "garbage below") << path << ": what is no manifest node is not kept";
  }
  EXPECT_EQ(must(work_left(b.store, b.sync->id().view())), WorkLeft::none);
  EXPECT_EQ(must(b.sync->pending()).files, 0U);
  EXPECT_EQ(temporary_files(b), 0U);

  b.bind("notes");  // the program starts again
  a.write("more", "text");
  a.scan();
  b.pull_from(a);
  b.apply_from(a);
  EXPECT_EQ(b.read("more"), "text");
}

TEST_F(HostileContent, GivesWayToTheNextVersion) {
  say("x.txt", below(Bytes{0x93, 0x01}, 1, 10));
  b.apply_from(a);
  a.write("x.txt", "better");
  a.scan();
  b.pull_from(a);
  b.apply_from(a);
  EXPECT_EQ(b.read("x.txt"), "better");
  say("x.txt", below(Bytes{0x93, 0x02}, 1, 10));
  auto const report = b.apply_from(a);
  EXPECT_FALSE(report.skipped.empty()) << "each bad version is told of";
}

TEST_F(HostileContent, TakesNothingFromWhatItNames) {
  // A manifest node of one content, named as another level's by a second one: the first still needs it.
  auto const chunk = give_out(Bytes(10, 'x'));
  auto const node = wire::encode(ManifestNode{1, {{10, chunk}}});
  say("good", below(node, 1, 10));
  b.apply_from(a);
  ASSERT_EQ(b.read("good"), "xxxxxxxxxx");
  say("bad", below(node, 2, 10));
  b.apply_from(a);
  EXPECT_TRUE(must(b.chunks->has_blob(chunk_id(b.chunks->key(), node))));
  EXPECT_EQ(b.read("good"), "xxxxxxxxxx");
  say("a good", below(node, 1, 10));
  say("bad too", below(node, 3, 10));
  b.apply_from(a);
  EXPECT_EQ(b.disk.files(), (std::vector<std::string>{"a good", "good"}));
}

/// 4 levels of nodes, each of which names the one below it 256 times, and a chunk that is not to be had.
TEST_F(HostileContent, OfManyTimesTheSameNodeIsLookedThroughOnce) {
  for (bool const node_missing : {true, false}) {
    std::uint64_t length = kMin;
    ChunkId id = chunk_id(a.chunks->key(), bytes_of("nobody has it"));
    Content top;
    for (std::uint8_t level = 1; level <= kMaxLevel; ++level) {
      ManifestNode const node{level, std::vector<ChunkRef>(kMaxNodeRefs, ChunkRef{length, id})};
      length *= kMaxNodeRefs;
      Bytes const bytes = wire::encode(node);
      bool const left_out = node_missing && level == 1;
      id = left_out ? chunk_id(a.chunks->key(), bytes) : give_out(bytes);
      top = {wire::HashAlg::blake2b_256_keyed, level, {{length, id}}};
    }
    say(node_missing ? "bomb" : "bomb 2", top);
    std::uint64_t steps = 0;
    auto const sync = counting_sync(steps);
    std::set<ChunkId> wanted;
    for (int round = 0; round < 10; ++round) {
      b.tick();
      must(sync->apply({}, b.now()));
      for (auto const& want : sync->take_wants()) {
        wanted.insert(want.id);
        if (auto const bytes = must(a.chunks->find(want.id))) must(sync->on_chunk(want.id, *bytes));
      }
    }
    EXPECT_EQ(wanted.size(), node_missing ? 4U : 2U) << "all nodes; then the one that was missing, and the chunk";
    EXPECT_LT(steps, 100'000U);
  }
}

/// `first` is put in place before the lie is heard of, or not.
struct LyingLengths : HostileContent, ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(All, LyingLengths, ::testing::Bool());

TEST_P(LyingLengths, OverwriteNothing) {
  std::string text(300'000, ' ');
  std::uint64_t x = 1;
  for (auto& c : text) c = static_cast<char>('a' + ((x = x * 6364136223846793005 + 1442695040888963407) >> 60));
  a.write("good", text);
  a.scan();
  b.pull_from(a);
  auto content = versions(a, "good").at(0).content;
  ASSERT_GT(content.refs.size(), 1U);
  if (GetParam()) b.apply_from(a);
  auto shorter = content;
  shorter.refs.resize(1);
  --shorter.refs[0].length;
  auto longer = content;
  ++longer.refs.back().length;
  say("a liar", shorter);
  say("z liar", longer);
  auto const report = b.apply_from(a);
  EXPECT_EQ(b.disk.files(), std::vector<std::string>{"good"});
  EXPECT_EQ(b.read("good"), text);
  EXPECT_EQ(report.skipped,
            (std::vector<Skipped>{{"a liar", Skipped::Why::bad_content}, {"z liar", Skipped::Why::bad_content}}));
  EXPECT_EQ(temporary_files(b), 0U);
}

TEST_F(HostileContent, GarbageForAMarkerIsAnotherDisk) {
  b.write("x", "1");
  for (std::string_view const garbage : {"", "garbage", "\x94\x02"}) {
    b.disk.write_file(".kith/folder", bytes_of(garbage));
    auto const applied = b.sync->apply({}, b.now());
    ASSERT_FALSE(applied);
    EXPECT_TRUE(applied.error().is(FilesError::not_found));
    auto const scanned = b.sync->scan({}, {}, b.now());
    ASSERT_FALSE(scanned);
    EXPECT_TRUE(scanned.error().is(FilesError::not_found));
  }
}

}  // namespace
}  // namespace kith::files
