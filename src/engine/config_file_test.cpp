#include "engine/config_file.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/engine_testing.hpp"
#include "sync/files/error.hpp"

namespace kith::engine {
namespace {

using testing::TempDir;
using testing::write_file;

/// "key=text@line:column" for what a text sets, or "code key@line:column" for what is wrong with it.
std::string read(std::string_view toml) {
  auto const parsed = parse_config(toml, "c.toml");
  std::vector<std::string> parts;
  if (parsed) {
    for (auto const& each : *parsed)
      parts.push_back(fmt::format("{}={}@{}:{}", config_key(each.key).name, each.text, each.line, each.column));
  } else {
    for (auto const& each : parsed.error())
      parts.push_back(fmt::format("{} {}@{}:{}{}", each.error.name(), each.key, each.line, each.column,
                                  each.nearest ? " near " + *each.nearest : ""));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

TEST(ParseConfig, ReadsEveryWayOfWritingAKey) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("# only a comment\n"), "");
  EXPECT_EQ(read("[network]\n"), "");
  EXPECT_EQ(read("[device]\nname = \"l\xc3\xa4ptop\" # mine\n[defaults]\n  trash_days = 7\n  max_delete = 'none'\n"),
            "device.name=l\xc3\xa4ptop@2:8; defaults.trash_days=7@4:16; defaults.max_delete=none@5:16");
  EXPECT_EQ(read("log.level = 'debug'\nnetwork = { listen = \"\" }\n"), "log.level=debug@1:13; network.listen=@2:22");
  EXPECT_EQ(read("\xEF\xBB\xBF[log]\r\nlevel=\"info\"\r\n"), "log.level=info@2:7");
  EXPECT_EQ(read("[defaults]\ntrash_days = 0x1E"), "defaults.trash_days=30@2:14");
}

TEST(ParseConfig, NamesThePlaceOfEveryFault) {
  struct Row {
    char const* toml;
    char const* expected;
  };
  std::vector<Row> const rows{
      {"[network]\nlisen = \"\"\n", "config.unknown_key network.lisen@2:1 near network.listen"},
      {"[netwrok]\nlisten = \"\"\n", "config.unknown_key netwrok.listen@2:1 near network.listen"},
      {"[log]\nlevel = \"warn\"\n\n[zzz]\n", "config.unknown_key zzz@4:2"},
      {"listen = \"\"\n", "config.unknown_key listen@1:1 near network.listen"},
      {"[defaults.deep]\nx = 1\n", "config.unknown_key defaults.deep@1:11"},
      {"[log]\nlevel = 3\n", "config.wrong_type log.level@2:9"},
      {"[log]\nlevel = [\"warn\"]\n", "config.wrong_type log.level@2:9"},
      {"[log]\nlevel = true\n", "config.wrong_type log.level@2:9"},
      {"[log]\nlevel = 1979-05-27\n", "config.wrong_type log.level@2:9"},
      {"[defaults]\ntrash_days = \"30\"\n", "config.wrong_type defaults.trash_days@2:14"},
      {"[defaults]\ntrash_days = 3.5\n", "config.wrong_type defaults.trash_days@2:14"},
      {"[defaults]\nmax_delete = 100\n", "config.wrong_type defaults.max_delete@2:14"},
      {"log = \"warn\"\n", "config.wrong_type log@1:7"},
      {"[[device]]\nname = \"a\"\n", "config.wrong_type device@1:1"},
      {"[defaults]\ntrash_days = -1\n", "config.bad_value defaults.trash_days@2:14"},
      {"[defaults]\ntrash_days = 9223372036854775807\n", "config.bad_value defaults.trash_days@2:14"},
      {"[defaults]\nmax_delete = \"lots\"\n", "config.bad_value defaults.max_delete@2:14"},
      {"[network]\nlisten = \"everywhere\"\n", "config.bad_value network.listen@2:10"},
      {"[device]\nname = \"\"\n", "config.bad_value device.name@2:8"},
      {"[device]\nname = \"a\\u0007b\"\n", "config.bad_value device.name@2:8"},
      {"[log]\nlevel = \"loud\"\n", "config.bad_value log.level@2:9"},
      {"[log\nlevel = 1\n", "config.syntax @1:5"},
      {"[log]\nlevel = \n", "config.syntax @2:9"},
      {"[log]\nlevel = \"warn\n", "config.syntax @2:14"},
      {"[log]\nlevel = 'a'\nlevel = 'b'\n", "config.syntax @3:9"},
      {"[log]\n[log]\n", "config.syntax @2:1"},
      {"level = warn\n", "config.syntax @1:9"},
      {"[log]\nlevel = \"\xff\"\n", "config.syntax @2:9"},
      {"just words\n", "config.syntax @1:6"},
  };
  for (auto const& row : rows) EXPECT_EQ(read(row.toml), row.expected) << row.toml;
}

TEST(ParseConfig, ReportsAllFaultsInTheOrderOfTheFile) {
  EXPECT_EQ(read("[zoo]\nx = 1\n[device]\nname = 3\n[log]\nlevel = 'loud'\nlevle = 1\n"),
            "config.unknown_key zoo.x@2:1; config.wrong_type device.name@4:8; config.bad_value log.level@6:9; "
            "config.unknown_key log.levle@7:1 near log.level");
}

class ResolveTest : public ::testing::Test {
 protected:
  /// "value < origin source" of one key, or the faults.
  [[nodiscard]] std::string resolved(ConfigKey key, Environment::Variables variables = {},
                                     std::vector<ConfigFlag> flags = {}, bool named = false) const {
    Environment const environment = Environment::of(std::move(variables));
    auto const got = resolve_config({file, named, environment, std::move(flags), "host"});
    if (!got) {
      std::vector<std::string> parts;
      for (auto const& each : got.error()) parts.push_back(each.error.name() + " " + each.source + " " + each.key);
      return fmt::format("{}", fmt::join(parts, "; "));
    }
    auto const& note = got->origin(key);
    return fmt::format("{} < {} {}", setting_text(got->config, key), origin_name(note.origin), note.source);
  }
  TempDir temp;
  std::filesystem::path const file = temp / "config.toml";
};

TEST_F(ResolveTest, TheStrongerSourceCounts) {
  auto const key = ConfigKey::device_name;
  EXPECT_EQ(resolved(key), "host < default ");
  write_file(file, "[device]\nname = \"of the file\"\n");
  EXPECT_EQ(resolved(key), "of the file < config " + file.string() + ":2:8");
  EXPECT_EQ(resolved(key, {{"KITH_DEVICE__NAME", "of the environment"}}),
            "of the environment < environment KITH_DEVICE__NAME");
  EXPECT_EQ(resolved(key, {{"KITH_DEVICE__NAME", "of the environment"}}, {{key, "--name", "of the flag"}}),
            "of the flag < flag --name");
}

TEST_F(ResolveTest, EveryKeyHasItsVariable) {
  Environment::Variables const variables{{"KITH_DEVICE__NAME", "d"},
                                         {"KITH_NETWORK__LISTEN", ""},
                                         {"KITH_DEFAULTS__TRASH_DAYS", "1"},
                                         {"KITH_DEFAULTS__MAX_DELETE", "2%"},
                                         {"KITH_LOG__LEVEL", "info"}};
  EXPECT_EQ(resolved(ConfigKey::device_name, variables), "d < environment KITH_DEVICE__NAME");
  EXPECT_EQ(resolved(ConfigKey::network_listen, variables), " < environment KITH_NETWORK__LISTEN");  // empty is off
  EXPECT_EQ(resolved(ConfigKey::defaults_trash_days, variables), "1 < environment KITH_DEFAULTS__TRASH_DAYS");
  EXPECT_EQ(resolved(ConfigKey::defaults_max_delete, variables), "2% < environment KITH_DEFAULTS__MAX_DELETE");
  EXPECT_EQ(resolved(ConfigKey::log_level, variables), "info < environment KITH_LOG__LEVEL");
}

TEST_F(ResolveTest, TheLogHasAShortName) {
  EXPECT_EQ(resolved(ConfigKey::log_level, {{"KITH_LOG", "debug"}}), "debug < environment KITH_LOG");
  EXPECT_EQ(resolved(ConfigKey::log_level, {{"KITH_LOG", "debug"}, {"KITH_LOG__LEVEL", "error"}}),
            "error < environment KITH_LOG__LEVEL");
  EXPECT_EQ(resolved(ConfigKey::log_level, {{"KITH_LOG", "loud"}}), "config.bad_value KITH_LOG log.level");
}

TEST_F(ResolveTest, FaultsOfAllSourcesAreReported) {
  write_file(file, "[log]\nlevle = 'warn'\n");
  EXPECT_EQ(
      resolved(ConfigKey::log_level, {{"KITH_DEVICE__NAME", ""}, {"KITH_LOGG__LEVEL", "info"}, {"KITH_HOME", "/x"}},
               {{ConfigKey::defaults_max_delete, "--max-delete", "all"}}),
      "config.unknown_key " + file.string() +
          " log.levle; config.bad_value KITH_DEVICE__NAME device.name; "
          "config.unknown_key KITH_LOGG__LEVEL KITH_LOGG__LEVEL; config.bad_value --max-delete defaults.max_delete");
}

TEST_F(ResolveTest, AMissingFileIsEmptyUnlessItWasNamed) {
  EXPECT_EQ(resolved(ConfigKey::log_level), "warn < default ");
  EXPECT_EQ(resolved(ConfigKey::log_level, {}, {}, true), "config.missing " + file.string() + " ");
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ResolveTest, AFileThatCannotBeReadIsAnError) {
  std::filesystem::create_directory(file);
  EXPECT_EQ(resolved(ConfigKey::log_level), "files.not_a_file " + file.string() + " ");
  std::filesystem::remove(file);
  write_file(file, std::string(kMaxConfigBytes + 1, '#'));
  EXPECT_EQ(resolved(ConfigKey::log_level), "config.too_large " + file.string() + " ");
}

}  // namespace
}  // namespace kith::engine
