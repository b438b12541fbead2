#include "relay/server/mailbox_list.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace kith::relay::server {
namespace {

GroupFigures mailbox(std::uint8_t first, std::uint8_t fifth, std::uint64_t bytes = 0, std::uint64_t last_s = 0) {
  GroupFigures figures;
  figures.group = {first + std::uint64_t{1}};
  figures.channel.bytes.fill(0xab);
  figures.channel.bytes[0] = first;
  figures.channel.bytes[4] = fifth;
  figures.members = 3;
  figures.items = 7;
  figures.bytes = bytes;
  figures.last_stored_s = last_s;
  return figures;
}

TEST(MailboxList, NamesMailboxesByAsFewDigitsAsTellThemApart) {
  std::vector const apart{mailbox(1, 0), mailbox(2, 0)};
  EXPECT_EQ(to_json(apart)[0]["id"], "01ababab");
  std::vector const alike{mailbox(1, 0), mailbox(1, 1), mailbox(2, 0)};
  EXPECT_EQ(to_json(alike)[1]["id"], "01ababab01");
  for (auto const& each : alike) {
    EXPECT_EQ(to_json(alike).dump().find(to_hex(each.channel.view())), std::string::npos) << "never a whole id";
  }
}

TEST(MailboxList, FindsTheOneThatIsMeantAndNoOther) {
  std::vector const groups{mailbox(1, 0), mailbox(1, 1), mailbox(2, 0)};
  EXPECT_EQ(find_mailbox(groups, "02ababab")->group, groups[2].group);
  EXPECT_EQ(find_mailbox(groups, "01ababab01")->group, groups[1].group);
  EXPECT_FALSE(find_mailbox(groups, "01ababab")) << "two of them";
  EXPECT_FALSE(find_mailbox(groups, "02ab")) << "too few digits to be meant";
  EXPECT_FALSE(find_mailbox(groups, "03ababab"));
  EXPECT_FALSE(find_mailbox(groups, ""));
}

TEST(MailboxList, ShowsOneLineForEach) {
  std::vector const groups{mailbox(1, 0, 512 << 20, 1'795'362'000), mailbox(2, 0)};
  auto const table = table_of(to_json(groups), 1 << 30);
  EXPECT_NE(table.find("01ababab         3         7"), std::string::npos) << table;
  EXPECT_NE(table.find("50%  2026-11-22 15h UTC\n"), std::string::npos) << table;
  EXPECT_NE(table.find("0%  -\n"), std::string::npos) << table;
  EXPECT_EQ(table_of(nlohmann::json::array(), 1), "");
}

}  // namespace
}  // namespace kith::relay::server
