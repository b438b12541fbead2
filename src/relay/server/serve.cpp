#include "relay/server/serve.hpp"

#include <csignal>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "base/version.hpp"
#include "crypto/system_random.hpp"
#include "relay/channel/key_mark.hpp"
#include "relay/server/admin.hpp"
#include "relay/server/data_folder.hpp"
#include "relay/server/explain.hpp"
#include "relay/server/log.hpp"
#include "relay/server/mailbox_list.hpp"
#include "relay/server/storage.hpp"

namespace kith::relay::server {
namespace {

using nlohmann::json;

constexpr int kConfigFault = 2;

int failed(Error const& error) {
  fmt::print(stderr, "error: {}\n", explain(error));
  return 1;
}

/// The signals that steer a relay, as a descriptor: they are blocked for the whole program.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (int const each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, each);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  Signals(Signals const&) = delete;
  Signals& operator=(Signals const&) = delete;
  ~Signals() { ::close(fd_); }
  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] std::optional<int> next() const {
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  int fd_;
};

/// One run of the program `kith-relay serve`.
json const kStorageSilent{{"ok", false}, {"error", "the storage does not answer; try again in a while"}};

class Run {
 public:
  Run(ServeOptions options, Config config, DataFolder folder)
      : options_(std::move(options)), config_(std::move(config)), folder_(std::move(folder)) {}

  int run();

 private:
  Result<> open();
  Result<> reload();
  void drain();
  void on_signal(int number);
  void obey(json const& command, std::function<void(json)> const& answer);
  void remove_mailbox(json const& id, std::function<void(json)> const& answer);

  ServeOptions options_;
  Config config_;
  Config const started_ = config_;  ///< what a reload does not change goes by it
  DataFolder folder_;
  Signals signals_;
  crypto::SystemRandom random_;
  link::Loop loop_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<link::Loop::Watch> watch_;
  bool draining_ = false;
};

using ConfigOrFaults = tl::expected<ParsedConfig, std::vector<ConfigFault>>;

ConfigOrFaults load(ServeOptions const& options, std::string& name) {
  auto const file = options.config ? options.config : find_config(options.data);
  name = file ? file->native() : "configuration";
  auto parsed = file ? read_config(*file) : parse_config("", "");
  if (!parsed || !options.listen) return parsed;
  auto const listen = parse_listen(*options.listen);
  if (!listen) return tl::unexpected(std::vector<ConfigFault>{{"--listen", 0, 0, "takes HOST:PORT", std::nullopt}});
  parsed->config.server.listen = *listen;
  return parsed;
}

int Run::run() {
  if (auto opened = open(); !opened) return failed(opened.error());
  auto const& listen = config_.server.listen;
  auto const key = folder_.key(random_);
  if (!key) return failed(key.error());
  // Before the line below: whoever waits for that may read the log at once.
  log::info("relay.started",
            {{"port", service_->port()}, {"monitoring_port", service_->monitoring_port().value_or(0)}});
  fmt::print("kith-relay {}: listening at {}, data in {}, key {}\n{}\n", kVersion,
             link::to_text({listen.host, service_->port()}), folder_.path().native(), key_mark({key->public_key.bytes}),
             add_line(config_.url, listen.host, service_->port(), !config_.server.certificate.empty(),
                      to_base64url(key->public_key.view())));
  std::fflush(stdout);
  bool const here_only = listen.host.starts_with("127.") || listen.host == "::1" || listen.host == "localhost";
  if (here_only && config_.url.empty())
    fmt::print(stderr, "note: only this machine reaches it; for others: kith-relay serve --listen '[::]:{}'\n",
               service_->port());
  loop_.run();
  admin_.reset();
  service_.reset();
  log::info("relay.ended");
  return 0;
}

Result<> Run::open() {
  KITH_TRY(key, folder_.key(random_));
  KITH_TRY(registration, load_registration(config_.registration));
  auto const database = config_.database.empty() ? folder_.database() : config_.database;
  KITH_TRY(storage, open_storage(database, config_, random_));
  KITH_TRY(service, Service::open(loop_, random_, key, config_, std::move(registration), std::move(storage)));
  service_ = std::move(service);
  KITH_TRY(admin, AdminServer::open(
                      loop_, DataFolder::admin_socket(folder_.path()),
                      [this](json const& command, std::function<void(json)> const& answer) { obey(command, answer); }));
  admin_ = std::move(admin);
  watch_ = loop_.watch(signals_.descriptor(), [this] {
    while (auto const number = signals_.next()) on_signal(*number);
  });
  return {};
}

void Run::on_signal(int number) {
  if (number == SIGHUP) {
    if (auto const done = reload(); !done)
      log::error("relay.reload_failed", {{"why", log::Chosen{explain(done.error())}}});
  } else if (draining_) {
    log::warn("relay.ends_at_once");
    loop_.stop();
  } else {
    drain();
  }
}

Result<> Run::reload() {
  std::string name;
  auto parsed = load(options_, name);
  if (!parsed) return fail(ServerError::refused, SubjectDetail{parsed.error().front().text(name)});
  KITH_TRY(registration, load_registration(parsed->config.registration));
  KITH_CHECK(service_->reload(parsed->config, std::move(registration)));
  config_ = std::move(parsed->config);
  log::start(config_.log_level, config_.log_addresses);
  log::info("relay.reloaded");
  for (auto const& key : changed_restart_keys(started_, config_))
    log::warn("relay.restart_needed", {{"key", log::Chosen{key}}});
  return {};
}

void Run::drain() {
  draining_ = true;
  log::info("relay.draining");
  service_->drain([this] { loop_.stop(); });
}

void Run::obey(json const& command, std::function<void(json)> const& answer) {
  auto const found = command.find("command");
  auto const name = found != command.end() && found->is_string() ? found->get<std::string>() : "";
  auto const done = [answer](Result<> const& result) {
    if (result) return answer({{"ok", true}});
    auto const& error = result.error();
    bool const in_words = error.is(ServerError::refused);  // whoever asked says whose words they are
    answer({{"ok", false}, {"error", in_words ? std::string(error.subject()) : explain(error)}});
  };
  if (name == "reload") {
    auto const reloaded = reload();
    if (!reloaded) return done(reloaded);
    return answer({{"ok", true}, {"restart_for", changed_restart_keys(started_, config_)}});
  }
  if (name == "drain") {
    answer({{"ok", true}});
    if (!draining_) drain();
    return;
  }
  if (name == "backup") {
    auto const to = command.find("to");
    if (to == command.end() || !to->is_string()) return answer({{"ok", false}, {"error", "where to?"}});
    return service_->back_up(to->get<std::string>(), done);
  }
  if (name == "remove_mailbox") return remove_mailbox(command.value("id", json("")), answer);
  if (name != "status" && name != "groups")
    return answer({{"ok", false}, {"error", "this version does not know this command"}});
  service_->take_snapshot([this, answer, with_list = name == "groups"](Snapshot const& now) {
    json const status{{"ok", true},
                      {"version", kVersion},
                      {"uptime_s", now.uptime.count()},
                      {"draining", now.draining},
                      {"connections", now.server.websockets},
                      {"groups", now.storage.groups},
                      {"max_groups", config_.rules.store.max_groups},
                      {"groups_online", now.rules.groups_online},
                      {"members_online", now.rules.members},
                      {"items", now.storage.items},
                      {"stored_bytes", now.storage.stored_bytes},
                      {"object_bytes", now.storage.object_bytes},
                      {"disk_bytes", now.storage.disk_bytes},
                      {"max_bytes", now.max_bytes},
                      {"group_quota_bytes", config_.rules.store.group_quota_bytes},
                      {"quota_refusals", now.rules.quota_refusals},
                      {"open_invites", now.open_invites},
                      {"max_open_invites", config_.invites.max_open},
                      {"waiting_polls", now.waiting_polls}};
    if (!with_list) return answer(status);
    service_->list_mailboxes([answer, status](std::optional<std::vector<GroupFigures>> const& groups) {
      if (!groups) return answer(kStorageSilent);
      auto all = status;
      all["mailboxes"] = to_json(*groups);
      answer(std::move(all));
    });
  });
}

void Run::remove_mailbox(json const& id, std::function<void(json)> const& answer) {
  auto const wanted = id.is_string() ? id.get<std::string>() : "";
  service_->list_mailboxes([this, wanted, answer](std::optional<std::vector<GroupFigures>> const& groups) {
    if (!groups) return answer(kStorageSilent);
    auto const found = find_mailbox(*groups, wanted);
    if (!found)
      return answer(
          {{"ok", false},
           {"error", fmt::format("there is no mailbox \"{}\" here\n  try:   kith-relay groups   see what each "
                                 "one is called",
                                 wanted)}});
    service_->remove_mailbox(found->group, [answer](bool removed) {
      if (removed) log::info("relay.mailbox_removed");
      answer(removed ? json{{"ok", true}} : kStorageSilent);
    });
  });
}

}  // namespace

std::optional<std::filesystem::path> find_config(std::filesystem::path const& data) {
  std::error_code ignored;
  for (auto const& file : {data / "relay.toml", std::filesystem::path("/etc/kith-relay/relay.toml")})
    if (std::filesystem::exists(file, ignored)) return file;
  return std::nullopt;
}

std::string add_line(std::string const& url, std::string const& host, std::uint16_t port, bool tls,
                     std::string const& key) {
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  if (base.empty()) {
    bool const everywhere = host == "::" || host == "0.0.0.0";
    base = (tls ? "wss://" : "ws://") + (everywhere ? link::own_addresses(port).front() : link::to_text({host, port}));
  }
  return fmt::format("kith relay add '{}/#key={}'", base, key);
}

int serve(ServeOptions const& options) {
  std::string name;
  auto parsed = load(options, name);
  if (!parsed) {
    for (auto const& fault : parsed.error()) fmt::print(stderr, "error: {}\n", fault.text(name));
    return kConfigFault;
  }
  for (auto const& note : parsed->notes) fmt::print(stderr, "note: {}\n", note.text(name));
  auto folder = DataFolder::open(options.data);
  if (!folder) return failed(folder.error());
  log::start(parsed->config.log_level, parsed->config.log_addresses);
  return Run(options, std::move(parsed->config), std::move(*folder)).run();
}

}  // namespace kith::relay::server
