#include "support/test_group.hpp"

#include <algorithm>

namespace kith::testing {
namespace {

constexpr std::size_t kMostRounds = 40;

/// What is due within a minute; an epoch's age is not.
std::optional<core::Upkeep::Kind> due_now(TestDevice& device) {
  auto const due = device.replica.upkeep_due(device.now().wall);
  if (!due || due->after > std::chrono::minutes{1}) return std::nullopt;
  return due->kind;
}

}  // namespace

TestGroup::TestGroup(std::uint64_t seed) : seed_(seed), dice_(seed), recovery_(test_recovery(1)) {
  devices_.push_back(std::make_unique<TestDevice>(seed * 100, "founder"));
  must(devices_[0]->replica.create_group("home", "founder", recovery_, devices_[0]->now()));
  for (std::size_t more = dice_.between(1, 3); more > 0; --more) {
    auto& inviter = *devices_[dice_.below(devices_.size())];
    if (!member(inviter)) continue;
    auto& joiner = add_device(inviter);
    if (dice_.chance(70)) exchange(inviter, joiner);
  }
}

TestDevice& TestGroup::add_device(TestDevice& inviter) {
  devices_.push_back(
      std::make_unique<TestDevice>(seed_ * 100 + devices_.size(), fmt::format("device {}", devices_.size())));
  inviter.invite(*devices_.back());
  tell(fmt::format("{} adds {}", inviter.name, devices_.back()->name));
  exchange(inviter, *devices_.back());
  return *devices_.back();
}

void TestGroup::exchange(TestDevice& from, TestDevice& to) {
  auto entries = from.sealed_entries();
  if (dice_.chance(30)) dice_.shuffle(entries);
  if (dice_.chance(20)) entries.resize(dice_.below(entries.size() + 1));
  to.receive(entries);
  look_at_removes(to);
  tell(fmt::format("{} hears from {}", to.name, from.name));
}

/// Notes which removes a device holds and does not find counted.
void TestGroup::look_at_removes(TestDevice& device) {
  for (auto& removal : removals_) {
    if (!must(device.replica.has(removal.op.entry))) continue;
    auto const* target = device.replica.state().roster().find(removal.target);
    bool const counted =
        target != nullptr && std::ranges::any_of(target->removes, [&](core::CountedRemove const& remove) {
          return remove.entry == removal.op.entry && remove.index == removal.op.index && !remove.through;
        });
    removal.doubted |= !counted;
  }
}

void TestGroup::remove_somebody(TestDevice& by) {
  auto const ranks = by.replica.state().roster().active_by_rank();
  DeviceId const target = dice_.pick(ranks);
  auto const place = [&](DeviceId const& device) { return std::ranges::find(ranks, device); };
  bool const words = place(target) < place(by.replica.self()) ? dice_.chance(60) : dice_.chance(10);
  auto const op =
      must(by.replica.remove_device(target, wire::RemoveReason::lost, words ? &recovery_ : nullptr, by.now()));
  removals_.push_back({op, target});
  look_at_removes(by);
  tell(fmt::format("{} removes {}{}", by.name, by.replica.state().roster().find(target)->name,
                   words ? " by recovery" : ""));
}

/// A copy of a home writes into the same log, as the same device, and somebody hears of it.
void TestGroup::copy_home_of(TestDevice& device) {
  auto copy = device.copied(dice_.next());
  for (std::size_t entries = dice_.between(1, 3); entries > 0; --entries) {
    if (dice_.chance(60))
      copy->push(fmt::format("copied {}", dice_.next()));
    else
      must(copy->replica.rotate(copy->now()));
  }
  auto& other = *devices_[dice_.below(devices_.size())];
  copied_.push_back(copy->sealed_entries());
  other.receive(copied_.back());
  tell(fmt::format("{} hears from a copy of {}", other.name, device.name));
  look_at_removes(other);
}

void TestGroup::step() {
  auto& device = *devices_[dice_.below(devices_.size())];
  auto& other = *devices_[dice_.below(devices_.size())];
  auto const choice = dice_.below(100);
  if (choice < 35) {
    if (&device != &other) exchange(other, device);
    return;
  }
  if (!member(device)) return;  // it knows that it is removed, or not yet that it is added
  if (choice < 65) {
    device.push(fmt::format("message {}", dice_.next()));
    tell(device.name + " writes");
  } else if (choice < 75) {
    must(device.replica.rotate(device.now()));
    tell(device.name + " rotates");
  } else if (choice < 83) {
    if (auto const due = due_now(device)) must(device.replica.do_upkeep(*due, device.now()));
    tell(device.name + " does its upkeep");
  } else if (choice < 91) {
    if (devices_.size() < kMaxDevices) add_device(device);
  } else if (choice < 94) {
    copy_home_of(device);
  } else {
    remove_somebody(device);
  }
  look_at_removes(device);
}

void TestGroup::live(std::size_t steps) {
  for (; steps > 0; --steps) step();
}

TestDevice* TestGroup::find(DeviceId const& device) {
  auto const found =
      std::ranges::find_if(devices_, [&](auto const& other) { return other->identity.device() == device; });
  return found == devices_.end() ? nullptr : found->get();
}

std::vector<TestGroup::Removal> TestGroup::undoubted_removals() const {
  auto removals = removals_;
  std::erase_if(removals, [](Removal const& removal) { return removal.doubted; });
  return removals;
}

/// Calls a witness that has every entry, and the secrets of the devices for which `trusted` is true.
void TestGroup::call_witness(std::function<bool(TestDevice&)> const& trusted) {
  auto witness = std::make_unique<TestDevice>(seed_ * 100 + 99, "witness");
  wire::PairWelcomeBox welcome;
  welcome.genesis = must(wire::decode<wire::Genesis>(wire::encode(devices_[0]->replica.state().genesis())));
  for (auto const& device : devices_) {
    if (!trusted(*device)) continue;
    for (auto const& [epoch, secret] : device->replica.state().secrets()) welcome.secrets.push_back(secret.clone());
  }
  must(witness->replica.adopt_group(welcome, witness->now()));
  for (auto const& device : devices_) witness->receive(device->all_entries());
  witness_ = std::move(witness);
}

std::vector<TestDevice*> TestGroup::active() {
  std::vector<TestDevice*> active;
  for (auto const& device : devices_) {
    if (witness_->replica.state().roster().active(device->identity.device())) active.push_back(device.get());
  }
  return active;
}

std::vector<TestDevice*> TestGroup::removed() {
  std::vector<TestDevice*> removed;
  for (auto const& device : devices_) {
    if (!witness_->replica.state().roster().active(device->identity.device())) removed.push_back(device.get());
  }
  return removed;
}

std::optional<std::size_t> TestGroup::settle() {
  for (auto const& entries : copied_) {
    for (auto const& device : devices_) device->receive(entries);
  }
  call_witness([](TestDevice&) { return true; });
  auto const staying = active();
  // What counts reaches everybody from its author in the end: who cannot open it yet does not pass it on.
  for (auto* to : staying) to->receive(witness_->sealed_entries());
  call_witness([&](TestDevice& device) { return std::ranges::count(staying, &device) > 0; });
  decided_ = active() == staying;
  for (auto* from : removed()) {
    for (auto* to : staying) {
      if (dice_.chance(50)) to->receive(from->all_entries());
    }
  }
  std::size_t upkeeps = 0;
  for (std::size_t round = 0; round < kMostRounds; ++round) {
    for (std::size_t applied = 1; applied > 0;) {
      applied = 0;
      for (auto* to : staying) {
        for (auto* from : staying) {
          if (from != to) applied += to->pull_from(*from).applied;
        }
        look_at_removes(*to);
      }
    }
    TestDevice* first = nullptr;
    std::optional<core::Upkeep> upkeep;
    for (auto* device : staying) {
      auto const due = device->replica.upkeep_due(device->now().wall);
      if (!due || due->after > std::chrono::minutes{1} || (upkeep && upkeep->after <= due->after)) continue;
      upkeep = due;
      first = device;
    }
    if (first == nullptr) return upkeeps;
    must(first->replica.do_upkeep(upkeep->kind, first->now()));
    tell(first->name + (upkeep->kind == core::Upkeep::Kind::rotate ? " rotates" : " hands on") + " as due");
    ++upkeeps;
  }
  return std::nullopt;
}

}  // namespace kith::testing
