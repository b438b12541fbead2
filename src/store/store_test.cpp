#include "store/store.hpp"

#include <set>

#include <gtest/gtest.h>

namespace kith::store {
namespace {

TEST(Store, EveryTableHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (auto const table : kTables) {
    EXPECT_TRUE(names.insert(table_name(table)).second) << table_name(table);
    // Names go into SQL as they are.
    EXPECT_EQ(table_name(table).find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
  }
  EXPECT_EQ(kTables.front(), kFirstTable);
  EXPECT_EQ(kTables.back(), kLastTable);
  EXPECT_EQ(table_name(kFirstView), "messages");
}

TEST(Store, ErrorsHaveNames) {
  EXPECT_EQ(Error{StoreError::busy}.name(), "store.busy");
  EXPECT_EQ(Error{StoreError::not_found}.name(), "store.not_found");
}

}  // namespace
}  // namespace kith::store
