#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cli/table.hpp"

namespace kith::cli {
namespace {

std::string style(bool terminal, engine::Environment::Variables variables, bool no_color = false) {
  auto const style = style_of(terminal, engine::Environment::of(std::move(variables)), no_color);
  return fmt::format("{}{}{}", style.color ? "color " : "", style.utf8 ? "utf8 " : "", style.moves ? "moves" : "");
}

TEST(Style, WhatIsShownWhere) {
  engine::Environment::Variables const usual{{"TERM", "xterm-256color"}, {"LANG", "en_US.UTF-8"}};
  auto const with = [&](std::string name, std::string value) {
    auto variables = usual;
    variables[std::move(name)] = std::move(value);
    return variables;
  };
  EXPECT_EQ(style(true, usual), "color utf8 moves");
  EXPECT_EQ(style(false, usual), "utf8 ");
  EXPECT_EQ(style(true, usual, true), "utf8 moves");
  EXPECT_EQ(style(true, with("NO_COLOR", "1")), "utf8 moves");
  EXPECT_EQ(style(true, with("NO_COLOR", "")), "color utf8 moves");  // no-color.org: when not an empty string
  EXPECT_EQ(style(false, with("CLICOLOR_FORCE", "1")), "color utf8 ");
  EXPECT_EQ(style(false, with("CLICOLOR_FORCE", "0")), "utf8 ");
  EXPECT_EQ(style(false, with("CLICOLOR_FORCE", "1"), true), "utf8 ");
  EXPECT_EQ(style(true, with("TERM", "dumb")), "");
  EXPECT_EQ(style(true, {{"LANG", "en_US.UTF-8"}}), "");  // no TERM at all
  EXPECT_EQ(style(true, with("LANG", "C")), "color moves");
  EXPECT_EQ(style(true, with("LC_ALL", "C")), "color moves");
  EXPECT_EQ(style(true, with("LC_CTYPE", "de_DE.utf8")), "color utf8 moves");
  EXPECT_EQ(style(true, {{"TERM", "xterm"}}), "color moves");
}

TEST(Width, CountsColumns) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("plain"), 5U);
  EXPECT_EQ(display_width("\u00e9"), 1U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(display_width("\u65e5\u672c"), 4U);
  EXPECT_EQ(display_width("━╸─"), 3U);
  EXPECT_EQ(display_width("\xff"), 1U);
}

TEST(Fitted, NeverIsWiderAndNeverCutsACharacter) {
  EXPECT_EQ(fitted("photos", 6, true), "photos");
  EXPECT_EQ(fitted("photos", 5, true), "phot…");
  EXPECT_EQ(fitted("photos", 5, false), "ph...");
  EXPECT_EQ(fitted("photos", 2, false), "ph");
  EXPECT_EQ(fitted("photos", 0, true), "");
  EXPECT_EQ(fitted("\u65e5\u672c\u8a9e", 4, true), "\u65e5…");
  for (std::size_t columns = 0; columns < 20; ++columns) {
    auto const cut = fitted("a\u65e5e\u0301\u672cb\u00e9 long text", columns, columns % 2 == 0);
    EXPECT_LE(display_width(cut), columns);
    EXPECT_EQ(cut.find("\xef\xbf\xbd"), std::string::npos);
  }
}

TEST(Columns, ComeFromTheEnvironmentWhereThereIsNoTerminal) {
  EXPECT_EQ(terminal_columns(-1, engine::Environment::of({{"COLUMNS", "132"}})), 132U);
  EXPECT_EQ(terminal_columns(-1, engine::Environment::of({{"COLUMNS", "wide"}})), 80U);
  EXPECT_EQ(terminal_columns(-1, engine::Environment::of({{"COLUMNS", "0"}})), 80U);
  EXPECT_EQ(terminal_columns(-1, {}), 80U);
}

TEST(Table, LinesUpAndEscapes) {
  Table table({{"DEVICE", Table::Align::left}, {"SIZE", Table::Align::right}, {"NOTE", Table::Align::left}});
  table.add({"laptop", "1.9 GiB", "in sync"});
  table.add({"\u65e5\u672c", "4 B", "a\x1b[2Jb"});
  table.add({"x", "", ""});
  EXPECT_EQ(table.text({}, 80),
            "DEVICE     SIZE  NOTE\n"
            "laptop  1.9 GiB  in sync\n"
            "\u65e5\u672c        4 B  a\\x1b[2Jb\n"
            "x\n");
  StreamStyle const terminal{true, true, true, true};
  EXPECT_EQ(table.text(terminal, 20),
            "\x1b[1mDEVICE     SIZE  NO…\x1b[0m\n"
            "laptop  1.9 GiB  in…\n"
            "\u65e5\u672c        4 B  a\\…\n"
            "x\n");
}

}  // namespace
}  // namespace kith::cli
