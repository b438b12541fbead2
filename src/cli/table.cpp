#include "cli/table.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace kith::cli {

void Table::add(std::vector<std::string> cells) {
  KITH_ASSERT(cells.size() == columns_.size());
  for (auto& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text(StreamStyle const& style, std::size_t columns) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = display_width(columns_[i].heading);
    for (auto const& row : rows_) width = std::max(width, display_width(row[i]));
    widths.push_back(width);
  }
  auto const line = [&](auto const& cell_of) {
    std::string out;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::string_view const cell = cell_of(i);
      if (columns_[i].align == Align::right) out.append(widths[i] - display_width(cell), ' ');
      out += cell;
      if (i + 1 == columns_.size()) break;
      if (columns_[i].align == Align::left) out.append(widths[i] - display_width(cell), ' ');
      out += "  ";
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return style.terminal ? fitted(out, columns, style.utf8) : out;
  };
  std::string const headings = line([&](std::size_t i) -> std::string_view { return columns_[i].heading; });
  std::string out = style.color ? "\x1b[1m" + headings + "\x1b[0m\n" : headings + "\n";
  for (auto const& row : rows_) out += line([&](std::size_t i) -> std::string_view { return row[i]; }) + "\n";
  return out;
}

}  // namespace kith::cli
