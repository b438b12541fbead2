#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace kith {

/// The enumerators of one module's errors. Each module has one `enum class`, and an `error_domain` found by ADL.
struct ErrorDomain {
  std::string_view name;                    ///< "wire"
  std::string_view (*describe)(int value);  ///< the enumerator's name, for logs: "truncated"
};

template <class E>
concept ErrorEnum = std::is_enum_v<E> && requires(E e) {
  { error_domain(e) } -> std::same_as<ErrorDomain const&>;
};

/// Details that an error may carry, so that whoever shows it can name them. Never a sentence.
struct VersionsDetail {
  std::uint32_t ours_min = 0, ours_max = 0, theirs_min = 0, theirs_max = 0;
  friend bool operator==(VersionsDetail const&, VersionsDetail const&) = default;
};
struct CountDetail {
  std::uint64_t count = 0;  ///< bytes, tries, items: the enumerator says which
  std::uint64_t limit = 0;
  friend bool operator==(CountDetail const&, CountDetail const&) = default;
};
struct SubjectDetail {
  std::string subject;  ///< a path, name or address; never a secret
  friend bool operator==(SubjectDetail const&, SubjectDetail const&) = default;
};
struct SystemDetail {
  int number = 0;       ///< errno
  std::string subject;  ///< the path or address it happened to
  friend bool operator==(SystemDetail const&, SystemDetail const&) = default;
};
using ErrorDetail = std::variant<std::monostate, VersionsDetail, CountDetail, SubjectDetail, SystemDetail>;

/// What went wrong, as a value: a module's enumerator and a small typed detail.
class Error {
 public:
  template <ErrorEnum E>
  Error(E value, ErrorDetail detail = {})  // NOLINT(google-explicit-constructor): an enumerator is an error
      : domain_(&error_domain(value)), value_(static_cast<int>(value)), detail_(std::move(detail)) {}

  template <ErrorEnum E>
  [[nodiscard]] bool is(E value) const {
    return domain_ == &error_domain(value) && value_ == static_cast<int>(value);
  }
  /// The enumerator, if the error is of this module.
  template <ErrorEnum E>
  [[nodiscard]] bool holds() const {
    return domain_ == &error_domain(E{});
  }
  template <ErrorEnum E>
  [[nodiscard]] E as() const {
    return static_cast<E>(value_);
  }

  [[nodiscard]] ErrorDetail const& detail() const { return detail_; }
  /// The detail's subject or path, empty where it has none.
  [[nodiscard]] std::string_view subject() const;
  /// "wire.truncated": for logs and tests; people read the engine's failure table.
  [[nodiscard]] std::string name() const;

  friend bool operator==(Error const& a, Error const& b) {
    return a.domain_ == b.domain_ && a.value_ == b.value_ && a.detail_ == b.detail_;
  }

 private:
  ErrorDomain const* domain_;
  int value_;
  ErrorDetail detail_;
};

}  // namespace kith
