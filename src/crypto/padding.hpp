#pragma once

#include <cstddef>

namespace kith::crypto {

/// PADME: the smallest size >= length whose lower bits are zero, so that a size leaks O(log log length) bits.
/// Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019.
[[nodiscard]] std::size_t padme(std::size_t length);

/// The bucket that an entry's plaintext is padded to: powers of two from 256 bytes to 4 KiB, PADME above.
[[nodiscard]] std::size_t padding_bucket(std::size_t length);

}  // namespace kith::crypto
