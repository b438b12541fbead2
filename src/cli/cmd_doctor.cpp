#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "cli/handlers.hpp"
#include "cli/relay_choice.hpp"
#include "cli/relay_standing.hpp"
#include "cli/removal_claims.hpp"
#include "cli/signals.hpp"
#include "disk/posix_file_system.hpp"
#include "engine/folder_looks.hpp"
#include "engine/key_file.hpp"
#include "engine/relay_setup.hpp"

namespace kith::cli {
namespace {

using engine::Client;

constexpr std::uint64_t kLittleSpace = 200ULL * 1024 * 1024;
constexpr std::int64_t kSkewSeconds = 60;
constexpr std::uint64_t kFewWatches = 65536;
constexpr auto kRelayPatience = std::chrono::seconds{10};  ///< for each relay to shake hands
constexpr auto kDiskPatience = std::chrono::seconds{2};    ///< for all folders' disks to answer

/// Check after check; each says what to do.
class Examination {
 public:
  explicit Examination(Context& context) : context_(context) { object_["checks"] = Json::array(); }

  int run() {
    auto const paths = context_.home();
    if (!paths) return context_.fail(paths.error());
    check_config();
    if (check_home(*paths)) check_group(*paths);
    if (stopped()) return context_.fail(stopped_by_signal().value());
    context_.out.document(object_);
    return failed_ ? engine::kExitOther : engine::kExitOk;
  }

 private:
  enum class Verdict { ok, warn, fail };

  /// Ctrl-C ends it at once: what was to follow is not looked at.
  [[nodiscard]] static bool stopped() { return signals::stop_signal() != 0; }

  void add(std::string_view id, Verdict verdict, std::string const& message,
           std::vector<engine::Remedy> const& known = {}) {
    auto& out = context_.out;
    auto const remedies = out.commands(known);
    std::string_view const word = verdict == Verdict::ok ? "ok" : verdict == Verdict::warn ? "warn" : "fail";
    object_["checks"].push_back(
        {{"id", id}, {"result", word}, {"message", message}, {"remedy", remedies_json(remedies)}});
    failed_ = failed_ || verdict == Verdict::fail;
    auto const mark = verdict == Verdict::ok     ? out.glyphs().done()
                      : verdict == Verdict::warn ? std::string_view("!")
                                                 : out.glyphs().failed();
    out.result(fmt::format("{} {:<9} {}", mark, id, message));
    for (auto const& remedy : remedies) out.result(fmt::format("    try: {}   {}", remedy.command, remedy.explanation));
  }
  void add(std::string_view id, Error const& error, engine::FailureContext const& about = {}) {
    auto const failure = engine::explain(error, about);
    add(id, Verdict::fail, failure.cause.empty() ? failure.what : fmt::format("{}: {}", failure.what, failure.cause),
        failure.remedies);
  }

  void check_config() {
    auto const config = context_.config();
    if (config) return add("config", Verdict::ok, "settings are in order");
    add("config", Verdict::fail, engine::describe(config.error().front()),
        {{"kith config check", "see all that is wrong"}});
  }

  bool check_home(engine::HomePaths const& paths) {
    auto const home = engine::check_home(paths);
    if (!home) {
      add("home", home.error());
      return false;
    }
    add("home", Verdict::ok, fmt::format("{} is yours alone", printable(paths.state_dir.native())));
    check_space("disk", paths.state_dir.native());
    auto const keys = engine::read_key_file(paths.key_file);
    if (!keys) {
      add("keys", keys.error());
      return false;
    }
    bool const sealed = keys->protection() == engine::KeyProtection::passphrase;
    add("keys", Verdict::ok,
        sealed ? "the key file is whole, under a passphrase" : "the key file is whole, without a passphrase");
    return true;
  }

  void check_space(std::string_view id, std::string const& path) {
    struct statvfs facts {};
    if (::statvfs(path.c_str(), &facts) != 0)
      return add(id, Verdict::warn, fmt::format("cannot tell how full {} is", printable(path)));
    auto const free = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
    add(id, free < kLittleSpace ? Verdict::warn : Verdict::ok,
        fmt::format("{} free at {}", human_bytes(free), printable(path)));
  }

  void check_group(engine::HomePaths const& paths) {
    auto client = open_client(context_, "kith doctor");
    if (!client) return add("database", client.error());
    if (auto const sound = check_database(**client); !sound) return add("database", sound.error());
    auto const& roster = (*client)->instance().replica.state().roster();
    auto const active = roster.active_by_rank().size();
    add("database", Verdict::ok,
        fmt::format("{} is sound; group \"{}\", {} active {}", printable(paths.database.native()), roster.group_name(),
                    active, active == 1 ? "device" : "devices"));
    if (was_removed(**client)) add("group", Error(core::CoreError::removed_self));
    using Check = void (Examination::*)(Client&);
    for (Check const check : {&Examination::check_network, &Examination::check_peers, &Examination::check_relays,
                              &Examination::check_claims, &Examination::check_folders}) {
      if (!stopped()) (this->*check)(**client);
    }
  }

  static Result<> check_database(Client& client) {
    KITH_CHECK(client.instance().check_integrity());
    KITH_TRY(heads, client.instance().replica.heads());
    static_cast<void>(heads);
    return {};
  }

  void check_network(Client& client) {
    auto const owner = client.owner();
    if (!owner) return add("port", owner.error());
    auto const& wanted = client.options().config.listen;
    if (*owner) {
      auto const text = (*owner)->port == 0 ? std::string("listens nowhere")
                                            : fmt::format("listens at {}", fmt::join((*owner)->addresses, ", "));
      return add("port", (*owner)->port == 0 ? Verdict::warn : Verdict::ok,
                 fmt::format("{} {}", printable((*owner)->command), text));
    }
    if (!wanted) {
      return add("port", Verdict::warn, "network.listen is off: this device can call others, they cannot call it",
                 {{"kith config set network.listen '[::]:7427'", "let other devices call"}});
    }
    link::Loop loop;
    auto const opened = link::TcpListener::open(loop, *wanted, [](std::string const&) { return nullptr; });
    if (opened) return add("port", Verdict::ok, fmt::format("{} is free", link::to_text(*wanted)));
    add("port", Verdict::warn,
        fmt::format("{} is taken; kith will listen on another port and tell the others", link::to_text(*wanted)));
  }

  void check_peers(Client& client) {
    auto const others = client.other_devices();
    if (others.empty())
      return add("peers", Verdict::warn, "there is no other device in the group", {{"kith pair", "invite one"}});
    auto const reached = reach_others(context_, client, Level::both);
    if (stopped()) return;
    if (!reached) return add("peers", reached.error());
    auto const count = reached->level.size() + reached->behind.size();
    if (count == 0) {
      add("peers", Verdict::warn, fmt::format("none of {} other devices can be reached", others.size()),
          {{"kith status", "see when they were last there"},
           {"kith sync DIR --peer HOST:PORT", "name an address yourself"}});
    } else {
      add("peers", Verdict::ok, fmt::format("{} of {} other devices connected", count, others.size()));
    }
    sync::PeerBook peers(client.instance().store());
    if (auto const loaded = peers.load(); !loaded) return add("clock", loaded.error());
    std::int64_t worst = 0;
    std::string whose;
    for (auto const& [device, record] : peers.all()) {
      if (std::abs(record.clock_ahead_s) <= std::abs(worst)) continue;
      worst = record.clock_ahead_s;
      whose = device_name(client, device);
    }
    if (std::abs(worst) > kSkewSeconds) {
      add("clock", Verdict::warn,
          fmt::format("{}'s clock is {} s {} this one's; times of files and messages will look odd. "
                      "Set the wrong one by the network",
                      whose, std::abs(worst), worst > 0 ? "ahead of" : "behind"));
    } else {
      add("clock", Verdict::ok, "clocks agree, as far as other devices were met");
    }
  }

  /// Whether each answers, with the key that its address names, and whether it serves this device.
  void check_relays(Client& client) {
    auto const standings = relay_standings(client);
    if (!standings) return add("relay", standings.error());
    for (auto const& each : *standings) {
      auto const address = link::parse_relay_address(each.relay.url);
      if (!address) {
        add("relay", address.error());
        continue;
      }
      auto waiting = relay_waiting(context_);
      waiting.within = context_.global.timeout.value_or(std::chrono::milliseconds(kRelayPatience));
      auto const found = engine::find_relay(*address, waiting);
      if (stopped()) return;
      engine::FailureContext about;
      about.address = each.url;
      auto const* known = engine::find_failure_code(each.code());
      if (!found) {
        // One that is away, like a device that is away, is no fault of this one.
        auto const failure = engine::explain(found.error(), about);
        auto const* code =
            engine::find_failure_code(failure.code == "address-unreachable" ? "relay-unreachable" : failure.code);
        add("relay", failure.exit == engine::kExitUnreachable ? Verdict::warn : Verdict::fail,
            failure.cause.empty() ? failure.what : fmt::format("{}: {}", failure.what, failure.cause),
            code != nullptr ? remedies_of(*code) : failure.remedies);
      } else if (known != nullptr && !each.passing()) {
        add("relay", Verdict::warn, fmt::format("{}: {}", each.url, known->summary), remedies_of(*known));
      } else {
        add("relay", Verdict::ok,
            fmt::format("{} answers in {} ms, with the key that the group knows", each.url, found->took.count()));
      }
      if (!found) continue;
      auto const leads = engine::words_lead_to(client, each.relay, *address, waiting);
      if (leads && !*leads) add("words", Verdict::warn, no_record_text(each.url), no_record_remedies());
    }
  }

  static std::vector<engine::Remedy> remedies_of(engine::FailureCode const& code) {
    std::vector<engine::Remedy> remedies;
    for (auto const& each : code.tries())
      remedies.push_back({std::string(each.command), std::string(each.explanation)});
    return remedies;
  }

  /// No failure: whoever says so may lie.
  void check_claims(Client& client) {
    auto const claims = client.said_removed_by();
    if (!claims) return add("group", claims.error());
    for (auto const& by : *claims) add("group", Verdict::warn, claim_text(client, by), claim_remedies(client, by));
  }

  void check_folders(Client& client) {
    auto const bound = files::bound_folders(client.instance().store());
    if (!bound) return add("folders", bound.error());
    engine::FolderLooks looks(engine::look_for_markers(client.instance().replica.state().group()));
    looks.look(*bound);
    static_cast<void>(looks.wait(kDiskPatience));
    for (auto const& [id, row] : *bound) {
      if (!looks.there(id)) {
        add("folder", Error(engine::EngineError::folder_silent, SubjectDetail{row.root}));
        continue;
      }
      auto context = client.instance().folder_context(id);
      if (auto const disk = context.disk(); !disk) {
        add("folder", Error(engine::EngineError::folder_unmounted, SubjectDetail{row.root}));
        continue;
      }
      auto const* code = row.state == files::FolderState::stopped ? engine::find_failure_code(row.problem) : nullptr;
      if (code != nullptr) {
        add("folder", Verdict::fail,
            fmt::format("{} in {} is stopped: {}", row.name, printable(row.root), code->summary), remedies_of(*code));
        continue;
      }
      add("folder", Verdict::ok, fmt::format("{} in {}", row.name, printable(row.root)));
      check_space("space", row.root);
    }
    if (!bound->empty()) check_watches();
  }

  void check_watches() {
    std::uint64_t limit = 0;
    std::ifstream("/proc/sys/fs/inotify/max_user_watches") >> limit;
    if (limit >= kFewWatches || limit == 0)
      return add("watches", Verdict::ok, fmt::format("the system lets {} directories be watched", limit));
    add("watches", Verdict::warn,
        fmt::format("the system lets only {} directories be watched; beyond that kith looks every 10 s. "
                    "To raise it: sysctl fs.inotify.max_user_watches={}",
                    limit, kFewWatches * 8));
  }

  Context& context_;
  Json object_ = json_document("kith.doctor/1");
  bool failed_ = false;
};

}  // namespace

int cmd_doctor(Context& context, DoctorOptions const&) { return Examination(context).run(); }

}  // namespace kith::cli
