#pragma once

#include "core/pair_inviter.hpp"
#include "core/pairing_code.hpp"

namespace kith::testing {

/// A book of one invite.
class OneInvite final : public core::InviteBook {
 public:
  explicit OneInvite(core::PairingCode code) : code_(std::move(code)) {}

  [[nodiscard]] std::optional<core::InviteView> find(wire::Lookup const& lookup) override {
    if (lookup != code_.lookup) return std::nullopt;
    core::InviteView view;
    view.state = state;
    view.password = code_.clone().password;
    return view;
  }
  [[nodiscard]] std::optional<std::uint8_t> begin_try(wire::Lookup const&) override {
    if (++tries == kMaxTries) state = core::InviteState::voided;
    return static_cast<std::uint8_t>(kMaxTries - tries);
  }
  void try_succeeded(wire::Lookup const&) override { --tries; }

  core::InviteState state = core::InviteState::open;
  std::uint8_t tries = 0;

 private:
  core::PairingCode code_;
};

}  // namespace kith::testing
