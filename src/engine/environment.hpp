#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace kith::engine {

/// The environment variables, and the umask, as they were when the program began. A value, so that tests bring their
/// own.
class Environment {
 public:
  using Variables = std::map<std::string, std::string, std::less<>>;

  Environment() = default;
  [[nodiscard]] static Environment of(Variables variables) {
    Environment environment;
    environment.variables_ = std::move(variables);
    return environment;
  }
  /// @param user_umask  the process's own may be stricter by now
  [[nodiscard]] static Environment of_process(mode_t user_umask);

  /// The value, also where it is empty.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  /// The value; an empty one counts as not set (XDG Base Directory Specification).
  [[nodiscard]] std::optional<std::string> get_filled(std::string_view name) const;
  [[nodiscard]] Variables const& all() const { return variables_; }
  /// For what is the user's own to show, such as a folder's directory.
  [[nodiscard]] mode_t user_umask() const { return user_umask_; }

 private:
  Variables variables_;
  mode_t user_umask_ = 077;
};

}  // namespace kith::engine
