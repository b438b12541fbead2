#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/pairing.hpp"
#include "cli/signals.hpp"
#include "engine/joining_database.hpp"
#include "engine/key_file.hpp"
#include "engine/relay_status.hpp"

/// `kith pair --join`: makes the home where there is none, and joins the group that an invite stands for.
namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;

constexpr auto kLogTime = std::chrono::seconds{30};
constexpr auto kLookTime = std::chrono::seconds{2};     ///< a command that looks into the database, and ends
constexpr auto kOthersTime = std::chrono::seconds{30};  ///< one that its user has to end
constexpr std::size_t kMostInviteText = 4096;

/// What was typed; KITH_CODE; or what comes on standard input. The latter two are in no other process's list of
/// arguments.
Result<std::string> invite_text(Context& context, std::string const& given) {
  if (!given.empty() && given != "-") return given;
  if (given.empty()) {
    if (auto const code = context.environment.get_filled("KITH_CODE")) return *code;
  }
  if (::isatty(STDIN_FILENO) == 1) context.out.note("Type the code that the other device shows, then Enter:");
  std::string text(kMostInviteText, '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    auto const count = ::read(STDIN_FILENO, text.data() + got, text.size() - got);
    if (signals::stop_signal() != 0) return stopped_by_signal();
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
    if (text.find('\n') < got) break;
  }
  text.resize(std::min(got, text.find('\n')));
  if (text.find_first_not_of(" \t\r") == std::string::npos)
    return fail(EngineError::usage, SubjectDetail{"no code came on standard input"});
  return text;
}

/// Whether this device's joining broke off when it had the group's key and not yet its log: until it finds itself in
/// the log it can write nothing.
bool never_came_in(Client& client) {
  auto& instance = client.instance();
  return instance.replica.state().roster().find(instance.replica.self()) == nullptr;
}

/// A group that holds nothing but its making, by `kith init`: it may be left behind.
Result<bool> is_untouched(Client& client) {
  auto& instance = client.instance();
  if (instance.replica.state().roster().members().size() != 1) return false;
  KITH_TRY(last, instance.messages.last());
  KITH_TRY(folders, instance.folders.folders());
  return last.value == 0 && folders.empty();
}

void advise_the_same_again(Context& context) {
  context.advise({{{"kith pair --join CODE --peer HOST:PORT", "the same command again, while the code is good"}},
                  {},
                  "nothing was changed"});
}

/// What the home has, which a joining may take the place of.
enum class Own {
  nothing,          ///< no group
  untouched_group,  ///< one that holds nothing but its making
  half_joined,      ///< the key of one, and not its log
};

/// @return EngineError::already_initialised where the home has what must not be left; CoreError::removed_self
Result<Own> own_group(engine::HomePaths const& paths, engine::Config const& config, core::Identity const& identity) {
  auto const opened = Client::open(identity.clone(), {paths, config, "kith pair"});
  if (!opened) {
    if (opened.error().is(EngineError::not_initialised)) return Own::nothing;
    return fail(opened.error());
  }
  if (was_removed(**opened)) return fail(core::CoreError::removed_self);
  if (never_came_in(**opened)) return Own::half_joined;
  KITH_TRY(untouched, is_untouched(**opened));
  if (!untouched) return fail(EngineError::already_initialised);
  return Own::untouched_group;
}

/// This device's keys, made where there are none. Whoever is asked for a passphrase is asked before anything is made.
Result<core::Identity> identity_for_join(Context& context, engine::HomePaths const& paths,
                                         std::optional<std::string> const& passphrase_file) {
  auto const file = engine::read_key_file(paths.key_file);
  if (file) {
    KITH_CHECK(engine::prepare_home(paths));
    return engine::unlock(*file, context.passphrase(passphrase_file));
  }
  if (!file.error().is(engine::KeyError::missing)) return fail(file.error());
  auto const passphrase = context.new_passphrase(passphrase_file);
  if (!passphrase) {
    if (passphrase.error().is(EngineError::interrupted)) advise_the_same_again(context);
    return fail(passphrase.error());
  }
  KITH_CHECK(engine::prepare_home(paths));
  crypto::SystemRandom random;
  return engine::make_keys(paths.key_file, *passphrase, random, engine::current_time().wall);
}

/// Whether something waits at a relay that is connected.
Result<bool> relay_has_more(Client& client) {
  KITH_TRY(rows, engine::all_control<engine::RelayRow>(client.instance().store()));
  return std::ranges::any_of(rows, [](auto const& each) { return each.second.connected && !each.second.caught_up; });
}

/// Gets the group's log, at least as far as the entry that lets this device in.
Result<> wait_for_log(Client& client, std::optional<std::chrono::milliseconds> timeout) {
  KITH_CHECK(client.connect());
  auto const until = Clock::now() + std::min<std::chrono::milliseconds>(timeout.value_or(kLogTime), kLogTime);
  for (;;) {
    if (auto const failure = client.network_failure()) return fail(*failure);
    KITH_CHECK(client.refresh());
    KITH_TRY(fetching, relay_has_more(client));
    if (client.instance().replica.self_active() && !fetching) {
      KITH_TRY(book, engine::DeliveryBook::load(client.instance().replica, client.instance().store()));
      bool level = true;
      for (auto const& device : client.other_devices()) {
        KITH_TRY(sessions, client.sessions());
        bool const connected = std::ranges::any_of(sessions, [&](auto const& each) { return each.first == device; });
        KITH_TRY(ours, book.we_hold_all(device));
        if (connected && !(ours && book.holds_all(device))) level = false;
      }
      if (level) return {};
    }
    if (Clock::now() >= until && client.instance().replica.self_active()) return {};  // the rest comes later
    if (Clock::now() >= until) return fail(EngineError::timed_out);
    if (wait_for_news(client, std::chrono::milliseconds{100}) == News::signal) return stopped_by_signal();
  }
}

Result<Json> offered_folders(Client& client, std::vector<std::string>& names) {
  Json list = Json::array();
  KITH_TRY(folders, client.instance().folders.folders());
  for (auto const& folder : folders) {
    std::uint64_t files = 0, bytes = 0;
    KITH_CHECK(
        client.instance().folders.scan(folder.id, [&](std::vector<files::VersionRow> const& versions) -> Result<> {
          for (auto const& version : versions) {
            if (version.removed || version.kind != wire::FileKind::file) continue;
            ++files;
            bytes += version.size;
            break;
          }
          return {};
        }));
    list.push_back({{"id", json_id(folder.id)}, {"name", folder.name}, {"files", files}, {"size_bytes", bytes}});
    names.push_back(
        fmt::format("{} ({}, {} {})", folder.name, human_bytes(bytes), files, files == 1 ? "file" : "files"));
  }
  return list;
}

/// A home that belongs to no group has nothing to look into, and nothing is queued in it: what helps is on the inviting
/// device's screen.
void advise_the_invite(Context& context, std::string cause = {}) {
  context.advise(
      {{{"kith pair --join CODE --peer HOST:PORT", "type code and address as the inviting device printed them"},
        {"kith pair", "on the other device: make another code, and see its addresses"}},
       std::move(cause),
       "nothing was changed"});
}

/// Let in, and the group's log did not come.
void advise_after_welcome(Context& context) {
  context.advise({{{"kith pair --join CODE --peer HOST:PORT", "again, with the same code or with another one"},
                   {"kith pair", "on the other device, if it has ended there: make another code"}},
                  "the other device let this one in, and was gone before it had handed over what the group has",
                  "nothing of yours was changed"});
}

bool is_about_the_address(Error const& error) {
  return error.is(EngineError::invite_unknown) || error.is(core::CoreError::timed_out) ||
         engine::explain(error).exit == engine::kExitUnreachable;
}

/// A home whose group's key, and nothing more, has come.
struct Welcomed {
  std::unique_ptr<Client> client;
  engine::Joined by;
};

/// Commands that look into the database and end are waited for without a word; one that stays is the user's to end.
Result<> shut_others_out(Context& context, engine::JoiningDatabase& fresh) {
  auto const until = Clock::now() + kOthersTime;
  KITH_TRY(quickly, fresh.shut_others_out(kLookTime));
  if (quickly) return {};
  context.out.warning("home-busy", "let in; another kith command of this home has its database open: end it now");
  static_cast<void>(context.out.flush());
  while (Clock::now() < until) {
    KITH_TRY(done, fresh.shut_others_out(std::chrono::milliseconds{100}));
    if (done) return {};
    if (signals::stop_signal() != 0) break;
  }
  context.advise({{{"kith pair", "on the other device: make another code"},
                   {"kith pair --join CODE --peer HOST:PORT", "here, once no other kith command runs with this home"}},
                  "the other device let this one in, but another kith command of this home has its database open",
                  "nothing was changed here"});
  if (signals::stop_signal() != 0) return stopped_by_signal();
  return fail(EngineError::owner_busy, SubjectDetail{"another kith command"});
}

/// Joins with a database of its own, which takes the place of the home's only once the welcome is stored in it.
Result<Welcomed> be_welcomed(Context& context, engine::HomePaths const& paths, engine::Config const& config,
                             core::Identity const& identity, engine::JoinRequest const& request,
                             engine::JoinWatcher const& watcher) {
  KITH_TRY(own, own_group(paths, config, identity));
  KITH_TRY(fresh, engine::JoiningDatabase::begin(paths));
  if (own == Own::half_joined) context.out.note("Joining broke off before; it begins anew.");
  KITH_TRY(joining, Client::open(identity.clone(), {fresh->paths(), config, "kith pair --join"},
                                 engine::Instance::Need::nothing));
  KITH_TRY(by, joining->join_group(request, watcher, &fresh->lock()));
  joining.reset();
  KITH_CHECK(shut_others_out(context, *fresh));
  // Other processes of the home could go on with what it had.
  KITH_TRY(left, own_group(fresh->locked_home(), config, identity));
  KITH_CHECK(fresh->put_in_place());
  fresh.reset();
  if (left == Own::untouched_group)
    context.out.note("This home's own group held nothing yet; it is left behind, and its recovery words with it.");
  KITH_TRY(client, Client::open(identity.clone(), {paths, config, "kith pair --join"}));
  return Welcomed{std::move(client), std::move(by)};
}

/// The relays on the way to the inviter: the one that was named here, else those of the link.
Result<std::vector<link::RelayAddress>> relays_to_ask(Context& context, PairOptions const& options,
                                                      std::vector<link::RelayAddress> of_link) {
  auto named = options.relay;
  if (!named && of_link.empty()) named = context.environment.get_filled("KITH_RELAY");
  if (!named) return of_link;
  auto address = link::parse_relay_address(*named);
  if (!address) {
    context.advise({{{"kith pair --join CODE --relay URL", "with the address that the other device shows"},
                     {"kith help bad-relay-address", "the form of an address"}}});
    return fail(address.error());
  }
  return std::vector{std::move(*address)};
}

/// The relay did not lead to anybody.
void advise_the_relay(Context& context, std::string const& where) {
  context.advise(
      {{{"kith pair --join CODE --relay URL", "again, with code and relay as the inviting device printed them"},
        {fmt::format("kith relay test {}", engine::shell_quoted(where)), "see whether the relay answers"},
        {"kith pair", "on the other device: make another code"}},
       {},
       "nothing was changed"});
}

bool is_about_a_relay(Error const& error) {
  return error.is(EngineError::invite_unanswered) || error.is(EngineError::relay_unreachable) ||
         error.holds<link::LinkError>();
}

/// Says what a joining came to that did not end with a welcome.
Result<int> tell_failure(Context& context, engine::JoinRequest const& request, Error const& error) {
  if (error.is(EngineError::interrupted)) {
    context.out.document(json_line("kith.pair/1", "cancelled"));
    advise_the_same_again(context);
    return stopped_by_signal();
  }
  if (error.is(core::CoreError::invite_denied)) context.out.document(json_line("kith.pair/1", "denied"));
  if (error.is(core::CoreError::invite_expired)) context.out.document(json_line("kith.pair/1", "expired"));
  if (!request.relays.empty() && is_about_a_relay(error)) {
    auto const where = engine::without_key(link::to_text(request.relays.back()));
    engine::FailureContext about;
    about.address = where;
    advise_the_relay(context, where);
    return context.fail(error, about);
  }
  if (error.is(EngineError::address_unreachable)) {
    advise_the_invite(context,
                      "the address is another one, or nobody waits there any more: a code ends with its `kith pair`");
  } else if (is_about_the_address(error)) {
    advise_the_invite(context);
  }
  return fail(error);
}

/// Sees the user's Ctrl-C, and tells that the other device's user is asked.
engine::JoinWatcher watcher_of(Context& context) {
  engine::JoinWatcher watcher;
  watcher.cancel_descriptor = signals::wake_descriptor();
  watcher.cancelled = [] {
    signals::drain();
    return signals::stop_signal() != 0;
  };
  watcher.waiting = [&context](DeviceId const& device, std::string const& name) {
    auto object = json_line("kith.pair/1", "waiting");
    object["inviter"] = {{"id", json_id(device)}, {"name", name}};
    context.out.document(object);
    context.out.note(fmt::format("Waiting for approval on {} ...", name));
    static_cast<void>(context.out.flush());
  };
  return watcher;
}

}  // namespace

Result<int> join_by_invite(Context& context, PairOptions const& options) {
  KITH_TRY(text, invite_text(context, *options.join));
  auto parsed = engine::parse_invite(text);
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!parsed) {
    if (engine::explain(parsed.error()).exit != engine::kExitVersion) advise_the_invite(context);
    return fail(parsed.error());
  }
  auto invite = std::move(*parsed);
  auto const config = context.config();
  if (!config) return context.fail(config.error());
  engine::JoinRequest request{std::move(invite.code), {}, options.name.value_or(config->config.device_name), {}};
  if (!engine::is_name(request.device_name)) {
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("--name is no name: \"{}\"", printable(request.device_name))});
  }
  for (auto const& peer : options.peers) {
    auto const address = link::parse_host_port(peer);
    if (!address) {
      advise_the_invite(context);
      return fail(address.error());
    }
    request.addresses.push_back(link::to_text(*address));
  }
  for (auto const& address : invite.addresses) request.addresses.push_back(address);
  KITH_TRY(relays, relays_to_ask(context, options, std::move(invite.relays)));
  request.relays = std::move(relays);

  KITH_TRY(paths, context.home());
  KITH_TRY(identity, identity_for_join(context, paths, options.passphrase_file));
  auto const welcomed = be_welcomed(context, paths, config->config, identity, request, watcher_of(context));
  if (!welcomed) return tell_failure(context, request, welcomed.error());
  request.code = {};  // used up, while the log may take its time
  auto const& client = welcomed->client;
  if (auto const log = wait_for_log(*client, context.global.timeout); !log) {
    if (!client->instance().replica.self_active()) advise_after_welcome(context);
    return fail(log.error());
  }

  auto const& state = client->instance().replica.state();
  std::vector<std::string> names;
  auto object = json_line("kith.pair/1", "joined");
  object["group"] = {{"id", json_id(state.group())}, {"name", state.roster().group_name()}};
  KITH_TRY(self, device_json(*client, client->device_id()));
  KITH_TRY(inviter, device_json(*client, welcomed->by.inviter));
  KITH_TRY(folders, offered_folders(*client, names));
  object["device"] = self;
  object["inviter"] = inviter;
  object["relays"] = Json::array();
  for (auto const& relay : state.roster().relays())
    object["relays"].push_back(printable(engine::without_key(relay.url)));
  object["folders"] = folders;
  context.out.document(object);
  auto& out = context.out;
  out.result(fmt::format("{} Joined \"{}\" as {}.", out.glyphs().done(), state.roster().group_name(),
                         device_name(*client, client->device_id())));
  for (auto const& name : names) out.result(fmt::format("  folder {}", name));
  if (!names.empty()) out.note("To keep a folder here: " + out.command("kith sync DIR --folder NAME"));
  return engine::kExitOk;
}

}  // namespace kith::cli
