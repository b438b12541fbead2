#include "cli/args.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace kith::cli {
namespace {

using namespace std::chrono_literals;

tl::expected<Invocation, UsageFault> parse(std::vector<std::string> const& args,
                                           engine::Environment::Variables variables = {}) {
  return parse_args(args, engine::Environment::of(std::move(variables)));
}
/// The options of a command line that must parse as this command.
template <class Options>
Options as(std::vector<std::string> const& args) {
  auto const parsed = parse(args);
  EXPECT_TRUE(parsed) << fmt::format("{}", fmt::join(args, " ")) << ": " << (parsed ? "" : parsed.error().what);
  if (!parsed || !std::holds_alternative<Options>(parsed->command)) {
    ADD_FAILURE() << "another command: " << fmt::format("{}", fmt::join(args, " "));
    return {};
  }
  return std::get<Options>(parsed->command);
}
std::string fault(std::vector<std::string> const& args) {
  auto const parsed = parse(args);
  return parsed ? "no fault" : parsed.error().what + " | " + parsed.error().command;
}

TEST(Args, GlobalFlagsStandAnywhere) {
  for (auto const& args :
       std::vector<std::vector<std::string>>{{"--json", "-q", "-vv", "--no-color", "--yes", "--home", "/h", "--profile",
                                              "p", "--config", "c", "--timeout", "30s", "devices", "ls"},
                                             {"devices", "--json", "-q", "-vv", "--no-color", "ls", "-y", "--home=/h",
                                              "--profile=p", "--config=c", "--timeout=30s"},
                                             {"devices", "ls", "--json", "--quiet", "-v", "-v", "--no-color", "--yes",
                                              "--home", "/h", "--profile", "p", "--config", "c", "--timeout", "30s"}}) {
    auto const parsed = parse(args);
    ASSERT_TRUE(parsed) << parsed.error().what;
    EXPECT_TRUE(std::holds_alternative<DevicesLsOptions>(parsed->command));
    auto const& global = parsed->global;
    EXPECT_TRUE(global.json && global.quiet && global.no_color && global.yes);
    EXPECT_EQ(global.verbose, 2);
    EXPECT_EQ(global.home.home, "/h");
    EXPECT_EQ(global.home.profile, "p");
    EXPECT_EQ(global.home.config, "c");
    EXPECT_EQ(global.timeout, 30s);
  }
  auto const bare = parse({"status"});
  EXPECT_FALSE(bare->global.json || bare->global.quiet || bare->global.no_color || bare->global.yes);
  EXPECT_EQ(bare->global.verbose, 0);
  EXPECT_FALSE(bare->global.home.home || bare->global.timeout);
}

TEST(Args, JsonMayComeFromTheEnvironment) {
  EXPECT_TRUE(parse({"status"}, {{"KITH_JSON", "1"}})->global.json);
  EXPECT_FALSE(parse({"status"}, {{"KITH_JSON", "0"}})->global.json);
  EXPECT_FALSE(parse({"status"}, {{"KITH_JSON", ""}})->global.json);
}

TEST(Args, NothingAndHelpFlagsShowHelp) {
  EXPECT_EQ(as<HelpOptions>({}).topic, "");
  EXPECT_EQ(as<HelpOptions>({"--json"}).topic, "");
  EXPECT_EQ(as<HelpOptions>({"--help"}).topic, "");
  EXPECT_EQ(as<HelpOptions>({"-h"}).topic, "");
  EXPECT_EQ(as<HelpOptions>({"push", "--help"}).topic, "push");
  EXPECT_EQ(as<HelpOptions>({"--help", "push"}).topic, "push");
  EXPECT_EQ(as<HelpOptions>({"sync", "-h"}).topic, "sync");  // although DIR is missing
  EXPECT_EQ(as<HelpOptions>({"devices", "revoke", "-h"}).topic, "devices revoke");
  EXPECT_EQ(as<HelpOptions>({"devices", "-h"}).topic, "devices");
  EXPECT_EQ(as<HelpOptions>({"help"}).topic, "");
  EXPECT_EQ(as<HelpOptions>({"help", "disk-full"}).topic, "disk-full");
  EXPECT_EQ(as<HelpOptions>({"help", "devices", "revoke"}).topic, "devices revoke");
  EXPECT_EQ(as<HelpOptions>({"help", "a", "b", "c", "d"}).topic, "a b c d");  // no topic, as the command will say
  EXPECT_EQ(as<HelpOptions>({"help", "push", "--json"}).topic, "push");
  (void)as<VersionOptions>({"--version"});
  (void)as<VersionOptions>({"-V"});
  (void)as<VersionOptions>({"version"});
}

TEST(Args, Init) {
  auto const bare = as<InitOptions>({"init"});
  EXPECT_EQ(bare.group, "home");
  EXPECT_FALSE(bare.name || bare.passphrase_file || bare.recovery_file);
  auto const all = as<InitOptions>(
      {"init", "--name", "Ana's laptop", "--group", "family", "--passphrase-file", "p", "--recovery-file", "r"});
  EXPECT_EQ(all.name, "Ana's laptop");
  EXPECT_EQ(all.group, "family");
  EXPECT_EQ(all.passphrase_file, "p");
  EXPECT_EQ(all.recovery_file, "r");
}

TEST(Args, Recover) {
  auto const bare = as<RecoverOptions>({"init", "--recover", "--relay", "ws://r/#key=k"});
  EXPECT_EQ(bare.relay, "ws://r/#key=k");
  EXPECT_FALSE(bare.recovery_file || bare.name || bare.group || bare.trust_relay);
  EXPECT_TRUE(bare.keep.empty());
  auto const all = as<RecoverOptions>({"init", "--recover", "--relay", "r", "--recovery-file", "w", "--keep", "laptop",
                                       "--keep", "id:00112233", "--name", "new", "--group", "family", "--trust-relay"});
  EXPECT_EQ(all.recovery_file, "w");
  auto const by_peer = as<RecoverOptions>({"init", "--recover", "--peer", "10.0.0.2:7427"});
  EXPECT_EQ(by_peer.peer, "10.0.0.2:7427");
  EXPECT_FALSE(by_peer.relay);
  EXPECT_EQ(all.keep, (std::vector<std::string>{"laptop", "id:00112233"}));
  EXPECT_EQ(all.group, "family");
  EXPECT_TRUE(all.trust_relay);
}

TEST(Args, Pair) {
  auto const bare = as<PairOptions>({"pair"});
  EXPECT_FALSE(bare.join || bare.qr || bare.name || bare.passphrase_file);
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "7f3k", "--passphrase-file", "p"}).passphrase_file, "p");
  EXPECT_EQ(bare.expires, 10min);
  EXPECT_FALSE(as<PairOptions>({"pair", "--create"}).join);
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "7F3K-9QDM-2XHB-T6WP"}).join, "7F3K-9QDM-2XHB-T6WP");
  auto const typed =
      as<PairOptions>({"pair", "--join", "7f3k", "9qdm", "2xhb", "t6wp", "--peer", "a:1", "--peer", "b:2"});
  EXPECT_EQ(typed.join, "7f3k 9qdm 2xhb t6wp");
  EXPECT_EQ(typed.peers, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "7f3k", "9qdm", "--json"}).join, "7f3k 9qdm");
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "-"}).join, "-");
  EXPECT_EQ(as<PairOptions>({"pair", "--join"}).join, "");
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "--peer", "a:1", "--json"}).join, "");
  EXPECT_EQ(as<PairOptions>({"pair", "--join="}).join, "");
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "kith://join#abc_-"}).join, "kith://join#abc_-");
  EXPECT_EQ(as<PairOptions>({"pair", "--join", "status"}).join, "status");  // a word, not the command
  EXPECT_EQ(as<PairOptions>({"pair", "--qr"}).qr, true);
  EXPECT_EQ(as<PairOptions>({"pair", "--no-qr", "--expires", "90s", "--name", "x"}).qr, false);
  EXPECT_EQ(as<PairOptions>({"pair", "--expires", "90s"}).expires, 90s);
}

TEST(Args, Devices) {
  (void)as<DevicesLsOptions>({"devices", "ls"});
  auto const rename = as<DevicesRenameOptions>({"devices", "rename", "7f3k", "new name"});
  EXPECT_EQ(rename.device, "7f3k");
  EXPECT_EQ(rename.name, "new name");
  EXPECT_EQ(as<DevicesPauseOptions>({"devices", "pause", "phone"}).device, "phone");
  EXPECT_EQ(as<DevicesResumeOptions>({"devices", "resume", "id:657aaf52"}).device, "id:657aaf52");
  auto const revoke = as<DevicesRevokeOptions>({"devices", "revoke", "phone"});
  EXPECT_EQ(revoke.device, "phone");
  EXPECT_EQ(revoke.reason, wire::RemoveReason::retired);
  EXPECT_EQ(as<DevicesRevokeOptions>({"devices", "revoke", "--lost", "phone"}).reason, wire::RemoveReason::lost);
  auto const taken = as<DevicesRevokeOptions>({"devices", "revoke", "phone", "--compromised", "--recovery-file", "w"});
  EXPECT_EQ(taken.reason, wire::RemoveReason::compromised);
  EXPECT_EQ(taken.recovery_file, "w");
}

TEST(Args, PushTakesTextsOfAllKinds) {
  EXPECT_FALSE(as<PushOptions>({"push"}).what);
  EXPECT_EQ(as<PushOptions>({"push", "hello world"}).what, "hello world");
  EXPECT_EQ(as<PushOptions>({"push", "-"}).what, "-");
  EXPECT_FALSE(as<PushOptions>({"push", "a/b"}).text);
  EXPECT_TRUE(as<PushOptions>({"push", "--text", "a/b"}).text);
  EXPECT_EQ(as<PushOptions>({"push", "a/b", "--text"}).what, "a/b");
  EXPECT_EQ(as<PushOptions>({"push", ""}).what, "");
  EXPECT_EQ(as<PushOptions>({"push", "status"}).what, "status");
  EXPECT_EQ(as<PushOptions>({"push", "devices"}).what, "devices");
  EXPECT_EQ(as<PushOptions>({"push", "-5"}).what, "-5");
  EXPECT_EQ(as<PushOptions>({"push", "--", "--json"}).what, "--json");
  EXPECT_EQ(as<PushOptions>({"push", "--", "--"}).what, "--");
  EXPECT_EQ(as<PushOptions>({"push", "--", "++"}).what, "++");
  EXPECT_EQ(as<PushOptions>({"push", "a=b"}).what, "a=b");
  EXPECT_EQ(as<PushOptions>({"push", "[x, y]"}).what, "[x, y]");
  EXPECT_EQ(as<PushOptions>({"push", "/etc/hosts"}).what, "/etc/hosts");
  EXPECT_EQ(as<PushOptions>({"push", "\xff\n"}).what, "\xff\n");
  auto const all = as<PushOptions>({"push", "x", "--topic", "notes", "--ttl", "7d", "--wait", "seen"});
  EXPECT_EQ(all.topic, "notes");
  EXPECT_EQ(all.ttl, 168h);
  EXPECT_EQ(all.wait, PushWait::seen);
  EXPECT_EQ(as<PushOptions>({"push", "--wait=safe"}).wait, PushWait::safe);
  EXPECT_EQ(as<PushOptions>({"push"}).topic, "default");
  EXPECT_EQ(as<PushOptions>({"push"}).wait, PushWait::none);
}

TEST(Args, Pull) {
  auto const bare = as<PullOptions>({"pull"});
  EXPECT_FALSE(bare.after || bare.own || bare.follow || bare.topic || bare.out);
  auto const all = as<PullOptions>({"pull", "--after-cursor", "42", "--own", "--follow", "--topic", "t", "--out", "d"});
  EXPECT_EQ(all.after, 42U);
  EXPECT_TRUE(all.own && all.follow);
  EXPECT_EQ(all.topic, "t");
  EXPECT_EQ(all.out, "d");
  EXPECT_EQ(as<PullOptions>({"pull", "--after-cursor", "0"}).after, 0U);
  EXPECT_EQ(as<PullOptions>({"pull", "--after-cursor", "18446744073709551615"}).after, UINT64_MAX);
}

TEST(Args, Sync) {
  auto const bare = as<SyncOptions>({"sync", "~/Photos"});
  EXPECT_EQ(bare.directory, "~/Photos");
  EXPECT_FALSE(bare.folder || bare.make_new || bare.once || bare.dry_run || bare.max_delete);
  auto const all = as<SyncOptions>({"sync", "--peer", "h:1", "DIR", "--folder", "f", "--once", "--dry-run",
                                    "--max-delete", "10%", "--peer", "[::1]:2"});
  EXPECT_EQ(all.directory, "DIR");
  EXPECT_EQ(all.folder, "f");
  EXPECT_TRUE(all.once && all.dry_run);
  EXPECT_EQ(all.max_delete->max_percent, 10U);
  EXPECT_EQ(all.peers, (std::vector<std::string>{"h:1", "[::1]:2"}));
  EXPECT_TRUE(as<SyncOptions>({"sync", "d", "--max-delete", "none"}).max_delete->off);
  EXPECT_TRUE(as<SyncOptions>({"sync", "d", "--new"}).make_new);
}

TEST(Args, TheRest) {
  (void)as<StatusOptions>({"status"});
  EXPECT_FALSE(as<VerifyOptions>({"verify"}).folder);
  EXPECT_EQ(as<VerifyOptions>({"verify", "photos"}).folder, "photos");
  (void)as<KeyShowRecoveryOptions>({"key", "show-recovery"});
  (void)as<KeyRotateOptions>({"key", "rotate"});
  EXPECT_TRUE(as<ConfigShowOptions>({"config", "show", "--origin"}).origin);
  EXPECT_EQ(as<ConfigGetOptions>({"config", "get", "log.level"}).key, "log.level");
  auto const set = as<ConfigSetOptions>({"config", "set", "network.listen", ""});
  EXPECT_EQ(set.key, "network.listen");
  EXPECT_EQ(set.value, "");
  EXPECT_EQ(as<ConfigSetOptions>({"config", "set", "network.listen", "[::]:7428"}).value, "[::]:7428");
  (void)as<ConfigCheckOptions>({"config", "check"});
  (void)as<ConfigPathOptions>({"config", "path"});
  (void)as<DoctorOptions>({"doctor"});
}

TEST(Args, FaultsNameWhatMayBeMeant) {
  std::vector<std::pair<std::vector<std::string>, std::string>> const rows{
      {{"pus", "hello"}, "there is no command \"pus\"; did you mean push? | push"},
      {{"pus", "status"}, "there is no command \"pus\"; did you mean push? | push"},
      {{"--json", "stauts"}, "there is no command \"stauts\"; did you mean status? | status"},
      {{"frobnicate"}, "there is no command \"frobnicate\" | "},
      {{"devices"}, "devices needs one of: ls, rename, revoke, pause, resume | devices"},
      {{"devices", "lst"}, "there is no command \"devices lst\"; did you mean devices ls? | devices ls"},
      {{"config", "sho"}, "there is no command \"config sho\"; did you mean config show? | config show"},
      {{"config", "frobnicate"}, "there is no command \"config frobnicate\" | config"},
      {{"push", "--topc", "x"}, "there is no flag --topc; did you mean --topic? | push"},
      {{"sync", "--onec", "x"}, "there is no flag --onec; did you mean --once? | sync"},
      {{"push", "--topc=x"}, "there is no flag --topc; did you mean --topic? | push"},
      {{"push", "--frobnicate"}, "there is no flag --frobnicate for push | push"},
      {{"push", "-x"}, "there is no flag -x for push | push"},
      {{"--jsn", "status"}, "there is no flag --jsn; did you mean --json? | status"},
      {{"status", "--jsn"}, "there is no flag --jsn; did you mean --json? | status"},
      {{"--frobnicate"}, "there is no flag --frobnicate | "},
      {{"status", "now"}, "status does not take \"now\" | status"},
      {{"push", "a", "b"}, "push does not take \"b\" | push"},
      {{"pair", "--join", "a", "b", "c", "d", "e"}, "pair does not take \"e\" | pair"},
      {{"sync"}, "sync needs DIR | sync"},
      {{"sync", ""}, "DIR cannot be \"\"; it takes a directory | sync"},
      {{"init", "--relay", ""}, "--relay cannot be \"\"; it takes a relay's address, such as wss://HOST | init"},
      {{"init", "--recover", "--relay="},
       "--relay cannot be \"\"; it takes a relay's address, such as wss://HOST | init"},
      {{"relay", "rm", ""}, "URL cannot be \"\"; it takes a relay's address, such as wss://HOST | relay rm"},
      {{"config", "set", "log.level"}, "config set needs VALUE | config set"},
      {{"devices", "pause"}, "devices pause needs DEV | devices pause"},
      {{"devices", "rename", "a"}, "devices rename needs NAME | devices rename"},
      {{"devices", "rename", "a", "b\x1b"},
       "NAME cannot be \"b\x1b\"; it takes a name without control characters | devices rename"},
      {{"devices", "rename", "a", "b\xff"}, "NAME cannot be \"b\xff\"; it takes a name in UTF-8 | devices rename"},
      {{"push", "--topic"}, "--topic needs a value | push"},
      {{"push", "--topic="}, "--topic cannot be \"\"; it takes a name of 1 to 255 bytes | push"},
      {{"push", "--topic=", "x"}, "--topic cannot be \"\"; it takes a name of 1 to 255 bytes | push"},
      {{"push", "--topic", "a", "--topic", "b"}, "--topic was given more often than it may be | push"},
      {{"init", "--recover", "--relay", "r", "--peer", "a:1"}, "--relay and --peer do not go together | init"},
      {{"init", "--peer", "a:1"}, "--peer goes with --recover | init"},
      {{"init", "--recover"},
       "--recover needs --relay, the address of a relay that the group used, with its key; or --peer, where a device "
       "of "
       "the group listens | init"},
      {{"sync", "d", "--folder", "f", "--new"}, "--folder and --new do not go together | sync"},
      {{"pair", "--create", "--join", "x"}, "--create and --join do not go together | pair"},
      {{"pair", "--join", "x", "--expires", "1m"}, "--join and --expires do not go together | pair"},
      {{"pair", "--qr", "--no-qr"}, "--qr and --no-qr do not go together | pair"},
      {{"devices", "revoke", "a", "--lost", "--compromised"},
       "--lost and --compromised do not go together | devices revoke"},
      {{"pair", "--expires", "soon"},
       "--expires cannot be \"soon\"; it takes a time such as 30s, 10m, 2h or 7d | pair"},
      {{"pair", "--expires", "0s"}, "--expires cannot be \"0s\"; it takes a time such as 30s, 10m, 2h or 7d | pair"},
      {{"push", "--ttl", "-1s"}, "--ttl cannot be \"-1s\"; it takes a time such as 30s, 10m, 2h or 7d | push"},
      {{"push", "--wait", "done"}, "--wait cannot be \"done\"; it takes safe or seen | push"},
      {{"pull", "--after-cursor", "-1"}, "--after-cursor cannot be \"-1\"; it takes a number | pull"},
      {{"pull", "--after-cursor", "1x"}, "--after-cursor cannot be \"1x\"; it takes a number | pull"},
      {{"pull", "--after-cursor", "18446744073709551616"},
       "--after-cursor cannot be \"18446744073709551616\"; it takes a number | pull"},
      {{"sync", "d", "--max-delete", "all"},
       "--max-delete cannot be \"all\"; it takes a number, a percentage or none | sync"},
      {{"status", "--timeout", "0s"}, "--timeout cannot be \"0s\"; it takes a time such as 30s or 5m | status"},
      {{"status", "--timeout", "30"}, "--timeout cannot be \"30\"; it takes a time such as 30s or 5m | status"},
      {{"status", "--home="}, "--home needs a value | status"},
      {{"push", "++"}, "a lone ++ must stand behind -- | "},
  };
  for (auto const& [args, expected] : rows) EXPECT_EQ(fault(args), expected) << fmt::format("{}", fmt::join(args, " "));
}

TEST(Args, CommandsThatAreNotThereAreNeitherTakenNorProposed) {
  auto const some = [](std::string_view path) { return path == "status" || path == "config get" || path == "help"; };
  EXPECT_TRUE(parse_args({"status"}, {}, some));
  EXPECT_TRUE(parse_args({"config", "get", "x"}, {}, some));
  EXPECT_EQ(parse_args({"push"}, {}, some).error().what, "there is no command \"push\"");
  EXPECT_EQ(parse_args({"config", "set", "a", "b"}, {}, some).error().what,
            "there is no command \"config set\"; did you mean config get?");
  EXPECT_EQ(parse_args({"key", "rotate"}, {}, some).error().what, "there is no command \"key\"");
}

TEST(Args, WhatAFaultIsShownIn) {
  auto const flags = [](std::vector<std::string> const& args, engine::Environment::Variables variables = {}) {
    auto const global = display_flags(args, engine::Environment::of(std::move(variables)));
    return fmt::format("{}{}{}", global.json, global.quiet, global.no_color);
  };
  EXPECT_EQ(flags({"pus", "--json", "--quiet", "--no-color"}), "truetruetrue");
  EXPECT_EQ(flags({"pus", "--", "--json"}), "falsefalsefalse");
  EXPECT_EQ(flags({"pus"}, {{"KITH_JSON", "1"}}), "truefalsefalse");
}

}  // namespace
}  // namespace kith::cli
