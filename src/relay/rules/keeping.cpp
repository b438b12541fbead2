#include "relay/rules/keeping.hpp"

#include <algorithm>

namespace kith::relay {

std::uint64_t weight(wire::AclRecord const& record) {
  // Each pseudonym may be a new device, with a row of its own.
  return wire::encode(record).size() + kRowBytes + kRowBytes * record.pseudonyms.size();
}

std::uint64_t unix_seconds(WallTime wall) { return wall.ms < 0 ? 0 : static_cast<std::uint64_t>(wall.seconds()); }

std::uint64_t hour_of(WallTime wall) {
  constexpr std::uint64_t kHour = 3600;
  return unix_seconds(wall) / kHour * kHour;
}

bool unused_for_long(std::uint64_t made_s, WallTime wall) {
  return made_s + static_cast<std::uint64_t>(std::chrono::seconds{kUnusedTime}.count()) <= unix_seconds(wall);
}

std::uint64_t expiry(WallTime wall, std::uint32_t ttl_s, std::chrono::seconds longest) {
  auto const most = static_cast<std::uint64_t>(std::max<std::int64_t>(longest.count(), 1));
  return unix_seconds(wall) + std::min<std::uint64_t>(std::max(ttl_s, 1U), most);
}

bool contains(wire::AclRecord const& record, wire::Pseudonym const& pseudonym) {
  return std::ranges::binary_search(record.pseudonyms, pseudonym);
}

bool by_channel_key(wire::AclRecord const& record) { return record.signer.bytes == record.channel.bytes; }

std::uint64_t most_names(wire::AclRecord const& record) { return by_channel_key(record) ? 2 * kMaxNames : kMaxNames; }

std::optional<Refusal> no_room_for_acl(wire::AclRecord const& current, wire::AclRecord const& record,
                                       StoredBytes const& stored, StoreLimits const& limits) {
  bool const only_removes = record.pseudonyms.size() < current.pseudonyms.size() &&
                            std::ranges::includes(current.pseudonyms, record.pseudonyms);
  if (only_removes) return std::nullopt;
  bool const of_channel = by_channel_key(record);
  auto const adding = weight(record);
  auto const allowance = kAclAllowanceBytes + (of_channel ? kChannelKeyAllowanceBytes : 0);
  if (stored.group + adding > limits.group_quota_bytes + allowance) return Refusal::quota;
  std::uint64_t const percent = of_channel ? 99 : 98;
  if (stored.all + adding > limits.max_bytes / 100 * percent) return Refusal::storage_full;
  return std::nullopt;
}

AclVerdict judge_acl(wire::AclRecord const& current, wire::AclRecord const* same_version, bool signer_known,
                     bool prev_known, wire::AclRecord const& record) {
  if (same_version != nullptr && *same_version == record) return AclVerdict::known;
  if (!signer_known && !by_channel_key(record)) return AclVerdict::foreign;
  if (wire::follows_acl(current, record)) return AclVerdict::follows;
  if (prev_known && wire::overrules_acl(current, record)) return AclVerdict::follows;
  bool const signature_fits =
      crypto::verify(record.signer, wire::kAclLabel, wire::acl_signed_part(record), record.signature);
  return signature_fits ? AclVerdict::stale : AclVerdict::foreign;
}

}  // namespace kith::relay
