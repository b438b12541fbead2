#include <algorithm>

#include <gtest/gtest.h>

#include "support/log_network.hpp"

/// Devices that live, meet, lose each other in the middle of a sentence, and meet again.
namespace kith::sync {
namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::Dice;
using testing::for_each_seed;
using testing::LogLink;
using testing::LogNetwork;
using testing::must;
using testing::TestDevice;

constexpr std::uint64_t kLives = 150;

/// A few devices of one group, all of whom stay in it but those that the founder removes.
class Life {
 public:
  explicit Life(std::uint64_t seed) : seed_(seed), dice_(seed), network_(&dice_) {
    devices_.push_back(std::make_unique<TestDevice>(seed * 100, "founder"));
    must(founder().replica.create_group("home", "founder", testing::test_recovery(1), founder().now()));
    for (std::size_t more = dice_.between(1, 2); more > 0; --more) add();
  }

  TestDevice& founder() { return *devices_.front(); }
  Dice& dice() { return dice_; }
  LogNetwork& network() { return network_; }
  std::size_t removed() const { return removed_; }
  std::size_t cuts() const { return cuts_; }

  void live(std::size_t steps) {
    for (; steps > 0; --steps) step();
  }

  /// All who stay meet, whoever has upkeep to do does it, until nothing is left to say or to do.
  [[nodiscard]] bool settle() {
    network_.cut_all();
    auto const staying = active();
    for (std::size_t i = 1; i < staying.size(); ++i) network_.join(*staying[dice_.below(i)], *staying[i]);
    for (int round = 0; round < 30; ++round) {
      if (!network_.run()) return false;
      TestDevice* first = nullptr;
      std::optional<core::Upkeep> upkeep;
      for (auto* device : staying) {
        auto const due = device->replica.upkeep_due(device->now().wall);
        if (!due || due->by_age || (upkeep && upkeep->after <= due->after)) continue;
        upkeep = due;
        first = device;
      }
      if (first == nullptr) return true;
      must(first->replica.do_upkeep(upkeep->kind, first->now()));
      network_.changed(*first);
    }
    return false;
  }

  std::vector<TestDevice*> active() {
    std::vector<TestDevice*> staying;
    for (auto const& device : devices_) {
      if (founder().replica.state().roster().active(device->identity.device())) staying.push_back(device.get());
    }
    return staying;
  }

 private:
  void add() {
    devices_.push_back(
        std::make_unique<TestDevice>(seed_ * 100 + devices_.size(), fmt::format("device {}", devices_.size())));
    founder().invite(*devices_.back());
    network_.changed(founder());
    network_.join(founder(), *devices_.back());
  }

  void step() {
    auto& device = *devices_[dice_.below(devices_.size())];
    auto const choice = dice_.below(100);
    if (choice < 30) {
      static_cast<void>(network_.run(dice_.between(1, 40)));
    } else if (choice < 40) {
      auto& other = *devices_[dice_.below(devices_.size())];
      if (&other != &device) network_.join(device, other);  // a second session of two is as good as one
    } else if (choice < 50) {
      if (network_.links().empty()) return;
      network_.cut(dice_.pick(network_.links()));
      ++cuts_;
    } else if (choice < 80) {
      write(device);
    } else if (choice < 88) {
      if (device.replica.self_active()) must(device.replica.rotate(device.now()));
      network_.changed(device);
    } else if (choice < 94) {
      if (devices_.size() < 5) add();
    } else if (choice < 96) {
      remove();
    }
  }

  void write(TestDevice& device) {
    if (!device.replica.self_active()) return;
    for (std::size_t entries = dice_.chance(10) ? 80 : dice_.between(1, 5); entries > 0; --entries) {
      device.push(std::string(dice_.chance(10) ? 20'000 : dice_.below(300), static_cast<char>('a' + dice_.below(26))));
    }
    network_.changed(device);
  }

  void remove() {
    auto const staying = active();
    if (staying.size() < 3) return;
    auto const target = staying[dice_.between(1, staying.size() - 1)]->identity.device();
    must(founder().replica.remove_device(target, wire::RemoveReason::lost, nullptr, founder().now()));
    network_.changed(founder());
    ++removed_;
  }

  std::uint64_t seed_;
  Dice dice_;
  LogNetwork network_;
  std::vector<std::unique_ptr<TestDevice>> devices_;
  std::size_t removed_ = 0;
  std::size_t cuts_ = 0;
};

std::string difference(TestDevice& a, TestDevice& b) {
  auto const names = a.name + " and " + b.name;
  if (must(a.replica.heads()) != must(b.replica.heads())) return names + ": heads differ";
  if (a.replica.state().roster().digest() != b.replica.state().roster().digest()) return names + ": rosters differ";
  return must(a.messages.digest()) == must(b.messages.digest()) ? "" : names + ": messages differ";
}

TEST(ExchangeProperty, WhoeverMeetsInTheEndHoldsTheSame) {
  for_each_seed(kLives, [](std::uint64_t seed) -> AssertionResult {
    Life life(seed);
    life.live(life.dice().between(5, 60));
    if (!life.settle()) return AssertionFailure() << "they go on for ever";
    auto const active = life.active();
    for (auto* device : active) {
      if (auto const found = difference(*active.front(), *device); !found.empty()) return AssertionFailure() << found;
    }
    for (auto& link : life.network().links()) {
      for (auto* end : {&link.a, &link.b}) {
        if (end->received.refused > 0) return AssertionFailure() << end->device.name << " refuses an honest entry";
        if (end->sent.largest_frame > kLimits.max_frame_bytes + sizeof(std::uint32_t))
          return AssertionFailure() << "too large";
      }
    }
    return AssertionSuccess();
  });
}

/// The lives must hold what the property is about.
TEST(ExchangeProperty, DevicesLiveThroughEverything) {
  std::size_t removed = 0, cuts = 0, apart = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Life life(seed);
    life.live(life.dice().between(5, 60));
    removed += life.removed();
    cuts += life.cuts();
    for (auto* device : life.active()) {
      apart += must(device->replica.heads()) != must(life.founder().replica.heads()) ? 1 : 0;
    }
  }
  EXPECT_GE(removed, 5U);
  EXPECT_GE(cuts, 40U);
  EXPECT_GE(apart, 20U);
}

/// With nothing lost, nothing is sent twice over one link.
TEST(ExchangeProperty, OneMeetingBringsEachEntryOnce) {
  for_each_seed(kLives, [](std::uint64_t seed) -> AssertionResult {
    Dice dice(seed);
    TestDevice a(seed * 100 + 1, "a"), b(seed * 100 + 2, "b");
    must(a.replica.create_group("home", "a", testing::test_recovery(1), a.now()));
    a.invite(b);
    b.pull_from(a);
    for (std::size_t i = dice.below(60); i > 0; --i) {
      auto& device = dice.chance(50) ? a : b;
      if (dice.chance(10))
        must(device.replica.rotate(device.now()));
      else
        device.push(std::string(dice.below(2000), 'x'));
      if (dice.chance(5)) (&device == &a ? b : a).pull_from(device);
    }
    LogNetwork network;
    auto& link = network.join(a, b);
    if (!network.run()) return AssertionFailure() << "they go on for ever";
    if (auto const found = difference(a, b); !found.empty()) return AssertionFailure() << found;
    for (auto* end : {&link.a, &link.b}) {
      if (end->received.duplicates + end->received.refused > 0)
        return AssertionFailure() << end->device.name << " got something twice";
      if (end->sent.wants > 1) return AssertionFailure() << end->device.name << " asked more than once";
      if (!must(end->log.equal()))
        return AssertionFailure() << end->device.name << " does not know that they are equal";
    }
    return AssertionSuccess();
  });
}

/// Where some of the entries came by another way before, out of order, what closes the gaps comes once.
TEST(ExchangeProperty, OneMeetingFillsAllGaps) {
  std::size_t waited = 0;
  for_each_seed(kLives, [&](std::uint64_t seed) -> AssertionResult {
    Dice dice(seed);
    TestDevice a(seed * 100 + 1, "a"), b(seed * 100 + 2, "b");
    must(a.replica.create_group("home", "a", testing::test_recovery(1), a.now()));
    a.invite(b);
    b.pull_from(a);
    auto const before = a.sealed_entries().size();
    for (std::size_t i = dice.between(1, 60); i > 0; --i) a.push(std::string(dice.below(2000), 'x'));
    auto const all = a.sealed_entries();
    std::vector<Bytes> early;
    for (std::size_t i = before; i < all.size(); ++i) {
      if (dice.chance(40)) early.push_back(all[i]);
    }
    dice.shuffle(early);
    auto const came = b.receive(early);
    waited += came.pending > 0 ? 1 : 0;
    LogNetwork network;
    auto& link = network.join(a, b);
    if (!network.run()) return AssertionFailure() << "they go on for ever";
    if (auto const found = difference(a, b); !found.empty()) return AssertionFailure() << found;
    if (link.b.sent.wants > 1) return AssertionFailure() << "asked " << link.b.sent.wants << " times";
    if (link.a.sent.entries > all.size() - before) return AssertionFailure() << "an entry was sent twice";
    if (link.b.received.duplicates > early.size()) return AssertionFailure() << "what did not wait came twice";
    return AssertionSuccess();
  });
  if (std::getenv("KITH_SEED") == nullptr) {
    EXPECT_GE(waited, 10U);
  }
}

}  // namespace
}  // namespace kith::sync
