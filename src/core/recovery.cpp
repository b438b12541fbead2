#include "core/recovery.hpp"

#include "core/entry.hpp"

namespace kith::core {

std::optional<wire::Genesis> genesis_in(ByteView sealed, GroupId const& group, RecoveryKeys const& recovery) {
  auto const parts = wire::decode_sealed(sealed);
  if (!parts || !parts->prefix) return std::nullopt;
  auto const secret = unwrap(group, *parts->prefix, recovery.dx);
  if (!secret) return std::nullopt;
  auto entry = open(*parts, group, *secret, Check::everything);
  if (!entry || entry->ops.empty()) return std::nullopt;
  auto* founding = std::get_if<wire::GenesisOp>(&entry->ops.front());
  if (founding == nullptr || group_id(founding->record) != group) return std::nullopt;
  auto& record = founding->record;
  bool const ours = record.recovery_sign == recovery.sign.public_key() &&
                    record.recovery_dx == recovery.dx.public_key && record.locator_secret == recovery.locator;
  if (!ours || record.creator.device != entry->body.author) return std::nullopt;
  return std::move(record);
}

}  // namespace kith::core
