#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/config.hpp"
#include "engine/environment.hpp"

/// Reading and changing the configuration file, and settling which of several values counts.
namespace kith::engine {

enum class ConfigError {
  missing,       ///< the file that --config or KITH_CONFIG names is not there
  too_large,     ///< more than kMaxConfigBytes
  syntax,        ///< no TOML
  unknown_key,   ///< a key or section that kith does not know
  wrong_type,    ///< a number where a text belongs, and the like
  bad_value,     ///< a value that its key does not take
  not_editable,  ///< the file says it in a way that cannot be changed without changing more
};

[[nodiscard]] ErrorDomain const& error_domain(ConfigError);

/// What is wrong with one setting, and where it stands.
struct ConfigFault {
  Error error;                         ///< ConfigError, or FilesError for what the system says
  std::string source;                  ///< the file's path, the variable's name or the flag; may be empty
  std::uint32_t line = 0, column = 0;  ///< in characters, from 1; 0 where the source is no file
  std::string key;                     ///< as it was found: "network.lisen"
  std::string found;                   ///< the value or, for bad syntax, what the parser says
  std::string expected;                ///< what may stand there
  std::optional<std::string> nearest;  ///< the key that may be meant
};
using ConfigFaults = std::vector<ConfigFault>;
template <class T>
using ConfigResult = tl::expected<T, ConfigFaults>;

inline constexpr std::size_t kMaxConfigBytes = std::size_t{256} * 1024;

/// A value as one source gives it.
struct ConfigSetting {
  ConfigKey key;
  std::string text;
  std::uint32_t line = 0, column = 0;  ///< of the value
};

/// The settings of a file. Reports everything that is wrong with it at once.
/// @param name  the file's path, for the faults
[[nodiscard]] ConfigResult<std::vector<ConfigSetting>> parse_config(std::string_view toml, std::string const& name);

/// The file's text with one value changed, or added at the end of its section; everything else, comments and order,
/// stays. @return the faults of the old file, bad_value, or not_editable
[[nodiscard]] ConfigResult<std::string> edit_config(std::string_view toml, std::string const& name, ConfigKey key,
                                                    std::string_view value);

enum class Origin : std::uint8_t { preset, file, environment, flag };
[[nodiscard]] std::string_view origin_name(Origin origin);  ///< "default", "config", "environment", "flag"

/// Where the value that counts comes from.
struct OriginNote {
  Origin origin = Origin::preset;
  std::string source;  ///< "/home/ana/.config/kith/config.toml:3:9", "KITH_LOG__LEVEL", "--name"; empty for a default
};

struct ResolvedConfig {
  Config config;
  std::array<OriginNote, kConfigKeyCount> origins;
  [[nodiscard]] OriginNote const& origin(ConfigKey key) const { return origins[static_cast<std::size_t>(key)]; }
};

/// A flag that says what a key says.
struct ConfigFlag {
  ConfigKey key;
  std::string flag;  ///< "--name"
  std::string value;
};

/// All that has a say. A flag goes before the environment, that before the file, that before the default.
struct ConfigSources {
  std::filesystem::path file;
  bool file_named = false;  ///< by the user: then it must be there
  Environment const& environment;
  std::vector<ConfigFlag> flags = {};
  std::string host_name = {};  ///< the default of device.name
};
[[nodiscard]] ConfigResult<ResolvedConfig> resolve_config(ConfigSources const& sources);

/// Changes one value in the file, and makes the file (0600, its directory 0700) where there is none. A file that is
/// reached through a symbolic link is changed where it is, and keeps its mode.
/// @param file_named  as in ConfigSources; the file is made all the same
[[nodiscard]] ConfigResult<void> set_config(std::filesystem::path const& file, ConfigKey key, std::string_view value);

}  // namespace kith::engine
