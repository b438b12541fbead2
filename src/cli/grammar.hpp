#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/args.hpp"

/// Every command's arguments, as CLI11 knows them, and the way from there to options. Only args.cpp, help_page.cpp and
/// the grammar's own files include this: CLI11 takes long to compile.
namespace kith::cli {

/// What was given to one command, by the names of its flags and arguments.
class Given {
 public:
  explicit Given(CLI::App const& app) : app_(app) {}

  [[nodiscard]] bool flag(std::string const& name) const { return app_.count(name) > 0; }
  [[nodiscard]] std::optional<std::string> text(std::string const& name) const;
  [[nodiscard]] std::vector<std::string> all(std::string const& name) const;

 private:
  CLI::App const& app_;
};

template <class T>
using Checked = tl::expected<T, UsageFault>;

/// A command without sub-commands.
struct Leaf {
  std::string_view path;     ///< "devices ls"
  std::string_view summary;  ///< one line
  void (*declare)(CLI::App& app);
  Checked<Command> (*build)(Given const& given);
  bool (*plugged)();
};
[[nodiscard]] std::vector<Leaf> const& leaves();
[[nodiscard]] Leaf const* find_leaf(std::string_view path);

/// A word that only holds sub-commands.
struct Branch {
  std::string_view path;
  std::string_view summary;
};
[[nodiscard]] std::vector<Branch> const& branches();

/// The whole command line's grammar.
class Grammar {
 public:
  explicit Grammar(CommandFilter const& exists);
  Grammar(Grammar const&) = delete;

  CLI::App app;
  /// The command or branch of this path, null where there is none.
  [[nodiscard]] CLI::App* find(std::string_view path);
};

void declare_global_flags(CLI::App& app);

}  // namespace kith::cli
