#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "core/identity.hpp"

namespace kith::cli {

/// The recovery key that the 24 words in a file stand for. @return EngineError::usage where it cannot be read;
/// CryptoError
[[nodiscard]] Result<core::RecoveryKeys> read_recovery_words(std::string const& file);

/// The words of a line, and the first that is no recovery word.
struct TypedWords {
  std::vector<std::string> words;  ///< as the list has them
  std::string wrong;               ///< what stood behind them and is none; empty where all are
};
/// Reads a part of the 24 words as people type them: either case, numbers before them, shortened to four letters.
[[nodiscard]] TypedWords read_typed_words(std::string_view line);

/// Asks for the 24 words at the terminal, one after the other or several in a line, and says at once which is none.
/// @return what a Prompt returns; CryptoError::bad_checksum where they do not belong together, three times
[[nodiscard]] Result<core::RecoveryKeys> ask_recovery_words(Context& context);

}  // namespace kith::cli
