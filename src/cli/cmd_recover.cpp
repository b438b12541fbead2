#include <algorithm>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/recovery_report.hpp"
#include "cli/recovery_words.hpp"
#include "cli/relay_choice.hpp"
#include "cli/relay_standing.hpp"
#include "cli/signals.hpp"
#include "engine/device_name.hpp"
#include "engine/joining_database.hpp"
#include "engine/key_file.hpp"
#include "engine/recovery.hpp"
#include "engine/relay_setup.hpp"

/// `kith init --recover`: brings a group back from its words, and a relay or a device of it.
namespace kith::cli {
namespace {

using engine::Client;
using engine::EngineError;
using engine::Recovery;

constexpr auto kLookTime = std::chrono::seconds{2};
constexpr auto kPushTime = std::chrono::seconds{20};
constexpr auto kGiveUpTime = std::chrono::seconds{10};

/// The command as it was given, as far as remedies need it.
std::string same_again(RecoverOptions const& options) {
  if (options.peer) return fmt::format("kith init --recover --peer {}", engine::shell_quoted(*options.peer));
  return fmt::format("kith init --recover --relay {}", engine::shell_quoted(options.relay.value_or("URL")));
}

/// Keys that an interrupted run left are used; a home that has a group is not touched.
Result<std::optional<core::Identity>> identity_there(Context& context, engine::HomePaths const& paths,
                                                     RecoverOptions const& options) {
  auto const file = engine::read_key_file(paths.key_file);
  if (!file) {
    if (file.error().is(engine::KeyError::missing)) return std::nullopt;
    return fail(file.error());
  }
  KITH_TRY(identity, engine::unlock(*file, context.passphrase(options.passphrase_file)));
  auto const instance = engine::Instance::open(paths, identity);
  if (!instance && instance.error().is(EngineError::not_initialised)) return std::move(identity);
  if (!instance) return fail(instance.error());
  context.advise({{{same_again(options) + " --home DIR", "bring the group back into a new home"},
                   {"kith status", "see what this home is"}},
                  {},
                  {}});
  return fail(EngineError::already_initialised);
}

Result<core::RecoveryKeys> words_for(Context& context, RecoverOptions const& options) {
  if (options.recovery_file) return read_recovery_words(*options.recovery_file);
  if (context.prompt.possible() && !context.out.json()) return ask_recovery_words(context);
  context.advise(
      {{{same_again(options) + " --recovery-file FILE", "with the 24 words in a file that only you can read"}},
       {},
       {}});
  return fail(EngineError::usage, SubjectDetail{"the recovery words are typed at a terminal, or come from a file"});
}

/// Whether --group, where it is given, means this one.
bool is_meant(RecoverOptions const& options, engine::NamedGroup const& group) {
  if (!options.group || group.name == *options.group) return true;
  auto digits = *options.group;
  std::erase(digits, '-');
  return digits.size() >= 4 && to_hex(group.id.view()).starts_with(digits);
}

/// The group that is meant, of those that the words belong to.
Result<engine::NamedGroup> choose_group(Recovery& recovery, std::vector<engine::NamedGroup> groups,
                                        RecoverOptions const& options) {
  if (options.group) {
    std::erase_if(groups, [&](engine::NamedGroup const& group) { return !is_meant(options, group); });
    if (groups.empty())
      return fail(EngineError::usage, SubjectDetail{fmt::format("these words have no group \"{}\" at this relay",
                                                                printable(*options.group))});
  }
  if (groups.size() > 1) {
    KITH_TRY(real, recovery.without_false_ones(std::move(groups)));
    groups = std::move(real);
  }
  if (groups.size() == 1) return groups.front();
  std::vector<std::string> names;
  for (auto const& group : groups)
    names.push_back(fmt::format("\"{}\" ({})", printable(group.name), group_mark(group.id)));
  return fail(EngineError::usage,
              SubjectDetail{fmt::format("several groups belong to these words, and a device that was in yours can have "
                                        "made up one: name it with --group, by its id: {}",
                                        fmt::join(names, ", "))});
}

std::vector<Candidate> candidates_of(std::vector<engine::FoundDevice> const& devices) {
  std::vector<Candidate> all;
  for (auto const& device : devices) all.push_back({device.id, device.name, false});
  return all;
}

/// Whether a text is a group's id, or enough of its beginning that nobody finds another one.
bool names_group(GroupId const& group, std::string text) {
  std::erase(text, '-');
  return text.size() >= kGroupIdDigits && to_hex(group.view()).starts_with(text);
}

/// A relay, or a device that was in the group, can hold back the real one and show one that somebody made up under the
/// same words, with devices of the same names. Who keeps none of them loses nothing by that; who keeps one has to be
/// sure whose it is. A name is anybody's to give, and 8 digits of an id can be had by trying.
Result<> check_named_exactly(RecoverOptions const& options, GroupId const& group) {
  if (options.keep.empty() || (options.group && names_group(group, *options.group))) return {};
  for (auto const& text : options.keep) {
    bool const by_id = engine::has_id_mark(text) && text.size() >= engine::kIdMark.size() + kGroupIdDigits;
    if (by_id) continue;
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("--keep {}: without a terminal, give the group's id with --group, or this "
                                          "device's as id: and {} digits or more; `kith devices ls --json` on the "
                                          "device that you keep shows both",
                                          printable(text), kGroupIdDigits)});
  }
  return {};
}

/// Which devices are not lost. Who is asked sees when each wrote last; scripts name them.
Result<std::set<DeviceId>> choose_kept(Context& context, RecoverOptions const& options, Recovery const& recovery,
                                       engine::NamedGroup const& group,
                                       std::vector<engine::FoundDevice> const& devices) {
  std::set<DeviceId> keep;
  auto const all = candidates_of(devices);
  for (auto const& text : options.keep) {
    KITH_TRY(device, choose_device(all, text));
    keep.insert(device);
  }
  show_found(context.out, group.name, devices);
  bool const asks = context.prompt.possible() && !context.out.json() && !context.global.yes;
  if (!asks) {
    KITH_CHECK(check_named_exactly(options, group.id));
    return keep;
  }
  if (options.keep.empty()) {
    for (auto const& device : devices) {
      auto const which = fmt::format("\"{}\" ({})", device.name, telling_id(all, device.id));
      KITH_TRY(yes, context.prompt.confirm(fmt::format("Is {} still yours, and to stay in the group?", which)));
      if (yes) keep.insert(device.id);
    }
  }
  if (!keep.empty() && !(options.group && names_group(group.id, *options.group))) {
    context.out.note(fmt::format(
        "This group has the id {} and was founded {}. Who was asked can show one that somebody made up, "
        "with devices of the same names: compare the id with what `kith devices ls` shows on a device that you keep.",
        group_mark(group.id), rfc3339(recovery.founded_at())));
    KITH_TRY(same, context.prompt.confirm("Does it show the same id there?"));
    if (!same) return fail(EngineError::declined);
  }
  std::vector<std::string> lost;
  for (auto const& device : devices) {
    if (!keep.contains(device.id)) lost.push_back(fmt::format("\"{}\"", device.name));
  }
  auto const question = lost.empty()
                            ? std::string("Bring the group back here, beside all of these?")
                            : fmt::format("Bring the group back here, and remove {} for good?", fmt::join(lost, ", "));
  KITH_TRY(yes, context.prompt.confirm(question));
  if (!yes) return fail(EngineError::declined);
  return keep;
}

/// Ctrl-C while a relay is talked to that only the log names: that one is left out. Pressed twice it means the whole.
class Skipping {
 public:
  explicit Skipping(Context& context) : context_(context) {}
  [[nodiscard]] bool skips(std::string const& url) {
    auto const now = Clock::now();
    if (signals::stop_signal() != SIGINT || (last_ && now - *last_ < kTwice)) return false;
    last_ = now;
    signals::forget_stop();
    context_.out.note(
        fmt::format("{} is left out. Ctrl-C twice ends the recovery.", printable(engine::without_key(url))));
    return true;
  }

 private:
  static constexpr auto kTwice = std::chrono::seconds{2};
  Context& context_;
  std::optional<Instant> last_;
};

/// The keys' file, taken away again unless all came to its end.
class MadeKeys {
 public:
  MadeKeys() = default;
  MadeKeys(MadeKeys const&) = delete;
  ~MadeKeys() {
    std::error_code ignored;
    if (!file_.empty()) std::filesystem::remove(file_, ignored);
  }
  void are_in(std::filesystem::path file) { file_ = std::move(file); }
  void keep() { file_.clear(); }

 private:
  std::filesystem::path file_;
};

/// What a recovery works with.
struct Plan {
  engine::HomePaths paths;
  engine::Config config;
  std::string name;
  core::Identity identity;
  bool keys_are_there = false;
  std::optional<SecretBytes> passphrase;
};

/// Reads and decides in a database of its own, which becomes the home's only when the group is back.
/// @param read  takes in what the group wrote
Result<Recovered> bring_back(Context& context, RecoverOptions const& options, Plan const& plan, Recovery& recovery,
                             std::function<Result<>(engine::Instance&)> const& read) {
  KITH_CHECK(engine::prepare_home(plan.paths));
  KITH_TRY(fresh, engine::JoiningDatabase::begin(plan.paths));
  Recovered report;
  {
    KITH_TRY(instance, engine::Instance::open(fresh->paths(), plan.identity, engine::Instance::Need::nothing));
    KITH_CHECK(read(*instance));
    context.out.set_status({});
    KITH_TRY(devices, recovery.devices());
    KITH_TRY(folders, recovery.folders());
    KITH_TRY(missing, recovery.missing_entries());
    auto const& roster = instance->replica.state().roster();
    engine::NamedGroup const group{instance->replica.state().group(), roster.group_name()};
    KITH_TRY(keep, choose_kept(context, options, recovery, group, devices));
    std::set<std::string, std::less<>> taken;
    for (auto const& device : keep) taken.insert(roster.find(device)->name);
    KITH_TRY(removed, recovery.come_back(engine::free_name(taken, plan.name), keep));
    static_cast<void>(removed);
    report.folders = std::move(folders);
    report.missing_entries = missing;
    report.keep = std::move(keep);
    report.devices = std::move(devices);
    report.left_out = recovery.left_out();
    report.by_device = options.peer.has_value();
    KITH_TRY(last, instance->messages.last());
    report.messages = last.value;
  }
  MadeKeys made;
  crypto::SystemRandom random;
  if (!plan.keys_are_there) {
    KITH_CHECK(engine::store_keys(plan.paths.key_file, plan.identity, plan.passphrase, random));
    made.are_in(plan.paths.key_file);
  }
  KITH_TRY(alone, fresh->shut_others_out(kLookTime));
  if (!alone) return fail(EngineError::owner_busy, SubjectDetail{"another kith command"});
  KITH_CHECK(fresh->put_in_place());
  made.keep();
  fresh.reset();
  return report;
}

/// What to do where the relay or the device is the matter, and what was made of it: nothing.
void advise_who_was_asked(Context& context, RecoverOptions const& options) {
  auto const look = options.peer ? engine::Remedy{"kith status", "on that device: see whether kith runs, and where"}
                                 : engine::Remedy{"kith relay test " + engine::shell_quoted(options.relay.value_or("")),
                                                  "see which step fails"};
  context.advise({{look, {same_again(options), "try again"}}, {}, "nothing was made here"});
}

/// Relays that serve this device alone are told to serve the others again. Ctrl-C, where that was the reason, cuts this
/// short only when it is pressed once more.
void give_up(Recovery& recovery, engine::Waiting waiting) {
  signals::drain();
  signals::forget_stop();
  waiting.within = std::min<std::chrono::milliseconds>(waiting.within, kGiveUpTime);
  recovery.give_up(std::move(waiting));
}

/// After a recovery that came to nothing, and after one that left a relay out.
void warn_of_shut_out(Context& context, RecoverOptions const& options, Recovery const& recovery) {
  for (auto const& relay : recovery.shut_out()) {
    engine::FailureContext about;
    about.address = relay.url;
    auto const where = engine::shell_quoted(printable(relay.url));
    context.out.warning(
        "recovery-unfinished",
        fmt::format(
            "The relay {} may serve none of the group's devices now: it let this one in alone, and could not be "
            "told otherwise ({}). Bring the group back again, to the end: {}. Or, on a device of the group: kith "
            "relay add {} --anew.",
            printable(relay.url), engine::explain(relay.reason, about).what, context.out.command(same_again(options)),
            where));
  }
}

Result<Recovered> bring_back_from_relay(Context& context, RecoverOptions const& options, Plan const& plan,
                                        Recovery& recovery, link::RelayAddress const& relay,
                                        std::string const& address) {
  auto found = recovery.look(relay);
  if (!found) return fail(engine::relay_away(found.error(), address));
  KITH_TRY(group, choose_group(recovery, std::move(*found), options));
  auto came = bring_back(context, options, plan, recovery,
                         [&](engine::Instance& instance) { return recovery.read(instance, group.id); });
  if (!came) return fail(engine::relay_away(came.error(), address));
  return came;
}

Result<Recovered> bring_back_from_peer(Context& context, RecoverOptions const& options, Plan const& plan,
                                       Recovery& recovery, std::string const& peer) {
  auto const accept = [&](engine::NamedGroup const& group) -> Result<> {
    if (is_meant(options, group)) return {};
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("that device's group is \"{}\" ({}), and not {}", printable(group.name),
                                          group_mark(group.id), printable(*options.group))});
  };
  return bring_back(context, options, plan, recovery,
                    [&](engine::Instance& instance) { return recovery.read_from(instance, peer, accept); });
}

Result<int> recover(Context& context, RecoverOptions const& options, engine::FailureContext& about) {
  KITH_TRY(paths, context.home());
  auto const config = context.config();
  if (!config) return context.fail(config.error());
  std::string const name = options.name.value_or(config->config.device_name);
  if (!engine::is_name(name))
    return fail(EngineError::usage, SubjectDetail{fmt::format("--name is no name: \"{}\"", printable(name))});
  if (engine::reads_as_id(name)) return fail(EngineError::usage, SubjectDetail{no_name_for_a_device(name)});
  KITH_TRY(there, identity_there(context, paths, options));
  if (options.peer) {
    KITH_TRY(parsed, link::parse_host_port(*options.peer));
    about.address = link::to_text(parsed);
  } else {
    KITH_TRY(parsed, link::parse_relay_address(*options.relay));
    about.address = engine::without_key(link::to_text(parsed));
  }
  if (!options.recovery_file && (context.out.json() || !context.prompt.possible())) {
    KITH_TRY(none, words_for(context, options));  // says how to give them
    static_cast<void>(none);
  }
  engine::Waiting const waiting{relay_patience(context), true, signals::wake_descriptor(), [] {
                                  signals::drain();
                                  return signals::stop_signal() != 0;
                                }};
  std::optional<link::RelayAddress> relay;
  if (options.peer) {
    KITH_CHECK(engine::look_for_device(about.address, waiting));  // before anybody types 24 words
  } else {
    auto pinned = pinned_relay(context, *options.relay, options.trust_relay);
    if (!pinned) return fail(engine::relay_away(pinned.error(), about.address));
    relay = std::move(*pinned);
  }
  KITH_TRY(words, words_for(context, options));

  crypto::SystemRandom random;
  bool const keys_are_there = there.has_value();
  auto identity = there ? std::move(*there) : core::Identity::generate(random, engine::current_time().wall);
  Plan plan{std::move(paths), config->config, name, std::move(identity), keys_are_there, std::nullopt};
  if (!keys_are_there) {
    KITH_TRY(passphrase, context.new_passphrase(options.passphrase_file));
    plan.passphrase = std::move(passphrase);
  }
  Skipping skipping(context);
  std::optional<Recovery> recovery(
      std::in_place, std::move(words), plan.identity, waiting,
      [&](std::size_t entries) {
        context.out.set_status(fmt::format("Reading what the group wrote: {} entries", entries));
      },
      [&](std::string const& url) { return skipping.skips(url); });
  auto came = relay ? bring_back_from_relay(context, options, plan, *recovery, *relay, about.address)
                    : bring_back_from_peer(context, options, plan, *recovery, about.address);
  context.out.set_status({});
  if (!came) {
    auto const reason = signals::stop_signal() != 0 ? stopped_by_signal().value() : came.error();
    give_up(*recovery, waiting);
    warn_of_shut_out(context, options, *recovery);
    return fail(reason);
  }
  warn_of_shut_out(context, options, *recovery);

  recovery.reset();  // what follows takes its time, and needs neither the words nor the passphrase
  plan.passphrase.reset();
  KITH_TRY(client, Client::open(plan.identity.clone(), {plan.paths, plan.config, "kith init --recover"}));
  // What this device has just written goes to the relay, and to a device that gave and is kept; that it is a member now
  // stands, whatever becomes of that.
  auto const reached = reach_others(context, *client, Level::ours_there, kPushTime);
  came->told = reached && !(reached->relays_level.empty() && reached->level.empty());
  KITH_CHECK(tell_recovered(context, *client, *came));
  return engine::kExitOk;
}

}  // namespace

int cmd_recover(Context& context, RecoverOptions const& options) {
  engine::FailureContext about;
  auto const code = recover(context, options, about);
  if (code) return *code;
  context.out.set_status({});
  auto const& error = code.error();
  if (error.is(EngineError::interrupted)) {
    context.advise({{{same_again(options), "begin anew"}}, {}, "nothing was made here"});
    return context.fail(signals::stop_signal() != 0 ? stopped_by_signal().value() : error);
  }
  bool const away = error.is(EngineError::relay_unreachable) || error.is(EngineError::address_unreachable) ||
                    error.is(EngineError::words_unanswered) ||
                    (error.holds<link::LinkError>() && !error.is(link::LinkError::bad_address));
  if (away) advise_who_was_asked(context, options);
  return context.fail(error, about);
}

}  // namespace kith::cli
