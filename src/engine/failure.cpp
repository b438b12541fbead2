#include "engine/failure.hpp"

#include <algorithm>
#include <csignal>
#include <system_error>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "engine/error.hpp"
#include "engine/failure_parts.hpp"
#include "engine/home.hpp"
#include "engine/key_error.hpp"

namespace kith::engine {

using table::code;

namespace parts {

Failure make(FailureCode const& code, std::string what, std::string cause) {
  Failure failure;
  failure.code = code.code;
  failure.exit = code.exit;
  failure.what = std::move(what);
  failure.cause = std::move(cause);
  failure.safe = code.safe;
  failure.safe_note = code.safe_note;
  for (auto const& each : code.tries())
    failure.remedies.push_back({std::string(each.command), std::string(each.explanation)});
  return failure;
}

std::string subject_of(Error const& error, std::string_view otherwise) {
  return error.subject().empty() ? std::string(otherwise) : printable(error.subject());
}

std::string system_words(Error const& error) {
  auto const* system = std::get_if<SystemDetail>(&error.detail());
  return system == nullptr || system->number == 0 ? "" : std::generic_category().message(system->number);
}

CountDetail count_of(Error const& error) {
  auto const* count = std::get_if<CountDetail>(&error.detail());
  return count == nullptr ? CountDetail{} : *count;
}

std::string versions_of(Error const& error) {
  auto const* versions = std::get_if<VersionsDetail>(&error.detail());
  if (versions == nullptr) return {};
  auto const range = [](std::uint32_t min, std::uint32_t max) {
    return min == max ? fmt::format("version {}", max) : fmt::format("versions {} to {}", min, max);
  };
  return fmt::format("{} here, {} there", range(versions->ours_min, versions->ours_max),
                     range(versions->theirs_min, versions->theirs_max));
}

std::optional<Failure> explain_home(Error const& error) {
  if (!error.holds<HomeError>()) return std::nullopt;
  auto const path = subject_of(error, "the home");
  auto const chmod = [&](Failure failure) {
    failure.remedies.insert(
        failure.remedies.begin(),
        {fmt::format("chmod 700 {}", shell_quoted(printable(error.subject()))), "if nobody else can have read it"});
    return failure;
  };
  switch (error.as<HomeError>()) {
    case HomeError::no_place: return make(code("home-unknown"), "nothing says where the home is");
    case HomeError::bad_profile: return make(code("bad-profile"), fmt::format("\"{}\" is no profile's name", path));
    case HomeError::missing: return make(code("not-initialised"), fmt::format("there is no home at {}", path));
    case HomeError::not_a_directory: return make(code("not-a-directory"), fmt::format("{} is no directory", path));
    case HomeError::foreign_owner: return make(code("foreign-owner"), fmt::format("{} belongs to another user", path));
    case HomeError::too_open: return chmod(make(code("too-open"), fmt::format("other users may look into {}", path)));
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_key(Error const& error) {
  if (!error.holds<KeyError>()) return std::nullopt;
  auto const path = subject_of(error, "the key file");
  auto const chmod = [&](Failure failure) {
    failure.remedies.insert(
        failure.remedies.begin(),
        {fmt::format("chmod 600 {}", shell_quoted(printable(error.subject()))), "if nobody else can have read it"});
    return failure;
  };
  switch (error.as<KeyError>()) {
    case KeyError::missing: return make(code("not-initialised"), "this home has no keys yet", path);
    case KeyError::exists: return make(code("already-initialised"), "this home has keys already", path);
    case KeyError::not_a_file: return make(code("not-a-file"), fmt::format("{} is no regular file", path));
    case KeyError::foreign_owner: return make(code("foreign-owner"), fmt::format("{} belongs to another user", path));
    case KeyError::too_open: return chmod(make(code("too-open"), fmt::format("other users may read {}", path)));
    case KeyError::damaged:
      return make(code("key-file-damaged"), "the key file is damaged", "its bytes are not what kith wrote");
    case KeyError::newer_version:
      return make(code("version-newer"), "the key file was written by a later version of kith", versions_of(error));
    case KeyError::locked:
      return make(code("locked"), "this device's keys are locked", "they need a passphrase, and none was given");
    case KeyError::wrong_passphrase: return make(code("passphrase-wrong"), "this is not the passphrase");
    case KeyError::passphrase_empty: return make(code("passphrase-empty"), "the passphrase is empty");
    case KeyError::passphrase_too_long:
      return make(code("passphrase-too-long"), "the passphrase is too long",
                  fmt::format("at most {} bytes", count_of(error).limit));
    case KeyError::passphrase_mismatch: return make(code("passphrase-mismatch"), "the two passphrases differ");
    case KeyError::passphrase_unreadable:
      return make(code("passphrase-unavailable"), fmt::format("cannot read the passphrase from {}", path),
                  system_words(error));
    case KeyError::passphrase_too_open:
      return chmod(
          make(code("passphrase-unavailable"), fmt::format("other users may read the passphrase in {}", path)));
    case KeyError::passphrase_command:
      return make(code("passphrase-unavailable"), "the passphrase command did not end well",
                  fmt::format("KITH_PASSPHRASE_COMMAND ended with status {}", count_of(error).count));
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_engine(Error const& error, FailureContext const& context) {
  if (!error.holds<EngineError>()) return std::nullopt;
  auto const count = count_of(error);
  auto const folder = subject_of(error, context.directory.empty() ? "the folder" : printable(context.directory));
  switch (error.as<EngineError>()) {
    case EngineError::not_initialised: return make(code("not-initialised"), "this home belongs to no group yet");
    case EngineError::already_initialised: return make(code("already-initialised"), "this home is in a group already");
    case EngineError::home_unusable: {
      auto const* system = std::get_if<SystemDetail>(&error.detail());
      bool const full = system != nullptr && (system->number == ENOSPC || system->number == EDQUOT);
      return make(full ? code("disk-full") : code("permission"),
                  fmt::format("cannot use {}", subject_of(error, "a file of the home")), system_words(error));
    }
    case EngineError::nobody_reachable: return make(code("nobody-reachable"), "no other device could be reached");
    case EngineError::address_unreachable:
      return make(code("address-unreachable"),
                  fmt::format("cannot reach {}", subject_of(error, printable(context.address))));
    case EngineError::invite_unknown:
      return make(code("code-unknown"), "nobody there knows this code",
                  fmt::format("asked: {}", subject_of(error, "no address")));
    case EngineError::invite_unanswered:
      return make(code("code-unanswered"), fmt::format("nobody answers through the relay {}", subject_of(error, "")),
                  "the code is mistyped, its time is over, it was taken back, or the other device is not there");
    case EngineError::relay_unreachable: {
      auto const words = system_words(error);
      auto const where = subject_of(error, context.address.empty() ? "the relay" : printable(context.address));
      return make(code("relay-unreachable"), words.empty()
                                                 ? fmt::format("cannot reach the relay {}", where)
                                                 : fmt::format("cannot reach the relay {} ({})", where, words));
    }
    case EngineError::words_unanswered:
      return make(code("recovery-not-found"),
                  fmt::format("{} has nothing for these words", subject_of(error, "the device")),
                  "it is a device of another group, has an older kith, or is none of kith's at all");
    case EngineError::words_unfit:
      return make(code("recovery-log-missing"),
                  fmt::format("{} does not give what the group wrote", subject_of(error, "the device")),
                  "the first entry of the group, which all others rest on, did not come, or what came made no sense");
    case EngineError::no_code:
    case EngineError::bad_link: {
      auto failure =
          error.is(EngineError::no_code)
              ? make(code("usage"), "that is neither a pairing code (XXXX-XXXX-XXXX-XXXX) nor a link (kith://join#...)")
              : make(code("usage"), "that is no whole invite link",
                     "a link is kith://join# or kith://HOST/join#, and one word of letters, digits, - and _ behind it; "
                     "a "
                     "part of it is missing or was changed");
      failure.remedies = {{"kith pair --join CODE --peer HOST:PORT", "type it again, as the other device shows it"},
                          {"kith pair", "on the other device: make another code"}};
      return failure;
    }
    case EngineError::timed_out: return make(code("timed-out"), "nothing moved for too long");
    case EngineError::folder_unmounted:
      return make(code("folder-unmounted"), fmt::format("the marker .kith/folder is missing in {}", folder),
                  "is the disk mounted?");
    case EngineError::folder_silent:
      return make(code("folder-silent"), fmt::format("the disk of {} does not answer", folder));
    case EngineError::mass_delete:
      return make(code("mass-delete"),
                  fmt::format("{} of {} files vanished from {}; stopped", count.count, count.limit, folder));
    case EngineError::owner_busy:
      return make(code("home-busy"),
                  fmt::format("{} is using this home already", subject_of(error, "another process")));
    case EngineError::no_such_device:
      return make(code("no-such-device"), fmt::format("there is no device \"{}\"", subject_of(error, "")));
    case EngineError::ambiguous_device:
      return make(code("ambiguous-device"), "several devices fit", subject_of(error, ""));
    case EngineError::usage: return make(code("usage"), subject_of(error, "the command line does not make sense"));
    case EngineError::message_too_large: {
      auto const size = human_bytes(count.count), limit = human_bytes(count.limit);
      return make(code("message-too-large"),
                  fmt::format("{}{} do not fit into one message", size == limit ? "more than " : "", size),
                  fmt::format("a message has at most {}", limit));
    }
    case EngineError::message_empty:
      return make(code("nothing-to-send"),
                  fmt::format("there is nothing to send: {} is empty", subject_of(error, "standard input")));
    case EngineError::no_such_file: {
      auto failure = make(code("no-such-path"), fmt::format("there is no file {}", subject_of(error, "of that name")),
                          "what looks like a path is taken for a file");
      failure.remedies.insert(failure.remedies.begin(),
                              {fmt::format("kith push --text {}", shell_quoted(printable(error.subject()))),
                               "send these words themselves"});
      return failure;
    }
    case EngineError::name_is_the_groups: {
      auto failure = make(code("name-is-the-groups"), "this device is in a group, and the group has its name");
      auto const name = printable(error.subject());
      if (!name.empty())
        failure.remedies.front().command = fmt::format("kith devices rename DEV {}", shell_quoted(name));
      return failure;
    }
    case EngineError::approval_needed:
      return make(code("approval-needed"), "nobody can be asked whether the new device may join",
                  "there is no terminal, and --yes was not given");
    case EngineError::relay_unpinned:
      return make(code("relay-unpinned"),
                  fmt::format("the address of {} does not say which key it has", subject_of(error, "the relay")));
    case EngineError::relay_troubled: {
      auto const& text = error.subject();
      auto const space = text.find(' ');
      auto const* known = find_failure_code(text.substr(0, space));
      if (known == nullptr || space == std::string_view::npos)
        return make(code("relay-unreachable"), "a relay cannot be used", subject_of(error, ""));
      return make(*known, fmt::format("{}: {}", printable(text.substr(space + 1)), known->summary));
    }
    case EngineError::no_terminal:
      return make(code("no-terminal"), "an answer is needed, and there is no terminal to ask at",
                  subject_of(error, ""));
    case EngineError::no_answer: return make(code("no-answer"), "the question was not answered");
    case EngineError::declined: return make(code("declined"), "the answer was no");
    case EngineError::interrupted: {
      auto failure = make(code("interrupted"), "stopped by a signal");
      if (count.count == SIGTERM) failure.exit = kExitTerminated;
      return failure;
    }
    case EngineError::partial:
      return make(code("partial"), fmt::format("{} of {} items were left out", count.count, count.limit));
    case EngineError::output_failed:
      return make(code("output-failed"), "the output could not be written", system_words(error));
  }
  KITH_UNREACHABLE();
}

}  // namespace parts

namespace {

FailureCode const& code_for(ConfigError error) {
  switch (error) {
    case ConfigError::missing: return code("config-missing");
    case ConfigError::too_large: return code("config-too-large");
    case ConfigError::syntax: return code("config-syntax");
    case ConfigError::unknown_key: return code("config-unknown-key");
    case ConfigError::wrong_type: return code("config-wrong-type");
    case ConfigError::bad_value: return code("config-bad-value");
    case ConfigError::not_editable: return code("config-not-editable");
  }
  KITH_UNREACHABLE();
}

/// Puts the folder's directory and name and the device's name where the table has DIR, NAME and DEV.
void fill_in(std::vector<Remedy>& remedies, FailureContext const& context) {
  auto const put = [&](std::string_view before, std::string_view word, std::string const& value) {
    if (value.empty() || printable(value) != value) return;
    for (auto& each : remedies) {
      auto const pattern = fmt::format("{} {}", before, word);
      if (auto const at = each.command.find(pattern); at != std::string::npos)
        each.command.replace(at, pattern.size(), fmt::format("{} {}", before, shell_quoted(value)));
    }
  };
  put("sync", "DIR", context.directory);
  put("--folder", "NAME", context.folder);
}

}  // namespace

Failure explain(Error const& error, FailureContext const& context) {
  using namespace parts;
  std::optional<Failure> failure;
  auto const take = [&](std::optional<Failure> found) {
    if (!failure) failure = std::move(found);
  };
  take(explain_engine(error, context));
  take(explain_home(error));
  take(explain_key(error));
  take(explain_wire(error));
  take(explain_crypto(error));
  take(explain_store(error));
  take(explain_core(error, context));
  take(explain_files(error, context));
  take(explain_bind(error, context));
  take(explain_link(error, context));
  take(explain_channel(error, context));
  take(explain_registration(error, context));
  take(explain_recovery(error, context));
  if (!failure && error.holds<ConfigError>()) {
    auto const& found = code_for(error.as<ConfigError>());
    failure = make(found, std::string(found.summary), subject_of(error, ""));
  }
  if (!failure) failure = internal_failure(error.name());
  fill_in(failure->remedies, context);
  if (context.queued && failure->exit == kExitUnreachable)
    failure->safe_note =
        fmt::format("{} {} queued on this device", *context.queued, *context.queued == 1 ? "change" : "changes");
  return std::move(*failure);
}

namespace {

std::string what_is_wrong(ConfigFault const& fault) {
  auto key = printable(fault.key), found = printable(fault.found);
  switch (fault.error.as<ConfigError>()) {
    case ConfigError::missing: return "there is no such file";
    case ConfigError::too_large: return "too large for a configuration file";
    case ConfigError::syntax: return found;
    case ConfigError::unknown_key:
      return fmt::format("there is no {}{}", key,
                         fault.nearest ? fmt::format("; did you mean {}?", *fault.nearest) : "");
    case ConfigError::wrong_type: return fmt::format("{} is {} here; it takes {}", key, found, fault.expected);
    case ConfigError::bad_value: return fmt::format("{} cannot be \"{}\"; it takes {}", key, found, fault.expected);
    case ConfigError::not_editable: return fmt::format("{} stands in a way that has to be changed by hand", key);
  }
  KITH_UNREACHABLE();
}

}  // namespace

std::string_view code_of(ConfigFault const& fault) {
  if (fault.error.holds<ConfigError>()) return code_for(fault.error.as<ConfigError>()).code;
  return find_failure_code(explain(fault.error).code)->code;
}

std::string describe(ConfigFault const& fault) {
  if (!fault.error.holds<ConfigError>()) return explain(fault.error).what;
  std::string place = printable(fault.source);
  if (fault.line != 0) place += fmt::format(":{}:{}", fault.line, fault.column);
  return place.empty() ? what_is_wrong(fault) : fmt::format("{}: {}", place, what_is_wrong(fault));
}

Failure explain(ConfigFaults const& faults) {
  KITH_ASSERT(!faults.empty());
  auto const& first = faults.front();
  if (!first.error.holds<ConfigError>()) return explain(first.error);
  auto failure = parts::make(code_for(first.error.as<ConfigError>()), describe(first));
  if (faults.size() > 1)
    failure.cause = fmt::format("{} more {} wrong; `kith config check` lists all", faults.size() - 1,
                                faults.size() == 2 ? "setting is" : "settings are");
  return failure;
}

Failure usage_failure(std::string_view what, std::string const& command) {
  auto failure = parts::make(code("usage"), printable(what));
  if (!command.empty()) failure.remedies = {{"kith help " + command, "how it is used"}};
  return failure;
}

Failure internal_failure(std::string_view what) {
  return parts::make(code("internal-error"),
                     fmt::format("kith met something that should not happen: {}", printable(what)));
}

std::string shell_quoted(std::string_view word) {
  auto const plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, plain)) return std::string(word);
  std::string out = "'";
  for (char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace kith::engine
