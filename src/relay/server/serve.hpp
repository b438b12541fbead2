#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kith::relay::server {

struct ServeOptions {
  std::optional<std::filesystem::path> config;  ///< nullopt: find_config()
  std::filesystem::path data;
  std::optional<std::string> listen;  ///< goes before the file
};

/// The configuration that counts when nobody names one: relay.toml in the data directory, else
/// /etc/kith-relay/relay.toml; nullopt where neither is there.
[[nodiscard]] std::optional<std::filesystem::path> find_config(std::filesystem::path const& data);

/// Runs a relay until SIGTERM, SIGINT or a drain command; SIGHUP makes it read its configuration again.
/// @return the program's exit code; says on standard error why it could not start
[[nodiscard]] int serve(ServeOptions const& options);

/// The line that a device's owner types: `kith relay add 'ws://...'`.
[[nodiscard]] std::string add_line(std::string const& url, std::string const& host, std::uint16_t port, bool tls,
                                   std::string const& key);

}  // namespace kith::relay::server
