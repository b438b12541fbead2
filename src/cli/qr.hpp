#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/terminal.hpp"

namespace kith::cli {

/// A QR code (ISO/IEC 18004, error correction level L) as lines of half blocks, two modules to a character, black on
/// white whatever the terminal's colours are, with the four light modules around it that readers need.
/// @return nullopt where the stream is no terminal that can show it, or is too narrow; or where the text is too long
[[nodiscard]] std::optional<std::string> qr_code(std::string_view text, StreamStyle const& style, std::size_t columns);

}  // namespace kith::cli
