#include "relay/server/data_folder.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/seeded_random.hpp"

namespace kith::relay::server {
namespace {

struct DataFolderTest : ::testing::Test {
  DataFolderTest() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-data-XXXXXX").native();
    root = ::mkdtemp(name.data());
  }
  ~DataFolderTest() override { std::filesystem::remove_all(root); }
  static unsigned mode_of(std::filesystem::path const& path) {
    struct stat found {};
    ::stat(path.c_str(), &found);
    return found.st_mode & 0777U;
  }
  void write_key(std::string_view text, mode_t mode = 0600) const {
    auto const path = root / "d/relay.key";
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  std::filesystem::path root;
  kith::testing::SeededRandom random{1};
};

TEST_F(DataFolderTest, IsItsOwnersAloneAndTakenOnce) {
  auto first = DataFolder::open(root / "a/b/");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->path(), root / "a/b");
  EXPECT_EQ(mode_of(root / "a/b"), 0700U);
  auto const second = DataFolder::open(root / "a/b");
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ServerError::data_in_use));
  { auto const gone = std::move(*first); }
  EXPECT_TRUE(DataFolder::open(root / "a/b"));
}

TEST_F(DataFolderTest, KeepsTheKeyThatItMade) {
  auto const folder = DataFolder::open(root / "d").value();
  auto const made = folder.key(random).value();
  EXPECT_EQ(mode_of(root / "d/relay.key"), 0600U);
  EXPECT_EQ(folder.key(random)->public_key, made.public_key);
  EXPECT_EQ(folder.key(random)->secret_key, made.secret_key);
}

TEST_F(DataFolderTest, RefusesAKeyThatIsDamagedOrOpenToOthers) {
  auto const folder = DataFolder::open(root / "d").value();
  std::string const good(43, 'A');
  write_key(good + "\n");
  EXPECT_TRUE(folder.key(random));
  for (auto const& text : {std::string(), std::string("x"), std::string(42, 'A'), std::string(200, 'A'), good + " "}) {
    write_key(text);
    auto const key = folder.key(random);
    ASSERT_FALSE(key) << text;
    EXPECT_TRUE(key.error().is(ServerError::bad_key_file)) << text;
  }
  write_key(good, 0640);
  EXPECT_TRUE(folder.key(random).error().is(ServerError::bad_key_file));
}

TEST_F(DataFolderTest, SaysWhereItMayNotWrite) {
  std::ofstream(root / "file") << "x";
  auto const folder = DataFolder::open(root / "file");
  ASSERT_FALSE(folder);
  EXPECT_TRUE(folder.error().is(ServerError::io)) << folder.error().name();
}

}  // namespace
}  // namespace kith::relay::server
