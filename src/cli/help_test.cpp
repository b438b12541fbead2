#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "cli/args.hpp"
#include "cli/grammar.hpp"
#include "cli/help_pages.hpp"
#include "cli/terminal.hpp"
#include "core/error.hpp"
#include "crypto/error.hpp"
#include "engine/error.hpp"
#include "engine/failure.hpp"
#include "engine/key_error.hpp"
#include "link/tcp/error.hpp"
#include "store/store.hpp"
#include "sync/files/error.hpp"
#include "sync/files/folder_context.hpp"
#include "sync/files/folder_sync.hpp"
#include "wire/error.hpp"

namespace kith::cli {
namespace {

/// Words as a shell takes them: blanks part them, single quotes keep them together.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  bool quoted = false, in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char const c = line[i];
    if (c == '\'') {
      quoted = !quoted;
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (c == '\\' && !quoted && i + 1 < line.size()) {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += line[++i];
    } else if ((c == ' ' || c == '\n') && !quoted) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  EXPECT_FALSE(quoted) << line;
  return words;
}

/// Whether a line that begins with "kith" is one that this program takes.
void expect_command(std::string_view line) {
  auto words = shell_words(line);
  ASSERT_FALSE(words.empty()) << line;
  ASSERT_EQ(words.front(), "kith") << line;
  words.erase(words.begin());
  auto const parsed = parse_args(words);
  ASSERT_TRUE(parsed) << line << ": " << parsed.error().what;
  if (auto const* help = std::get_if<HelpOptions>(&parsed->command); help != nullptr) {
    std::set<std::string> const places{"COMMAND", "CODE", "TOPIC"};  // stand for any
    EXPECT_TRUE(places.contains(help->topic) || help_text(help->topic, every_command())) << line;
  }
}

/// Whether a command is only named, as in "`kith sync` says": its path, without what it cannot do without.
bool names_command(std::string_view line) {
  line.remove_prefix(std::min(line.size(), std::string_view("kith ").size()));
  return find_leaf(line) != nullptr || std::ranges::find(branches(), line, &Branch::path) != branches().end();
}

/// Every `kith ...` in backquotes. @return how many
std::size_t expect_commands_in(std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find("`kith"); at != std::string_view::npos; at = text.find("`kith", at)) {
    auto const end = text.find('`', at + 1);
    EXPECT_NE(end, std::string_view::npos) << text;
    if (end == std::string_view::npos) break;
    auto const line = text.substr(at + 1, end - at - 1);
    if (!names_command(line)) expect_command(line);
    ++count;
    at = end + 1;
  }
  return count;
}

template <class E>
void add_all(std::vector<engine::Failure>& failures, E last, engine::FailureContext const& context) {
  for (int value = 0; value <= static_cast<int>(last); ++value)
    failures.push_back(engine::explain(static_cast<E>(value), context));
}

std::vector<engine::Failure> all_failures() {
  std::vector<engine::Failure> all;
  engine::FailureContext context;
  for (int round = 0; round < 2; ++round) {
    add_all(all, wire::WireError::unknown_type, context);
    add_all(all, crypto::CryptoError::cost_out_of_range, context);
    add_all(all, store::StoreError::not_found, context);
    add_all(all, core::CoreError::corrupt_record, context);
    add_all(all, files::FilesError::io, context);
    add_all(all, files::BindError::other_folder, context);
    add_all(all, link::LinkError::io, context);
    add_all(all, engine::HomeError::too_open, context);
    add_all(all, engine::KeyError::passphrase_command, context);
    add_all(all, engine::ConfigError::not_editable, context);
    add_all(all, engine::EngineError::output_failed, context);
    context = {"/home/ana/it's mine", "Ana's phone", "10.0.0.1:7427", 3};
  }
  all.push_back(engine::usage_failure("what", "devices revoke"));
  all.push_back(engine::usage_failure("what"));
  all.push_back(engine::internal_failure("what"));
  all.push_back(engine::explain(engine::parse_config("a=1\nb=2\n", "c").error()));
  return all;
}

TEST(Remedies, NameOnlyCommandsThatThereAre) {
  std::size_t commands = 0;
  for (auto const& failure : all_failures()) {
    for (auto const& remedy : failure.remedies) {
      bool const of_the_system = remedy.command.starts_with("chmod ") || remedy.command.starts_with("rm ");
      if (!of_the_system) expect_command(remedy.command), ++commands;
      expect_commands_in(remedy.explanation);
    }
    expect_commands_in(failure.what);
    expect_commands_in(failure.cause);
    expect_command("kith help " + failure.code);
  }
  for (auto const& code : engine::failure_codes()) {
    for (auto const& remedy : code.tries()) expect_command(remedy.command), ++commands;
    expect_commands_in(code.help);
    expect_commands_in(code.summary);
    expect_commands_in(code.safe_note);
  }
  EXPECT_GT(commands, 300U);
}

TEST(Help, ExamplesAreCommandsOfTheirPages) {
  for (auto const& page : command_pages()) {
    ASSERT_FALSE(page.examples.empty()) << page.path;
    for (auto const& example : page.examples) {
      expect_command(example.command);
      EXPECT_TRUE(example.command.starts_with("kith " + std::string(page.path))) << example.command;
    }
  }
}

TEST(Help, EveryPageNamesOnlyCommandsThatThereAre) {
  std::size_t commands = 0;
  for (auto const& name : help_topics(every_command())) {
    auto const text = help_text(name, every_command());
    ASSERT_TRUE(text) << name;
    commands += expect_commands_in(*text);
  }
  commands += expect_commands_in(overview_text(every_command()));
  EXPECT_GT(commands, 15U);
}

TEST(Help, EveryCommandHasAPageWithAllItsFlags) {
  for (auto const& leaf : leaves()) {
    auto const text = command_text(leaf.path, every_command());
    ASSERT_TRUE(text) << leaf.path;
    CLI::App app;
    app.set_help_flag();
    leaf.declare(app);
    for (auto const* option : app.get_options()) {
      auto const name = option->get_lnames().empty() ? option->get_name() : "--" + option->get_lnames().front();
      auto const usage =
          text->substr(text->find("Usage:"), text->find("\n\n", text->find("Usage:")) - text->find("Usage:"));
      EXPECT_NE(usage.find(name), std::string::npos) << leaf.path << " " << name;
      EXPECT_NE(text->find("\n  " + name), std::string::npos) << leaf.path << " " << name;
      EXPECT_FALSE(option->get_description().empty()) << name;
    }
    EXPECT_NE(overview_text(every_command()).find(leaf.path), std::string::npos);
  }
  EXPECT_EQ(command_pages().size(), leaves().size());
}

TEST(Help, EveryFailureCodeHasAPage) {
  for (auto const& code : engine::failure_codes()) {
    auto const text = help_text(code.code, every_command());
    ASSERT_TRUE(text);
    EXPECT_NE(text->find(code.code), std::string::npos);
    EXPECT_NE(text->find("your data:"), std::string::npos);
    EXPECT_NE(help_text("codes", every_command())->find(code.code), std::string::npos);
  }
}

TEST(Help, EveryWarningHasAPage) {
  for (auto const& code : engine::warning_codes()) {
    EXPECT_EQ(engine::find_failure_code(code.code), nullptr) << code.code;
    EXPECT_EQ(engine::find_warning_code(code.code), &code);
    auto const text = help_text(code.code, every_command());
    ASSERT_TRUE(text) << code.code;
    EXPECT_TRUE(text->starts_with(std::string(code.code) + " (a warning): ")) << *text;
    EXPECT_GT(code.help.size(), 60U) << code.code;
    EXPECT_NE(help_text("codes", every_command())->find("\n      " + std::string(code.code) + " "), std::string::npos)
        << code.code;
    expect_commands_in(code.help);
  }
}

TEST(Help, PagesFitAndEndWell) {
  auto topics = help_topics(every_command());
  topics.emplace_back();
  for (auto const& name : topics) {
    auto const text = *help_text(name, every_command());
    EXPECT_TRUE(text.ends_with('\n') && !text.ends_with("\n\n")) << name;
    std::size_t start = 0;
    while (start < text.size()) {
      auto const end = text.find('\n', start);
      auto const line = text.substr(start, end - start);
      EXPECT_LE(display_width(line), 130U) << name << ": " << line;
      EXPECT_FALSE(line.ends_with(' ')) << name << ": " << line;
      start = end + 1;
    }
  }
}

TEST(Help, EveryReasonToSkipAFileIsExplained) {
  auto const text = help_text("skipped", every_command());
  ASSERT_TRUE(text);
  for (int why = 0; why <= static_cast<int>(files::Skipped::Why::blocked); ++why) {
    auto const code = files::skip_code(static_cast<files::Skipped::Why>(why));
    EXPECT_NE(text->find("\n    " + std::string(code) + " "), std::string::npos) << code;
    EXPECT_TRUE(help_text(code, every_command())) << code;
  }
}

TEST(Help, TopicsHaveNamesOfTheirOwn) {
  std::set<std::string> seen;
  for (auto const& name : help_topics(every_command()))
    EXPECT_TRUE(seen.insert(name).second || name == "config") << name;  // `help config` shows both
}

TEST(Help, WhatIsNotThereIsNotListed) {
  auto const some = [](std::string_view path) { return path == "status"; };
  EXPECT_EQ(overview_text(some).find("push"), std::string::npos);
  EXPECT_NE(overview_text(some).find("status"), std::string::npos);
  EXPECT_FALSE(help_text("push", some));
  EXPECT_FALSE(help_text("devices", some));
  EXPECT_FALSE(help_text("frobnicate", every_command()));
}

}  // namespace
}  // namespace kith::cli
