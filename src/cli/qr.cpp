#include "cli/qr.hpp"

#include <memory>

#include <qrencode.h>

namespace kith::cli {
namespace {

constexpr int kQuietModules = 4;  // ISO/IEC 18004, section 6.3.8
// Of the 256 colours: 16 and 231 are black and white in the cube, which themes leave alone.
constexpr std::string_view kBlackOnWhite = "\x1b[38;5;16;48;5;231m";
constexpr std::string_view kReset = "\x1b[0m";

}  // namespace

std::optional<std::string> qr_code(std::string_view text, StreamStyle const& style, std::size_t columns) {
  if (!style.moves || !style.utf8) return std::nullopt;
  std::unique_ptr<QRcode, decltype(&QRcode_free)> const code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<unsigned char const*>(text.data()), 0,
                        QR_ECLEVEL_L),
      &QRcode_free);
  if (!code) return std::nullopt;
  int const side = code->width + 2 * kQuietModules;
  if (static_cast<std::size_t>(side) > columns) return std::nullopt;
  auto const dark = [&](int row, int column) {
    row -= kQuietModules;
    column -= kQuietModules;
    bool const inside = row >= 0 && column >= 0 && row < code->width && column < code->width;
    return inside && (code->data[row * code->width + column] & 1) != 0;
  };
  std::string out;
  for (int row = 0; row < side; row += 2) {
    out += kBlackOnWhite;
    for (int column = 0; column < side; ++column) {
      bool const upper = dark(row, column), lower = dark(row + 1, column);
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    out += kReset;
    out += '\n';
  }
  return out;
}

}  // namespace kith::cli
