#include "engine/config.hpp"

#include <gtest/gtest.h>

namespace kith::engine {
namespace {

struct Row {
  ConfigKey key;
  std::string text;
  std::optional<std::string> shown;  ///< nullopt: refused
};

TEST(ConfigValues, WhatEachKeyTakes) {
  using K = ConfigKey;
  std::vector<Row> const rows{
      {K::device_name, "laptop", "laptop"},
      {K::device_name, "Ana's l\xc3\xa4ptop", "Ana's l\xc3\xa4ptop"},
      {K::device_name, std::string(255, 'x'), std::string(255, 'x')},
      {K::device_name, std::string(256, 'x'), {}},
      {K::device_name, "", {}},
      {K::device_name, "two\nlines", {}},
      {K::device_name, "\xff", {}},
      {K::device_name, "\xe2\x80\xaegpj", {}},
      {K::network_listen, "[::]:7427", "[::]:7427"},
      {K::network_listen, "0.0.0.0:1", "0.0.0.0:1"},
      {K::network_listen, "127.0.0.1:65535", "127.0.0.1:65535"},
      {K::network_listen, "[::1]:0", "[::1]:0"},
      {K::network_listen, "0.0.0.0:0", "0.0.0.0:0"},
      {K::network_listen, "", ""},
      {K::network_listen, "7427", {}},
      {K::network_listen, ":7427", {}},
      {K::network_listen, "127.0.0.1", {}},
      {K::network_listen, "127.0.0.1:65536", {}},
      {K::network_listen, "127.0.0.1:", {}},
      {K::network_listen, "::1:7427", {}},
      {K::network_listen, "[::1:7427", {}},
      {K::network_listen, "localhost:7427", {}},
      {K::defaults_trash_days, "0", {}},
      {K::defaults_trash_days, "1", "1"},
      {K::defaults_trash_days, "36500", "36500"},
      {K::defaults_trash_days, "36501", {}},
      {K::defaults_trash_days, "-1", {}},
      {K::defaults_trash_days, "+1", {}},
      {K::defaults_trash_days, "3.5", {}},
      {K::defaults_trash_days, "", {}},
      {K::defaults_trash_days, "30 ", {}},
      {K::defaults_trash_days, "99999999999999999999", {}},
      {K::defaults_max_delete, "25%", "25%"},
      {K::defaults_max_delete, "100%", "100%"},
      {K::defaults_max_delete, "0%", "0"},
      {K::defaults_max_delete, "0", "0"},
      {K::defaults_max_delete, "100", "100"},
      {K::defaults_max_delete, "50", "50"},
      {K::defaults_max_delete, "none", "none"},
      {K::defaults_max_delete, "101%", {}},
      {K::defaults_max_delete, "%", {}},
      {K::defaults_max_delete, "None", {}},
      {K::defaults_max_delete, "", {}},
      {K::defaults_max_delete, "-5", {}},
      {K::defaults_max_delete, "5 %", {}},
      {K::log_level, "error", "error"},
      {K::log_level, "warn", "warn"},
      {K::log_level, "info", "info"},
      {K::log_level, "debug", "debug"},
      {K::log_level, "warning", {}},
      {K::log_level, "WARN", {}},
      {K::log_level, "", {}},
  };
  for (auto const& row : rows) {
    Config config;
    auto const before = setting_text(config, row.key);
    EXPECT_EQ(apply_setting(config, row.key, row.text), row.shown.has_value()) << row.text;
    EXPECT_EQ(setting_text(config, row.key), row.shown.value_or(before)) << row.text;
    if (row.shown) {
      Config again;
      EXPECT_TRUE(apply_setting(again, row.key, *row.shown));  // the text is taken back
      EXPECT_EQ(setting_text(again, row.key), *row.shown);
    }
  }
}

TEST(ConfigValues, TheGuardMeansWhatItSays) {
  auto const stops = [](char const* text, std::uint64_t vanished, std::uint64_t all) {
    return parse_max_delete(text)->stops(vanished, all);
  };
  EXPECT_TRUE(stops("25%", 51, 200));
  EXPECT_FALSE(stops("25%", 50, 200));  // 25 %, exactly
  EXPECT_FALSE(stops("25%", 50, 50));   // few files may all go
  EXPECT_TRUE(stops("10", 11, 1'000'000));
  EXPECT_FALSE(stops("10", 10, 10));
  EXPECT_TRUE(stops("0", 1, 1'000'000));
  EXPECT_TRUE(stops("0%", 1, 1'000'000));
  EXPECT_FALSE(stops("none", 1'000'000, 1'000'000));
}

TEST(ConfigKeys, AreWhatThePageLists) {
  Config config;
  config.device_name = "host";
  std::string all;
  for (auto const& key : config_keys()) {
    EXPECT_EQ(&config_key(key.key), &key);
    EXPECT_EQ(find_config_key(key.name), &key);
    EXPECT_FALSE(key.about.empty());
    all += std::string(key.name) + "=" + setting_text(config, key.key) + " " + key.variable() + "\n";
  }
  EXPECT_EQ(all,
            "device.name=host KITH_DEVICE__NAME\n"
            "network.listen=[::]:7427 KITH_NETWORK__LISTEN\n"
            "defaults.trash_days=30 KITH_DEFAULTS__TRASH_DAYS\n"
            "defaults.max_delete=25% KITH_DEFAULTS__MAX_DELETE\n"
            "log.level=warn KITH_LOG__LEVEL\n");
  EXPECT_EQ(find_config_key("log"), nullptr);
}

TEST(ConfigKeys, TheNearestIsFoundByWholeNameAndByItsLastPart) {
  EXPECT_EQ(nearest_config_key("network.lisen"), "network.listen");
  EXPECT_EQ(nearest_config_key("default.trash_days"), "defaults.trash_days");
  EXPECT_EQ(nearest_config_key("listen"), "network.listen");
  EXPECT_EQ(nearest_config_key("sync.max_delet"), "defaults.max_delete");
  EXPECT_EQ(nearest_config_key("relay.url"), std::nullopt);
}

TEST(HostName, IsADevicesName) {
  Config config;
  EXPECT_TRUE(apply_setting(config, ConfigKey::device_name, host_name()));
}

}  // namespace
}  // namespace kith::engine
