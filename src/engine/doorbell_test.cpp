#include "engine/doorbell.hpp"

#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/must.hpp"

namespace kith::engine {
namespace {

using namespace std::chrono_literals;
using testing::must;

struct Doorbells : ::testing::Test {
  Doorbells() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kith-bell-XXXXXX").string();
    top = ::mkdtemp(pattern.data());
    // Deeper than the address of a socket may be.
    directory = top / std::string(100, 'a') / std::string(100, 'b');
    std::filesystem::create_directories(directory);
  }
  ~Doorbells() override { std::filesystem::remove_all(top); }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (auto const& entry : std::filesystem::directory_iterator(directory)) found.push_back(entry.path().filename());
    return found;
  }
  std::filesystem::path top, directory;
};

TEST_F(Doorbells, WakeEverybodyElse) {
  auto const one = must(Doorbell::open(directory)), other = must(Doorbell::open(directory)),
             third = must(Doorbell::open(directory));
  one->ring();
  EXPECT_TRUE(other->wait(1s));
  EXPECT_TRUE(third->take());
  EXPECT_FALSE(one->take()) << "not itself";
  EXPECT_FALSE(other->wait(0ms)) << "taken";
  for (int i = 0; i < 100'000; ++i) one->ring();
  EXPECT_TRUE(other->take()) << "a full one holds rings enough";
  EXPECT_FALSE(other->take());
}

/// As the program runs: nobody may look into it. The superuser may everything, so the test is somebody else.
TEST_F(Doorbells, WorkInAProcessThatCannotBeLookedInto) {
  constexpr uid_t kNobody = 65534;
  auto const child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (auto const& each : {top, directory.parent_path(), directory})
      if (::geteuid() == 0 && ::chown(each.c_str(), kNobody, kNobody) != 0) ::_exit(1);
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(2);
    if (::prctl(PR_SET_DUMPABLE, 0) != 0) ::_exit(3);
    auto const one = Doorbell::open(directory), other = Doorbell::open(directory);
    if (!one || !other) ::_exit(4);
    (*one)->ring();
    ::_exit((*other)->take() ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Doorbells, OfProcessesThatAreGoneAreTakenAway) {
  auto const here = must(Doorbell::open(directory));
  auto const child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto const there = Doorbell::open(directory);
    ::_exit(there ? 0 : 1);  // without a destructor, as one that is killed
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(names().size(), 2U);
  here->ring();
  EXPECT_EQ(names().size(), 1U);
}

/// Whatever else lies there under such a name is left as it is.
TEST_F(Doorbells, WriteIntoNothingElse) {
  auto const here = must(Doorbell::open(directory));
  std::ofstream(directory / "1-1.bell") << "text";
  std::filesystem::create_symlink(directory / "1-1.bell", directory / "2-2.bell");
  here->ring();
  std::string text;
  std::ifstream(directory / "1-1.bell") >> text;
  EXPECT_EQ(text, "text");
}

TEST_F(Doorbells, GoWithTheirListener) {
  must(Doorbell::open(directory)).reset();
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace kith::engine
