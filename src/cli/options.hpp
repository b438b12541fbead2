#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/home.hpp"
#include "sync/files/scan.hpp"
#include "wire/ops.hpp"

/// What the command line says, parsed: one struct per command. Texts are as they were typed where only the command can
/// tell whether they mean something (codes, addresses, devices).
namespace kith::cli {

/// Flags that every command takes, before or after its name.
struct GlobalOptions {
  bool json = false;      ///< --json, KITH_JSON
  bool quiet = false;     ///< --quiet: results and errors only
  bool no_color = false;  ///< --no-color
  bool yes = false;       ///< --yes: questions are answered with yes where that is allowed
  int verbose = 0;        ///< -v: log at info; -vv: at debug
  engine::HomeChoice home;
  std::optional<std::chrono::milliseconds> timeout;  ///< longest time without progress
};

struct InitOptions {
  std::optional<std::string> name;  ///< of this device; else device.name
  std::string group = "home";
  std::optional<std::string> passphrase_file;
  std::optional<std::string> recovery_file;
  std::optional<std::string> relay;  ///< its address, to be added at once
  std::optional<std::string> token_file;
  bool trust_relay = false;
};

/// init --recover: the group comes back from its words, and a relay or a device of it.
struct RecoverOptions {
  std::optional<std::string> relay;          ///< its address; or
  std::optional<std::string> peer;           ///< HOST:PORT of a device
  std::optional<std::string> recovery_file;  ///< the words; none: they are typed
  std::optional<std::string> name;           ///< of this device; else device.name
  std::optional<std::string> group;          ///< which one, where several belong to the words: its name, or its id
  std::vector<std::string> keep;             ///< devices that stay
  std::optional<std::string> passphrase_file;
  bool trust_relay = false;
};

struct PairOptions {
  /// A code (its words joined by spaces), a link, `-` (standard input), or empty (KITH_CODE, else standard input);
  /// none: create an invite
  std::optional<std::string> join;
  std::vector<std::string> peers;
  std::optional<std::string> relay;  ///< for a join: its address
  std::optional<bool> qr;            ///< none: where the terminal can show one
  std::chrono::milliseconds expires = std::chrono::minutes{10};
  std::optional<std::string> name;             ///< of this device, for a join
  std::optional<std::string> passphrase_file;  ///< of its keys, for a join
};

struct DevicesLsOptions {};
struct DevicesRenameOptions {
  std::string device;
  std::string name;
};
struct DevicesRevokeOptions {
  std::string device;
  std::optional<std::string> recovery_file;
  wire::RemoveReason reason = wire::RemoveReason::retired;
};

/// The relays serve it no more, until it is resumed.
struct DevicesPauseOptions {
  std::string device;
};
struct DevicesResumeOptions {
  std::string device;
};

enum class PushWait { none, safe, seen };
struct PushOptions {
  std::optional<std::string> what;  ///< a text, a file's name, or `-`; none: standard input
  bool text = false;                ///< it is a text, whatever it looks like
  std::string topic = "default";
  std::optional<std::chrono::milliseconds> ttl;
  PushWait wait = PushWait::none;
};
struct PullOptions {
  std::optional<std::uint64_t> after;  ///< --after-cursor; none: where the last pull ended
  bool own = false;
  bool follow = false;
  std::optional<std::string> topic;
  std::optional<std::string> out;  ///< a directory for the items' contents
};

struct SyncOptions {
  std::string directory;
  std::optional<std::string> folder;
  bool make_new = false;
  bool once = false;
  bool dry_run = false;
  std::optional<files::DeleteGuard> max_delete;  ///< none: defaults.max_delete
  std::vector<std::string> peers;
};

struct StatusOptions {};
struct VerifyOptions {
  std::optional<std::string> folder;
};

struct RelayLsOptions {};
struct RelayAddOptions {
  std::string url;
  std::optional<std::string> token_file;
  bool trust = false;  ///< take the key that answers, where the address names none
  bool anew = false;   ///< a new mailbox at a relay that the group uses already
};
struct RelayRmOptions {
  std::string relay;
};
struct RelayTestOptions {
  std::optional<std::string> url;  ///< none: those of the group
};

struct KeyShowRecoveryOptions {};
struct KeyRotateOptions {};

struct ConfigShowOptions {
  bool origin = false;
};
struct ConfigGetOptions {
  std::string key;
};
struct ConfigSetOptions {
  std::string key;
  std::string value;
};
struct ConfigCheckOptions {};
struct ConfigPathOptions {};

struct DoctorOptions {};
struct HelpOptions {
  std::string topic;  ///< a command ("devices revoke"), a failure's code or a topic; empty: the overview
};
struct VersionOptions {};

using Command =
    std::variant<InitOptions, RecoverOptions, PairOptions, DevicesLsOptions, DevicesRenameOptions, DevicesRevokeOptions,
                 DevicesPauseOptions, DevicesResumeOptions, PushOptions, PullOptions, SyncOptions, StatusOptions,
                 VerifyOptions, RelayLsOptions, RelayAddOptions, RelayRmOptions, RelayTestOptions,
                 KeyShowRecoveryOptions, KeyRotateOptions, ConfigShowOptions, ConfigGetOptions, ConfigSetOptions,
                 ConfigCheckOptions, ConfigPathOptions, DoctorOptions, HelpOptions, VersionOptions>;

}  // namespace kith::cli
