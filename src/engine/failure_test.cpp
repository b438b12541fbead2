#include "engine/failure.hpp"

#include <cerrno>
#include <csignal>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "core/error.hpp"
#include "crypto/error.hpp"
#include "engine/error.hpp"
#include "engine/home.hpp"
#include "engine/key_error.hpp"
#include "engine/relay_status.hpp"
#include "link/tcp/error.hpp"
#include "relay/channel/error.hpp"
#include "store/store.hpp"
#include "sync/files/error.hpp"
#include "sync/files/folder_sync.hpp"
#include "sync/relays/mailbox_claim.hpp"
#include "sync/relays/registration.hpp"
#include "wire/error.hpp"

namespace kith::engine {
namespace {

/// Every enumerator of one enum, from the first to the last that is named here.
template <class E>
void add_all(std::vector<Error>& errors, E last) {
  for (int value = 0; value <= static_cast<int>(last); ++value) errors.emplace_back(static_cast<E>(value));
}

std::vector<Error> all_errors() {
  std::vector<Error> errors;
  add_all(errors, wire::WireError::unknown_type);
  add_all(errors, crypto::CryptoError::cost_out_of_range);
  add_all(errors, store::StoreError::not_found);
  add_all(errors, core::CoreError::corrupt_record);
  add_all(errors, files::FilesError::io);
  add_all(errors, files::BindError::other_folder);
  add_all(errors, link::LinkError::io);
  add_all(errors, relay::ChannelError::out_of_place);
  add_all(errors, sync::RegistrationError::refused);
  add_all(errors, sync::RecoveryError::refused);
  add_all(errors, HomeError::too_open);
  add_all(errors, KeyError::passphrase_command);
  add_all(errors, ConfigError::not_editable);
  add_all(errors, EngineError::output_failed);
  return errors;
}

void expect_well_formed(Failure const& failure, std::string const& about) {
  auto const* code = find_failure_code(failure.code);
  ASSERT_NE(code, nullptr) << about;
  EXPECT_TRUE(failure.exit == code->exit || failure.exit == kExitTerminated) << about;
  EXPECT_NE(failure.exit, 0) << about;
  EXPECT_FALSE(failure.what.empty()) << about;
  EXPECT_FALSE(failure.safe_note.empty()) << about;
  EXPECT_FALSE(failure.remedies.empty()) << about;
  for (auto const* text : {&failure.what, &failure.cause, &failure.safe_note}) {
    EXPECT_EQ(printable(*text), *text) << about;
    EXPECT_FALSE(text->ends_with('.')) << about << ": " << *text;
    EXPECT_EQ(text->find("()"), std::string::npos) << about << ": " << *text;
    EXPECT_EQ(text->find("  "), std::string::npos) << about << ": " << *text;
  }
}

TEST(Failures, EveryErrorIsExplained) {
  for (auto const& error : all_errors()) {
    auto const failure = explain(error);
    expect_well_formed(failure, error.name());
    EXPECT_TRUE(failure.code != "internal-error" || error.is(crypto::CryptoError::nonce_exhausted)) << error.name();
  }
}

TEST(Failures, EveryCodeIsUsedBySomeError) {
  std::set<std::string> used{"internal-error"};
  for (auto const& error : all_errors()) used.insert(explain(error).code);
  for (int trouble = 1; valid(static_cast<sync::RelayTrouble>(trouble)); ++trouble)  // what status shows of relays
    used.insert(std::string(trouble_code(static_cast<sync::RelayTrouble>(trouble))));
  used.insert(std::string(relay_failure_code("link.refused")));
  for (auto const& code : failure_codes()) EXPECT_TRUE(used.contains(std::string(code.code))) << code.code;
}

TEST(Failures, CodesAreFixedAndWellFormed) {
  std::set<std::string_view> seen;
  for (auto const& code : failure_codes()) {
    EXPECT_TRUE(seen.insert(code.code).second) << code.code;
    EXPECT_EQ(code.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos) << code.code;
    EXPECT_FALSE(code.summary.empty());
    EXPECT_GT(code.help.size(), 30U) << code.code;
    EXPECT_FALSE(code.tries().empty()) << code.code;
    EXPECT_EQ(find_failure_code(code.code), &code);
  }
  EXPECT_EQ(find_failure_code("no-such-code"), nullptr);
}

/// Scripts rely on these for good.
TEST(Failures, ExitCodesOfScripts) {
  auto const of = [](Error const& error) {
    auto const failure = explain(error);
    return failure.code + " " + std::to_string(failure.exit);
  };
  EXPECT_EQ(of(EngineError::not_initialised), "not-initialised 6");
  EXPECT_EQ(of(core::CoreError::no_group), "not-initialised 6");
  EXPECT_EQ(of(store::StoreError::not_found), "not-initialised 6");
  EXPECT_EQ(of(HomeError::missing), "not-initialised 6");
  EXPECT_EQ(of(KeyError::missing), "not-initialised 6");
  EXPECT_EQ(of(EngineError::owner_busy), "home-busy 7");
  EXPECT_EQ(of(EngineError::nobody_reachable), "nobody-reachable 10");
  EXPECT_EQ(of(Error(EngineError::relay_troubled, SubjectDetail{"relay-quota wss://a"})), "relay-quota 14");
  EXPECT_EQ(of(link::LinkError::refused), "address-unreachable 10");
  EXPECT_EQ(of(link::LinkError::not_websocket), "not-a-relay 10");
  EXPECT_EQ(of(link::LinkError::rate_limited), "relay-busy 10");
  EXPECT_EQ(of(link::LinkError::tls_untrusted), "relay-untrusted 13");
  EXPECT_EQ(of(link::LinkError::bad_relay_key), "bad-relay-address 2");
  EXPECT_EQ(of(KeyError::locked), "locked 11");
  EXPECT_EQ(of(KeyError::wrong_passphrase), "passphrase-wrong 12");
  EXPECT_EQ(of(core::CoreError::wrong_code), "code-wrong 12");
  EXPECT_EQ(of(core::CoreError::invite_used), "code-used 12");
  EXPECT_EQ(of(core::CoreError::invite_void), "code-void 12");
  EXPECT_EQ(of(EngineError::invite_unanswered), "code-unanswered 12");
  EXPECT_EQ(of(EngineError::relay_unreachable), "relay-unreachable 10");
  EXPECT_EQ(of(core::CoreError::invite_expired), "code-expired 5");
  EXPECT_EQ(of(EngineError::timed_out), "timed-out 5");
  EXPECT_EQ(of(core::CoreError::invite_denied), "approval-denied 13");
  EXPECT_EQ(of(core::CoreError::removed_self), "revoked-self 13");
  EXPECT_EQ(of(sync::RecoveryError::no_record), "recovery-not-found 12");
  EXPECT_EQ(of(sync::RecoveryError::none_opens), "recovery-spoilt 12");
  EXPECT_EQ(of(sync::RecoveryError::no_beginning), "recovery-log-missing 10");
  EXPECT_EQ(of(sync::RecoveryError::contested), "recovery-contested 13");
  EXPECT_EQ(of(store::StoreError::disk_full), "disk-full 14");
  EXPECT_EQ(of(files::FilesError::no_space), "disk-full 14");
  EXPECT_EQ(of(EngineError::mass_delete), "mass-delete 15");
  EXPECT_EQ(of(EngineError::folder_unmounted), "folder-unmounted 15");
  EXPECT_EQ(of(EngineError::folder_silent), "folder-silent 1");
  EXPECT_EQ(of(core::CoreError::version_mismatch), "version-mismatch 16");
  EXPECT_EQ(of(store::StoreError::newer_schema), "version-newer 16");
  EXPECT_EQ(of(core::CoreError::state_cloned), "state-cloned 17");
  EXPECT_EQ(of(store::StoreError::corrupt), "state-corrupt 17");
  EXPECT_EQ(of(EngineError::usage), "usage 2");
  EXPECT_EQ(of(ConfigError::unknown_key), "config-unknown-key 2");
  EXPECT_EQ(of(EngineError::partial), "partial 3");
  EXPECT_EQ(of({EngineError::interrupted, CountDetail{SIGINT, 0}}), "interrupted 130");
  EXPECT_EQ(of({EngineError::interrupted, CountDetail{SIGTERM, 0}}), "interrupted 143");
}

TEST(Failures, DetailsAreInTheWords) {
  EXPECT_EQ(explain({core::CoreError::wrong_code, CountDetail{2, 3}}).what, "the code was not right, 2 tries left");
  EXPECT_EQ(explain({core::CoreError::wrong_code, CountDetail{1, 3}}).what, "the code was not right, 1 try left");
  EXPECT_EQ(explain({link::LinkError::refused, SystemDetail{ECONNREFUSED, "10.0.0.1:7427"}}).what,
            "cannot reach 10.0.0.1:7427 (Connection refused)");
  EXPECT_EQ(explain({link::LinkError::not_websocket, CountDetail{418, 0}}, {.address = "wss://r"}).cause,
            "it answers with HTTP status 418 instead of a WebSocket");
  auto const expired =
      explain({link::LinkError::tls_untrusted, SubjectDetail{"certificate has expired"}}, {.address = "r"});
  EXPECT_EQ(expired.what, "the certificate of r is not to be trusted");
  EXPECT_EQ(expired.cause, "certificate has expired");
  EXPECT_EQ(explain({files::FilesError::no_space, SystemDetail{ENOSPC, "a/b"}}).cause, "No space left on device");
  EXPECT_EQ(explain({files::FilesError::no_space, SystemDetail{ENOSPC, "a"}}, {.folder = "notes"}).cause,
            "what is to come does not fit: kith leaves the last 32 MiB of a disk free");
  EXPECT_EQ(explain({store::StoreError::newer_schema, VersionsDetail{1, 2, 5, 5}}).cause,
            "versions 1 to 2 here, version 5 there");
  EXPECT_EQ(explain({EngineError::mass_delete, CountDetail{1204, 1300}},
                    {.directory = "/home/ana/Photos", .device = {}, .address = {}, .queued = {}})
                .what,
            "1204 of 1300 files vanished from /home/ana/Photos; stopped");
  EXPECT_EQ(explain({EngineError::home_unusable, SystemDetail{ENOSPC, "/h/run"}}).code, "disk-full");
  EXPECT_EQ(explain({crypto::CryptoError::bad_word, SubjectDetail{"7"}}).what, "word 7 is not a recovery word");
}

TEST(Failures, ASizeIsToldFromItsLimit) {
  constexpr std::uint64_t kLimit = 16U << 20U;
  auto const told = [](std::uint64_t size) {
    return explain({EngineError::message_too_large, CountDetail{size, kLimit}}).what;
  };
  EXPECT_EQ(told(40U << 20U), "40.0 MiB do not fit into one message");
  EXPECT_EQ(told(kLimit + 1), "more than 16.0 MiB do not fit into one message");
}

TEST(Failures, TheContextFillsRemediesIn) {
  FailureContext context;
  context.directory = "/home/ana/My Photos";
  context.queued = 12;
  auto const guard = explain(EngineError::mass_delete, context);
  EXPECT_EQ(guard.remedies.front().command, "kith sync '/home/ana/My Photos' --max-delete none");
  EXPECT_EQ(explain(core::CoreError::wrong_recovery, context).remedies.front().command, "kith help recovery");
  EXPECT_EQ(explain(EngineError::nobody_reachable, context).safe_note, "12 changes queued on this device");
  context.queued = 1;
  EXPECT_EQ(explain(EngineError::nobody_reachable, context).safe_note, "1 change queued on this device");
  context.folder = "My Photos";
  EXPECT_EQ(explain(EngineError::folder_unmounted, context).remedies.back().command,
            "kith sync '/home/ana/My Photos' --folder 'My Photos'");
  context.directory = "/evil\x1b[2J";
  EXPECT_EQ(explain(EngineError::mass_delete, context).remedies.front().command, "kith sync DIR --max-delete none");
}

TEST(Failures, WhatComesFromOutsideIsShownEscaped) {
  std::string const evil = "a\x1b]0;pwned\x07\xe2\x80\xae\nb";
  FailureContext const context{evil, evil, evil, {}};
  for (auto const& error : all_errors()) {
    expect_well_formed(explain(error, context), error.name());
    if (!error.holds<ConfigError>()) {
      auto const value = Error(error);
      expect_well_formed(explain(value, context), error.name());
    }
  }
  for (auto const& error :
       {Error{files::FilesError::io, SystemDetail{EIO, evil}}, Error{KeyError::too_open, SubjectDetail{evil}},
        Error{EngineError::no_such_device, SubjectDetail{evil}}, Error{HomeError::bad_profile, SubjectDetail{evil}},
        Error{link::LinkError::bad_address, SubjectDetail{evil}}}) {
    auto const failure = explain(error);
    expect_well_formed(failure, error.name());
    EXPECT_NE(failure.what.find("\\x1b"), std::string::npos) << failure.what;
    for (auto const& remedy : failure.remedies) EXPECT_EQ(printable(remedy.command), remedy.command);
  }
}

TEST(Failures, OfTheConfiguration) {
  auto faults = parse_config("[network]\nlisen = \"\"\n[log]\nlevel = 3\n", "/c/config.toml").error();
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(describe(faults[0]), "/c/config.toml:2:1: there is no network.lisen; did you mean network.listen?");
  EXPECT_EQ(describe(faults[1]), "/c/config.toml:4:9: log.level is a number here; it takes error, warn, info or debug");
  auto const failure = explain(faults);
  EXPECT_EQ(failure.code, "config-unknown-key");
  EXPECT_EQ(failure.cause, "1 more setting is wrong; `kith config check` lists all");
  faults.pop_back();
  EXPECT_EQ(explain(faults).cause, "");
  EXPECT_EQ(code_of(parse_config("[log]\nlevel='x\x01'", "c").error().front()), "config-syntax");
  ConfigFaults unreadable;
  unreadable.push_back({{files::FilesError::permission, SystemDetail{EACCES, "/c"}}, "/c", 0, 0, {}, {}, {}, {}});
  EXPECT_EQ(explain(unreadable).code, "permission");
  EXPECT_EQ(code_of(unreadable.front()), "permission");
}

TEST(Failures, WordsAreQuotedForAShell) {
  EXPECT_EQ(shell_quoted("/home/ana/Photos"), "/home/ana/Photos");
  EXPECT_EQ(shell_quoted("My Photos"), "'My Photos'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted("$(rm -rf ~)"), "'$(rm -rf ~)'");
  EXPECT_EQ(shell_quoted(""), "''");
}

}  // namespace
}  // namespace kith::engine
