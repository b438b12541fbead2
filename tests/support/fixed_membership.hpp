#pragma once

#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "core/entry.hpp"
#include "core/session.hpp"

namespace kith::testing {

/// A group that never changes, for sessions in tests.
class FixedMembership final : public core::Membership {
 public:
  FixedMembership(GroupId group, Incarnation incarnation) : group_(group), incarnation_(incarnation) {}

  /// The newest epoch first.
  FixedMembership& hold(core::EpochSecret const& secret) {
    secrets_.push_back(secret.clone());
    return *this;
  }
  FixedMembership& admit(DeviceId const& device) {
    welcome_.push_back(device);
    return *this;
  }
  FixedMembership& expel(DeviceId const& device) {
    removed_.push_back(device);
    return *this;
  }

  [[nodiscard]] GroupId group() const override { return group_; }
  [[nodiscard]] Incarnation incarnation() const override { return incarnation_; }
  [[nodiscard]] std::vector<EpochId> epochs_for(std::optional<DeviceId> const&) const override {
    return epochs_for_hello();
  }
  [[nodiscard]] std::vector<EpochId> epochs_for_hello() const override {
    std::vector<EpochId> epochs;
    for (auto const& secret : secrets_) epochs.push_back(core::epoch_id(group_, secret));
    return epochs;
  }
  [[nodiscard]] crypto::noise::Psk psk(EpochId const& epoch) const override {
    auto const found =
        std::ranges::find_if(secrets_, [&](auto const& secret) { return core::epoch_id(group_, secret) == epoch; });
    KITH_ASSERT(found != secrets_.end());
    return crypto::noise::Psk(core::epoch_subkey(group_, *found, "noise-psk").view());
  }
  [[nodiscard]] Verdict judge(wire::Devcert const& cert) const override {
    if (std::ranges::find(removed_, cert.device) != removed_.end()) return Verdict::removed;
    return std::ranges::find(welcome_, cert.device) != welcome_.end() ? Verdict::welcome : Verdict::unknown;
  }

 private:
  GroupId group_;
  Incarnation incarnation_;
  std::vector<core::EpochSecret> secrets_;
  std::vector<DeviceId> welcome_;
  std::vector<DeviceId> removed_;
};

}  // namespace kith::testing
