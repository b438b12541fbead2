#include "cli/args.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/grammar.hpp"

namespace kith::cli {
namespace {

bool is_on(std::optional<std::string> const& variable) { return variable && *variable != "0" && *variable != "false"; }

/// The arguments as CLI11 takes them: last first, and `--flag=` (an empty value, which it would not see) as two words.
std::vector<std::string> prepared(std::vector<std::string> const& args) {
  std::vector<std::string> words;
  bool only_words = false;
  for (auto const& arg : args) {
    only_words = only_words || arg == "--";
    if (!only_words && arg.starts_with("--") && arg.find('=') == arg.size() - 1) {
      words.push_back(arg.substr(0, arg.size() - 1));
      words.emplace_back();
    } else {
      words.push_back(arg);
    }
  }
  std::ranges::reverse(words);
  return words;
}

/// CLI11 gives a lone ++ a meaning of its own and drops it; a message must not get lost like that.
bool has_lone_plusses(std::vector<std::string> const& args) {
  auto const end = std::ranges::find(args, "--");
  return std::find(args.begin(), end, "++") != end;
}

class Parser {
 public:
  Parser(std::vector<std::string> const& args, engine::Environment const& environment, CommandFilter const& exists)
      : args_(args), environment_(environment), exists_(exists), grammar_(exists) {}

  tl::expected<Invocation, UsageFault> parse() {
    if (has_lone_plusses(args_)) return fault("a lone ++ must stand behind --");
    try {
      auto words = prepared(args_);
      grammar_.app.parse(words);
    } catch (CLI::CallForHelp const&) {
      return invocation(HelpOptions{path()});
    } catch (CLI::ParseError const& error) {
      return on_error(error);
    }
    if (grammar_.app.count("--version") > 0) return invocation(VersionOptions{});
    if (path().empty()) return invocation(HelpOptions{});
    auto command = find_leaf(path())->build(Given(*grammar_.find(path())));
    if (!command) return fault(std::move(command).error().what);
    return invocation(std::move(*command));
  }

 private:
  tl::expected<Invocation, UsageFault> invocation(Command command) {
    Given const given(grammar_.app);
    GlobalOptions global;
    global.json = given.flag("--json") || is_on(environment_.get_filled("KITH_JSON"));
    global.quiet = given.flag("--quiet");
    global.no_color = given.flag("--no-color");
    global.yes = given.flag("--yes");
    global.verbose = static_cast<int>(grammar_.app.count("--verbose"));
    global.home = {given.text("--home"), given.text("--profile"), given.text("--config")};
    for (auto const* name : {"--home", "--profile", "--config"})
      if (auto const value = given.text(name); value && value->empty())
        return fault(fmt::format("{} needs a value", name));
    if (auto const text = given.text("--timeout")) {
      global.timeout = parse_duration(*text);
      if (!global.timeout || global.timeout->count() == 0)
        return fault(fmt::format("--timeout cannot be \"{}\"; it takes a time such as 30s or 5m", *text));
    }
    return Invocation{std::move(global), std::move(command), path()};
  }

  /// The command as far as it was recognised: "devices revoke".
  [[nodiscard]] std::string path() const {
    std::string path;
    CLI::App const* at = &grammar_.app;
    while (true) {
      auto const chosen = at->get_subcommands();
      if (chosen.empty()) return path;
      at = chosen.front();
      path += (path.empty() ? "" : " ") + at->get_name();
    }
  }

  [[nodiscard]] tl::unexpected<UsageFault> fault(std::string what) const {
    return tl::unexpected(UsageFault{std::move(what), path()});
  }

  tl::unexpected<UsageFault> on_error(CLI::ParseError const& error) const {
    std::string const said = error.what();
    if (dynamic_cast<CLI::ExtrasError const*>(&error) != nullptr) return on_extra();
    if (dynamic_cast<CLI::RequiredError const*>(&error) != nullptr) return on_missing(said);
    if (dynamic_cast<CLI::ExcludesError const*>(&error) != nullptr) {  // "--new excludes --folder"
      auto const middle = said.find(" excludes ");
      if (middle != std::string::npos)
        return fault(fmt::format("{} and {} do not go together", said.substr(0, middle), said.substr(middle + 10)));
    }
    if (dynamic_cast<CLI::ArgumentMismatch const*>(&error) != nullptr) {  // "--name: 1 required NAME missing"
      auto const name = said.substr(0, said.find(':'));
      bool const missing = said.ends_with("missing") || said.find("at least") != std::string::npos;
      return fault(name + (missing ? " needs a value" : " was given more often than it may be"));
    }
    return fault(said);
  }

  tl::unexpected<UsageFault> on_missing(std::string const& said) const {
    auto const where = path();
    auto const under = subcommands(where);
    if (!under.empty() && grammar_.app.remaining_size(true) > 0) return on_extra();
    if (!under.empty()) return fault(fmt::format("{} needs one of: {}", where, fmt::join(under, ", ")));
    return fault(fmt::format("{} needs {}", where, said.substr(0, said.find(' '))));
  }

  tl::unexpected<UsageFault> on_extra() const {
    auto const extras = grammar_.app.remaining(true);
    auto const extra = extras.empty() ? std::string() : extras.front();
    auto const where = path();
    if (extra.starts_with('-') && extra.size() > 1) {
      auto const flag = extra.substr(0, extra.find('='));
      auto const near = nearest_flag(flag, where);
      return fault(fmt::format("there is no flag {}{}", flag,
                               near            ? fmt::format("; did you mean {}?", *near)
                               : where.empty() ? ""
                                               : fmt::format(" for {}", where)));
    }
    // What stands before the command's name was meant to be one.
    auto const words = where.empty() ? std::string() : where.substr(0, where.find(' '));
    bool const in_front = words.empty() || std::ranges::find(args_, extra) < std::ranges::find(args_, words);
    auto const under = in_front ? subcommands("") : subcommands(where);
    if (under.empty()) return fault(fmt::format("{} does not take \"{}\"", where, extra));
    auto const near = nearest_word(extra, under);
    auto const parent = in_front || where.empty() ? std::string() : where + " ";
    return tl::unexpected(UsageFault{fmt::format("there is no command \"{}{}\"{}", parent, extra,
                                                 near ? fmt::format("; did you mean {}{}?", parent, *near) : ""),
                                     near       ? parent + *near
                                     : in_front ? std::string()
                                                : where});
  }

  /// The words that may follow a path.
  [[nodiscard]] std::vector<std::string> subcommands(std::string_view path) const {
    std::vector<std::string> words;
    for (auto const& leaf : leaves()) {
      if (!exists_(leaf.path)) continue;
      std::string_view rest = leaf.path;
      if (!path.empty()) {
        if (!rest.starts_with(path) || rest.size() <= path.size() || rest[path.size()] != ' ') continue;
        rest.remove_prefix(path.size() + 1);
      }
      auto word = std::string(rest.substr(0, rest.find(' ')));
      if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
    }
    return words;
  }

  [[nodiscard]] std::vector<std::string> flags(std::string_view path) const {
    std::vector<std::string> names;
    auto const add = [&](CLI::App const& app) {
      for (auto const* option : app.get_options())
        for (auto const& name : option->get_lnames()) names.push_back("--" + name);
    };
    add(grammar_.app);
    if (auto const* leaf = find_leaf(path)) {
      CLI::App alone;
      leaf->declare(alone);
      add(alone);
    }
    return names;
  }

  /// Without the dashes, which would make everything look alike.
  [[nodiscard]] std::optional<std::string> nearest_flag(std::string_view flag, std::string_view path) const {
    auto names = flags(path);
    for (auto& name : names) name.erase(0, 2);
    auto const near = nearest_word(flag.substr(std::min(flag.find_first_not_of('-'), flag.size())), names);
    return near ? std::optional("--" + *near) : std::nullopt;
  }

  std::vector<std::string> const& args_;
  engine::Environment const& environment_;
  CommandFilter const& exists_;
  Grammar grammar_;
};

}  // namespace

CommandFilter every_command() {
  return [](std::string_view) { return true; };
}

CommandFilter plugged_commands() {
  return [](std::string_view path) {
    auto const* leaf = find_leaf(path);
    return leaf != nullptr && leaf->plugged();
  };
}

tl::expected<Invocation, UsageFault> parse_args(std::vector<std::string> const& args,
                                                engine::Environment const& environment, CommandFilter const& exists) {
  return Parser(args, environment, exists).parse();
}

GlobalOptions display_flags(std::vector<std::string> const& args, engine::Environment const& environment) {
  GlobalOptions global;
  auto const end = std::ranges::find(args, "--");
  auto const given = [&](std::string_view flag) { return std::find(args.begin(), end, flag) != end; };
  global.json = given("--json") || is_on(environment.get_filled("KITH_JSON"));
  global.quiet = given("--quiet") || given("-q");
  global.no_color = given("--no-color");
  return global;
}

}  // namespace kith::cli
