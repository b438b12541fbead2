#include "cli/progress_bar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/terminal.hpp"

namespace kith::cli {
namespace {

constexpr std::size_t kLeastBar = 8, kMostBar = 30;
constexpr std::chrono::hours kLongest{100};

unsigned percent_of(ProgressFigures const& figures) {
  auto const [done, all] = figures.bytes_all > 0 ? std::pair(figures.bytes_done, figures.bytes_all)
                                                 : std::pair(figures.items_done, figures.items_all);
  if (all == 0) return 0;
  if (done >= all) return 100;
  return std::min(99U, static_cast<unsigned>(100.0 * static_cast<double>(done) / static_cast<double>(all)));
}

std::string bar(unsigned percent, std::size_t columns, bool utf8) {
  if (!utf8) columns -= 2;  // brackets
  auto const filled = columns * percent / 100;
  bool const head = filled < columns;
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) {
    if (utf8) {
      out += i < filled ? "━" : i == filled && head ? "╸" : "─";
    } else {
      out += i < filled ? '#' : i == filled && head ? '>' : '-';
    }
  }
  return utf8 ? out : "[" + out + "]";
}

/// What stands right of the bar, the most wanted first.
std::vector<std::string> details(ProgressFigures const& figures, ProgressPace const& pace) {
  std::vector<std::string> parts;
  if (figures.bytes_all > 0) parts.push_back(amount_text(figures.bytes_done, figures.bytes_all));
  if (pace.bytes_per_s)
    parts.push_back(human_bytes(static_cast<std::uint64_t>(std::llround(*pace.bytes_per_s))) + "/s");
  if (pace.left) parts.push_back(clock_text(*pace.left) + " left");
  if (figures.items_all > 1)
    parts.push_back(fmt::format("{}/{}", grouped(figures.items_done), grouped(figures.items_all)));
  if (!figures.path.empty()) parts.push_back(figures.path);
  return parts;
}

}  // namespace

std::string progress_bar(ProgressFigures const& figures, ProgressPace const& pace, std::size_t columns, bool utf8) {
  std::size_t const room = columns > 1 ? columns - 1 : 1;  // the last column makes some terminals wrap
  auto const title = printable(figures.title);
  auto const percent = percent_of(figures);
  auto const number = fmt::format("{:3}%", percent);

  std::string line = title.empty() ? number : fmt::format("{}  {}", title, number);
  if (display_width(line) > room) {
    auto const left = room > number.size() + 1 ? room - number.size() - 1 : 0;
    if (left == 0) return fitted(number, room, false);
    return fmt::format("{} {}", fitted(title, left, utf8), number);
  }
  std::size_t const base = display_width(line);
  std::string right;
  bool const with_bar = base + 2 + kLeastBar <= room;
  std::size_t const used = base + (with_bar ? 2 + kLeastBar : 0);
  for (auto const& part : details(figures, pace)) {
    if (used + display_width(right) + 2 + display_width(part) > room) break;
    right += "  " + part;
  }
  if (with_bar) {
    auto const width = std::min(kMostBar, room - base - 2 - display_width(right));
    line += "  " + bar(percent, width, utf8);
  }
  return line + right;
}

std::string progress_line(ProgressFigures const& figures, ProgressPace const& pace) {
  auto line = fmt::format("{} {}%", printable(figures.title), percent_of(figures));
  for (auto const& part : details(figures, pace)) line += "  " + part;
  return line;
}

std::string amount_text(std::uint64_t done, std::uint64_t all) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  double scale = 1;
  for (; static_cast<double>(all) / scale >= 1024 && unit + 1 < kUnits.size(); ++unit) scale *= 1024;
  if (unit == 0) return fmt::format("{}/{} B", done, all);
  return fmt::format("{:.1f}/{:.1f} {}", static_cast<double>(done) / scale, static_cast<double>(all) / scale,
                     kUnits[unit]);
}

std::string grouped(std::uint64_t number) {
  auto text = fmt::format("{}", number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string clock_text(std::chrono::seconds time) {
  auto const seconds = std::max<std::int64_t>(time.count(), 0);
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

void PaceMeter::update(std::uint64_t bytes_done, Instant now) {
  if (last_ && now > *last_) {
    auto const elapsed = std::chrono::duration<double>(now - *last_).count();
    auto const keep = std::exp2(-elapsed / std::chrono::duration<double>(kHalfLife).count());
    auto const bytes = bytes_done > bytes_ ? static_cast<double>(bytes_done - bytes_) : 0;
    rate_ = keep * rate_ + (1 - keep) * bytes / elapsed;
    weight_ = keep * weight_ + (1 - keep);
  } else if (last_) {
    return;
  }
  last_ = now;
  bytes_ = bytes_done;
}

ProgressPace PaceMeter::pace(std::uint64_t bytes_left) const {
  ProgressPace pace;
  if (weight_ <= 0) return pace;
  pace.bytes_per_s = rate_ / weight_;
  if (*pace.bytes_per_s < 1) return pace;
  auto const seconds = static_cast<double>(bytes_left) / *pace.bytes_per_s;
  if (seconds < std::chrono::duration<double>(kLongest).count())
    pace.left = std::chrono::seconds(static_cast<std::int64_t>(std::ceil(seconds)));
  return pace;
}

}  // namespace kith::cli
