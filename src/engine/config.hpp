#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "link/tcp/address.hpp"
#include "sync/files/scan.hpp"

/// What a user can set, and what the values mean. @see docs/spec/home.md, section "Configuration"
namespace kith::engine {

enum class LogLevel : std::uint8_t { error, warn, info, debug };

/// The configuration as the program uses it: every value has been parsed.
struct Config {
  std::string device_name;                             ///< the host's name unless set
  std::optional<link::HostPort> listen{{"::", 7427}};  ///< nullopt: do not listen; port 0: any free one
  std::chrono::days trash_days{30};                    ///< how long deleted and replaced files are kept
  files::DeleteGuard max_delete;                       ///< when vanished files stop a folder
  LogLevel log_level = LogLevel::warn;
};

enum class ConfigKey : std::uint8_t {
  device_name,
  network_listen,
  defaults_trash_days,
  defaults_max_delete,
  log_level
};
inline constexpr std::size_t kConfigKeyCount = 5;

/// One key, as users know it.
struct ConfigKeyInfo {
  enum class Kind : std::uint8_t { text, number };
  ConfigKey key;
  std::string_view name;      ///< "network.listen": section and name
  Kind kind;                  ///< its type in the file
  std::string_view expected;  ///< what may stand there, for messages
  std::string_view about;     ///< one line
  [[nodiscard]] std::string_view section() const { return name.substr(0, name.find('.')); }
  [[nodiscard]] std::string_view last() const { return name.substr(name.find('.') + 1); }
  [[nodiscard]] std::string variable() const;  ///< "KITH_NETWORK__LISTEN"
};
[[nodiscard]] std::span<ConfigKeyInfo const, kConfigKeyCount> config_keys();
[[nodiscard]] ConfigKeyInfo const& config_key(ConfigKey key);
[[nodiscard]] ConfigKeyInfo const* find_config_key(std::string_view name);
/// The known key that somebody who wrote `name` may have meant: "listen" and "network.lisen" are both network.listen.
[[nodiscard]] std::optional<std::string> nearest_config_key(std::string_view name);

/// Sets one value from its text. @return false, and nothing is changed, where the text means nothing for this key
[[nodiscard]] bool apply_setting(Config& config, ConfigKey key, std::string_view text);
/// The value's text; apply_setting() takes it back.
[[nodiscard]] std::string setting_text(Config const& config, ConfigKey key);

[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view text);
[[nodiscard]] std::string_view log_level_name(LogLevel level);
/// "25%" of a folder and more than 50 files, "100" files, "none".
[[nodiscard]] std::optional<files::DeleteGuard> parse_max_delete(std::string_view text);
[[nodiscard]] std::string max_delete_text(files::DeleteGuard guard);

/// Whether a text may name a device, group, folder or topic: 1 to 255 bytes of UTF-8 that show as what they are.
[[nodiscard]] bool is_name(std::string_view text);
/// What a text that is no name lacks to be one: "a name without control characters".
[[nodiscard]] std::string_view wanted_name(std::string_view text);

/// What this machine calls itself, as a device's name: "device" where it has no usable name.
[[nodiscard]] std::string host_name();

}  // namespace kith::engine
