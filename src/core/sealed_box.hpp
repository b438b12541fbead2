#pragma once

#include <string_view>

#include "base/random.hpp"
#include "core/group_state.hpp"

/// What a group seals for itself besides entries: presences, containers of chunks and their announcements at relays.
/// One form, told apart by the subkey that seals it. @see docs/spec/objects.md
namespace kith::core {

/// "KB" | suite u8 | epoch_id 16 | nonce 24 | commitment 32, then ciphertext and tag.
inline constexpr std::size_t kBoxHeadBytes = 2 + 1 + 16 + 24 + 32;
inline constexpr std::size_t kBoxOverheadBytes = kBoxHeadBytes + crypto::kAeadTagBytes;

/// Seals under an epoch's subkey.
/// @param subkey   "presence" or "object"
/// @param context  what the bytes belong to, not sent; it must be the same when they are opened
[[nodiscard]] Bytes seal_box(GroupId const& group, EpochSecret const& epoch, std::string_view subkey, ByteView context,
                             ByteView plain, RandomSource& random);
/// @return CoreError::unknown_epoch where its secret is not here (yet), bad_seal, a WireError for the form
[[nodiscard]] Result<Bytes> open_box(GroupState const& state, std::string_view subkey, ByteView context,
                                     ByteView sealed);

}  // namespace kith::core
