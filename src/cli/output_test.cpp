#include "cli/output.hpp"

#include <algorithm>
#include <string_view>

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

engine::Failure some_failure() {
  engine::Failure failure;
  failure.code = "relay-unreachable";
  failure.exit = 10;
  failure.what = "cannot reach relay wss://sync.example.org (connection refused)";
  failure.cause = "TCP 203.0.113.9:443 refused 3 times in 6.2 s; other internet hosts answer";
  failure.safe = true;
  failure.safe_note = "12 changes queued on this device";
  failure.remedies = {{"kith doctor", "see which step fails"}, {"kith sync DIR --once", "try again"}};
  return failure;
}

TEST(FailureText, HasTheFormThatUsersKnow) {
  EXPECT_EQ(failure_text(some_failure(), {.terminal = true, .color = false, .utf8 = true, .moves = true}),
            "error: cannot reach relay wss://sync.example.org (connection refused)\n"
            "  your data: safe, 12 changes queued on this device\n"
            "  cause: TCP 203.0.113.9:443 refused 3 times in 6.2 s; other internet hosts answer\n"
            "  try:   kith doctor           see which step fails\n"
            "         kith sync DIR --once  try again\n"
            "  relay-unreachable (exit 10) · kith help relay-unreachable\n");
}

TEST(FailureText, DegradesAndLeavesOutWhatIsUnknown) {
  auto failure = some_failure();
  failure.cause.clear();
  failure.remedies.clear();
  failure.safe_note.clear();
  EXPECT_EQ(failure_text(failure, {}),
            "error: cannot reach relay wss://sync.example.org (connection refused)\n"
            "  your data: safe\n"
            "  relay-unreachable (exit 10) - kith help relay-unreachable\n");
  failure.safe = false;
  failure.safe_note = "see what the system says";
  auto const text = failure_text(failure, {.terminal = true, .color = true, .utf8 = true, .moves = true});
  EXPECT_TRUE(text.starts_with("\x1b[1;31merror:\x1b[0m cannot"));
  EXPECT_NE(text.find("  your data: not certain: see what the system says\n"), std::string::npos);
}

TEST(FailureText, EscapesWhatItIsGiven) {
  auto failure = some_failure();
  failure.what = failure.cause = failure.safe_note = "a\x1b[2J\nb\xe2\x80\xae";
  failure.remedies = {{"kith \x07", "\r"}};
  auto const text = failure_text(failure, {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), 5);
}

TEST(FailureJson, HasEveryFieldInOrder) {
  constexpr std::string_view kExpected =
      R"({"schema":"kith.error/1","type":"error","code":"relay-unreachable","exit":10,)"
      "\"message\":\"cannot reach relay wss://sync.example.org (connection refused)\","
      R"("cause":"TCP 203.0.113.9:443 refused 3 times in 6.2 s; other internet hosts answer","safe":true,)"
      R"("remedy":[{"command":"kith doctor","explanation":"see which step fails"},)"
      R"({"command":"kith sync DIR --once","explanation":"try again"}]})";
  EXPECT_EQ(to_line(failure_json(some_failure())), kExpected);
  auto failure = some_failure();
  failure.cause.clear();
  failure.remedies.clear();
  auto const json = failure_json(failure);
  EXPECT_TRUE(json.at("cause").is_null());
  EXPECT_EQ(json.at("remedy"), Json::array());
}

/// What is printed to be copied must reach the home of this run.
TEST(Output, CommandsNameTheHomeThatWasGiven) {
  auto const environment = engine::Environment::of({{"KITH_HOME", "/elsewhere"}});
  GlobalOptions global;
  EXPECT_EQ(Output(global, environment).command("kith pair"), "kith pair");
  global.home.home = "/my homes/a";
  global.home.profile = "work";
  Output const output(global, environment);
  EXPECT_EQ(output.command("kith pair"), "kith --home '/my homes/a' --profile work pair");
  EXPECT_EQ(output.command("kith push -- -5"), "kith --home '/my homes/a' --profile work push -- -5");
  EXPECT_EQ(output.command("kith init --home DIR"), "kith init --home DIR");
  EXPECT_EQ(output.command("kith help disk-full"), "kith help disk-full");
  EXPECT_EQ(output.command("chmod 700 /h"), "chmod 700 /h");
  std::vector<engine::Remedy> const remedies{{"kith pair", "on the other device: make another code"},
                                             {"kith status", "see what waits"}};
  auto const shown = output.commands(remedies);
  EXPECT_EQ(shown[0], remedies[0]);
  EXPECT_EQ(shown[1].command, "kith --home '/my homes/a' --profile work status");
}

TEST(Json, IdsTimesAndForeignBytes) {
  DeviceId id;
  id.bytes.fill(0xAB);
  auto object = json_document("kith.test/1");
  object["id"] = json_id(id);
  object["seen_at"] = json_time(WallTime{1795269792999});
  object["never_at"] = json_time(std::optional<WallTime>());
  object["count"] = json_or_null(std::optional<int>(3));
  object["none"] = json_or_null(std::optional<std::string>());
  object["name"] = "bad\xff";
  constexpr std::string_view kExpected =
      R"({"schema":"kith.test/1","id":"abababababababababababababababababababababababababababababababab",)"
      R"("seen_at":"2026-11-21T14:03:12Z","never_at":null,"count":3,"none":null,"name":"bad)"
      "\xef\xbf\xbd\"}";
  EXPECT_EQ(to_line(object), kExpected);
}

}  // namespace
}  // namespace kith::cli
