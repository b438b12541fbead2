#include "relay/server/config_keys.hpp"

#include "base/text.hpp"

namespace kith::relay::server {
namespace {

using Kind = ConfigKey::Kind;
using Value = ConfigKey::Value;

std::string const& text(Value const& value) { return std::get<std::string>(value); }
std::uint64_t number(Value const& value) { return std::get<std::uint64_t>(value); }
std::chrono::milliseconds ms(Value const& value) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(number(value))};
}
std::chrono::seconds seconds(Value const& value) { return std::chrono::duration_cast<std::chrono::seconds>(ms(value)); }

template <class Number>
bool store(Number& place, Value const& value, std::uint64_t least = 1, std::uint64_t most = 1'000'000'000) {
  place = static_cast<Number>(number(value));
  return number(value) >= least && number(value) <= most;
}

/// Which of the words it is, as an enumerator.
template <class Enum>
bool choose(Enum& place, Value const& value, std::initializer_list<std::pair<std::string_view, Enum>> words) {
  auto const found = std::ranges::find(words, text(value), [](auto const& word) { return word.first; });
  if (found != words.end()) place = found->second;
  return found != words.end();
}

bool take_proxies(Config& config, Value const& value) {
  config.server.trusted_proxies.clear();
  for (auto const& each : std::get<std::vector<std::string>>(value)) {
    auto const range = IpRange::parse(each);
    if (!range) return false;
    config.server.trusted_proxies.push_back(*range);
  }
  return true;
}

bool take_messages(Config& config, Value const& value) {
  auto const per_minute = static_cast<double>(number(value));
  config.rules.device_orders = {per_minute / 60, per_minute / 3};
  return per_minute >= 60 && per_minute <= 1e9;
}

bool take_bytes(Config& config, Value const& value) {
  auto const per_second = static_cast<double>(number(value));
  config.rules.device_bytes = {per_second, per_second * 8};
  return per_second >= 1024;
}

/// What all devices of a group have together where the file does not say it: what so many have alone, so that a
/// household is never slower for it.
constexpr double kDevicesAtOnce = 4;

Rate times(Rate const& rate, double factor) { return {rate.per_second * factor, rate.burst * factor}; }

bool take_group_messages(Config& config, Value const& value) {
  auto const per_minute = static_cast<double>(number(value));
  config.group_messages_named = number(value) != 0;
  config.rules.group_orders = {per_minute / 60, per_minute / 3};
  return per_minute == 0 || (per_minute >= 60 && per_minute <= 1e9);
}

bool take_group_bytes(Config& config, Value const& value) {
  auto const per_second = static_cast<double>(number(value));
  config.group_bytes_named = number(value) != 0;
  config.rules.group_bytes = {per_second, per_second * 8};
  return per_second == 0 || per_second >= 1024;
}

bool take_monitoring(Config& config, Value const& value) {
  config.monitoring = parse_listen(text(value));
  config.monitoring_named = true;
  return config.monitoring || text(value).empty();
}

/// sizeof a mebibyte; less than this no relay can work with.
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50;

constexpr ConfigKey kKeys[] = {
    {"server", "bind", Kind::text, R"("127.0.0.1:8080")", "HOST:PORT, the host an address of this machine",
     "Where devices and proxies connect. \"[::]:8080\" listens everywhere.",
     [](Config& c, Value const& v) {
       auto const address = parse_listen(text(v));
       if (address) c.server.listen = *address;
       return address.has_value();
     }},
    {"server", "url", Kind::text, R"("")", "a ws:// or wss:// URL",
     "Under which devices reach this relay, as in \"wss://sync.example.org\": for the line that is printed at the "
     "start.",
     [](Config& c, Value const& v) {
       c.url = text(v);
       return c.url.empty() || c.url.starts_with("ws://") || c.url.starts_with("wss://");
     }},
    {"server", "max_connections", Kind::count, "1000", "a number from 1 to 1000000", "Open at once, of all kinds.",
     [](Config& c, Value const& v) { return store(c.server.limits.max_connections, v, 1, 1'000'000); }},
    {"server", "trusted_proxies", Kind::texts, R"(["127.0.0.0/8", "::1"])", "a list of addresses and networks",
     "Whose X-Forwarded-For is believed: the reverse proxies in front of this relay, and nobody else.", take_proxies},
    {"server", "registration", Kind::text, R"("open")", R"("open" or "token")",
     "Who may make a mailbox: anybody who spends a second of computing on it, or whoever has a token.",
     [](Config& c, Value const& v) {
       return choose(c.registration.needs_token, v, {{"open", false}, {"token", true}});
     }},
    {"server", "tokens_file", Kind::text, R"("")", "a path",
     "With registration = \"token\": one token per line, 16 characters at least; # begins a comment.",
     [](Config& c, Value const& v) { return c.registration.tokens_file = text(v), true; }},
    {"server", "hashcash_bits", Kind::count, "20", "a number from 0 to 25",
     "With registration = \"open\": what a mailbox costs its maker; one more doubles it.",
     [](Config& c, Value const& v) { return store(c.registration.hashcash_bits, v, 0, 25); }},

    {"storage", "database", Kind::text, R"("")", "a path", "The database file. Empty: relay.db in the data directory.",
     [](Config& c, Value const& v) { return c.database = text(v), true; }},
    {"storage", "max_group_storage", Kind::size, R"("1 GiB")", "a size of at least 1 MiB", "What one group may store.",
     [](Config& c, Value const& v) { return store(c.rules.store.group_quota_bytes, v, kMiB, kMostBytes); }},
    {"storage", "max_db_size", Kind::size, R"("10 GiB")", "a size of at least 1 MiB", "What all may store together.",
     [](Config& c, Value const& v) { return store(c.rules.store.max_bytes, v, kMiB, kMostBytes); }},
    {"storage", "default_ttl", Kind::duration, R"("7d")", "a time of at least a day",
     "How long files in transit stay at most, for devices that are offline. Logs stay until their group trims them.",
     [](Config& c, Value const& v) {
       c.rules.store.max_object_ttl = seconds(v);
       // Devices are told in hours when something was stored, and count what expires within one as gone.
       return ms(v) >= std::chrono::hours{24};
     }},
    {"storage", "max_item_ttl", Kind::duration, R"("30d")", "a time of at least a minute",
     "How long what is outside the logs stays at most.",
     [](Config& c, Value const& v) {
       c.rules.store.max_item_ttl = seconds(v);
       return ms(v) >= std::chrono::minutes{1};
     }},
    {"storage", "checkpoint", Kind::text, R"("own")", R"("own" or "external")",
     "Who moves the write-ahead log into the database: \"external\" where Litestream replicates it.",
     [](Config& c, Value const& v) {
       return choose(c.checkpoint, v, {{"own", Checkpoint::own}, {"external", Checkpoint::external}});
     }},

    {"cleanup", "interval", Kind::duration, R"("60s")", "a time from 1 s to 1 day",
     "Between looks for what has expired.",
     [](Config& c, Value const& v) {
       c.rules.sweep_interval = ms(v);
       return ms(v) >= std::chrono::seconds{1} && ms(v) <= std::chrono::days{1};
     }},

    {"limits", "groups", Kind::count, "1000", "a number from 1", "Mailboxes.",
     [](Config& c, Value const& v) { return store(c.rules.store.max_groups, v); }},
    {"limits", "connections_per_ip", Kind::count, "64", "a number from 1",
     "Of one IPv4 address, or one IPv6 network of 56 bits.",
     [](Config& c, Value const& v) { return store(c.server.limits.connections_per_client, v); }},
    {"limits", "messages_per_minute", Kind::count, "3000", "a number from 60",
     "Of one device in the long run; a third of it at once. Beyond it the relay reads on later.", take_messages},
    {"limits", "bytes_per_second", Kind::size, R"("4 MB")", "a size of at least 1 KiB",
     "Of one device in the long run; eight times as much at once.", take_bytes},
    {"limits", "group_messages_per_minute", Kind::count, "0", "a number from 60, or 0",
     "Of all devices of a group together, likewise; beyond it each has an equal part. 0: four times what one may.",
     take_group_messages},
    {"limits", "group_bytes_per_second", Kind::size, "0", "a size of at least 1 KiB, or 0", "The same for bytes.",
     take_group_bytes},

    {"invites", "open", Kind::count, "256", "a number from 1", "Invites of all clients together.",
     [](Config& c, Value const& v) { return store(c.invites.max_open, v); }},
    {"invites", "longest", Kind::duration, R"("10m")", "a time from 1 s to 1 h", "How long an invite takes claims.",
     [](Config& c, Value const& v) {
       c.invites.longest = seconds(v);
       return ms(v) >= std::chrono::seconds{1} && ms(v) <= std::chrono::hours{1};
     }},
    {"invites", "boxes", Kind::count, "16", "a number from 8 to 1024", "In each direction of one pairing.",
     [](Config& c, Value const& v) { return store(c.invites.boxes_per_direction, v, 8, 1024); }},
    {"invites", "claims", Kind::count, "8", "a number from 1 to 1024", "Of one invite.",
     [](Config& c, Value const& v) { return store(c.invites.claims_per_invite, v, 1, 1024); }},
    {"invites", "creates_per_minute", Kind::count, "5", "a number from 1", "Invites that one client makes.",
     [](Config& c, Value const& v) { return store(c.invite_rates.creates_per_minute, v); }},
    {"invites", "claims_per_minute", Kind::count, "10", "a number from 1", "Claims by one client.",
     [](Config& c, Value const& v) { return store(c.invite_rates.claims_per_minute, v); }},
    {"invites", "misses_per_minute", Kind::count, "3", "a number from 1",
     "Claims of nothing by one client, after which it waits.",
     [](Config& c, Value const& v) { return store(c.invite_rates.misses_per_minute, v); }},

    {"tls", "certificate", Kind::text, R"("")", "a path",
     "PEM file with the certificate and its chain. Empty: no TLS here, because a proxy does it or nobody.",
     [](Config& c, Value const& v) { return c.server.certificate = text(v), true; }},
    {"tls", "key", Kind::text, R"("")", "a path", "PEM file with the certificate's key.",
     [](Config& c, Value const& v) { return c.server.key = text(v), true; }},

    {"monitoring", "listen", Kind::text, R"("127.0.0.1:9427")", "HOST:PORT, or nothing to turn it off",
     "/metrics, /health, /healthz and /readyz for the operator. Left out, a free port is taken where this is busy.",
     take_monitoring},
    {"monitoring", "anywhere", Kind::boolean, "false", "true or false",
     "Lets it listen where others can reach it. It has no password.",
     [](Config& c, Value const& v) { return c.monitoring_anywhere = std::get<bool>(v), true; }},

    {"log", "level", Kind::text, R"("info")", "error, warn, info or debug", "",
     [](Config& c, Value const& v) {
       return choose(c.log_level, v,
                     {{"error", LogLevel::error},
                      {"warn", LogLevel::warn},
                      {"info", LogLevel::info},
                      {"debug", LogLevel::debug}});
     }},
    {"log", "addresses", Kind::boolean, "false", "true or false",
     "Whether the log names clients' addresses. They are personal data in many places.",
     [](Config& c, Value const& v) { return c.log_addresses = std::get<bool>(v), true; }},
};

constexpr IdleKey kIdle[] = {
    {"storage.max_blob_size", "the protocol's own limits hold: 1 MiB in one push or object"},
    {"cleanup.device_expiry", "a device keeps its place until its group removes it"},
    {"cleanup.vacuum_on_cleanup", "the file gives space back by itself"},
};

}  // namespace

std::span<ConfigKey const> config_keys() { return kKeys; }
std::span<IdleKey const> idle_config_keys() { return kIdle; }

void fill_in_group_rates(Config& config) {
  auto& rules = config.rules;
  if (!config.group_messages_named) rules.group_orders = times(rules.device_orders, kDevicesAtOnce);
  if (!config.group_bytes_named) rules.group_bytes = times(rules.device_bytes, kDevicesAtOnce);
}

}  // namespace kith::relay::server
