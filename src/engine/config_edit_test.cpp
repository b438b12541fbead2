#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/config_file.hpp"
#include "engine/engine_testing.hpp"

namespace kith::engine {
namespace {

using testing::mode_of;
using testing::TempDir;

std::string edited(std::string_view toml, ConfigKey key, std::string_view value) {
  auto const result = edit_config(toml, "c.toml", key, value);
  return result ? *result : "error " + result.error().front().error.name();
}

struct Row {
  char const* about;
  std::string before;
  ConfigKey key;
  char const* value;
  std::string after;
};

TEST(EditConfig, ChangesOneValueAndNothingElse) {
  using K = ConfigKey;
  std::vector<Row> const rows{
      {"an empty file", "", K::log_level, "info", "[log]\nlevel = \"info\"\n"},
      {"comments stay", "# mine\n[log] # the log\nlevel = \"warn\"   # was loud\n# end\n", K::log_level, "info",
       "# mine\n[log] # the log\nlevel = \"info\"   # was loud\n# end\n"},
      {"a value with a longer text", "[device]\nname = 'a'\n[log]\nlevel='warn'\n", K::device_name, "a longer name",
       "[device]\nname = \"a longer name\"\n[log]\nlevel='warn'\n"},
      {"a number", "[defaults]\ntrash_days = 30 # days\n", K::defaults_trash_days, "7",
       "[defaults]\ntrash_days = 7 # days\n"},
      {"a number in hexadecimal", "[defaults]\ntrash_days = 0x1E\n", K::defaults_trash_days, "7",
       "[defaults]\ntrash_days = 7\n"},
      {"characters of several bytes before it", "device = { name = \"\xc3\xa4\xe6\x97\xa5\" } # \xc3\xa4\n",
       K::device_name, "x", "device = { name = \"x\" } # \xc3\xa4\n"},
      {"a text of several lines", "[device]\nname = \"\"\"\nab\"\"\" # after\n[log]\nlevel = 'warn'\n", K::device_name,
       "x", "[device]\nname = \"x\" # after\n[log]\nlevel = 'warn'\n"},
      {"a dotted key", "log.level = 'warn'\n", K::log_level, "info", "log.level = \"info\"\n"},
      {"a new key in a section, indented like its neighbours",
       "[defaults]\n\ttrash_days = 1 # x\n\n[log]\nlevel = 'warn'\n", K::defaults_max_delete, "10%",
       "[defaults]\n\ttrash_days = 1 # x\n\tmax_delete = \"10%\"\n\n[log]\nlevel = 'warn'\n"},
      {"a new key in an empty section", "[network]\n\n[log]\nlevel = 'warn'\n", K::network_listen, "",
       "[network]\nlisten = \"\"\n\n[log]\nlevel = 'warn'\n"},
      {"a new key in an empty section at the end, no line end", "[network]", K::network_listen, "[::]:1",
       "[network]\nlisten = \"[::]:1\"\n"},
      {"a new key beside dotted ones", "defaults.trash_days = 1\n[log]\nlevel = 'warn'\n", K::defaults_max_delete,
       "none", "defaults.trash_days = 1\ndefaults.max_delete = \"none\"\n[log]\nlevel = 'warn'\n"},
      {"a new section", "[log]\nlevel = 'warn'", K::device_name, "x",
       "[log]\nlevel = 'warn'\n\n[device]\nname = \"x\"\n"},
      {"lines of another system", "[log]\r\nlevel = 'warn'\r\n", K::device_name, "x",
       "[log]\r\nlevel = 'warn'\r\n\r\n[device]\r\nname = \"x\"\r\n"},
      {"a byte order mark", "\xEF\xBB\xBF[log]\nlevel = 'warn'\n", K::log_level, "info",
       "\xEF\xBB\xBF[log]\nlevel = \"info\"\n"},
      {"quotes and backslashes", "[device]\nname = 'x'\n", K::device_name, "a\"b\\c'd",
       "[device]\nname = \"a\\\"b\\\\c'd\"\n"},
      {"a name that looks like a header", "[device]\nname = '[log]'\n", K::log_level, "info",
       "[device]\nname = '[log]'\n\n[log]\nlevel = \"info\"\n"},
      {"the value is written in its own form", "[network]\nlisten = '[::]:1'\n", K::network_listen, "[::]:07427",
       "[network]\nlisten = \"[::]:7427\"\n"},
      {"a bad value is replaced", "[log]\nlevel = 'loud'\n", K::log_level, "info", "[log]\nlevel = \"info\"\n"},
      {"a value of the wrong type is replaced", "[log]\nlevel = [1, 2]\n", K::log_level, "info",
       "[log]\nlevel = \"info\"\n"},
      {"a bad value for it", "[log]\nlevel = 'warn'\n", K::log_level, "loud", "error config.bad_value"},
      {"another fault stays", "[log]\nlevle = 'warn'\n", K::log_level, "info", "error config.unknown_key"},
      {"two faults stay", "[log]\nlevel = 'loud'\nlevle = 'warn'\n", K::log_level, "info", "error config.bad_value"},
      {"no TOML", "[log\n", K::log_level, "info", "error config.syntax"},
      {"an inline section that lacks it", "defaults = { trash_days = 1 }\n", K::defaults_max_delete, "none",
       "error config.not_editable"},
      {"a section of the wrong type", "log = 3\n", K::log_level, "info", "error config.wrong_type"},
  };
  for (auto const& row : rows) EXPECT_EQ(edited(row.before, row.key, row.value), row.after) << row.about;
}

TEST(EditConfig, WhatItWritesReadsBack) {
  std::string text;
  std::vector<std::pair<ConfigKey, std::string>> const steps{{ConfigKey::defaults_max_delete, "none"},
                                                             {ConfigKey::device_name, "a\\\"b'c#d"},
                                                             {ConfigKey::network_listen, ""},
                                                             {ConfigKey::defaults_trash_days, "1"},
                                                             {ConfigKey::log_level, "debug"},
                                                             {ConfigKey::network_listen, "[::1]:0"},
                                                             {ConfigKey::device_name, "z"},
                                                             {ConfigKey::defaults_max_delete, "3"}};
  std::map<ConfigKey, std::string> expected;
  for (auto const& [key, value] : steps) {
    text = edited(text, key, value);
    expected[key] = value;
    auto const parsed = parse_config(text, "c.toml");
    ASSERT_TRUE(parsed) << text;
    std::map<ConfigKey, std::string> found;
    for (auto const& each : *parsed) found[each.key] = each.text;
    EXPECT_EQ(found, expected) << text;
  }
}

TEST(SetConfig, MakesAPrivateFileAndItsDirectories) {
  TempDir const temp;
  ASSERT_TRUE(set_config(temp / "a/b/config.toml", ConfigKey::log_level, "info"));
  EXPECT_EQ(testing::read_file(temp / "a/b/config.toml"), "[log]\nlevel = \"info\"\n");
  EXPECT_EQ(mode_of(temp / "a/b/config.toml"), 0600U);
  EXPECT_EQ(mode_of(temp / "a/b"), 0700U);
  EXPECT_EQ(mode_of(temp / "a"), 0700U);
}

TEST(SetConfig, KeepsModeAndLinks) {
  TempDir const temp;
  testing::write_file(temp / "dotfile", "# mine\n", 0644);
  std::filesystem::create_symlink(temp / "dotfile", temp / "config.toml");
  ASSERT_TRUE(set_config(temp / "config.toml", ConfigKey::log_level, "info"));
  EXPECT_TRUE(std::filesystem::is_symlink(temp / "config.toml"));
  EXPECT_EQ(testing::read_file(temp / "dotfile"), "# mine\n\n[log]\nlevel = \"info\"\n");
  EXPECT_EQ(mode_of(temp / "dotfile"), 0644U);
}

TEST(SetConfig, LeavesABadFileAsItIs) {
  TempDir const temp;
  testing::write_file(temp / "config.toml", "[log\n");
  auto const refused = set_config(temp / "config.toml", ConfigKey::log_level, "info");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().front().error.is(ConfigError::syntax));
  EXPECT_EQ(testing::read_file(temp / "config.toml"), "[log\n");
}

}  // namespace
}  // namespace kith::engine
