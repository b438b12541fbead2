#include "engine/config_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "disk/system_error.hpp"
#include "engine/home.hpp"
#include "engine/private_file.hpp"

namespace kith::engine {
namespace {

std::string_view describe(int value) {
  switch (static_cast<ConfigError>(value)) {
    case ConfigError::missing: return "missing";
    case ConfigError::too_large: return "too_large";
    case ConfigError::syntax: return "syntax";
    case ConfigError::unknown_key: return "unknown_key";
    case ConfigError::wrong_type: return "wrong_type";
    case ConfigError::bad_value: return "bad_value";
    case ConfigError::not_editable: return "not_editable";
  }
  KITH_UNREACHABLE();
}

std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a section";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
  }
  KITH_UNREACHABLE();
}

/// Collects what one file says.
class FileReader {
 public:
  explicit FileReader(std::string const& name) : name_(name) {}

  void read(toml::table const& root) {
    for (auto const& [key, node] : root) read_section(key, node);
  }
  std::vector<ConfigSetting> settings;
  ConfigFaults faults;

 private:
  void read_section(toml::key const& section, toml::node const& node) {
    bool const known =
        std::ranges::any_of(config_keys(), [&](auto const& key) { return key.section() == section.str(); });
    if (known && !node.is_table()) {
      fault(ConfigError::wrong_type, node.source(), std::string(section.str()), std::string(type_name(node.type())),
            "a section");
    } else if (!node.is_table() || (!known && node.as_table()->empty())) {
      unknown(section, std::string(section.str()));
    } else {
      for (auto const& [key, value] : *node.as_table())
        read_value(key, fmt::format("{}.{}", section.str(), key.str()), value);
    }
  }

  void read_value(toml::key const& key, std::string const& full_name, toml::node const& node) {
    auto const* info = find_config_key(full_name);
    if (info == nullptr) return unknown(key, full_name);
    std::string text;
    if (info->kind == ConfigKeyInfo::Kind::text && node.is_string()) {
      text = node.as_string()->get();
    } else if (info->kind == ConfigKeyInfo::Kind::number && node.is_integer()) {
      text = fmt::format("{}", node.as_integer()->get());
    } else {
      return fault(ConfigError::wrong_type, node.source(), full_name, std::string(type_name(node.type())),
                   std::string(info->expected));
    }
    Config scratch;
    if (!apply_setting(scratch, info->key, text))
      return fault(ConfigError::bad_value, node.source(), full_name, text, std::string(info->expected));
    auto const at = node.source().begin;
    settings.push_back({info->key, std::move(text), at.line, at.column});
  }

  void unknown(toml::key const& key, std::string const& full_name) {
    fault(ConfigError::unknown_key, key.source(), full_name, {}, {});
    faults.back().nearest = nearest_config_key(full_name);
  }
  void fault(ConfigError error, toml::source_region const& at, std::string key, std::string found,
             std::string expected) {
    faults.push_back({error, name_, at.begin.line, at.begin.column, std::move(key), std::move(found),
                      std::move(expected), std::nullopt});
  }

  std::string const& name_;
};

tl::unexpected<ConfigFaults> one_fault(Error error, std::string source) {
  ConfigFaults faults;
  faults.push_back({std::move(error), std::move(source), 0, 0, {}, {}, {}, std::nullopt});
  return tl::unexpected(std::move(faults));
}

struct ConfigText {
  std::string text;
  mode_t mode = 0600;
  bool there = false;
};

ConfigResult<ConfigText> read_text(std::filesystem::path const& path) {
  disk::Fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid() && (errno == ENOENT || errno == ENOTDIR)) return ConfigText{};
  struct stat found {};
  if (!file.valid() || ::fstat(file.get(), &found) != 0)
    return one_fault(disk::fail_errno(errno, path.native()).value(), path);
  auto content = read_to_end(file, kMaxConfigBytes, path);
  if (content) return ConfigText{std::string(content->text()), found.st_mode & 0777U, true};
  if (content.error().is(files::FilesError::too_long))
    return one_fault({ConfigError::too_large, content.error().detail()}, path);
  return one_fault(content.error(), path);
}

}  // namespace

ErrorDomain const& error_domain(ConfigError) {
  static constexpr ErrorDomain domain{"config", describe};
  return domain;
}

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::preset: return "default";
    case Origin::file: return "config";
    case Origin::environment: return "environment";
    case Origin::flag: return "flag";
  }
  KITH_UNREACHABLE();
}

ConfigResult<std::vector<ConfigSetting>> parse_config(std::string_view toml, std::string const& name) {
  FileReader reader(name);
  try {
    reader.read(toml::parse(toml));
  } catch (toml::parse_error const& error) {
    auto faults = one_fault(ConfigError::syntax, name);
    faults.value().front().line = error.source().begin.line;
    faults.value().front().column = error.source().begin.column;
    faults.value().front().found = error.description();
    return faults;
  }
  auto const place = [](auto const& each) { return std::pair(each.line, each.column); };
  std::ranges::sort(reader.faults, {}, place);  // toml++ keeps tables by name
  std::ranges::sort(reader.settings, {}, place);
  if (!reader.faults.empty()) return tl::unexpected(std::move(reader.faults));
  return std::move(reader.settings);
}

ConfigResult<ResolvedConfig> resolve_config(ConfigSources const& sources) {
  ResolvedConfig resolved;
  resolved.config.device_name = sources.host_name.empty() ? host_name() : sources.host_name;
  ConfigFaults faults;
  auto const take = [&](ConfigKey key, std::string_view value, Origin origin, std::string const& source) {
    auto const& info = config_key(key);
    if (apply_setting(resolved.config, key, value)) {
      resolved.origins[static_cast<std::size_t>(key)] = {origin, source};
    } else {
      faults.push_back({ConfigError::bad_value, source, 0, 0, std::string(info.name), std::string(value),
                        std::string(info.expected), std::nullopt});
    }
  };

  std::string const name = sources.file.native();
  auto const text = read_text(sources.file);
  if (!text) return tl::unexpected(text.error());
  if (!text->there && sources.file_named) return one_fault(ConfigError::missing, name);
  if (auto settings = parse_config(text->text, name)) {
    for (auto const& each : *settings)
      take(each.key, each.text, Origin::file, fmt::format("{}:{}:{}", name, each.line, each.column));
  } else {
    faults = std::move(settings).error();
  }

  // KITH_LOG is the short name of KITH_LOG__LEVEL.
  if (auto const level = sources.environment.get_filled("KITH_LOG"))
    take(ConfigKey::log_level, *level, Origin::environment, "KITH_LOG");
  for (auto const& [variable, value] : sources.environment.all()) {
    if (!variable.starts_with("KITH_") || variable.find("__") == std::string::npos) continue;
    auto const known = std::ranges::find(config_keys(), variable, [](auto const& key) { return key.variable(); });
    if (known != config_keys().end()) {
      take(known->key, value, Origin::environment, variable);
      continue;
    }
    std::vector<std::string> variables;
    for (auto const& key : config_keys()) variables.push_back(key.variable());
    faults.push_back({ConfigError::unknown_key, variable, 0, 0, variable, {}, {}, nearest_word(variable, variables)});
  }
  for (auto const& flag : sources.flags) take(flag.key, flag.value, Origin::flag, flag.flag);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return resolved;
}

ConfigResult<void> set_config(std::filesystem::path const& file, ConfigKey key, std::string_view value) {
  std::error_code error;
  auto const real = std::filesystem::canonical(file, error);  // a link into a folder of dotfiles stays one
  auto const& target = error ? file : real;
  auto const old = read_text(target);
  if (!old) return tl::unexpected(old.error());
  auto const changed = edit_config(old->text, file.native(), key, value);
  if (!changed) return tl::unexpected(changed.error());
  if (!old->there) {
    if (auto made = make_directories(target.parent_path()); !made) return one_fault(made.error(), target);
  }
  auto written = write_private_file(target, bytes_of(*changed), Replace::yes, old->there ? old->mode : 0600);
  if (!written) return one_fault(written.error(), target);
  return {};
}

}  // namespace kith::engine
