#include "engine/key_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engine_testing.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"
#include "sync/files/error.hpp"

namespace kith::engine {
namespace {

using kith::testing::must;
using kith::testing::SeededRandom;
using testing::mode_of;
using testing::TempDir;

constexpr crypto::Argon2Cost kCheap{1, 8};

class KeyFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::size_t names() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(temp.path()), {}));
  }
  [[nodiscard]] Error error() const { return read_key_file(path).error(); }

  TempDir temp;
  std::filesystem::path const path = temp / "keys";
  SeededRandom random{1};
  core::Identity const identity = core::Identity::generate(random, {1'800'000'000'000});
};

TEST_F(KeyFileTest, IsItsOwnersAloneWhateverTheUmask) {
  for (mode_t const mask : {0000U, 0022U, 0077U, 0277U}) {
    auto const before = ::umask(mask);
    auto const made = create_key_file(path, encode_key_file(identity));
    ::umask(before);
    ASSERT_TRUE(made) << made.error().name();
    EXPECT_EQ(mode_of(path), 0600U);
    EXPECT_EQ(names(), 1U);  // and nothing half-written beside it
    EXPECT_EQ(must(must(read_key_file(path)).open()).cert, identity.cert);
    std::filesystem::remove(path);
  }
}

TEST_F(KeyFileTest, IsNeverMadeTwice) {
  must(create_key_file(path, encode_key_file(identity)));
  auto const other = core::Identity::generate(random, {1'800'000'000'000});
  auto const again = create_key_file(path, encode_key_file(other));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), (Error{KeyError::exists, SubjectDetail{path}}));
  EXPECT_EQ(must(must(read_key_file(path)).open()).cert, identity.cert);
  EXPECT_EQ(names(), 1U);
}

TEST_F(KeyFileTest, ALinkInItsPlaceIsNeitherWrittenThroughNorRead) {
  testing::write_file(temp / "elsewhere", "precious");
  std::filesystem::create_symlink(temp / "elsewhere", path);
  EXPECT_TRUE(create_key_file(path, encode_key_file(identity)).error().is(KeyError::exists));
  EXPECT_EQ(testing::read_file(temp / "elsewhere"), "precious");
  testing::write_file(temp / "elsewhere", text_of(encode_key_file(identity).view()));
  EXPECT_TRUE(error().is(KeyError::not_a_file));
}

TEST_F(KeyFileTest, RefusesWhatIsNoPrivateFile) {
  EXPECT_EQ(error(), (Error{KeyError::missing, SubjectDetail{path}}));
  std::filesystem::create_directory(path);
  EXPECT_TRUE(error().is(KeyError::not_a_file));
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_TRUE(error().is(KeyError::not_a_file));  // and does not wait for a writer
  std::filesystem::remove(path);

  must(create_key_file(path, encode_key_file(identity)));
  for (mode_t const mode : {0640U, 0604U, 0660U, 0601U, 0620U, 0644U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(error().is(KeyError::too_open)) << std::oct << mode;
    EXPECT_EQ(mode_of(path), mode);
  }
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(read_key_file(path));
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    EXPECT_TRUE(error().is(KeyError::foreign_owner));
  }
}

TEST_F(KeyFileTest, ReadsNoMoreThanAKeyFileHas) {
  testing::write_file(path, std::string(1024 * 1024, 'K'));
  EXPECT_TRUE(error().is(KeyError::damaged));
  testing::write_file(path, "");
  EXPECT_TRUE(error().is(KeyError::damaged));
}

TEST_F(KeyFileTest, SaysWhyItCannotBeMade) {
  auto const nowhere = create_key_file(temp / "missing/keys", encode_key_file(identity));
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().is(files::FilesError::not_found));
  EXPECT_EQ(std::get<SystemDetail>(nowhere.error().detail()).number, ENOENT);
}

TEST_F(KeyFileTest, ThePassphraseChanges) {
  must(create_key_file(path, encode_key_file(identity)));
  auto const change = [&](std::optional<std::string_view> from, std::optional<std::string_view> to) {
    auto const bytes = [](auto text) { return text ? std::optional(bytes_of(*text)) : std::nullopt; };
    return change_passphrase(path, bytes(from), bytes(to), random, kCheap);
  };
  auto const opens = [&](std::string_view with) { return must(read_key_file(path)).open(bytes_of(with)).has_value(); };

  must(change(std::nullopt, "first"));
  EXPECT_EQ(must(read_key_file(path)).protection(), KeyProtection::passphrase);
  EXPECT_TRUE(opens("first"));
  must(change("first", "second"));
  EXPECT_TRUE(opens("second"));
  EXPECT_FALSE(opens("first"));

  auto const before = testing::read_file(path);
  EXPECT_TRUE(change("first", "third").error().is(KeyError::wrong_passphrase));
  EXPECT_TRUE(change(std::nullopt, "third").error().is(KeyError::locked));
  EXPECT_TRUE(change("second", "").error().is(KeyError::passphrase_empty));
  EXPECT_EQ(testing::read_file(path), before);

  must(change("second", std::nullopt));
  EXPECT_EQ(must(read_key_file(path)).protection(), KeyProtection::plain);
  EXPECT_EQ(must(must(read_key_file(path)).open()).cert, identity.cert);
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(names(), 1U);
}

TEST_F(KeyFileTest, TheDefaultCostIsWhatThePageSays) {
  EXPECT_EQ(crypto::Argon2Cost{}, (crypto::Argon2Cost{3, 256 * 1024}));
  auto const content = must(encode_key_file(identity, bytes_of("slow"), random));
  auto const file = must(KeyFile::parse(SecretBytes(Bytes(content.view().begin(), content.view().end()))));
  EXPECT_EQ(file.cost(), crypto::Argon2Cost{});
  EXPECT_EQ(must(file.open(bytes_of("slow"))).cert, identity.cert);
}

}  // namespace
}  // namespace kith::engine
