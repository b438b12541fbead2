#pragma once

#include <string>

#include "core/identity.hpp"

namespace kith::cli {

/// The recovery key that the 24 words in a file stand for. @return EngineError::usage where it cannot be read;
/// CryptoError
[[nodiscard]] Result<core::RecoveryKeys> read_recovery_words(std::string const& file);

}  // namespace kith::cli
