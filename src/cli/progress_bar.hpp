#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// One line about a transfer, as a pure function of its figures.
namespace kith::cli {

struct ProgressFigures {
  std::string title;                            ///< "photos → phone": made here, names escaped
  std::uint64_t bytes_done = 0, bytes_all = 0;  ///< all = 0: not known yet
  std::uint64_t items_done = 0, items_all = 0;
  std::string path;  ///< "direct"; empty: not known
};

struct ProgressPace {
  std::optional<double> bytes_per_s;
  std::optional<std::chrono::seconds> left;
};

/// "photos → phone   63%  ━━━━━━━━╸─────  1.2/1.9 GiB  48.1 MiB/s  0:15 left  3,204/5,110  relay" in less than
/// `columns` columns, so that no terminal wraps it. Where it is narrow, parts are left out from the right and the title
/// is cut.
[[nodiscard]] std::string progress_bar(ProgressFigures const& figures, ProgressPace const& pace, std::size_t columns,
                                       bool utf8);
/// The same without a bar, for logs.
[[nodiscard]] std::string progress_line(ProgressFigures const& figures, ProgressPace const& pace);

/// "1.2/1.9 GiB": both in the unit of the second.
[[nodiscard]] std::string amount_text(std::uint64_t done, std::uint64_t all);
/// 5110 -> "5,110".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "0:15", "12:03", "1:02:03".
[[nodiscard]] std::string clock_text(std::chrono::seconds time);

/// How fast bytes come, over the last seconds: old figures lose weight, so that a stall shows within seconds and a
/// burst does not promise too much.
class PaceMeter {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr auto kHalfLife = std::chrono::seconds{3};

  void update(std::uint64_t bytes_done, Instant now);
  [[nodiscard]] ProgressPace pace(std::uint64_t bytes_left) const;

 private:
  std::optional<Instant> last_;
  std::uint64_t bytes_ = 0;
  double rate_ = 0;    ///< bytes/s, weighted
  double weight_ = 0;  ///< of all that rate_ stands for: below 1 while little time has passed
};

}  // namespace kith::cli
