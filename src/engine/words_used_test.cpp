#include <gtest/gtest.h>

#include "engine/client.hpp"
#include "engine/engine_testing.hpp"
#include "engine/network.hpp"
#include "engine/one_conversation.hpp"
#include "support/played_recovery.hpp"

/// A home's network, and those who come to it with words or without.
namespace kith::engine {
namespace {

using kith::testing::must;
using testing::TempDir;
using namespace std::chrono_literals;

struct WordsUsed : ::testing::Test {
  WordsUsed() {
    auto const paths = must(find_home({dir.path() / "home", std::nullopt, std::nullopt}, Environment{}));
    must(prepare_home(paths));
    ClientOptions options{paths, {}, "test"};
    options.config.listen = link::HostPort{"127.0.0.1", 0};
    auto identity = core::Identity::generate(random, current_time().wall);
    auto founding = must(Client::open(identity.clone(), options, Instance::Need::nothing));
    must(founding->instance().replica.create_group("home", "laptop", words, current_time()));
    founding.reset();
    client = must(Client::open(std::move(identity), options));
    must(client->connect());
    for (auto const until = Clock::now() + 60s; Clock::now() < until && address.empty();) {
      if (auto const owner = must(client->owner()); owner && owner->port > 0)
        address = "127.0.0.1:" + std::to_string(owner->port);
      std::this_thread::sleep_for(5ms);
    }
  }

  /// Somebody who has words.
  class Reading final : public OneConversation {
   public:
    Reading(core::RecoveryKeys const& with, RandomSource& from) : reader(with, from) {}
    [[nodiscard]] bool poll_transmit(Bytes& out) override { return reader.poll_transmit(out); }
    core::RecoveryReader reader;

   private:
    Result<> take(ByteView bytes) override { return reader.on_bytes(bytes, Clock::now()); }
    [[nodiscard]] bool finished() const override { return reader.done(); }
  };
  /// Somebody who was in the group, and signs with a key of their own.
  class Pretending final : public OneConversation {
   public:
    Pretending(wire::LocatorSecret const& locator, RandomSource& from)
        : played(crypto::noise::Role::initiator, crypto::DhKeyPair::generate(from), from),
          key(crypto::SigningKey::generate(from)),
          out_(played.hello(locator)) {}
    [[nodiscard]] bool poll_transmit(Bytes& out) override {
      append(out, out_);
      return !std::exchange(out_, {}).empty();
    }
    kith::testing::PlayedRecovery played;
    crypto::SigningKey key;
    bool answered = false;

   private:
    Result<> take(ByteView bytes) override {
      KITH_CHECK(played.read(bytes));
      answered = true;
      out_ = played.proof(key);
      return {};
    }
    [[nodiscard]] bool finished() const override { return false; }
    Bytes out_;
  };

  static Waiting patience() { return {30s, false, -1, {}, {}}; }
  bool reads(core::RecoveryKeys const& with) {
    auto const reading = std::make_shared<Reading>(with, random);
    auto const read = OneConversation::run(reading, address, patience());
    EXPECT_TRUE(read || (read.error().is(core::CoreError::closed) && !reading->reader.giver()));
    return read.has_value();
  }
  std::vector<WordsUsedRow> told() { return must(words_used(client->instance().store(), current_time().wall)); }

  TempDir dir;
  crypto::SystemRandom random;
  core::RecoveryKeys words = core::RecoveryKeys::from_entropy(random.secret<crypto::MnemonicEntropy>());
  core::RecoveryKeys others = core::RecoveryKeys::from_entropy(random.secret<crypto::MnemonicEntropy>());
  std::unique_ptr<Client> client;
  std::string address;
};

TEST_F(WordsUsed, AreToldOfAndOnlyTheyRead) {
  EXPECT_FALSE(reads(others));
  EXPECT_TRUE(told().empty());
  EXPECT_TRUE(reads(words));
  auto const rows = told();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].endpoint.starts_with("127.0.0.1:"));
  EXPECT_TRUE(reads(words));
  EXPECT_EQ(told().size(), 1U) << "one for each address";
  auto later = current_time().wall;
  later.ms += std::chrono::milliseconds(WordsUsedRow::kTold).count();
  EXPECT_TRUE(must(words_used(client->instance().store(), later)).empty());
}

/// Strangers do not keep anybody out; who knows the group and has not the words keeps its own address out for a while.
TEST_F(WordsUsed, AFalseProofMakesAPause) {
  auto const pretending = std::make_shared<Pretending>(words.locator, random);
  EXPECT_FALSE(OneConversation::run(pretending, address, patience()).has_value());
  EXPECT_TRUE(pretending->answered);
  EXPECT_FALSE(reads(words));
  EXPECT_TRUE(told().empty());
  std::this_thread::sleep_for(Network::kFailedProofPause);  // it began before the words were refused
  EXPECT_TRUE(reads(words));
}

}  // namespace
}  // namespace kith::engine
