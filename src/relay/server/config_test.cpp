#include "relay/server/config.hpp"

#include <gtest/gtest.h>

#include "relay/server/config_keys.hpp"

namespace kith::relay::server {
namespace {

using namespace std::chrono_literals;

Config good(std::string_view toml) {
  auto parsed = parse_config(toml, "/etc/kith-relay");
  if (!parsed) {
    for (auto const& fault : parsed.error()) ADD_FAILURE() << fault.text("relay.toml");
    return {};
  }
  return parsed->config;
}
std::vector<std::string> faults(std::string_view toml) {
  std::vector<std::string> texts;
  if (auto const parsed = parse_config(toml, "/etc/kith-relay"); !parsed)
    for (auto const& fault : parsed.error()) texts.push_back(fault.text("relay.toml"));
  return texts;
}
using Strings = std::vector<std::string>;

TEST(RelayConfig, NeedsNoFile) {
  auto const config = good("");
  EXPECT_EQ(config.server.listen, (link::HostPort{"127.0.0.1", 8080}));
  EXPECT_EQ(config.monitoring, (link::HostPort{"127.0.0.1", 9427}));
  EXPECT_FALSE(config.registration.needs_token);
}

TEST(RelayConfig, ReadsEveryKey) {
  auto const config = good(R"(
[server]
bind = "[::]:9000"
url = "wss://sync.example.org"
max_connections = 5
trusted_proxies = ["10.0.0.0/8"]
registration = "token"
tokens_file = "tokens"
hashcash_bits = 22
[storage]
database = "/srv/relay.db"
max_group_storage = "100 MiB"
max_db_size = 1073741824
default_ttl = 604800
max_item_ttl = "2d"
checkpoint = "external"
[cleanup]
interval = 3600
[limits]
groups = 7
connections_per_ip = 10
messages_per_minute = 600
bytes_per_second = "1 MiB"
[invites]
open = 9
longest = "5m"
boxes = 20
claims = 3
creates_per_minute = 50
claims_per_minute = 51
misses_per_minute = 52
[tls]
certificate = "tls/cert.pem"
key = "../key.pem"
[monitoring]
listen = "0.0.0.0:9999"
anywhere = true
[log]
level = "debug"
addresses = true
)");
  EXPECT_EQ(config.server.listen, (link::HostPort{"::", 9000}));
  EXPECT_EQ(config.url, "wss://sync.example.org");
  EXPECT_EQ(config.server.limits.max_connections, 5U);
  ASSERT_EQ(config.server.trusted_proxies.size(), 1U);
  EXPECT_TRUE(config.server.trusted_proxies[0].contains(*IpAddress::parse("10.9.9.9")));
  EXPECT_TRUE(config.registration.needs_token);
  EXPECT_EQ(config.registration.tokens_file, "/etc/kith-relay/tokens");
  EXPECT_EQ(config.registration.hashcash_bits, 22U);
  EXPECT_EQ(config.database, "/srv/relay.db");
  EXPECT_EQ(config.rules.store.group_quota_bytes, 100U << 20);
  EXPECT_EQ(config.rules.store.max_bytes, 1U << 30);
  EXPECT_EQ(config.rules.store.max_object_ttl, 7 * 24h);
  EXPECT_EQ(config.rules.store.max_item_ttl, 48h);
  EXPECT_EQ(config.checkpoint, Checkpoint::external);
  EXPECT_EQ(config.rules.sweep_interval, 1h);
  EXPECT_EQ(config.rules.store.max_groups, 7U);
  EXPECT_EQ(config.server.limits.connections_per_client, 10U);
  EXPECT_EQ(config.rules.device_orders.per_second, 10);
  EXPECT_EQ(config.rules.device_orders.burst, 200);
  EXPECT_EQ(config.rules.device_bytes.per_second, 1 << 20);
  EXPECT_EQ(config.invites.max_open, 9U);
  EXPECT_EQ(config.invites.longest, 300s);
  EXPECT_EQ(config.invites.boxes_per_direction, 20U);
  EXPECT_EQ(config.invites.claims_per_invite, 3U);
  EXPECT_EQ(config.invite_rates.creates_per_minute, 50U);
  EXPECT_EQ(config.invite_rates.claims_per_minute, 51U);
  EXPECT_EQ(config.invite_rates.misses_per_minute, 52U);
  EXPECT_EQ(config.server.certificate, "/etc/kith-relay/tls/cert.pem");
  EXPECT_EQ(config.server.key, "/etc/key.pem");
  EXPECT_EQ(config.monitoring, (link::HostPort{"0.0.0.0", 9999}));
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_TRUE(config.log_addresses);
}

TEST(RelayConfig, AGroupHasFourTimesWhatADeviceHasUnlessTheFileSaysMore) {
  auto const unsaid = good("[limits]\nmessages_per_minute = 600000\nbytes_per_second = \"40 MB\"\n").rules;
  EXPECT_EQ(unsaid.group_orders.per_second, 40'000);
  EXPECT_EQ(unsaid.group_orders.burst, 800'000);
  EXPECT_EQ(unsaid.group_bytes.per_second, 160e6);
  EXPECT_EQ(good("").rules.group_bytes.per_second, Settings{}.group_bytes.per_second);
  EXPECT_EQ(good("").rules.group_orders.burst, Settings{}.group_orders.burst);
  auto const said = good("[limits]\ngroup_messages_per_minute = 6000\ngroup_bytes_per_second = \"1 MB\"\n").rules;
  EXPECT_EQ(said.group_orders.per_second, 100);
  EXPECT_EQ(said.group_bytes.per_second, 1e6);
  EXPECT_EQ(said.group_bytes.burst, 8e6);
}

TEST(RelayConfig, WritesAFileThatSaysEveryDefault) {
  auto const file = default_config_file();
  auto const config = good(file);
  auto const none = good("");
  for (auto const& key : config_keys())
    EXPECT_NE(file.find("\n" + std::string(key.name) + " = "), std::string::npos) << key.name;
  // Reading it changes nothing: what it says is what holds without it.
  EXPECT_EQ(config.server.listen, none.server.listen);
  EXPECT_EQ(config.server.limits.max_connections, none.server.limits.max_connections);
  EXPECT_EQ(config.server.limits.connections_per_client, none.server.limits.connections_per_client);
  EXPECT_EQ(config.server.trusted_proxies.size(), none.server.trusted_proxies.size());
  EXPECT_EQ(config.registration.hashcash_bits, none.registration.hashcash_bits);
  EXPECT_EQ(config.rules.store.max_groups, none.rules.store.max_groups);
  EXPECT_EQ(config.rules.store.group_quota_bytes, none.rules.store.group_quota_bytes);
  EXPECT_EQ(config.rules.store.max_bytes, none.rules.store.max_bytes);
  EXPECT_EQ(config.rules.store.max_item_ttl, none.rules.store.max_item_ttl);
  EXPECT_EQ(config.rules.store.max_object_ttl, none.rules.store.max_object_ttl);
  EXPECT_EQ(config.rules.sweep_interval, none.rules.sweep_interval);
  EXPECT_EQ(config.rules.device_orders.per_second, none.rules.device_orders.per_second);
  EXPECT_EQ(config.rules.device_orders.burst, none.rules.device_orders.burst);
  EXPECT_EQ(config.rules.device_bytes.per_second, none.rules.device_bytes.per_second);
  EXPECT_EQ(config.rules.device_bytes.burst, none.rules.device_bytes.burst);
  EXPECT_EQ(config.rules.group_orders.per_second, none.rules.group_orders.per_second);
  EXPECT_EQ(config.rules.group_bytes.burst, none.rules.group_bytes.burst);
  EXPECT_EQ(config.invites.max_open, none.invites.max_open);
  EXPECT_EQ(config.invites.longest, none.invites.longest);
  EXPECT_EQ(config.invites.boxes_per_direction, none.invites.boxes_per_direction);
  EXPECT_EQ(config.invites.claims_per_invite, none.invites.claims_per_invite);
  EXPECT_EQ(config.invite_rates.creates_per_minute, none.invite_rates.creates_per_minute);
  EXPECT_EQ(config.invite_rates.claims_per_minute, none.invite_rates.claims_per_minute);
  EXPECT_EQ(config.invite_rates.misses_per_minute, none.invite_rates.misses_per_minute);
  EXPECT_EQ(config.monitoring, none.monitoring);
  EXPECT_EQ(config.log_level, none.log_level);
}

TEST(RelayConfig, SaysWhereAndWhatIsWrongAndAllOfIt) {
  EXPECT_EQ(faults("[server]\nmax_conections = 5\n[log]\nlevel = 3\n[srver]\nbind = \"x\"\n"),
            (Strings{"relay.toml:2:1: server.max_conections is not known (did you mean server.max_connections?)",
                     "relay.toml:4:9: log.level takes error, warn, info or debug, not 3",
                     "relay.toml:5:2: srver is not known"}));
  EXPECT_EQ(faults("[server\n").size(), 1U);
  EXPECT_TRUE(faults("[server\n")[0].starts_with("relay.toml:1:8: ")) << faults("[server\n")[0];
  EXPECT_EQ(faults("bind = 3\n"), (Strings{"relay.toml:1:1: bind is not known"}));
}

TEST(RelayConfig, RefusesValuesThatMakeNoSense) {
  for (auto const* toml : {"[server]\nbind = \"8080\"",
                           "[server]\nbind = 8080",
                           "[server]\nbind = \"\"",
                           "[server]\nmax_connections = 0",
                           "[server]\nmax_connections = -1",
                           "[server]\nmax_connections = \"5\"",
                           "[server]\nmax_connections = 1.5",
                           "[server]\nurl = \"http://x\"",
                           "[server]\ntrusted_proxies = \"10.0.0.0/8\"",
                           "[server]\ntrusted_proxies = [\"x\"]",
                           "[server]\ntrusted_proxies = [1]",
                           "[server]\nregistration = \"closed\"",
                           "[storage]\nmax_db_size = \"1 MIB\"",
                           "[storage]\nmax_db_size = 1000",
                           "[storage]\ndefault_ttl = \"7 days\"",
                           "[storage]\ndefault_ttl = 0",
                           "[storage]\ndefault_ttl = \"23h\"",
                           "[storage]\ncheckpoint = \"both\"",
                           "[cleanup]\ninterval = \"2d\"",
                           "[monitoring]\nlisten = \"x\"",
                           "[log]\naddresses = \"yes\"",
                           "[log]\nlevel = \"loud\"",
                           "[limits]\nmessages_per_minute = 59"})
    EXPECT_EQ(faults(toml).size(), 1U) << toml;
}

TEST(RelayConfig, ChecksWhatBelongsTogether) {
  EXPECT_EQ(faults("[tls]\nkey = \"k\""), (Strings{"relay.toml: tls.certificate is missing: TLS needs both files"}));
  EXPECT_EQ(faults("[server]\nregistration = \"token\"").size(), 1U);
  EXPECT_EQ(faults("[monitoring]\nlisten = \"0.0.0.0:9427\"").size(), 1U);
  EXPECT_EQ(good("[monitoring]\nlisten = \"[::1]:9427\"").monitoring->host, "::1");
  EXPECT_FALSE(good("[monitoring]\nlisten = \"\"").monitoring);
}

TEST(RelayConfig, TakesKeysOfOtherRelaysAndSaysWhatTheyMean) {
  auto const parsed = parse_config("[storage]\nmax_blob_size = 1048576\n[cleanup]\nvacuum_on_cleanup = true\n", "/");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->notes.size(), 2U);
  EXPECT_EQ(parsed->notes[1].text("r"),
            "r:2:1: storage.max_blob_size means nothing here: the protocol's own limits hold: "
            "1 MiB in one push or object");
}

TEST(RelayConfig, ReadsSizes) {
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("100 MiB"), 104857600U);
  EXPECT_EQ(parse_size("10GB"), 10'000'000'000U);
  EXPECT_EQ(parse_size("1 TiB"), std::uint64_t{1} << 40);
  for (auto const* text :
       {"", "MiB", "1  MiB", "1 mib", "-1", "1.5 MiB", "99999999 TiB", "99999999999999999999", "1 MiB "})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(RelayConfig, ReadsAddressesToListenAt) {
  EXPECT_EQ(parse_listen("127.0.0.1:0"), (link::HostPort{"127.0.0.1", 0}));
  EXPECT_EQ(parse_listen("[::1]:8080"), (link::HostPort{"::1", 8080}));
  for (auto const* text : {"", "127.0.0.1", ":0", "127.0.0.1:x", "127.0.0.1:70000", "::1:80"})
    EXPECT_FALSE(parse_listen(text)) << text;
}

}  // namespace
}  // namespace kith::relay::server
