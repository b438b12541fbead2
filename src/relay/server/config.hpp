#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "relay/rules/settings.hpp"
#include "relay/server/invites.hpp"
#include "relay/server/websocket_server.hpp"

/// The relay's configuration: what relay.toml says, and what counts where it says nothing.
namespace kith::relay::server {

enum class LogLevel : std::uint8_t { error, warn, info, debug };
enum class Checkpoint : std::uint8_t {
  own,       ///< the relay moves its write-ahead log into the database
  external,  ///< another program does, which copies the log first (Litestream)
};

/// Who may make mailboxes; the tokens themselves are in a file of their own.
struct RegistrationRule {
  bool needs_token = false;
  std::filesystem::path tokens_file;
  unsigned hashcash_bits = OpenRegistration{}.hashcash_bits;
};

struct Config {
  ServerSettings server{{"127.0.0.1", 8080}, {}, {*IpRange::parse("127.0.0.0/8"), *IpRange::parse("::1")}, {}, {}};
  std::string url;  ///< under which devices reach the relay; empty: made of the address it listens at
  RegistrationRule registration;
  Settings rules;                  ///< but for `registration`
  std::filesystem::path database;  ///< empty: relay.db in the data directory
  Checkpoint checkpoint = Checkpoint::own;
  bool group_messages_named = false, group_bytes_named = false;  ///< else they follow the rates of a device
  InviteLimits invites;
  InviteRateLimits invite_rates;
  std::optional<link::HostPort> monitoring = link::HostPort{"127.0.0.1", 9427};
  bool monitoring_named = false;     ///< by the operator: else a free port is taken where this one is busy
  bool monitoring_anywhere = false;  ///< else only at a loopback address
  LogLevel log_level = LogLevel::info;
  bool log_addresses = false;
};

/// What is wrong with a configuration, and where.
struct ConfigFault {
  std::string where;                   ///< "server.max_conections"; empty where the whole file is meant
  std::uint32_t line = 0, column = 0;  ///< from 1; 0 where there is none
  std::string what;                    ///< "is not known", "takes a size, not \"big\""
  std::optional<std::string> nearest;  ///< the key that may be meant
  [[nodiscard]] std::string text(std::string const& file) const;
};
struct ParsedConfig {
  Config config;
  std::vector<ConfigFault> notes;  ///< keys that are taken and mean nothing here, with what holds instead
};

/// Reads a relay.toml. All that is wrong with it is reported at once.
/// @param folder  what relative paths in it start from
[[nodiscard]] tl::expected<ParsedConfig, std::vector<ConfigFault>> parse_config(std::string_view toml,
                                                                                std::filesystem::path const& folder);
/// The same for a file. @return a fault where it cannot be read
[[nodiscard]] tl::expected<ParsedConfig, std::vector<ConfigFault>> read_config(std::filesystem::path const& file);

/// A relay.toml that says every default, each with what it means.
[[nodiscard]] std::string default_config_file();

/// The keys that say something else in `now` and count from a relay's start on: what they said then holds on.
[[nodiscard]] std::vector<std::string> changed_restart_keys(Config const& started, Config const& now);

/// HOST:PORT, where a port of 0 stands for a free one.
[[nodiscard]] std::optional<link::HostPort> parse_listen(std::string_view text);
/// "100 MiB", "10GB", "4096".
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace kith::relay::server
