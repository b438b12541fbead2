#include "cli/grammar.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/handlers.hpp"
#include "engine/config.hpp"

namespace kith::cli {
namespace {

using CLI::App;

tl::unexpected<UsageFault> refuse(std::string_view flag, std::string_view value, std::string_view expected) {
  return tl::unexpected(UsageFault{fmt::format("{} cannot be \"{}\"; it takes {}", flag, value, expected), {}});
}

Checked<std::string> name_of(std::string_view flag, std::string value) {
  if (!engine::is_name(value)) return refuse(flag, value, engine::wanted_name(value));
  return value;
}
Checked<std::optional<std::string>> name_if_any(Given const& given, std::string const& flag) {
  auto value = given.text(flag);
  if (!value) return std::nullopt;
  return name_of(flag, std::move(*value)).map([](std::string name) { return std::optional(std::move(name)); });
}
Checked<std::optional<std::chrono::milliseconds>> time_if_any(Given const& given, std::string const& flag) {
  auto const value = given.text(flag);
  if (!value) return std::nullopt;
  auto const time = parse_duration(*value);
  if (!time || time->count() == 0) return refuse(flag, *value, "a time such as 30s, 10m, 2h or 7d");
  return time;
}

/// An address that a relay may have, as far as that it is one at all.
Checked<std::optional<std::string>> relay_if_any(Given const& given, std::string const& flag) {
  auto value = given.text(flag);
  if (value && value->empty()) return refuse(flag, *value, "a relay's address, such as wss://HOST");
  return value;
}

/// Returns the fault from the calling function, else names the value.
#define KITH_TAKE(name, expression)                                       \
  auto KITH_TAKE_##name = (expression);                                   \
  if (!KITH_TAKE_##name) return tl::unexpected(KITH_TAKE_##name.error()); \
  auto& name = *KITH_TAKE_##name

CLI::Option* add_flag(App& app, std::string const& name, std::string const& about) { return app.add_flag(name, about); }

void exclude(App& app, std::string const& a, std::string const& b) { app.get_option(a)->excludes(app.get_option(b)); }

/// An option that may come several times, with one value each.
void add_list(App& app, std::string const& name, std::string const& about) {
  app.add_option(name, about)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_passphrase_file(App& app) {
  app.add_option("--passphrase-file", "protect the keys with the passphrase in this file")->type_name("FILE");
}

void add_relay_trust(App& app) {
  app.add_option("--token-file", "the relay operator's token, in a file that only you can read")->type_name("FILE");
  add_flag(app, "--trust-relay", "take the key that answers, where the relay's address names none");
}

// init

void declare_init(App& app) {
  app.add_option("--name", "this device's name; else device.name")->type_name("NAME");
  app.add_option("--group", "the group's name; else home")->type_name("NAME");
  add_passphrase_file(app);
  app.add_option("--recovery-file",
                 "write the recovery words to this file instead of showing them; with --recover read them there")
      ->type_name("FILE");
  app.add_option("--relay", "use this relay from the beginning; with --recover, look for the group there")
      ->type_name("URL");
  add_relay_trust(app);
  add_flag(app, "--recover", "bring a group back from its 24 words, when devices are lost");
  app.add_option("--peer", "with --recover, instead of --relay: where a device of the group listens")
      ->type_name("HOST:PORT");
  add_list(app, "--keep", "with --recover: a device that is not lost, and stays; may come several times");
  app.get_option("--keep")->type_name("DEV");
  exclude(app, "--recover", "--token-file");
  exclude(app, "--peer", "--relay");
  exclude(app, "--peer", "--trust-relay");
}

Checked<Command> build_recover(Given const& given) {
  RecoverOptions options;
  if (!given.text("--relay") && !given.text("--peer")) {
    return tl::unexpected(
        UsageFault{"--recover needs --relay, the address of a relay that the group used, with its key; "
                   "or --peer, where a device of the group listens",
                   {}});
  }
  KITH_TAKE(name, name_if_any(given, "--name"));
  KITH_TAKE(relay, relay_if_any(given, "--relay"));
  options.relay = std::move(relay);
  options.peer = given.text("--peer");
  options.recovery_file = given.text("--recovery-file");
  options.name = std::move(name);
  options.group = given.text("--group");
  options.keep = given.all("--keep");
  options.passphrase_file = given.text("--passphrase-file");
  options.trust_relay = given.flag("--trust-relay");
  return options;
}
Checked<Command> build_init(Given const& given) {
  if (given.flag("--recover")) return build_recover(given);
  if (!given.all("--keep").empty()) return tl::unexpected(UsageFault{"--keep goes with --recover", {}});
  if (given.text("--peer")) return tl::unexpected(UsageFault{"--peer goes with --recover", {}});
  InitOptions options;
  KITH_TAKE(name, name_if_any(given, "--name"));
  KITH_TAKE(group, name_if_any(given, "--group"));
  options.name = std::move(name);
  if (group) options.group = std::move(*group);
  options.passphrase_file = given.text("--passphrase-file");
  options.recovery_file = given.text("--recovery-file");
  KITH_TAKE(relay, relay_if_any(given, "--relay"));
  options.relay = std::move(relay);
  options.token_file = given.text("--token-file");
  options.trust_relay = given.flag("--trust-relay");
  if (!options.relay && (options.token_file || options.trust_relay))
    return tl::unexpected(UsageFault{"--token-file and --trust-relay go with --relay", {}});
  return options;
}

// pair

void declare_pair(App& app) {
  add_flag(app, "--create", "make an invite and wait; this is what pair does without flags");
  app.add_option("--join",
                 "join with a code (1 to 4 words) or a link; alone: KITH_CODE, else standard input, as with -")
      ->type_name("[CODE|LINK|-]")
      ->expected(0, 4);
  add_list(app, "--peer", "where the other device listens; may come several times");
  app.get_option("--peer")->type_name("HOST:PORT");
  app.add_option("--relay", "join through this relay; else the one in the link, or KITH_RELAY")->type_name("URL");
  add_flag(app, "--qr", "show a QR code");
  add_flag(app, "--no-qr", "show none");
  app.add_option("--expires", "how long the invite is good for; else 10m")->type_name("TIME");
  app.add_option("--name", "this device's name, as the group sees it; else device.name")->type_name("NAME");
  add_passphrase_file(app);
  exclude(app, "--create", "--join");
  exclude(app, "--qr", "--no-qr");
  exclude(app, "--expires", "--join");
  exclude(app, "--qr", "--join");
}
Checked<Command> build_pair(Given const& given) {
  PairOptions options;
  if (auto const words = given.all("--join"); !words.empty()) options.join = fmt::format("{}", fmt::join(words, " "));
  options.peers = given.all("--peer");
  KITH_TAKE(relay, relay_if_any(given, "--relay"));
  options.relay = std::move(relay);
  if (given.flag("--qr") || given.flag("--no-qr")) options.qr = given.flag("--qr");
  KITH_TAKE(expires, time_if_any(given, "--expires"));
  KITH_TAKE(name, name_if_any(given, "--name"));
  if (expires) options.expires = *expires;
  options.name = std::move(name);
  options.passphrase_file = given.text("--passphrase-file");
  return options;
}

// devices

void declare_nothing(App&) {}
void declare_devices_rename(App& app) {
  app.add_option("DEV", "a device: its name, or the beginning of its id")->required();
  app.add_option("NAME", "its new name")->required();
}
Checked<Command> build_devices_rename(Given const& given) {
  KITH_TAKE(name, name_of("NAME", given.text("NAME").value_or("")));
  return DevicesRenameOptions{given.text("DEV").value_or(""), std::move(name)};
}
void declare_devices_revoke(App& app) {
  app.add_option("DEV", "a device: its name, or the beginning of its id")->required();
  app.add_option("--recovery-file", "sign the removal with the recovery words in this file")->type_name("FILE");
  add_flag(app, "--lost", "it was lost");
  add_flag(app, "--compromised", "somebody else has its keys");
  exclude(app, "--lost", "--compromised");
}
Checked<Command> build_devices_revoke(Given const& given) {
  auto const reason = given.flag("--lost")          ? wire::RemoveReason::lost
                      : given.flag("--compromised") ? wire::RemoveReason::compromised
                                                    : wire::RemoveReason::retired;
  return DevicesRevokeOptions{given.text("DEV").value_or(""), given.text("--recovery-file"), reason};
}

void declare_device(App& app) { app.add_option("DEV", "a device: its name, or the beginning of its id")->required(); }
template <class Options>
Checked<Command> build_device(Given const& given) {
  return Options{given.text("DEV").value_or("")};
}

// push and pull

void declare_push(App& app) {
  app.add_option("TEXT|FILE|-", "what to send: a text, a file, or - for standard input");
  add_flag(app, "--text", "send what is given as it stands, also where it looks like a file's path");
  app.add_option("--topic", "what it is about; else default")->type_name("TOPIC");
  app.add_option("--ttl", "hide it from readers after this time")->type_name("TIME");
  app.add_option("--wait", "until it is on another device (safe), or another device has taken it in (seen)")
      ->type_name("safe|seen");
}
Checked<Command> build_push(Given const& given) {
  PushOptions options;
  options.what = given.text("TEXT|FILE|-");
  options.text = given.flag("--text");
  if (options.text && !options.what) return tl::unexpected(UsageFault{"--text needs a text", {}});
  KITH_TAKE(topic, name_if_any(given, "--topic"));
  KITH_TAKE(ttl, time_if_any(given, "--ttl"));
  if (topic) options.topic = std::move(*topic);
  options.ttl = ttl;
  if (auto const wait = given.text("--wait")) {
    if (*wait != "safe" && *wait != "seen") return refuse("--wait", *wait, "safe or seen");
    options.wait = *wait == "safe" ? PushWait::safe : PushWait::seen;
  }
  return options;
}

void declare_pull(App& app) {
  app.add_option("--after-cursor", "print what has a number above N, read or not, instead of what is new")
      ->type_name("N");
  add_flag(app, "--own", "also what this device wrote");
  add_flag(app, "--follow", "go on as messages come, until Ctrl-C");
  app.add_option("--topic", "only this topic")->type_name("TOPIC");
  app.add_option("--out", "write each item to a file in this directory")->type_name("DIR");
}
Checked<Command> build_pull(Given const& given) {
  PullOptions options;
  if (auto const text = given.text("--after-cursor")) {
    std::uint64_t after = 0;
    auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), after);
    if (error != std::errc{} || end != text->data() + text->size()) return refuse("--after-cursor", *text, "a number");
    options.after = after;
  }
  options.own = given.flag("--own");
  options.follow = given.flag("--follow");
  KITH_TAKE(topic, name_if_any(given, "--topic"));
  options.topic = std::move(topic);
  options.out = given.text("--out");
  return options;
}

// sync, verify

void declare_sync(App& app) {
  app.add_option("DIR", "the directory to keep in step")->required();
  app.add_option("--folder", "the group's folder that it is; else the one of its name")->type_name("NAME");
  add_flag(app, "--new", "make it a folder of its own, whatever its name");
  add_flag(app, "--once", "stop when every reachable device has everything");
  add_flag(app, "--dry-run", "say what would be sent and deleted, and do nothing");
  app.add_option("--max-delete", "how much may vanish before it stops; else defaults.max_delete")
      ->type_name("N|N%|none");
  add_list(app, "--peer", "where another device listens; may come several times");
  app.get_option("--peer")->type_name("HOST:PORT");
  exclude(app, "--folder", "--new");
}
Checked<Command> build_sync(Given const& given) {
  SyncOptions options;
  options.directory = given.text("DIR").value_or("");
  if (options.directory.empty()) return refuse("DIR", "", "a directory");
  KITH_TAKE(folder, name_if_any(given, "--folder"));
  options.folder = std::move(folder);
  options.make_new = given.flag("--new");
  options.once = given.flag("--once");
  options.dry_run = given.flag("--dry-run");
  if (auto const text = given.text("--max-delete")) {
    options.max_delete = engine::parse_max_delete(*text);
    if (!options.max_delete) return refuse("--max-delete", *text, "a number, a percentage or none");
  }
  options.peers = given.all("--peer");
  return options;
}

void declare_verify(App& app) { app.add_option("FOLDER", "only this folder, by its name or directory"); }
Checked<Command> build_verify(Given const& given) { return VerifyOptions{given.text("FOLDER")}; }

// relay

void declare_relay_add(App& app) {
  app.add_option("URL", "the relay's address, as its operator gives it")->required();
  add_relay_trust(app);
  add_flag(app, "--anew", "make a new mailbox at a relay that is used already");
}
Checked<Command> build_relay_add(Given const& given) {
  KITH_TAKE(url, relay_if_any(given, "URL"));
  return RelayAddOptions{url.value_or(""), given.text("--token-file"), given.flag("--trust-relay"),
                         given.flag("--anew")};
}
void declare_relay_rm(App& app) { app.add_option("URL", "the relay: its address, or a part of it")->required(); }
Checked<Command> build_relay_rm(Given const& given) {
  KITH_TAKE(url, relay_if_any(given, "URL"));
  return RelayRmOptions{url.value_or("")};
}
void declare_relay_test(App& app) { app.add_option("URL", "a relay's address; else all of the group"); }
Checked<Command> build_relay_test(Given const& given) {
  KITH_TAKE(url, relay_if_any(given, "URL"));
  return RelayTestOptions{std::move(url)};
}

// config, help

void declare_config_show(App& app) { add_flag(app, "--origin", "also where each value comes from"); }
Checked<Command> build_config_show(Given const& given) { return ConfigShowOptions{given.flag("--origin")}; }
void declare_config_get(App& app) { app.add_option("KEY", "such as network.listen")->required(); }
Checked<Command> build_config_get(Given const& given) { return ConfigGetOptions{given.text("KEY").value_or("")}; }
void declare_config_set(App& app) {
  app.add_option("KEY", "such as network.listen")->required();
  app.add_option("VALUE", "its new value, without TOML's quotes")->required();
}
Checked<Command> build_config_set(Given const& given) {
  return ConfigSetOptions{given.text("KEY").value_or(""), given.text("VALUE").value_or("")};
}
void declare_help(App& app) {
  app.add_option("TOPIC|CODE", "a command, a topic or a failure's code")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args();
}
Checked<Command> build_help(Given const& given) {
  return HelpOptions{fmt::format("{}", fmt::join(given.all("TOPIC|CODE"), " "))};
}

template <class Options>
Checked<Command> build_plain(Given const&) {
  return Options{};
}
template <class Options>
bool is_plugged() {
  return std::get<Handler<Options>>(handlers()) != nullptr;
}

}  // namespace

std::optional<std::string> Given::text(std::string const& name) const {
  auto const& results = app_.get_option(name)->results();
  return results.empty() ? std::nullopt : std::optional(results.back());
}

std::vector<std::string> Given::all(std::string const& name) const { return app_.get_option(name)->results(); }

std::vector<Leaf> const& leaves() {
  static std::vector<Leaf> const all{
      {"init", "start a group on this device", declare_init, build_init, is_plugged<InitOptions>},
      {"pair", "invite another device, or join one", declare_pair, build_pair, is_plugged<PairOptions>},
      {"sync", "keep a directory in step", declare_sync, build_sync, is_plugged<SyncOptions>},
      {"push", "send a message to your devices", declare_push, build_push, is_plugged<PushOptions>},
      {"pull", "print messages of your devices", declare_pull, build_pull, is_plugged<PullOptions>},
      {"status", "what is in step, what waits and why", declare_nothing, build_plain<StatusOptions>,
       is_plugged<StatusOptions>},
      {"verify", "prove that devices hold the same", declare_verify, build_verify, is_plugged<VerifyOptions>},
      {"devices ls", "the group's devices", declare_nothing, build_plain<DevicesLsOptions>,
       is_plugged<DevicesLsOptions>},
      {"devices rename", "give a device another name", declare_devices_rename, build_devices_rename,
       is_plugged<DevicesRenameOptions>},
      {"devices revoke", "remove a device for good", declare_devices_revoke, build_devices_revoke,
       is_plugged<DevicesRevokeOptions>},
      {"devices pause", "have relays serve a device no more, until it is resumed", declare_device,
       build_device<DevicesPauseOptions>, is_plugged<DevicesPauseOptions>},
      {"devices resume", "have relays serve a device again", declare_device, build_device<DevicesResumeOptions>,
       is_plugged<DevicesResumeOptions>},
      {"relay ls", "the group's relays", declare_nothing, build_plain<RelayLsOptions>, is_plugged<RelayLsOptions>},
      {"relay add", "use a relay", declare_relay_add, build_relay_add, is_plugged<RelayAddOptions>},
      {"relay rm", "use a relay no more", declare_relay_rm, build_relay_rm, is_plugged<RelayRmOptions>},
      {"relay test", "see whether a relay answers", declare_relay_test, build_relay_test, is_plugged<RelayTestOptions>},
      {"key show-recovery", "what the recovery key is, and who holds it", declare_nothing,
       build_plain<KeyShowRecoveryOptions>, is_plugged<KeyShowRecoveryOptions>},
      {"key rotate", "change the group's key", declare_nothing, build_plain<KeyRotateOptions>,
       is_plugged<KeyRotateOptions>},
      {"config show", "all settings", declare_config_show, build_config_show, is_plugged<ConfigShowOptions>},
      {"config get", "one setting", declare_config_get, build_config_get, is_plugged<ConfigGetOptions>},
      {"config set", "change one setting in the file", declare_config_set, build_config_set,
       is_plugged<ConfigSetOptions>},
      {"config check", "look for mistakes in the file and the environment", declare_nothing,
       build_plain<ConfigCheckOptions>, is_plugged<ConfigCheckOptions>},
      {"config path", "where the file is", declare_nothing, build_plain<ConfigPathOptions>,
       is_plugged<ConfigPathOptions>},
      {"doctor", "check this device", declare_nothing, build_plain<DoctorOptions>, is_plugged<DoctorOptions>},
      {"help", "a command, a topic or a failure's code", declare_help, build_help, is_plugged<HelpOptions>},
      {"version", "this program's version", declare_nothing, build_plain<VersionOptions>, is_plugged<VersionOptions>},
  };
  return all;
}

Leaf const* find_leaf(std::string_view path) {
  auto const found = std::ranges::find(leaves(), path, &Leaf::path);
  return found == leaves().end() ? nullptr : &*found;
}

std::vector<Branch> const& branches() {
  static std::vector<Branch> const all{{"devices", "the group's devices"},
                                       {"relay", "relays: servers that store what they cannot read"},
                                       {"key", "the group's keys"},
                                       {"config", "settings"}};
  return all;
}

void declare_global_flags(App& app) {
  add_flag(app, "--json", "print JSON, for programs; also KITH_JSON=1");
  add_flag(app, "-q,--quiet", "print results and errors only");
  add_flag(app, "-v,--verbose", "log to standard error; -vv logs more")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_flag(app, "--no-color", "no colours; also NO_COLOR");
  add_flag(app, "-y,--yes", "answer questions with yes, where that is allowed");
  app.add_option("--config", "the configuration file; else KITH_CONFIG")->type_name("FILE");
  app.add_option("--home", "where this device's keys and database are; else KITH_HOME")->type_name("DIR");
  app.add_option("--profile", "one of several homes, by its name; else KITH_PROFILE")->type_name("NAME");
  app.add_option("--timeout", "give up after so long without progress")->type_name("TIME");
}

Grammar::Grammar(CommandFilter const& exists) {
  app.set_help_flag("-h,--help", "how a command is used");
  add_flag(app, "-V,--version", "this program's version");
  declare_global_flags(app);
  app.require_subcommand(0, 1);
  for (auto const& leaf : leaves()) {
    if (!exists(leaf.path)) continue;
    App* parent = &app;
    std::string_view name = leaf.path;
    if (auto const space = name.find(' '); space != std::string_view::npos) {
      auto const branch = name.substr(0, space);
      name.remove_prefix(space + 1);
      parent = find(branch);
      if (parent == nullptr) {
        parent = app.add_subcommand(std::string(branch));
        parent->require_subcommand(1)->fallthrough();
      }
    }
    auto* command = parent->add_subcommand(std::string(name), std::string(leaf.summary));
    command->fallthrough();
    leaf.declare(*command);
  }
}

App* Grammar::find(std::string_view path) {
  App* at = &app;
  while (!path.empty()) {
    auto const word = std::string(path.substr(0, path.find(' ')));
    path.remove_prefix(std::min(path.size(), word.size() + 1));
    auto const under = at->get_subcommands([&](App const* each) { return each->get_name() == word; });
    if (under.empty()) return nullptr;
    at = under.front();
  }
  return at;
}

}  // namespace kith::cli
