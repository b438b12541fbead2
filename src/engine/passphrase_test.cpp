#include "engine/passphrase.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engine_testing.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace kith::engine {
namespace {

using kith::testing::must;
using testing::TempDir;
using testing::write_file;

SecretBytes secret(std::string_view text) { return SecretBytes(Bytes(text.begin(), text.end())); }

/// Answers questions with these texts, one after the other, and keeps the questions.
struct Answers {
  std::vector<std::string> texts;
  std::vector<std::string> questions;
  AskPassphrase ask() {
    return [this](std::string_view question) -> Result<SecretBytes> {
      questions.emplace_back(question);
      if (questions.size() > texts.size()) return fail(KeyError::locked);
      return secret(texts[questions.size() - 1]);
    };
  }
};

std::string taken(Result<SecretBytes> const& result) {
  return result ? std::string(result->text()) : "error " + result.error().name();
}

std::string chosen(PassphraseSource const& source, bool offer = true) {
  auto got = source.for_new_keys(offer);
  if (!got) return "error " + got.error().name();
  return *got ? std::string((*got)->text()) : "none";
}

std::string from_command(std::string command) {
  Environment const environment = Environment::of({{"KITH_PASSPHRASE_COMMAND", std::move(command)}});
  return taken(PassphraseSource(std::nullopt, environment, {}).existing());
}

TEST(Passphrase, TheFirstSourceThatThereIsCounts) {
  TempDir const temp;
  write_file(temp / "flag", "of the flag");
  write_file(temp / "variable", "of the variable");
  Environment const all = Environment::of(
      {{"KITH_PASSPHRASE_FILE", temp / "variable"}, {"KITH_PASSPHRASE_COMMAND", "echo of the command"}});
  Environment const command =
      Environment::of({{"KITH_PASSPHRASE_FILE", ""}, {"KITH_PASSPHRASE_COMMAND", "echo of the command"}});
  Answers answers{{"typed"}, {}};

  EXPECT_EQ(taken(PassphraseSource((temp / "flag").string(), all, answers.ask()).existing()), "of the flag");
  EXPECT_EQ(taken(PassphraseSource(std::nullopt, all, answers.ask()).existing()), "of the variable");
  EXPECT_EQ(taken(PassphraseSource(std::nullopt, command, answers.ask()).existing()), "of the command");
  EXPECT_TRUE(answers.questions.empty());
  EXPECT_EQ(taken(PassphraseSource(std::nullopt, {}, answers.ask()).existing()), "typed");
  EXPECT_EQ(taken(PassphraseSource(std::nullopt, {}, {}).existing()), "error key.locked");
  EXPECT_EQ(chosen(PassphraseSource(std::nullopt, {}, {})), "none");
}

TEST(Passphrase, ASourceThatFailsIsNotReplacedByTheNext) {
  Environment const environment = Environment::of({{"KITH_PASSPHRASE_COMMAND", "echo of the command"}});
  Answers answers{{"typed"}, {}};
  EXPECT_EQ(taken(PassphraseSource("/nowhere", environment, answers.ask()).existing()),
            "error key.passphrase_unreadable");
  EXPECT_TRUE(answers.questions.empty());
}

TEST(Passphrase, OfAFile) {
  struct Row {
    std::string content, expected;
  };
  std::vector<Row> const rows{
      {"plain", "plain"},
      {"one line\n", "one line"},
      {"dos line\r\n", "dos line"},
      {"two ends\n\n", "two ends\n"},
      {"  spaces stay \t\n", "  spaces stay \t"},
      {"several\nlines\n", "several\nlines"},
      {"lone return\r", "lone return\r"},
      {"\xc3\xa4\xff", "\xc3\xa4\xff"},
      {"", "error key.passphrase_empty"},
      {"\n", "error key.passphrase_empty"},
      {"\r\n", "error key.passphrase_empty"},
      {std::string(1024, 'x') + "\r\n", std::string(1024, 'x')},
      {std::string(1025, 'x'), "error key.passphrase_too_long"},
      {std::string(100'000, 'x'), "error key.passphrase_too_long"},
  };
  TempDir const temp;
  for (auto const& row : rows) {
    write_file(temp / "p", row.content);
    EXPECT_EQ(taken(PassphraseSource((temp / "p").string(), {}, {}).existing()), row.expected);
  }
}

TEST(Passphrase, AFileThatOthersMayReadIsRefused) {
  TempDir const temp;
  auto const source = [&] { return PassphraseSource((temp / "p").string(), {}, {}); };
  for (mode_t const mode : {0640U, 0604U, 0644U, 0660U, 0606U}) {
    write_file(temp / "p", "x", mode);
    EXPECT_EQ(source().existing().error(), (Error{KeyError::passphrase_too_open, SubjectDetail{temp / "p"}}));
  }
  write_file(temp / "p", "x", 0400);
  EXPECT_TRUE(source().existing());
  std::filesystem::remove(temp / "p");
  std::filesystem::create_directory(temp / "p");
  EXPECT_EQ(source().existing().error(), (Error{KeyError::passphrase_unreadable, SystemDetail{EISDIR, temp / "p"}}));
}

TEST(Passphrase, OfACommand) {
  EXPECT_EQ(from_command("echo secret"), "secret");
  EXPECT_EQ(from_command("printf 'no line end'"), "no line end");
  EXPECT_EQ(from_command("printf 'first\\r\\nsecond\\nthird'"), "first");
  EXPECT_EQ(from_command("printf '%s' \"$HOME\" | head -c 1"), "/");  // a shell, with our environment
  EXPECT_EQ(from_command("cat; echo nothing to read"), "nothing to read");
  EXPECT_EQ(from_command("true"), "error key.passphrase_empty");
  EXPECT_EQ(from_command("echo; echo second"), "error key.passphrase_empty");
  EXPECT_EQ(from_command("echo secret; false"), "error key.passphrase_command");
  EXPECT_EQ(from_command("no-such-program-anywhere 2>/dev/null"), "error key.passphrase_command");
  EXPECT_EQ(from_command("head -c 2000 /dev/zero | tr '\\0' x"), "error key.passphrase_too_long");
  EXPECT_EQ(from_command("yes 2>/dev/null"), "error key.passphrase_command");  // does not go on for ever
}

TEST(Passphrase, ACommandsStatusIsTold) {
  auto const status = [](char const* command) {
    Environment const environment = Environment::of({{"KITH_PASSPHRASE_COMMAND", command}});
    return std::get<CountDetail>(PassphraseSource(std::nullopt, environment, {}).existing().error().detail()).count;
  };
  EXPECT_EQ(status("exit 7"), 7U);
  EXPECT_EQ(status("kill -9 $$"), 128U + 9);
}

TEST(Passphrase, ANewOneIsTypedTwice) {
  Answers same{{"one", "one"}, {}}, second{{"one", "two", "one", "on", "one", "one"}, {}},
      never{{"a", "b", "a", "b", "a", "b", "a", "a"}, {}}, none{{""}, {}}, none_then{{"a", "b", ""}, {}},
      gone{{"one"}, {}};
  EXPECT_EQ(chosen({std::nullopt, {}, same.ask()}), "one");
  EXPECT_EQ(same.questions.size(), 2U);
  EXPECT_EQ(chosen({std::nullopt, {}, second.ask()}), "one");
  EXPECT_EQ(chosen({std::nullopt, {}, never.ask()}), "error key.passphrase_mismatch");
  EXPECT_EQ(never.questions.size(), 6U);
  EXPECT_EQ(chosen({std::nullopt, {}, none.ask()}), "none");
  EXPECT_EQ(none.questions.size(), 1U);
  EXPECT_EQ(chosen({std::nullopt, {}, none_then.ask()}), "none");
  EXPECT_EQ(chosen({std::nullopt, {}, gone.ask()}), "error key.locked");
}

TEST(Passphrase, ANewOneThatIsNotOfferedComesFromElsewhereOrNowhere) {
  TempDir const temp;
  write_file(temp / "p", "from a file\n");
  write_file(temp / "empty", "");
  Answers answers{{"typed", "typed"}, {}};
  EXPECT_EQ(chosen({std::nullopt, {}, answers.ask()}, false), "none");
  for (bool const offer : {false, true}) {
    EXPECT_EQ(chosen({(temp / "p").string(), {}, answers.ask()}, offer), "from a file");
    EXPECT_EQ(chosen({(temp / "empty").string(), {}, answers.ask()}, offer), "error key.passphrase_empty");
    EXPECT_EQ(chosen({(temp / "nowhere").string(), {}, answers.ask()}, offer), "error key.passphrase_unreadable");
  }
  EXPECT_TRUE(answers.questions.empty());
}

class UnlockTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string unlocked(PassphraseSource const& source) const {
    auto const got =
        unlock(must(KeyFile::parse(SecretBytes(Bytes(content.view().begin(), content.view().end())))), source);
    return got ? (got->cert == identity.cert ? "unlocked" : "another") : got.error().name();
  }
  kith::testing::SeededRandom random{1};
  core::Identity identity = core::Identity::generate(random, {1});
  SecretBytes content = must(encode_key_file(identity, bytes_of("right"), random, {1, 8}));
};

TEST_F(UnlockTest, WhoTypesMayTryThreeTimes) {
  Answers third{{"wrong", "Right", "right"}, {}}, never{{"a", "b", "c", "right"}, {}};
  EXPECT_EQ(unlocked({std::nullopt, {}, third.ask()}), "unlocked");
  EXPECT_EQ(unlocked({std::nullopt, {}, never.ask()}), "key.wrong_passphrase");
  EXPECT_EQ(never.questions.size(), 3U);
  EXPECT_NE(never.questions[0], never.questions[1]);
}

TEST_F(UnlockTest, AFileIsTriedOnce) {
  TempDir const temp;
  write_file(temp / "p", "wrong\n");
  Answers answers{{"right"}, {}};
  EXPECT_EQ(unlocked({(temp / "p").string(), {}, answers.ask()}), "key.wrong_passphrase");
  EXPECT_TRUE(answers.questions.empty());
  write_file(temp / "p", "right\n");
  EXPECT_EQ(unlocked({(temp / "p").string(), {}, answers.ask()}), "unlocked");
}

TEST_F(UnlockTest, APlainFileAsksNobody) {
  content = encode_key_file(identity);
  Answers answers;
  EXPECT_EQ(unlocked({"/nowhere", {}, answers.ask()}), "unlocked");
  EXPECT_TRUE(answers.questions.empty());
}

}  // namespace
}  // namespace kith::engine
