#include "cli/progress_bar.hpp"

#include <gtest/gtest.h>

#include "cli/terminal.hpp"

namespace kith::cli {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kMiB = 1024 * 1024;

ProgressFigures some_figures() { return {"photos → phone", 1229 * kMiB, 1946 * kMiB, 3204, 5110, "relay"}; }
ProgressPace const kPace{48.1 * 1024 * 1024, 15s};

TEST(ProgressBar, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(
      progress_bar(some_figures(), kPace, 121, true),
      "photos → phone   63%  ━━━━━━━━━━━━━━━━━━╸───────────  1.2/1.9 GiB  48.1 MiB/s  0:15 left  3,204/5,110  relay");
  EXPECT_EQ(
      progress_bar({"photos -> phone", 1229 * kMiB, 1946 * kMiB, 3204, 5110, "relay"}, kPace, 121, false),
      "photos -> phone   63%  [#################>----------]  1.2/1.9 GiB  48.1 MiB/s  0:15 left  3,204/5,110  relay");
}

TEST(ProgressBar, LeavesPartsOutWhereItIsNarrow) {
  EXPECT_EQ(progress_bar(some_figures(), kPace, 60, true),
            "photos → phone   63%  ━━━━━━━╸────  1.2/1.9 GiB  48.1 MiB/s");  // 59 columns
  EXPECT_EQ(progress_bar(some_figures(), kPace, 32, true), "photos → phone   63%  ━━━━━╸───");
  EXPECT_EQ(progress_bar(some_figures(), kPace, 22, true), "photos → phone   63%");
  EXPECT_EQ(progress_bar(some_figures(), kPace, 14, true), "photos …  63%");
}

TEST(ProgressBar, IsNeverWiderThanTheTerminal) {
  auto figures = some_figures();
  for (auto const* title : {"photos → phone", "\u65e5\u672c\u8a9e → \u96fb\u8a71", "a\x1b[2Jb", "",
                            "a very long name of a folder that nobody would ever give"}) {
    figures.title = title;
    for (std::size_t columns = 1; columns < 200; ++columns) {
      for (bool const utf8 : {true, false}) {
        auto const bar = progress_bar(figures, kPace, columns, utf8);
        EXPECT_LE(display_width(bar), columns > 1 ? columns - 1 : 1) << bar;
        EXPECT_EQ(bar.find('\x1b'), std::string::npos);
      }
    }
  }
}

TEST(ProgressBar, KnowsItsEnds) {
  ProgressFigures figures{"x", 0, 1000, 0, 0, ""};
  EXPECT_EQ(progress_bar(figures, {}, 40, true), "x    0%  ╸───────────────────  0/1000 B");
  figures.bytes_done = 999;
  EXPECT_NE(progress_bar(figures, {}, 40, true).find(" 99%"), std::string::npos);  // not 100 before the end
  figures.bytes_done = 1000;
  EXPECT_EQ(progress_bar(figures, {}, 40, true), "x  100%  ━━━━━━━━━━━━━━━━━  1000/1000 B");
  figures.bytes_done = 2000;  // more came than was announced
  EXPECT_NE(progress_bar(figures, {}, 40, true).find("100%"), std::string::npos);
  EXPECT_EQ(progress_bar({"x", 0, 0, 0, 0, ""}, {}, 20, true), "x    0%  ╸─────────");
  EXPECT_NE(progress_bar({"x", 0, 0, 1, 2, ""}, {}, 20, true).find(" 50%"), std::string::npos);
}

TEST(ProgressLine, HasNoBar) {
  EXPECT_EQ(progress_line(some_figures(), kPace),
            "photos → phone 63%  1.2/1.9 GiB  48.1 MiB/s  0:15 left  3,204/5,110  relay");
}

TEST(Texts, NumbersAmountsAndClocks) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(amount_text(0, 1023), "0/1023 B");
  EXPECT_EQ(amount_text(512, 1024), "0.5/1.0 KiB");
  EXPECT_EQ(clock_text(0s), "0:00");
  EXPECT_EQ(clock_text(723s), "12:03");
  EXPECT_EQ(clock_text(3723s), "1:02:03");
  EXPECT_EQ(clock_text(-5s), "0:00");
}

TEST(PaceMeter, FollowsTheRateOfTheLastSeconds) {
  PaceMeter meter;
  PaceMeter::Instant now{};
  EXPECT_FALSE(meter.pace(1000).bytes_per_s);
  meter.update(0, now);
  EXPECT_FALSE(meter.pace(1000).bytes_per_s);  // one look tells no rate
  std::uint64_t done = 0;
  for (int i = 0; i < 10; ++i) meter.update(done += 100, now += 100ms);
  EXPECT_NEAR(*meter.pace(1000).bytes_per_s, 1000, 1);  // right from the start, not slowly rising
  EXPECT_EQ(meter.pace(10'000).left, 10s);
  for (int i = 0; i < 300; ++i) meter.update(done, now += 100ms);  // a stall of 30 s
  EXPECT_LT(*meter.pace(1000).bytes_per_s, 2);
  for (int i = 0; i < 150; ++i) meter.update(done += 1000, now += 100ms);
  EXPECT_NEAR(*meter.pace(1000).bytes_per_s, 10'000, 500);
}

TEST(PaceMeter, PromisesNothingThatItDoesNotKnow) {
  PaceMeter meter;
  PaceMeter::Instant now{};
  meter.update(0, now);
  meter.update(0, now += 1s);
  EXPECT_FALSE(meter.pace(1000).left);  // nothing moves
  meter.update(10, now += 1s);
  EXPECT_FALSE(meter.pace(1'000'000'000'000).left);  // years
  meter.update(5, now += 1s);                        // figures that go back
  meter.update(5, now);                              // and time that stands still
  EXPECT_GE(*meter.pace(1).bytes_per_s, 0);
}

}  // namespace
}  // namespace kith::cli
