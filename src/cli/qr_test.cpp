#include "cli/qr.hpp"

#include <memory>

#include <gtest/gtest.h>
#include <qrencode.h>

namespace kith::cli {
namespace {

constexpr StreamStyle kTerminal{true, true, true, true};
constexpr std::string_view kLink =
    "kith://join#lQHEBkFCQ0RFRsQgAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-RsTE5Mi4xNjguMS4yMDo3NDI3";

/// What a camera sees: rows of dark (true) and light modules, two rows to a line.
std::vector<std::vector<bool>> modules_of(std::string const& text) {
  std::vector<std::vector<bool>> rows;
  std::size_t at = 0;
  while (at < text.size()) {
    auto line = text.substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    constexpr std::string_view start = "\x1b[38;5;16;48;5;231m", end = "\x1b[0m";
    EXPECT_TRUE(line.starts_with(start) && line.ends_with(end));
    line = line.substr(start.size(), line.size() - start.size() - end.size());
    rows.emplace_back();
    rows.emplace_back();
    auto& upper = rows[rows.size() - 2];
    auto& lower = rows.back();
    while (!line.empty()) {
      bool const full = line.starts_with("█"), top = line.starts_with("▀"), bottom = line.starts_with("▄");
      EXPECT_TRUE(full || top || bottom || line.starts_with(' ')) << line;
      upper.push_back(full || top);
      lower.push_back(full || bottom);
      line.erase(0, line.starts_with(' ') ? 1 : 3);
    }
  }
  return rows;
}

TEST(Qr, IsTheCodeWithALightFrame) {
  auto const text = qr_code(kLink, kTerminal, 80);
  ASSERT_TRUE(text);
  auto const rows = modules_of(*text);
  std::unique_ptr<QRcode, decltype(&QRcode_free)> const code(
      QRcode_encodeString8bit(std::string(kLink).c_str(), 0, QR_ECLEVEL_L), &QRcode_free);
  auto const side = static_cast<std::size_t>(code->width);
  ASSERT_GE(rows.size(), side + 8);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ASSERT_EQ(rows[row].size(), side + 8);
    for (std::size_t column = 0; column < side + 8; ++column) {
      bool const inside = row >= 4 && column >= 4 && row < side + 4 && column < side + 4;
      bool const dark = inside && (code->data[(row - 4) * side + column - 4] & 1) != 0;
      EXPECT_EQ(rows[row][column], dark) << row << "," << column;
    }
  }
}

TEST(Qr, GivesWayWhereItCannotBeShown) {
  EXPECT_FALSE(qr_code(kLink, {}, 80));
  EXPECT_FALSE(qr_code(kLink, {true, true, false, true}, 80));   // not UTF-8
  EXPECT_FALSE(qr_code(kLink, {true, false, true, false}, 80));  // a dumb terminal
  EXPECT_TRUE(qr_code(kLink, {true, false, true, true}, 80));    // NO_COLOR: still black on white
  EXPECT_FALSE(qr_code(std::string(3000, 'x'), kTerminal, 1000));
  auto const lines = modules_of(*qr_code(kLink, kTerminal, 80));
  EXPECT_TRUE(qr_code(kLink, kTerminal, lines[0].size()));
  EXPECT_FALSE(qr_code(kLink, kTerminal, lines[0].size() - 1));
}

}  // namespace
}  // namespace kith::cli
