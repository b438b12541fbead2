#include <fmt/format.h>

#include "cli/context.hpp"
#include "cli/handlers.hpp"
#include "cli/table.hpp"
#include "core/records.hpp"
#include "engine/error.hpp"
#include "engine/home_database.hpp"

namespace kith::cli {
namespace {

using namespace engine;

/// Every `config` command prints one object of this form; what it does not tell is an empty list.
Json config_json(HomePaths const& paths) {
  auto object = json_document("kith.config/1");
  std::error_code ignored;
  object["file"] = paths.config_file.native();
  object["exists"] = std::filesystem::exists(paths.config_file, ignored);
  object["values"] = Json::array();
  object["problems"] = Json::array();
  return object;
}

Json value_json(ResolvedConfig const& resolved, ConfigKeyInfo const& key) {
  auto const text = setting_text(resolved.config, key.key);
  auto const& origin = resolved.origin(key.key);
  Json object{{"key", key.name}};
  object["value"] = key.kind == ConfigKeyInfo::Kind::number ? Json(std::stoll(text)) : Json(text);
  object["origin"] = origin_name(origin.origin);
  object["source"] = origin.source.empty() ? Json() : Json(origin.source);
  return object;
}

Json problem_json(ConfigFault const& fault) {
  Json object{{"code", code_of(fault)}};
  object["message"] = describe(fault);
  object["source"] = fault.source;
  object["line"] = fault.line == 0 ? Json() : Json(fault.line);
  object["column"] = fault.column == 0 ? Json() : Json(fault.column);
  object["key"] = fault.key.empty() ? Json() : Json(fault.key);
  object["nearest"] = json_or_null(fault.nearest);
  return object;
}

/// The key of this name. @return the failure that says which is near
tl::expected<ConfigKeyInfo const*, ConfigFaults> key_named(std::string const& name) {
  if (auto const* key = find_config_key(name)) return key;
  ConfigFaults faults;
  faults.push_back({ConfigError::unknown_key, {}, 0, 0, name, {}, {}, nearest_config_key(name)});
  return tl::unexpected(std::move(faults));
}

/// Whether the home belongs to a group: asked of its database, which needs no keys for that.
bool is_in_group(HomePaths const& paths) {
  auto const database = engine::HomeDatabase::open(paths, store::OpenMode::existing);
  if (!database) return false;
  auto const genesis = database->store->get(store::Table::meta, bytes_of(core::kGenesisKey));
  return genesis && genesis->has_value();
}

std::string origin_text(OriginNote const& note) {
  return note.source.empty() ? std::string(origin_name(note.origin)) : note.source;
}

}  // namespace

int cmd_config_show(Context& context, ConfigShowOptions const& options) {
  auto const paths = context.home();
  if (!paths) return context.fail(paths.error());
  auto const resolved = context.config();
  if (!resolved) return context.fail(resolved.error());

  auto object = config_json(*paths);
  std::vector<Table::Column> columns{{"KEY", Table::Align::left}, {"VALUE", Table::Align::left}};
  if (options.origin) columns.push_back({"FROM", Table::Align::left});
  Table table(std::move(columns));
  for (auto const& key : config_keys()) {
    object["values"].push_back(value_json(*resolved, key));
    auto const text = setting_text(resolved->config, key.key);
    std::vector<std::string> row{std::string(key.name), text.empty() ? "\"\"" : text};
    if (options.origin) row.push_back(origin_text(resolved->origin(key.key)));
    table.add(std::move(row));
  }
  context.out.document(object);
  context.out.block(table.text(context.out.out_style(), context.out.out_columns()));
  return kExitOk;
}

int cmd_config_get(Context& context, ConfigGetOptions const& options) {
  auto const key = key_named(options.key);
  if (!key) return context.fail(key.error());
  auto const paths = context.home();
  if (!paths) return context.fail(paths.error());
  auto const resolved = context.config();
  if (!resolved) return context.fail(resolved.error());
  auto object = config_json(*paths);
  object["values"].push_back(value_json(*resolved, **key));
  context.out.document(object);
  context.out.result(setting_text(resolved->config, (*key)->key));
  return kExitOk;
}

int cmd_config_set(Context& context, ConfigSetOptions const& options) {
  auto const key = key_named(options.key);
  if (!key) return context.fail(key.error());
  auto paths = context.home();
  if (!paths) return context.fail(paths.error());
  if ((*key)->key == ConfigKey::device_name && is_in_group(*paths))
    return context.fail(Error(EngineError::name_is_the_groups, SubjectDetail{options.value}));
  if (auto const set = set_config(paths->config_file, (*key)->key, options.value); !set)
    return context.fail(set.error());

  auto const resolved = context.config();
  if (!resolved) return context.fail(resolved.error());
  auto object = config_json(*paths);
  object["values"].push_back(value_json(*resolved, **key));
  context.out.document(object);
  context.out.note(fmt::format("{} = \"{}\" in {}", (*key)->name, options.value, paths->config_file.native()));
  auto const& origin = resolved->origin((*key)->key);
  if (origin.origin != Origin::file)
    context.out.warning("config-shadowed", fmt::format("{} counts before the file: {} is \"{}\" now", origin.source,
                                                       (*key)->name, setting_text(resolved->config, (*key)->key)));
  return kExitOk;
}

int cmd_config_check(Context& context, ConfigCheckOptions const&) {
  auto const paths = context.home();
  if (!paths) return context.fail(paths.error());
  auto object = config_json(*paths);
  auto const resolved = context.config();
  if (!resolved) {
    for (auto const& fault : resolved.error()) object["problems"].push_back(problem_json(fault));
    context.out.document(object);
    for (auto const& fault : resolved.error()) context.out.result(describe(fault));
    return context.fail(resolved.error());
  }
  bool const there = object["exists"];
  context.out.document(object);
  context.out.result(there ? fmt::format("{}: ok", paths->config_file.native())
                           : fmt::format("{}: not there, defaults count", paths->config_file.native()));
  return kExitOk;
}

int cmd_config_path(Context& context, ConfigPathOptions const&) {
  auto const paths = context.home();
  if (!paths) return context.fail(paths.error());
  context.out.document(config_json(*paths));
  context.out.result(paths->config_file.native());
  return kExitOk;
}

}  // namespace kith::cli
