#include "relay/server/program.hpp"

#include <algorithm>
#include <fstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/text.hpp"
#include "base/version.hpp"
#include "relay/server/admin.hpp"
#include "relay/server/config.hpp"
#include "relay/server/data_folder.hpp"
#include "relay/server/explain.hpp"
#include "relay/server/mailbox_list.hpp"
#include "relay/server/serve.hpp"

namespace kith::relay::server {
namespace {

using nlohmann::json;

constexpr int kUsage = 2;
constexpr int kNotRunning = 7;

int write_config(std::string const& file) {
  auto const text = default_config_file();
  if (file == "-") {
    fmt::print("{}", text);
    return 0;
  }
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) {
    fmt::print(stderr, "error: {} is there already\n  try:   another name, or kith-relay config init -\n",
               printable(file));
    return 1;
  }
  std::ofstream out(file);
  if (!(out << text) || !out.flush()) {
    fmt::print(stderr, "error: {} cannot be written\n", printable(file));
    return 1;
  }
  fmt::print("wrote {}\n", printable(file));
  return 0;
}

int check_config(std::string const& file) {
  auto const parsed = read_config(file);
  if (!parsed) {
    for (auto const& fault : parsed.error()) fmt::print(stderr, "{}\n", fault.text(file));
    return kUsage;
  }
  for (auto const& note : parsed->notes) fmt::print("note: {}\n", note.text(file));
  fmt::print("{} is in order\n", printable(file));
  return 0;
}

std::uint64_t number(json const& answer, char const* name) { return answer.value(name, std::uint64_t{0}); }

void show_groups(json const& now) {
  fmt::print("groups   {} of at most {}, {} with a device connected\ndevices  {} connected\n", number(now, "groups"),
             number(now, "max_groups"), number(now, "groups_online"), number(now, "members_online"));
  fmt::print("{}", table_of(now.value("mailboxes", json::array()), number(now, "group_quota_bytes")));
}
/// What follows from removing a mailbox; said before it is done, and not only afterwards.
constexpr auto kRemoving =
    "Its log, contents in transit, access records and recovery record are deleted here, and its devices sent away. "
    "They\n"
    "do not lose anything by that: when they connect next they register the mailbox again by themselves and push "
    "again\n"
    "what they hold, unless registration needs a token here. What none of them holds any more is gone. So this does "
    "not\n"
    "shut anybody out; it frees room that nobody comes back for.";

void show_invites(json const& now) {
  fmt::print("invites  {} open of at most {}, {} requests wait for a box\n", number(now, "open_invites"),
             number(now, "max_open_invites"), number(now, "waiting_polls"));
}
void show_quota(json const& now) {
  fmt::print(
      "stored   {} in {} items, and {} of objects in transit\ndisk     {} of at most {}\n"
      "a group  at most {}; {} pushes were refused since the start\n",
      human_bytes(number(now, "stored_bytes")), number(now, "items"), human_bytes(number(now, "object_bytes")),
      human_bytes(number(now, "disk_bytes")), human_bytes(number(now, "max_bytes")),
      human_bytes(number(now, "group_quota_bytes")), number(now, "quota_refusals"));
}

/// Sends one command to the running relay.
class Operator {
 public:
  std::filesystem::path data = default_data_folder();
  bool as_json = false;

  int show(void (*words)(json const&), char const* command = "status") const {
    return ask({{"command", command}}, words);
  }
  int reload() const {
    return ask({{"command", "reload"}}, [](json const& answer) {
      fmt::print("reloaded\n");
      auto const waiting = answer.value("restart_for", std::vector<std::string>{});
      if (!waiting.empty())
        fmt::print("note: changed, and as before until the relay is started again: {}\n", fmt::join(waiting, ", "));
    });
  }
  int order(json const& command, std::string const& words) const {
    return ask(command, [&](json const&) { fmt::print("{}\n", words); });
  }

 private:
  template <class Show>
  int ask(json const& command, Show const& words) const {
    auto const answer = ask_relay(DataFolder::admin_socket(data), command);
    if (!answer) {
      fmt::print(stderr, "error: {}\n", explain(answer.error()));
      return answer.error().is(ServerError::not_running) ? kNotRunning : 1;
    }
    if (as_json) {
      fmt::print("{}\n", answer->dump());
    } else {
      words(*answer);
    }
    return 0;
  }
};

/// What is wrong with a word that stands where a command's name belongs; empty where nothing is. What follows a flag
/// may be its value, so that it is left to the parser.
std::string unknown_command(CLI::App const& app, int argc, char** argv) {
  auto const* at = &app;
  std::string path;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    std::vector<std::string> names;
    for (auto const* each : at->get_subcommands([](CLI::App const*) { return true; }))
      names.push_back(each->get_name());
    if (names.empty()) break;
    std::string const word = argv[i];
    if (std::ranges::find(names, word) == names.end()) {
      auto const near = nearest_word(word, names);
      return fmt::format("there is no command \"{}{}\"{}\n  try:   kith-relay {}--help", path, printable(word),
                         near ? fmt::format("; did you mean {}{}?", path, *near) : "", path);
    }
    at = at->get_subcommand(word);
    path += word + " ";
  }
  return {};
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App app("A relay for kith: keeps what devices send each other, sealed, until the others come for it.",
               "kith-relay");
  app.set_version_flag("--version", std::string(kVersion));
  app.require_subcommand(1);
  int code = 0;

  ServeOptions options;
  options.data = default_data_folder();
  std::string config, listen;
  auto* const run = app.add_subcommand("serve", "Run the relay in the foreground");
  run->add_option("--data", options.data, "Directory for the key, the database and the admin socket")
      ->capture_default_str();
  run->add_option("--config", config, "relay.toml; by default the data directory's, else /etc/kith-relay/relay.toml")
      ->envname("KITH_RELAY_CONFIG");
  run->add_option("--listen", listen, "HOST:PORT, instead of what the configuration says");
  run->callback([&] {
    if (!config.empty()) options.config = config;
    if (!listen.empty()) options.listen = listen;
    code = serve(options);
  });

  auto* const settings = app.add_subcommand("config", "Write or check a relay.toml");
  settings->require_subcommand(1);
  std::string written = "relay.toml", checked = "relay.toml";
  auto* const init = settings->add_subcommand("init", "Write a commented file that says every default");
  init->add_option("file", written, "Where to, - for standard output")->capture_default_str();
  init->callback([&] { code = write_config(written); });
  auto* const check = settings->add_subcommand("check", "Say what is wrong with a file");
  check->add_option("file", checked, "Which")->capture_default_str();
  check->callback([&] { code = check_config(checked); });

  Operator me;
  std::string backup, mailbox;
  bool sure = false;
  auto const verb = [&](char const* name, char const* what, std::function<void()> act) {
    auto* const command = app.add_subcommand(name, what);
    command->add_option("--data", me.data, "The running relay's data directory")->capture_default_str();
    command->add_flag("--json", me.as_json, "Print one JSON document");
    command->callback(std::move(act));
    return command;
  };
  CLI::App* remove = nullptr;
  auto* const groups = verb("groups", "How many groups and devices there are, and what each mailbox stores", [&] {
    if (!remove->parsed()) code = me.show(show_groups, "groups");
  });
  remove = groups->add_subcommand("rm", "Delete a mailbox with all that it holds");
  remove->add_option("mailbox", mailbox, "As groups calls it")->required();
  remove->add_flag("--yes", sure, "Do it: nothing brings it back");
  remove->add_option("--data", me.data, "The running relay's data directory")->capture_default_str();
  remove->add_flag("--json", me.as_json, "Print one JSON document");
  remove->callback([&] {
    if (!sure) {
      fmt::print(stderr, "error: this deletes mailbox {}\n{}\n  try:   kith-relay groups rm {} --yes\n",
                 printable(mailbox), kRemoving, printable(mailbox));
      code = kUsage;
      return;
    }
    code = me.order({{"command", "remove_mailbox"}, {"id", mailbox}},
                    fmt::format("removed mailbox {}; its room is free in a while", printable(mailbox)));
  });
  verb("invites", "How many invites are open", [&] { code = me.show(show_invites); });
  verb("quota", "What is stored, and what may be", [&] { code = me.show(show_quota); });
  verb("backup", "Copy the database while the relay runs",
       [&] {
         auto const to = std::filesystem::absolute(backup).lexically_normal();
         code = me.order({{"command", "backup"}, {"to", to.native()}},
                         fmt::format("wrote {}; keep {} with it", printable(to.native()),
                                     printable((me.data / "relay.key").native())));
       })
      ->add_option("file", backup, "A new file")
      ->required();
  verb("reload", "Make the relay read its configuration, tokens and certificate again", [&] { code = me.reload(); });
  verb("drain", "Make the relay tell its devices to come back later, and end", [&] {
    code = me.order({{"command", "drain"}}, "draining");
  });

  if (auto const fault = unknown_command(app, argc, argv); !fault.empty()) {
    fmt::print(stderr, "error: {}\n", fault);
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return code;
}

}  // namespace kith::relay::server
