#include "relay/server/config.hpp"

#include <charconv>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "relay/server/config_keys.hpp"

namespace kith::relay::server {
namespace {

using Kind = ConfigKey::Kind;

std::string shown(toml::node const& node) {
  std::ostringstream text;
  node.visit([&](auto const& value) { text << value; });
  return std::move(text).str();
}

/// The value in the form that its kind has, nullopt where it has another.
std::optional<ConfigKey::Value> value_of(Kind kind, toml::node const& node) {
  auto const* const number = node.as_integer();
  auto const* const text = node.as_string();
  std::optional<std::uint64_t> plain;
  if (number != nullptr && number->get() >= 0) plain = static_cast<std::uint64_t>(number->get());
  switch (kind) {
    case Kind::text:
      if (text != nullptr) return text->get();
      return std::nullopt;
    case Kind::count: return plain ? std::optional<ConfigKey::Value>(*plain) : std::nullopt;
    case Kind::size: {
      if (text != nullptr) plain = parse_size(text->get());
      return plain ? std::optional<ConfigKey::Value>(*plain) : std::nullopt;
    }
    case Kind::duration: {
      if (plain && *plain < 1'000'000'000) return *plain * 1000;
      if (text == nullptr) return std::nullopt;
      auto const time = parse_duration(text->get());
      return time ? std::optional<ConfigKey::Value>(static_cast<std::uint64_t>(time->count())) : std::nullopt;
    }
    case Kind::boolean:
      if (auto const* const truth = node.as_boolean()) return truth->get();
      return std::nullopt;
    case Kind::texts: {
      if (!node.is_array()) return std::nullopt;
      std::vector<std::string> all;
      for (auto const& each : *node.as_array()) {
        if (!each.is_string()) return std::nullopt;
        all.push_back(each.as_string()->get());
      }
      return all;
    }
  }
  KITH_UNREACHABLE();
}

class Reader {
 public:
  void read(toml::table const& root) {
    for (auto const& [section, node] : root) {
      bool const known = std::ranges::find(config_keys(), section.str(), &ConfigKey::section) != config_keys().end();
      if (!node.is_table() || !known) {
        unknown(std::string(section.str()), section.source());
      } else {
        for (auto const& [key, value] : *node.as_table())
          read_value(fmt::format("{}.{}", section.str(), key.str()), key, value);
      }
    }
  }
  ParsedConfig parsed;
  std::vector<ConfigFault> faults;

 private:
  void read_value(std::string const& name, toml::key const& key, toml::node const& node) {
    auto const found = std::ranges::find(config_keys(), name, &ConfigKey::full_name);
    if (found == config_keys().end()) {
      auto const idle = std::ranges::find(idle_config_keys(), name, &IdleKey::full_name);
      if (idle == idle_config_keys().end()) return unknown(name, key.source());
      parsed.notes.push_back(at(key.source(), name, fmt::format("means nothing here: {}", idle->instead)));
      return;
    }
    auto const value = value_of(found->kind, node);
    if (!value || !found->take(parsed.config, *value))
      faults.push_back(at(node.source(), name, fmt::format("takes {}, not {}", found->expected, shown(node))));
  }
  void unknown(std::string const& name, toml::source_region const& source) {
    std::vector<std::string> names;
    for (auto const& key : config_keys()) names.push_back(key.full_name());
    faults.push_back(at(source, name, "is not known"));
    faults.back().nearest = nearest_word(name, names);
  }
  static ConfigFault at(toml::source_region const& source, std::string where, std::string what) {
    return {std::move(where), source.begin.line, source.begin.column, std::move(what), std::nullopt};
  }
};

void resolve(std::filesystem::path& path, std::filesystem::path const& folder) {
  if (!path.empty()) path = (folder / path).lexically_normal();
}

/// What each key alone cannot know.
void check_together(Config const& config, std::vector<ConfigFault>& faults) {
  auto const fault = [&](std::string where, std::string what) {
    faults.push_back({std::move(where), 0, 0, std::move(what), {}});
  };
  if (config.server.certificate.empty() != config.server.key.empty())
    fault(config.server.key.empty() ? "tls.key" : "tls.certificate", "is missing: TLS needs both files");
  if (config.registration.needs_token && config.registration.tokens_file.empty())
    fault("server.tokens_file", "is missing: registration by token needs tokens");
  if (!config.monitoring || config.monitoring_anywhere) return;
  auto const address = IpAddress::parse(config.monitoring->host);
  if (config.monitoring->host != "localhost" && !(address && address->is_loopback()))
    fault("monitoring.listen", "is not a loopback address: anywhere = true, if that is what you want");
}

}  // namespace

std::string ConfigFault::text(std::string const& file) const {
  auto text = line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
  text +=
      where.empty() ? fmt::format(": {}", printable(what)) : fmt::format(": {} {}", printable(where), printable(what));
  if (nearest) text += fmt::format(" (did you mean {}?)", *nearest);
  return text;
}

tl::expected<ParsedConfig, std::vector<ConfigFault>> parse_config(std::string_view toml,
                                                                  std::filesystem::path const& folder) {
  Reader reader;
  try {
    reader.read(toml::parse(toml));
  } catch (toml::parse_error const& error) {
    auto const begin = error.source().begin;
    return tl::unexpected(
        std::vector<ConfigFault>{{"", begin.line, begin.column, std::string(error.description()), std::nullopt}});
  }
  auto& config = reader.parsed.config;
  fill_in_group_rates(config);
  for (auto* path :
       {&config.database, &config.registration.tokens_file, &config.server.certificate, &config.server.key})
    resolve(*path, folder);
  if (reader.faults.empty()) check_together(config, reader.faults);
  auto const place = [](auto const& each) { return std::pair(each.line, each.column); };
  std::ranges::sort(reader.faults, {}, place);  // toml++ keeps tables by name
  if (!reader.faults.empty()) return tl::unexpected(std::move(reader.faults));
  return std::move(reader.parsed);
}

tl::expected<ParsedConfig, std::vector<ConfigFault>> read_config(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return tl::unexpected(std::vector<ConfigFault>{{"", 0, 0, "cannot be read", std::nullopt}});
  }
  return parse_config(std::move(text).str(), std::filesystem::absolute(file).parent_path());
}

std::string default_config_file() {
  std::string text =
      "# The configuration of kith-relay. Every key is here with its default; what is left out keeps it.\n"
      "# Sizes are bytes or texts like \"100 MiB\", times are seconds or texts like \"7d\".\n"
      "# kith-relay config check FILE says what is wrong; kith-relay reload makes a running relay read it again.\n";
  std::string_view section;
  for (auto const& key : config_keys()) {
    if (std::exchange(section, key.section) != key.section) text += fmt::format("\n[{}]\n", key.section);
    if (!key.meaning.empty()) text += fmt::format("# {}\n", key.meaning);
    text += fmt::format("{} = {}\n", key.name, key.preset);
  }
  return text;
}

std::vector<std::string> changed_restart_keys(Config const& started, Config const& now) {
  std::pair<char const*, bool> const keys[] = {
      {"server.bind", started.server.listen == now.server.listen},
      {"storage.database", started.database == now.database},
      {"storage.checkpoint", started.checkpoint == now.checkpoint},
      {"monitoring.listen", started.monitoring == now.monitoring},
      {"monitoring.anywhere", started.monitoring_anywhere == now.monitoring_anywhere},
  };
  std::vector<std::string> changed;
  for (auto const& [key, same] : keys) {
    if (!same) changed.emplace_back(key);
  }
  return changed;
}

std::optional<link::HostPort> parse_listen(std::string_view text) {
  bool const any_port = text.ends_with(":0");
  std::string const named = any_port ? std::string(text.substr(0, text.size() - 1)) + "1" : std::string(text);
  auto parsed = link::parse_host_port(named);
  if (!parsed) return std::nullopt;
  if (any_port) parsed->port = 0;
  return *parsed;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  static constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {{"", 1},
                                                                          {"B", 1},
                                                                          {"kB", 1000},
                                                                          {"KB", 1000},
                                                                          {"MB", 1000000},
                                                                          {"GB", 1000000000},
                                                                          {"TB", 1000000000000},
                                                                          {"KiB", std::uint64_t{1} << 10},
                                                                          {"MiB", std::uint64_t{1} << 20},
                                                                          {"GiB", std::uint64_t{1} << 30},
                                                                          {"TiB", std::uint64_t{1} << 40}};
  auto const* const found = std::ranges::find(kUnits, unit, [](auto const& each) { return each.first; });
  if (found == std::end(kUnits) || count > (std::uint64_t{1} << 60) / found->second) return std::nullopt;
  return count * found->second;
}

}  // namespace kith::relay::server
