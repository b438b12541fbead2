#include "cli/terminal.hpp"

#include <algorithm>
#include <charconv>

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include "base/text.hpp"

namespace kith::cli {
namespace {

bool speaks_utf8(engine::Environment const& environment) {
  for (auto const* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    auto value = environment.get_filled(name);
    if (!value) continue;  // the first one that is set counts (POSIX, section 8.2)
    std::ranges::transform(*value, value->begin(), ascii_lower);
    return value->find("utf-8") != std::string::npos || value->find("utf8") != std::string::npos;
  }
  return false;
}

struct Character {
  std::size_t bytes;
  std::size_t columns;
};

Character first_character(std::string_view text) {
  utf8proc_int32_t point = -1;
  auto const length = utf8proc_iterate(reinterpret_cast<utf8proc_uint8_t const*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &point);
  if (length <= 0) return {1, 1};
  auto const width = utf8proc_charwidth(point);
  return {static_cast<std::size_t>(length), static_cast<std::size_t>(std::max(width, 0))};
}

}  // namespace

StreamStyle style_of(bool terminal, engine::Environment const& environment, bool no_color) {
  StreamStyle style;
  style.terminal = terminal;
  style.moves = terminal && environment.get_filled("TERM").value_or("dumb") != "dumb";
  style.utf8 = speaks_utf8(environment) && (!terminal || style.moves);
  bool const forced = environment.get_filled("CLICOLOR_FORCE").value_or("0") != "0";
  bool const refused = no_color || environment.get_filled("NO_COLOR").has_value();  // https://no-color.org
  style.color = !refused && (forced || style.moves);
  return style;
}

StreamStyle style_of(int descriptor, engine::Environment const& environment, bool no_color) {
  return style_of(::isatty(descriptor) == 1, environment, no_color);
}

std::size_t terminal_columns(int descriptor, engine::Environment const& environment) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  auto const text = environment.get_filled("COLUMNS").value_or("");
  std::size_t columns = 0;
  std::from_chars(text.data(), text.data() + text.size(), columns);
  return columns > 0 && columns < 10000 ? columns : 80;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    auto const character = first_character(text);
    columns += character.columns;
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns, bool utf8) {
  if (display_width(text) <= columns) return std::string(text);
  std::string_view const mark = utf8 ? "…" : "...";
  auto const mark_columns = display_width(mark);
  auto const room = columns >= mark_columns ? columns - mark_columns : columns;
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    auto const character = first_character(text);
    if (used + character.columns > room) break;
    out += text.substr(0, character.bytes);
    used += character.columns;
    text.remove_prefix(character.bytes);
  }
  if (columns >= mark_columns) out += mark;
  return out;
}

std::string padded(std::string_view text, std::size_t columns) {
  std::string out(text);
  auto const width = display_width(text);
  if (width < columns) out.append(columns - width, ' ');
  return out;
}

}  // namespace kith::cli
