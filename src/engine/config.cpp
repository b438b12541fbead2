#include "engine/config.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "engine/device_name.hpp"

namespace kith::engine {
namespace {

constexpr std::uint64_t kLeastTrashDays = 1;  ///< with 0, what gives way would be gone at once
constexpr std::uint64_t kMostTrashDays = 36500;

constexpr std::array<ConfigKeyInfo, kConfigKeyCount> kKeys{{
    {ConfigKey::device_name, "device.name", ConfigKeyInfo::Kind::text, "a name of 1 to 255 bytes",
     "this device's name, as others see it"},
    {ConfigKey::network_listen, "network.listen", ConfigKeyInfo::Kind::text, "ADDRESS:PORT, or \"\" for off",
     "where other devices can reach this one"},
    {ConfigKey::defaults_trash_days, "defaults.trash_days", ConfigKeyInfo::Kind::number, "a number of days, 1 to 36500",
     "how long deleted and replaced files are kept"},
    {ConfigKey::defaults_max_delete, "defaults.max_delete", ConfigKeyInfo::Kind::text, "\"25%\", \"100\" or \"none\"",
     "how much may vanish from a folder before it stops"},
    {ConfigKey::log_level, "log.level", ConfigKeyInfo::Kind::text, "error, warn, info or debug",
     "what is written to the log"},
}};

/// A whole decimal number. @return nullopt for signs, spaces, and more than `most`
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number > most) return std::nullopt;
  return number;
}

/// @return no value: not an address; an empty one: off
std::optional<std::optional<link::HostPort>> parse_listen(std::string_view text) {
  if (text.empty()) return std::optional<link::HostPort>{};
  bool const any_port = text.ends_with(":0");  // an address to dial never has port 0, so the parser knows none
  auto parsed =
      link::parse_host_port(any_port ? std::string(text.substr(0, text.size() - 1)) + "1" : std::string(text));
  if (!parsed) return std::nullopt;
  if (any_port) parsed->port = 0;
  bool const literal =
      parsed->host.find(':') != std::string::npos || parsed->host.find_first_not_of("0123456789.") == std::string::npos;
  if (!literal) return std::nullopt;  // a name may mean several addresses, or other ones tomorrow
  return std::optional(std::move(*parsed));
}

}  // namespace

std::string ConfigKeyInfo::variable() const {
  std::string out = "KITH_";
  for (char c : name)
    out += c == '.' ? "__" : std::string(1, static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  return out;
}

std::span<ConfigKeyInfo const, kConfigKeyCount> config_keys() { return kKeys; }

ConfigKeyInfo const& config_key(ConfigKey key) { return kKeys[static_cast<std::size_t>(key)]; }

ConfigKeyInfo const* find_config_key(std::string_view name) {
  auto const found = std::ranges::find(kKeys, name, &ConfigKeyInfo::name);
  return found == kKeys.end() ? nullptr : &*found;
}

std::optional<std::string> nearest_config_key(std::string_view name) {
  std::array<std::string_view, kConfigKeyCount> names, lasts;
  std::ranges::transform(kKeys, names.begin(), &ConfigKeyInfo::name);
  std::ranges::transform(kKeys, lasts.begin(), &ConfigKeyInfo::last);
  if (auto whole = nearest_word(name, names)) return whole;
  auto const last = nearest_word(name.substr(name.rfind('.') + 1), lasts);
  if (!last) return std::nullopt;
  return std::string(names[static_cast<std::size_t>(std::ranges::find(lasts, *last) - lasts.begin())]);
}

bool apply_setting(Config& config, ConfigKey key, std::string_view text) {
  switch (key) {
    case ConfigKey::device_name:
      if (!is_name(text)) return false;
      config.device_name = text;
      return true;
    case ConfigKey::network_listen: {
      auto listen = parse_listen(text);
      if (listen) config.listen = std::move(*listen);
      return listen.has_value();
    }
    case ConfigKey::defaults_trash_days: {
      auto const days = parse_number(text, kMostTrashDays);
      if (!days || *days < kLeastTrashDays) return false;
      config.trash_days = std::chrono::days(*days);
      return true;
    }
    case ConfigKey::defaults_max_delete: {
      auto const guard = parse_max_delete(text);
      if (guard) config.max_delete = *guard;
      return guard.has_value();
    }
    case ConfigKey::log_level: {
      auto const level = parse_log_level(text);
      if (level) config.log_level = *level;
      return level.has_value();
    }
  }
  KITH_UNREACHABLE();
}

std::string setting_text(Config const& config, ConfigKey key) {
  switch (key) {
    case ConfigKey::device_name: return config.device_name;
    case ConfigKey::network_listen: return config.listen ? link::to_text(*config.listen) : "";
    case ConfigKey::defaults_trash_days: return fmt::format("{}", config.trash_days.count());
    case ConfigKey::defaults_max_delete: return max_delete_text(config.max_delete);
    case ConfigKey::log_level: return std::string(log_level_name(config.log_level));
  }
  KITH_UNREACHABLE();
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (auto const level : {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug})
    if (text == log_level_name(level)) return level;
  return std::nullopt;
}

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "error";
    case LogLevel::warn: return "warn";
    case LogLevel::info: return "info";
    case LogLevel::debug: return "debug";
  }
  KITH_UNREACHABLE();
}

std::optional<files::DeleteGuard> parse_max_delete(std::string_view text) {
  files::DeleteGuard guard;
  if (text == "none") {
    guard.off = true;
    return guard;
  }
  bool const percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  auto const number = parse_number(text, percent ? 100 : 1'000'000'000);
  if (!number) return std::nullopt;
  if (percent && *number > 0) {
    guard.max_percent = *number;
  } else {
    guard.max_files = *number;  // 0% lets nothing go, like 0
    guard.max_percent = 0;
  }
  return guard;
}

std::string max_delete_text(files::DeleteGuard guard) {
  if (guard.off) return "none";
  return guard.max_percent > 0 ? fmt::format("{}%", guard.max_percent) : fmt::format("{}", guard.max_files);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLimits.max_name_bytes && is_utf8(text) && printable(text) == text;
}

std::string_view wanted_name(std::string_view text) {
  if (text.empty() || text.size() > kLimits.max_name_bytes) return "a name of 1 to 255 bytes";
  if (!is_utf8(text)) return "a name in UTF-8";
  return "a name without control characters";
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "device";
  std::string text = name.data();
  if (!is_name(text)) return "device";
  return free_name({}, text);  // what a container calls itself would do for an id
}

}  // namespace kith::engine
