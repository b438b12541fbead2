#include <algorithm>

#include <fmt/format.h>

#include "base/version.hpp"
#include "cli/grammar.hpp"
#include "cli/help_pages.hpp"
#include "cli/terminal.hpp"

/// Lays pages out: at most 100 columns, whatever the terminal, so that a page reads the same everywhere.
namespace kith::cli {
namespace {

constexpr std::size_t kPageColumns = 100;

/// Breaks one paragraph into lines.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns = kPageColumns) {
  std::string out, line(indent, ' ');
  std::size_t used = indent;
  while (!text.empty()) {
    auto const word = text.substr(0, text.find(' '));
    auto const width = display_width(word);
    if (used > indent && used + 1 + width > columns) {
      out += line + "\n";
      line.assign(indent, ' ');
      used = indent;
    }
    if (used > indent) line += ' ', ++used;
    line += word;
    used += width;
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return out + line + "\n";
}

/// Paragraphs, parted by empty lines; those that begin with blanks stay as they are.
std::string laid_out(std::string_view text, std::size_t indent) {
  std::string out;
  while (!text.empty()) {
    auto const end = std::min(text.find("\n\n"), text.size());
    auto const paragraph = text.substr(0, end);
    out += paragraph.starts_with(' ') ? std::string(paragraph) + "\n" : wrapped(paragraph, indent);
    text.remove_prefix(std::min(text.size(), end + 2));
    if (!text.empty()) out += '\n';
  }
  return out;
}

/// "  left    right", the right side broken into lines below each other.
std::string entry(std::string_view left, std::string_view right, std::size_t left_columns) {
  auto const indent = left_columns + 4;
  auto const body = wrapped(right, indent);
  if (display_width(left) > left_columns) return fmt::format("  {}\n{}", left, body);
  return fmt::format("  {}  {}", padded(left, left_columns), body.substr(indent));
}

std::string flag_spelling(CLI::Option const& option) {
  if (option.get_positional() && option.get_lnames().empty()) return option.get_name();
  std::string out;
  for (auto const& name : option.get_snames()) out += fmt::format("-{}, ", name);
  for (auto const& name : option.get_lnames()) out += fmt::format("--{}", name);
  return option.get_items_expected_max() > 0 ? fmt::format("{} {}", out, option.get_type_name()) : out;
}

std::string flags_text(CLI::App const& app) {
  std::string out;
  for (auto const* option : app.get_options()) out += entry(flag_spelling(*option), option->get_description(), 26);
  return out;
}

CommandPage const* find_page(std::string_view path) {
  auto const found = std::ranges::find(command_pages(), path, &CommandPage::path);
  return found == command_pages().end() ? nullptr : &*found;
}

std::string codes_text() {
  std::vector<engine::FailureCode const*> codes;
  for (auto const& code : engine::failure_codes()) codes.push_back(&code);
  std::ranges::sort(codes, {}, [](auto const* code) { return std::pair(code->exit, code->code); });
  std::string out;
  for (auto const* code : codes) out += entry(fmt::format("{:3} {}", code->exit, code->code), code->summary, 26);
  out += "\nOf warnings, which change no exit code:\n";
  for (auto const& code : engine::warning_codes()) out += entry(fmt::format("    {}", code.code), code.summary, 26);
  return out;
}

/// Whether a page has a line for a code, as `skipped` has for each reason to leave a file alone.
auto explains_code(std::string_view code) {
  return [line = fmt::format("\n    {} ", code)](TopicPage const& page) {
    return page.name == "skipped" && page.text.find(line) != std::string_view::npos;
  };
}

std::string list_text(std::string_view path, CommandFilter const& exists) {
  std::string out;
  for (auto const& leaf : leaves()) {
    if (exists(leaf.path) && (path.empty() || leaf.path.starts_with(std::string(path) + " ")))
      out += entry(leaf.path, leaf.summary, 18);
  }
  return out;
}

}  // namespace

std::string overview_text(CommandFilter const& exists) {
  std::string topics;
  for (auto const& topic : topic_pages()) topics += fmt::format("{}{}", topics.empty() ? "" : ", ", topic.name);
  CLI::App global;
  global.set_help_flag();
  declare_global_flags(global);
  return fmt::format(
      "kith {}: keeps your own devices in step, from one to the other, sealed end to end\n\n"
      "Usage: kith COMMAND [ARGUMENTS]\n\n{}\nFlags for every command, before or after its name:\n{}\n"
      "`kith help COMMAND` shows a command's flags and examples, `kith help CODE` explains a failure.\nTopics: {}\n",
      kVersion, list_text({}, exists), flags_text(global), topics);
}

std::optional<std::string> command_text(std::string_view path, CommandFilter const& exists) {
  if (auto const branch = std::ranges::find(branches(), path, &Branch::path); branch != branches().end()) {
    auto const list = list_text(path, exists);
    if (list.empty()) return std::nullopt;
    return fmt::format("kith {}: {}\n\nUsage: kith {} COMMAND [ARGUMENTS]\n\n{}", path, branch->summary, path, list);
  }
  auto const* leaf = find_leaf(path);
  auto const* page = find_page(path);
  if (leaf == nullptr || page == nullptr || !exists(path)) return std::nullopt;
  CLI::App app;
  app.set_help_flag();
  leaf->declare(app);
  auto out = fmt::format("kith {}: {}\n\nUsage: kith {}{}{}\n\n{}", path, leaf->summary, path,
                         page->usage.empty() ? "" : " ", page->usage, laid_out(page->text, 0));
  if (auto const flags = flags_text(app); !flags.empty()) out += "\n" + flags;
  out += "\nExamples:\n";
  for (auto const& example : page->examples)
    out += fmt::format("  {}\n{}", example.command, wrapped(example.explanation, 6));
  return out + "\nFlags for every command: kith help\n";
}

std::string code_text(engine::FailureCode const& code) {
  auto out = fmt::format("{} (exit {}): {}\n\n{}", code.code, code.exit, code.summary, laid_out(code.help, 0));
  out += fmt::format("\n  your data: {}{}\n", code.safe ? "safe, " : "not certain: ", code.safe_note);
  std::size_t widest = 0;
  for (auto const& each : code.tries()) widest = std::max(widest, each.command.size());
  std::string_view label = "try:";
  for (auto const& each : code.tries()) {
    out += fmt::format("  {:<6} {}  {}\n", label, padded(each.command, widest), each.explanation);
    label = "";
  }
  return out;
}

std::string code_text(engine::WarningCode const& code) {
  return fmt::format("{} (a warning): {}\n\n{}", code.code, code.summary, laid_out(code.help, 0));
}

std::string topic_text(TopicPage const& page) {
  return fmt::format("kith help {}: {}\n\n{}", page.name, page.summary,
                     page.name == "codes" ? codes_text() : laid_out(page.text, 0));
}

std::optional<std::string> help_text(std::string_view topic, CommandFilter const& exists) {
  if (topic.empty()) return overview_text(exists);
  if (auto const* code = engine::find_failure_code(topic)) return code_text(*code);
  if (auto const* code = engine::find_warning_code(topic)) return code_text(*code);
  auto text = command_text(topic, exists);
  auto page = std::ranges::find(topic_pages(), topic, &TopicPage::name);
  if (!text && page == topic_pages().end()) page = std::ranges::find_if(topic_pages(), explains_code(topic));
  if (page == topic_pages().end()) return text;
  return text ? *text + "\n" + topic_text(*page) : topic_text(*page);  // `config` is both
}

std::vector<std::string> help_topics(CommandFilter const& exists) {
  std::vector<std::string> names;
  for (auto const& leaf : leaves())
    if (exists(leaf.path)) names.emplace_back(leaf.path);
  for (auto const& branch : branches())
    if (!list_text(branch.path, exists).empty()) names.emplace_back(branch.path);
  for (auto const& page : topic_pages()) names.emplace_back(page.name);
  for (auto const& code : engine::failure_codes()) names.emplace_back(code.code);
  for (auto const& code : engine::warning_codes()) names.emplace_back(code.code);
  return names;
}

}  // namespace kith::cli
