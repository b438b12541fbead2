#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/environment.hpp"

/// What can be shown where, and how wide it is.
namespace kith::cli {

/// What one output stream can show.
struct StreamStyle {
  bool terminal = false;
  bool color = false;
  bool utf8 = false;
  bool moves = false;  ///< understands the sequences that clear a line and set colours: no dumb terminal
};

/// Looks at the descriptor and the environment (TERM, LC_ALL, LC_CTYPE, LANG, NO_COLOR, CLICOLOR_FORCE).
/// @param no_color  --no-color
[[nodiscard]] StreamStyle style_of(int descriptor, engine::Environment const& environment, bool no_color);
/// The same without looking: for tests and for style_of().
[[nodiscard]] StreamStyle style_of(bool terminal, engine::Environment const& environment, bool no_color);

/// Columns of the terminal behind a descriptor now; COLUMNS where it does not say, else 80. At least 1.
[[nodiscard]] std::size_t terminal_columns(int descriptor, engine::Environment const& environment);

/// Columns that a text takes: 2 for wide characters, 0 for marks that join the one before.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The text in at most `columns`; where it is cut, an ellipsis ends it ("..." where not UTF-8, or nothing where that
/// does not fit either).
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns, bool utf8);

/// The text with blanks up to `columns`.
[[nodiscard]] std::string padded(std::string_view text, std::size_t columns);

/// Marks for one stream, with stand-ins in ASCII.
struct Glyphs {
  bool utf8 = true;
  [[nodiscard]] std::string_view done() const { return utf8 ? "✓" : "ok"; }
  [[nodiscard]] std::string_view failed() const { return utf8 ? "✗" : "x"; }
  [[nodiscard]] std::string_view dot() const { return utf8 ? "·" : "-"; }
  [[nodiscard]] std::string_view to() const { return utf8 ? "→" : "->"; }
  [[nodiscard]] std::string_view from() const { return utf8 ? "←" : "<-"; }
  [[nodiscard]] std::string_view up() const { return utf8 ? "↑" : "^"; }
  [[nodiscard]] std::string_view down() const { return utf8 ? "↓" : "v"; }
};

}  // namespace kith::cli
