#pragma once

#include <cstdio>
#include <cstdlib>
#include <type_traits>

#include "base/result.hpp"

namespace kith::testing {

/// The value of a Result that cannot fail here; a test that is wrong about that ends at once and says why.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "unexpected error: %s %.*s\n", result.error().name().c_str(),
                 static_cast<int>(result.error().subject().size()), result.error().subject().data());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace kith::testing
