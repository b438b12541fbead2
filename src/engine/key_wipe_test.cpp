// A program of its own: it looks into every block of memory that is given back.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>
#include <malloc.h>

#include "engine/engine_testing.hpp"
#include "engine/key_file.hpp"
#include "engine/passphrase.hpp"
#include "support/must.hpp"
#include "support/seeded_random.hpp"

namespace {

constexpr std::size_t kNeedleBytes = 8;
std::array<std::array<std::uint8_t, kNeedleBytes>, 5> needles{};
std::atomic<bool> watching = false;
std::atomic<std::size_t> leaks = 0;

void look_at(void* block) noexcept {
  if (!watching || block == nullptr) return;
  auto const* bytes = static_cast<std::uint8_t const*>(block);
  auto const size = ::malloc_usable_size(block);
  for (std::size_t at = 0; at + kNeedleBytes <= size; ++at)
    for (auto const& needle : needles)
      if (std::memcmp(bytes + at, needle.data(), kNeedleBytes) == 0) ++leaks;
}

}  // namespace

// The replacements must not be inlined away, and the linker takes them for the whole program.
void* operator new(std::size_t size) {
  if (void* block = std::calloc(1, size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  look_at(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }

namespace kith::engine {
namespace {

using kith::testing::must;
using kith::testing::SeededRandom;

constexpr crypto::Argon2Cost kCheap{1, 8};
constexpr std::string_view kPassphrase = "passphrase nobody else has";

void watch_for(core::Identity const& identity) {
  auto const take = [](std::size_t place, ByteView secret) {
    std::copy_n(secret.begin() + 8, kNeedleBytes, needles[place].begin());
  };
  take(0, identity.sign.seed().view());
  take(1, identity.dx.secret_key.view());
  take(2, identity.root.view());
  take(3, identity.storage.view());
  take(4, bytes_of(kPassphrase));
  leaks = 0;
  watching = true;
}
std::size_t stop_watching() {
  watching = false;
  return leaks;
}

TEST(Wiping, TheWatchSeesASecretThatIsGivenBack) {
  SeededRandom random(1);
  auto const identity = core::Identity::generate(random, {1});
  watch_for(identity);
  {
    auto const* careless = new Bytes(identity.root.view().begin(), identity.root.view().end());
    delete careless;
  }
  EXPECT_EQ(stop_watching(), 1U);
}

TEST(Wiping, NoSecretIsLeftInMemoryThatIsGivenBack) {
  testing::TempDir const temp;
  testing::write_file(temp / "passphrase", std::string(kPassphrase) + "\n");
  Environment const environment =
      Environment::of({{"KITH_PASSPHRASE_COMMAND", "cat '" + (temp / "passphrase").string() + "'; echo more"}});
  SeededRandom random(1);
  auto const identity = core::Identity::generate(random, {1});

  watch_for(identity);
  PassphraseSource const from_file((temp / "passphrase").string(), {}, {});
  PassphraseSource const from_command(std::nullopt, environment, {});
  must(create_key_file(temp / "keys", encode_key_file(identity)));
  EXPECT_EQ(must(unlock(must(read_key_file(temp / "keys")), from_file)).cert, identity.cert);
  must(change_passphrase(temp / "keys", std::nullopt, must(from_file.existing()).view(), random, kCheap));
  EXPECT_EQ(must(unlock(must(read_key_file(temp / "keys")), from_file)).cert, identity.cert);
  EXPECT_EQ(must(unlock(must(read_key_file(temp / "keys")), from_command)).cert, identity.cert);
  must(change_passphrase(temp / "keys", must(from_command.existing()).view(), std::nullopt, random, kCheap));
  EXPECT_EQ(stop_watching(), 0U);
}

}  // namespace
}  // namespace kith::engine
