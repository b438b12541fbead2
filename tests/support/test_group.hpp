#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "support/seeds.hpp"
#include "support/test_device.hpp"

namespace kith::testing {

/// A few real devices of one group that live through a random while, with real keys and sealed entries. Each writes,
/// rotates, adds and removes on what it knows itself; exchanges happen between two of them, now and then.
class TestGroup {
 public:
  static constexpr std::size_t kMaxDevices = 5;

  explicit TestGroup(std::uint64_t seed);

  void live(std::size_t steps);

  /// Those that stay give each other everything, and whoever is the first to do upkeep that is due does it, until
  /// nothing is. What devices that are removed wrote last comes to some of the others, not to all.
  /// @return how often some upkeep was done; nullopt where it has not come to an end after many rounds
  std::optional<std::size_t> settle();

  /// After settle(): a replica that is no device of the group, was shown every entry that any of them has, and holds
  /// the secrets of those who stay.
  [[nodiscard]] TestDevice& witness() { return *witness_; }
  /// After settle(): false where those who stay by all entries are others than by the entries that they can open.
  [[nodiscard]] bool decided() const { return decided_; }
  [[nodiscard]] std::vector<TestDevice*> active();  ///< by the witness's roster
  [[nodiscard]] std::vector<TestDevice*> removed();
  [[nodiscard]] std::vector<std::unique_ptr<TestDevice>> const& devices() const { return devices_; }
  [[nodiscard]] Dice& dice() { return dice_; }
  [[nodiscard]] core::RecoveryKeys const& recovery() const { return recovery_; }

  /// Removes that took effect as soon as they were written, and that no device ever found void.
  struct Removal {
    core::OpId op;
    DeviceId target;
    bool doubted = false;
  };
  [[nodiscard]] std::vector<Removal> undoubted_removals() const;
  [[nodiscard]] std::size_t removals() const { return removals_.size(); }
  [[nodiscard]] TestDevice* find(DeviceId const& device);
  TestDevice& add_device(TestDevice& inviter);
  [[nodiscard]] std::string const& story() const { return story_; }

 private:
  void step();
  void exchange(TestDevice& from, TestDevice& to);
  void copy_home_of(TestDevice& device);
  void remove_somebody(TestDevice& by);
  void look_at_removes(TestDevice& device);
  [[nodiscard]] bool member(TestDevice& device) { return device.replica.self_active(); }
  void tell(std::string line) { story_ += std::move(line) + '\n'; }

  void call_witness(std::function<bool(TestDevice&)> const& trusted);
  std::uint64_t seed_;
  Dice dice_;
  core::RecoveryKeys recovery_;
  std::vector<std::unique_ptr<TestDevice>> devices_;
  std::vector<Removal> removals_;
  std::vector<std::vector<Bytes>> copied_;  ///< what copies of homes wrote
  std::unique_ptr<TestDevice> witness_;
  bool decided_ = false;
  std::string story_;
};

}  // namespace kith::testing
