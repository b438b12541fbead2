#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"

namespace kith::cli {

/// Shows how one transfer goes, on standard error: a bar that is redrawn ten times a second on a terminal; elsewhere a
/// line when it begins and one when it ends, and one each KITH_PROGRESS_INTERVAL. SIGUSR1 gets a line at once. Nothing
/// with --quiet or --json.
class Progress {
 public:
  static constexpr auto kFrame = std::chrono::milliseconds{100};

  /// @param begins    "photos: sending 1.9 GiB to phone": shown where there is no bar
  /// @param interval  between lines where there is no bar; none: only the first and the last
  Progress(Output& output, std::string const& begins, std::optional<std::chrono::milliseconds> interval, Instant now);
  Progress(Progress const&) = delete;
  ~Progress();

  void update(ProgressFigures const& figures, Instant now);
  /// Takes the bar away and says how it ended: "Sent 1.9 GiB in 41 s (46 MiB/s, relay). 5,108 ok, 2 skipped".
  void finish(std::string const& summary);

 private:
  [[nodiscard]] ProgressPace pace(ProgressFigures const& figures) const;
  Output& output_;
  bool shown_;  ///< anything at all
  bool bar_;    ///< on a terminal
  std::optional<std::chrono::milliseconds> interval_;
  PaceMeter meter_;
  Instant last_frame_, last_line_;
};

/// KITH_PROGRESS_INTERVAL. @return EngineError::usage where it is no time
[[nodiscard]] Result<std::optional<std::chrono::milliseconds>> progress_interval(
    engine::Environment const& environment);

}  // namespace kith::cli
