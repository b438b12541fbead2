#pragma once

#include <functional>
#include <span>

#include "relay/server/config.hpp"

namespace kith::relay::server {

/// One key of relay.toml. A value reaches `take` in the form that the kind says; it refuses what makes no sense.
struct ConfigKey {
  enum class Kind : std::uint8_t {
    text,
    texts,     ///< a list
    count,     ///< a number of something
    size,      ///< bytes: a number, or a text like "100 MiB"
    duration,  ///< seconds: a number, or a text like "7d"
    boolean,
  };
  using Value = std::variant<std::string, std::vector<std::string>, std::uint64_t, bool>;  ///< a duration in ms

  std::string_view section;
  std::string_view name;
  Kind kind;
  std::string_view preset;    ///< as it stands in a file
  std::string_view expected;  ///< what may stand there
  std::string_view meaning;   ///< for the commented file
  bool (*take)(Config&, Value const&);

  [[nodiscard]] std::string full_name() const { return std::string(section) + "." + std::string(name); }
};

[[nodiscard]] std::span<ConfigKey const> config_keys();

/// A key of other relays, taken so that their files work, and what holds here instead.
struct IdleKey {
  std::string_view full_name;
  std::string_view instead;
};
[[nodiscard]] std::span<IdleKey const> idle_config_keys();

/// After all keys: the rates of a group follow those of a device where the file does not name them.
void fill_in_group_rates(Config& config);

}  // namespace kith::relay::server
