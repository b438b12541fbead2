#include "disk/posix_file_system.hpp"

#include <rapidcheck/gtest.h>

#include "disk/posix_world.hpp"
#include "sync/files/file_system_conformance.hpp"
#include "sync/files/memory_world.hpp"

namespace kith::files::conformance {

std::vector<NamedWorld> posix_worlds() {
  std::vector<NamedWorld> worlds;
  for (auto const& [name, options] : disk::all_options())
    worlds.push_back({name, [options = options] { return std::make_unique<disk::PosixWorld>(options); }});
  return worlds;
}

INSTANTIATE_TEST_SUITE_P(Posix, FileSystemConformance, ::testing::ValuesIn(posix_worlds()),
                         [](auto const& world) { return world.param.name; });

}  // namespace kith::files::conformance

namespace kith::disk {
namespace {

using namespace files;
using files::conformance::fails_with;
using files::conformance::kNow;
using files::conformance::MemoryWorld;
using files::conformance::path;
using files::conformance::World;

std::size_t open_descriptors() {
  auto const all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(PosixFileSystem, OpensADirectoryOnly) {
  ScratchDirectory scratch;
  EXPECT_TRUE(PosixFileSystem::open(scratch.path().string()));
  EXPECT_TRUE(fails_with(PosixFileSystem::open((scratch.path() / "no").string()), FilesError::not_found));
  std::ofstream(scratch.path() / "file") << "x";
  EXPECT_TRUE(fails_with(PosixFileSystem::open((scratch.path() / "file").string()), FilesError::not_a_directory));
}

TEST(PosixFileSystem, ErrorsNameTheErrnoAndThePath) {
  PosixWorld world;
  auto const missing = world.fs().stat(path("d/a"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().detail(), ErrorDetail(SystemDetail{ENOENT, "d/a"}));
}

TEST(PosixFileSystem, ItsOwnFilesArePrivate) {
  PosixWorld world;
  auto const old_mask = ::umask(0);
  ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
  ASSERT_TRUE(world.fs().create_temp(TempName("t")));
  world.write("d/a", "x");
  ASSERT_TRUE(world.fs().move_to_trash(path("d/a"), *world.fs().stat(path("d/a")), kNow));
  ::umask(old_mask);
  auto const mode = [&](std::string const& at) {
    struct stat found {};
    EXPECT_EQ(::stat(world.real(at).c_str(), &found), 0) << at;
    return found.st_mode & 0777;
  };
  std::string const stamp = std::string(".kith/trash/") + files::conformance::kStamp;
  for (auto const& directory :
       {std::string(".kith"), std::string(".kith/tmp"), std::string(".kith/trash"), stamp, stamp + "/d"})
    EXPECT_EQ(mode(directory), 0700U) << directory;
  EXPECT_EQ(mode(".kith/folder"), 0600U);
  EXPECT_EQ(mode(".kith/tmp/t"), 0600U);
}

TEST(PosixFileSystem, ModesDoNotDependOnTheUmask) {
  PosixWorld world;
  ASSERT_TRUE(world.fs().write_marker(bytes_of("m")));
  auto const old_mask = ::umask(0077);
  ASSERT_TRUE(world.fs().make_directory(path("d"), 0775));
  {
    auto const temp = world.fs().create_temp(TempName("t"));
    ASSERT_TRUE(temp && (*temp)->set_attributes(0664, 5));
  }
  auto const installed = world.fs().install(TempName("t"), path("d/a"), std::nullopt, kNow);
  ::umask(old_mask);
  ASSERT_TRUE(installed);
  EXPECT_EQ(installed->stat.mode, 0664U);
  EXPECT_EQ(installed->stat.mtime_ns, 5);
  EXPECT_EQ(world.fs().stat(path("d"))->mode, 0775U);
}

TEST(PosixFileSystem, LeavesNoDescriptorOpen) {
  std::size_t const before = open_descriptors();
  for (auto const& [name, options] : all_options()) {
    PosixWorld world(options);
    auto& fs = world.fs();
    std::size_t const base = open_descriptors();
    ASSERT_TRUE(fs.write_marker(bytes_of("m")));
    world.write("d/e/a", "x");
    for (int i = 0; i < 3; ++i) {
      static_cast<void>(fs.list(std::nullopt));
      static_cast<void>(fs.list(path("d/e")));
      static_cast<void>(fs.list(path("d/no/e")));
      static_cast<void>(fs.open_read(path("d/e/a")));
      static_cast<void>(fs.open_read(path("d/e")));
      static_cast<void>(fs.create_temp(TempName("t")));
      static_cast<void>(fs.install(TempName("t"), path("d/e/a"), *fs.stat(path("d/e/a")), kNow));
      static_cast<void>(fs.install(TempName("t"), path("d/e/a"), std::nullopt, kNow));
      static_cast<void>(fs.rename(path("d"), path("f"), kNow));
      static_cast<void>(fs.rename(path("f"), path("d"), kNow));
      static_cast<void>(fs.sync_directory(path("d")));
      static_cast<void>(fs.list_temps());
      static_cast<void>(fs.purge_trash({kNow.ms + 1000}));
    }
    EXPECT_EQ(open_descriptors(), base) << name;
  }
  EXPECT_EQ(open_descriptors(), before);
}

/// One step of a random history, done alike in both worlds.
struct Action {
  int what;
  std::string a, b;
  std::string text;
};

std::string name_of(Error const& error) { return error.name(); }
template <class T>
std::string outcome(Result<T> const& result) {
  return result ? "ok" : name_of(result.error());
}

/// @return what kith was told; user's actions that make no sense are left out, as `reference` knows
std::string act(World& world, MemoryDisk const& reference, Action const& action) {
  auto& fs = world.fs();
  auto const kind = [&](std::string const& at) -> std::optional<Kind> {
    auto const found = reference.look(at);
    return found ? std::optional(found->kind) : std::nullopt;
  };
  auto const parent_is_directory = [&](std::string const& at) {
    auto const parent = path(at).parent();
    return !parent || kind(parent->text()) == Kind::directory;
  };
  switch (action.what) {
    case 0:
      if (parent_is_directory(action.a) && kind(action.a).value_or(Kind::file) == Kind::file)
        world.write(action.a, action.text);
      return "";
    case 1:
      if (parent_is_directory(action.a) && !kind(action.a)) world.make_directory(action.a);
      return "";
    case 2:
      if (kind(action.a)) world.remove(action.a);
      return "";
    case 3: {
      auto temp = fs.create_temp(TempName("t"));
      if (!temp || !(*temp)->write_at(0, bytes_of(action.text)) || !(*temp)->set_attributes(0644, 1)) return "no temp";
      auto const there = fs.stat(path(action.a));
      auto const result = fs.install(TempName("t"), path(action.a), there ? Expect(*there) : std::nullopt, kNow);
      auto const removed = fs.remove_temp(TempName("t"));
      return outcome(result) + (result && result->replaced ? result->replaced->stamp : "") + ' ' + outcome(removed);
    }
    case 4: {
      auto const there = fs.stat(path(action.a));
      if (!there) return outcome(there);
      auto const place = fs.move_to_trash(path(action.a), *there, kNow);
      return outcome(place) + (place ? place->stamp : "");
    }
    case 5: return outcome(fs.rename(path(action.a), path(action.b), kNow));
    case 6: return outcome(fs.make_directory(path(action.a), 0755));
    case 7: return outcome(fs.remove_empty_directory(path(action.a)));
    case 8: return outcome(fs.restore({files::conformance::kStamp, path(action.b)}, path(action.a)));
    default: return outcome(fs.purge_trash({kNow.ms + 1000}));
  }
}

std::string tree(FileSystem& fs, World& world, DirPath const& directory) {
  std::string out;
  auto const entries = fs.list(directory);
  if (!entries) return entries.error().name();
  for (auto const& entry : *entries) {
    auto const at = *child(directory, entry.name);
    out += at.text() + '=' + world.read(at.text()).value_or("") + ' ' + std::to_string(entry.stat.size) + '\n';
    if (entry.stat.kind == Kind::directory) out += tree(fs, world, at);
  }
  return out;
}

RC_GTEST_PROP(PosixFileSystem, DoesWhatTheOneInMemoryDoes, ()) {
  auto const places = rc::gen::element<std::string>("a", "b", "d", "d/a", "d/e", "d/e/a", "b/a", "d/e/f");
  MemoryWorld memory;
  PosixWorld posix;
  RC_ASSERT(memory.fs().write_marker(bytes_of("m")).has_value());
  RC_ASSERT(posix.fs().write_marker(bytes_of("m")).has_value());
  int const steps = *rc::gen::inRange(5, 60);
  for (int i = 0; i < steps; ++i) {
    // Directories and files first, so that the rest has something to work on.
    int const what = *rc::gen::oneOf(rc::gen::element(0, 1), rc::gen::inRange(0, 10));
    Action const action{what, *places, *places, "text " + std::to_string(i)};
    auto& reference = memory.disk();
    std::string const in_posix = act(posix, reference, action);
    std::string const in_memory = act(memory, reference, action);
    RC_LOG() << action.what << ' ' << action.a << ' ' << action.b << ": " << in_memory << '\n';
    RC_ASSERT(in_posix == in_memory);
  }
  RC_ASSERT(tree(posix.fs(), posix, std::nullopt) == tree(memory.fs(), memory, std::nullopt));
}

}  // namespace
}  // namespace kith::disk
