#include "cli/recovery_words.hpp"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

using Words = std::vector<std::string>;

TEST(TypedRecoveryWords, AreReadAsPeopleTypeThem) {
  EXPECT_EQ(read_typed_words("walnut").words, Words{"walnut"});
  EXPECT_EQ(read_typed_words("  3. Walnut   4) ORBIT 5 zoo ").words, (Words{"walnut", "orbit", "zoo"}));
  EXPECT_EQ(read_typed_words("waln-orbi").words, (Words{"walnut", "orbit"}));
  EXPECT_EQ(read_typed_words("").words, Words{});
  EXPECT_EQ(read_typed_words(" 7. ").words, Words{});
}

TEST(TypedRecoveryWords, TheFirstThatIsNoneIsSaid) {
  auto const typed = read_typed_words("walnut orbti zoo");
  EXPECT_EQ(typed.words, Words{"walnut"});
  EXPECT_EQ(typed.wrong, "orbti");
  EXPECT_EQ(read_typed_words("wal").wrong, "wal") << "too short to mean one";
  EXPECT_EQ(read_typed_words("zzzz").wrong, "zzzz");
  EXPECT_EQ(read_typed_words("\x1b[2J").wrong, "\x1b[2j");
  EXPECT_EQ(read_typed_words("act").words, Words{"act"}) << "a whole word that others begin with";
}

}  // namespace
}  // namespace kith::cli
