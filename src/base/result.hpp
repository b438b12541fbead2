#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "base/error.hpp"

namespace kith {

/// A value, or the reason why there is none. Whatever a peer, disk or user can cause comes back as one of these.
template <class T = void>
using Result = tl::expected<T, Error>;

/// Makes the failing Result: `return fail(WireError::truncated);`
template <ErrorEnum E>
[[nodiscard]] tl::unexpected<Error> fail(E value, ErrorDetail detail = {}) {
  return tl::unexpected<Error>(Error{value, std::move(detail)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace kith

#define KITH_CONCAT_(a, b) a##b
#define KITH_CONCAT(a, b) KITH_CONCAT_(a, b)

/// Returns the error of a failing Result<T> from the calling function, else names its value:
/// `KITH_TRY(header, decode_entry_header(sealed));`
#define KITH_TRY(name, expression)                                                                     \
  auto KITH_CONCAT(name, _result) = (expression);                                                      \
  if (!KITH_CONCAT(name, _result)) return ::kith::fail(std::move(KITH_CONCAT(name, _result)).error()); \
  auto& name = *KITH_CONCAT(name, _result)

/// The same for a Result<> without a value: `KITH_CHECK(store.commit());`
#define KITH_CHECK(expression)                                     \
  do {                                                             \
    if (auto kith_check_result = (expression); !kith_check_result) \
      return ::kith::fail(std::move(kith_check_result).error());   \
  } while (false)
