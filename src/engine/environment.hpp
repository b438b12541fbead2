#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kith::engine {

/// The environment variables as they were when the program began. A value, so that tests bring their own.
class Environment {
 public:
  using Variables = std::map<std::string, std::string, std::less<>>;

  Environment() = default;
  [[nodiscard]] static Environment of(Variables variables) {
    Environment environment;
    environment.variables_ = std::move(variables);
    return environment;
  }
  [[nodiscard]] static Environment of_process();

  /// The value, also where it is empty.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  /// The value; an empty one counts as not set (XDG Base Directory Specification).
  [[nodiscard]] std::optional<std::string> get_filled(std::string_view name) const;
  [[nodiscard]] Variables const& all() const { return variables_; }

 private:
  Variables variables_;
};

}  // namespace kith::engine
