#include "cli/progress.hpp"

#include <fmt/format.h>

#include "cli/signals.hpp"
#include "engine/error.hpp"

namespace kith::cli {

Progress::Progress(Output& output, std::string const& begins, std::optional<std::chrono::milliseconds> interval,
                   Instant now)
    : output_(output),
      shown_(!output.json() && !output.quiet()),
      bar_(shown_ && output.err_style().terminal),
      interval_(interval),
      last_frame_(now - kFrame),  // the first figures are shown at once
      last_line_(now) {
  if (shown_ && !bar_ && !begins.empty()) output_.note(begins);
}

Progress::~Progress() {
  if (bar_) output_.set_status("");
}

ProgressPace Progress::pace(ProgressFigures const& figures) const {
  return meter_.pace(figures.bytes_all > figures.bytes_done ? figures.bytes_all - figures.bytes_done : 0);
}

void Progress::update(ProgressFigures const& figures, Instant now) {
  if (!shown_) return;
  if (now - last_frame_ >= kFrame) {
    last_frame_ = now;
    meter_.update(figures.bytes_done, now);
    if (bar_) output_.set_status(progress_bar(figures, pace(figures), output_.err_columns(), output_.err_style().utf8));
  }
  bool const due = !bar_ && interval_ && now - last_line_ >= *interval_;
  if (due) last_line_ = now;
  if (signals::take_progress_request() || due) output_.note(progress_line(figures, pace(figures)));
}

void Progress::finish(std::string const& summary) {
  if (bar_) output_.set_status("");
  if (!summary.empty()) output_.note(summary);
}

Result<std::optional<std::chrono::milliseconds>> progress_interval(engine::Environment const& environment) {
  auto const text = environment.get_filled("KITH_PROGRESS_INTERVAL");
  if (!text) return std::nullopt;
  auto const interval = parse_duration(*text);
  if (interval && interval->count() > 0) return interval;
  return fail(
      engine::EngineError::usage,
      SubjectDetail{fmt::format("KITH_PROGRESS_INTERVAL cannot be \"{}\"; it takes a time such as 30s", *text)});
}

}  // namespace kith::cli
