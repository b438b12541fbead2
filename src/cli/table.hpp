#pragma once

#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace kith::cli {

/// Rows of text under headings, in columns that are as wide as they must be. Cells are escaped.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string heading;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// @param cells  as many as there are columns
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// Lines with ends. On a terminal the last column is cut so that no line wraps, and the headings are bold.
  [[nodiscard]] std::string text(StreamStyle const& style, std::size_t columns) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kith::cli
