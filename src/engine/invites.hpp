#pragma once

#include "core/pairing_code.hpp"
#include "engine/control.hpp"

namespace kith::engine {

/// The invites of this home, in its database: whichever process gave one out, the owner answers for it.
class StoredInvites final : public core::InviteBook {
 public:
  StoredInvites(Store& store, core::StorageKey const& key, std::function<WallTime()> wall)
      : store_(store), key_(key), wall_(std::move(wall)) {}

  std::optional<core::InviteView> find(wire::Lookup const& lookup) override;
  std::optional<std::uint8_t> begin_try(wire::Lookup const& lookup) override;
  void try_succeeded(wire::Lookup const& lookup) override;
  /// Why a try could not be counted since this was last asked, unless the database was only busy.
  [[nodiscard]] std::optional<Error> take_failure() { return std::exchange(failure_, std::nullopt); }

  struct Created {
    core::PairingCode code;
    wire::Lookup link_lookup;
    core::PairPassword link_secret;
    WallTime expires;
  };
  [[nodiscard]] Result<Created> create(std::chrono::milliseconds lifetime, bool approve_all, RandomSource& random);
  /// Sets the fate of an invite and its twin.
  [[nodiscard]] Result<> settle(wire::Lookup const& lookup, core::InviteState state, std::optional<DeviceId> used_by);
  /// Forgets what ended more than a day ago, and takes back what nobody's user can answer any more.
  [[nodiscard]] Result<> tidy();

 private:
  [[nodiscard]] Result<> change(std::string_view lookup, std::function<void(InviteRow&)> const& edit);
  Store& store_;
  core::StorageKey const& key_;
  std::function<WallTime()> wall_;
  std::optional<Error> failure_;
};

}  // namespace kith::engine
