#include "sync/files/trash_look.hpp"

#include "support/folder_group.hpp"

/// What the trash keeps when the clock is wrong.
namespace kith::files {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::must;

constexpr days kKeep{30};
constexpr WallTime kToday{1'900'000'000'000};

struct KeptTrash : testing::FolderGroup {
  [[nodiscard]] std::uint64_t look() { return must(b.sync->purge_trash(kKeep, clock)); }
  void pass(std::chrono::milliseconds time) { clock.ms += time.count(); }
  /// Somebody replaces a file; the old one goes to the trash at what the clock says.
  void trash_one() {
    MemoryFileSystem fs(b.disk);
    auto const path = must(RelPath::parse("file " + std::to_string(++count)));
    b.write(path.text(), "text");
    must(fs.move_to_trash(path, must(fs.stat(path)), clock));
  }
  [[nodiscard]] std::size_t kept() { return trash(b).size(); }
  /// The service looks once an hour. @return how many files went
  std::uint64_t run(std::chrono::milliseconds time) {
    std::uint64_t gone = 0;
    for (auto left = time; left >= hours{1}; left -= hours{1}) {
      pass(hours{1});
      gone += look();
    }
    return gone;
  }
  WallTime clock = kToday;
  int count = 0;
};

TEST_F(KeptTrash, GoesAfterItsTime) {
  trash_one();
  EXPECT_EQ(run(kKeep - hours{1}), 0U);
  EXPECT_EQ(run(hours{2}), 1U);
  EXPECT_EQ(kept(), 0U);
}

TEST_F(KeptTrash, GoesThoughTheServiceRunsNowAndThen) {
  trash_one();
  std::uint64_t gone = 0;
  for (int week = 0; week < 6; ++week) {
    gone += look();
    pass(days{7});
  }
  EXPECT_EQ(gone, 1U);
}

TEST_F(KeptTrash, OutlivesAJumpAhead) {
  run(days{3});
  trash_one();
  pass(days{60});
  EXPECT_EQ(look(), 0U);
  pass(minutes{10});
  EXPECT_EQ(look(), 0U);
  pass(-days{60});  // set right
  EXPECT_EQ(run(kKeep - hours{1}), 0U);
  EXPECT_EQ(run(hours{3}), 1U);
}

TEST_F(KeptTrash, OutlivesAClockThatBeginsAt1970) {
  clock = {3'600'000};
  EXPECT_EQ(look(), 0U);
  trash_one();
  pass(minutes{5});
  EXPECT_EQ(look(), 0U);
  clock = kToday;
  EXPECT_EQ(look(), 0U);
  EXPECT_EQ(run(hours{23}), 0U);
  EXPECT_EQ(kept(), 1U);
  EXPECT_EQ(run(hours{2}), 1U);
}

TEST_F(KeptTrash, GoesADayLaterAfterAMonthOff) {
  run(days{3});
  trash_one();
  pass(days{40});
  EXPECT_EQ(run(hours{23}), 0U);
  EXPECT_EQ(run(hours{3}), 1U);
}

TEST(TrashLook, WaitsWhereAClockGoesBackALittle) {
  auto look = TrashLook::after(std::nullopt, kToday, kKeep);
  EXPECT_FALSE(look.may_purge());
  look = TrashLook::after(look, {kToday.ms - 1000}, kKeep);
  EXPECT_EQ(look.even_since.ms, kToday.ms - 1000);
  look = TrashLook::after(look, {kToday.ms + 86'400'000}, kKeep);
  EXPECT_TRUE(look.may_purge());
}

TEST(TrashLook, AllowsTwoDaysBetweenLooksHoweverShortTheTrashIsKept) {
  auto const first = TrashLook::after(std::nullopt, kToday, days{1});
  EXPECT_TRUE(TrashLook::after(first, {kToday.ms + std::chrono::milliseconds(days{2}).count()}, days{1}).may_purge());
  EXPECT_FALSE(TrashLook::after(first, {kToday.ms + std::chrono::milliseconds(days{3}).count()}, days{1}).may_purge());
}

}  // namespace
}  // namespace kith::files
