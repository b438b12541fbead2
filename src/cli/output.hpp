#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "engine/failure.hpp"
#include "engine/warning_table.hpp"

namespace kith::cli {

/// A warning's code; one without a help page does not compile.
class WarningId {
 public:
  template <std::size_t N>
  consteval WarningId(char const (&code)[N]) : code_(code, N - 1) {  // NOLINT: stands for its literal
    if (!engine::table::warning_is_known(code_)) throw "no such warning code";
  }
  [[nodiscard]] std::string_view text() const { return code_; }

 private:
  std::string_view code_;
};

/// All that the program prints. Results go to standard output, everything else to standard error, where a status line
/// (progress) may stand below. Any thread may call it.
///
/// Texts are lines without their end. Control characters in them are escaped: names and paths come from other machines.
class Output {
 public:
  Output(GlobalOptions const& global, engine::Environment const& environment);
  Output(Output const&) = delete;
  ~Output();

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool quiet() const { return quiet_; }
  [[nodiscard]] StreamStyle const& out_style() const { return out_style_; }
  [[nodiscard]] StreamStyle const& err_style() const { return err_style_; }
  [[nodiscard]] std::size_t out_columns() const;
  [[nodiscard]] std::size_t err_columns() const;
  [[nodiscard]] Glyphs glyphs() const { return {out_style_.utf8}; }

  /// What the command was run for. Nothing with --json.
  void result(std::string_view line);
  /// Bytes as they are, for data that somebody asked for. Nothing with --json.
  void raw(std::string_view bytes);
  /// Text that was made here and may hold line ends and colours (a QR code, a help page). Nothing with --json.
  void block(std::string_view text);
  /// One JSON object on a line of its own; it must have a schema. Nothing without --json.
  void document(Json const& json);

  /// What is good to know: standard error. Nothing with --quiet or --json.
  void note(std::string_view line);
  /// What somebody should look at. With --json an object on standard error; nothing with --quiet.
  void warning(WarningId code, std::string_view line);
  /// What went wrong. @return the failure's exit code
  int failure(engine::Failure const& failure);
  /// A line of the log.
  void log_line(std::string_view line);

  /// The line below everything else on standard error; empty takes it away. For terminals only; not escaped.
  void set_status(std::string line);

  /// Hands everything to the system. @return EngineError::output_failed, once and for all after the first failure
  [[nodiscard]] Result<> flush();

  /// A command to copy, as it must be typed here: with --home, --profile and --config where this run was given them.
  [[nodiscard]] std::string command(std::string_view line) const;
  /// The same for remedies; those for other devices, and what needs no home, stay as they are.
  [[nodiscard]] std::vector<engine::Remedy> commands(std::vector<engine::Remedy> remedies) const;

  /// Colours, where standard output (or standard error) shows them.
  [[nodiscard]] std::string bold(std::string_view text) const;
  [[nodiscard]] std::string dim(std::string_view text) const;

 private:
  void write_out(std::string_view text);
  void write_err(std::string_view text);
  void flush_out();
  void clear_status();
  void draw_status();

  bool json_;
  bool quiet_;
  std::string home_flags_;  ///< "--home DIR ", as far as they were given
  engine::Environment const& environment_;
  StreamStyle out_style_, err_style_;
  std::mutex mutex_;
  std::string pending_;  ///< of standard output
  int out_error_ = 0;    ///< errno of the first write that failed
  std::string status_;
};

/// The failure as people read it, with line ends: what happened, whether the data is safe, why, what to do, the code.
[[nodiscard]] std::string failure_text(engine::Failure const& failure, StreamStyle const& style);
/// The failure as programs read it: kith.error/1.
[[nodiscard]] Json failure_json(engine::Failure const& failure);
/// [{"command","explanation"}]
[[nodiscard]] Json remedies_json(std::vector<engine::Remedy> const& remedies);

}  // namespace kith::cli
