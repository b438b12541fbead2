#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/args.hpp"
#include "engine/failure_codes.hpp"

/// What `kith help` shows.
namespace kith::cli {

struct Example {
  std::string_view command;
  std::string_view explanation;
};

/// What a command's page says besides its flags.
struct CommandPage {
  std::string_view path;   ///< "devices revoke"
  std::string_view usage;  ///< behind the path: "DEV [--recovery-file FILE]"
  std::string text;
  std::vector<Example> examples;
};
[[nodiscard]] std::span<CommandPage const> command_pages();

/// A page about something that is no command.
struct TopicPage {
  std::string_view name;
  std::string_view summary;
  std::string_view text;
};
[[nodiscard]] std::span<TopicPage const> topic_pages();

[[nodiscard]] std::string overview_text(CommandFilter const& exists);
/// @param path  a command or a word that holds commands; nullopt where it is neither
[[nodiscard]] std::optional<std::string> command_text(std::string_view path, CommandFilter const& exists);
[[nodiscard]] std::string code_text(engine::FailureCode const& code);
[[nodiscard]] std::string code_text(engine::WarningCode const& code);
[[nodiscard]] std::string topic_text(TopicPage const& page);
/// The page of a command, a code or a topic, whichever has the name; the overview for an empty one.
[[nodiscard]] std::optional<std::string> help_text(std::string_view topic, CommandFilter const& exists);

/// Everything that help_text() knows.
[[nodiscard]] std::vector<std::string> help_topics(CommandFilter const& exists);

}  // namespace kith::cli
