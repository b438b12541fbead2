#pragma once

namespace kith {

/// Whether a program keeps others of its user out of its memory (PR_SET_DUMPABLE). Builds for debuggers, and for
/// sanitizers that look at themselves from outside, are to be looked into.
#if defined(__has_feature)
#define KITH_HAS_FEATURE(feature) __has_feature(feature)
#else
#define KITH_HAS_FEATURE(feature) 0
#endif
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !KITH_HAS_FEATURE(address_sanitizer)
inline constexpr bool kPrivateMemory = true;
#else
inline constexpr bool kPrivateMemory = false;
#endif

}  // namespace kith
