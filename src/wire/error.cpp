#include "wire/error.hpp"

#include "base/assert.hpp"

namespace kith::wire {

ErrorDomain const& error_domain(WireError) {
  static constexpr ErrorDomain domain{"wire", [](int value) -> std::string_view {
                                        switch (static_cast<WireError>(value)) {
                                          case WireError::truncated: return "truncated";
                                          case WireError::trailing_bytes: return "trailing_bytes";
                                          case WireError::wrong_type: return "wrong_type";
                                          case WireError::wrong_length: return "wrong_length";
                                          case WireError::not_canonical: return "not_canonical";
                                          case WireError::too_large: return "too_large";
                                          case WireError::too_deep: return "too_deep";
                                          case WireError::not_utf8: return "not_utf8";
                                          case WireError::bad_value: return "bad_value";
                                          case WireError::unknown_magic: return "unknown_magic";
                                          case WireError::unknown_suite: return "unknown_suite";
                                          case WireError::unknown_version: return "unknown_version";
                                          case WireError::unknown_type: return "unknown_type";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

}  // namespace kith::wire
