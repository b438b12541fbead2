#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "link/ws/http_client.hpp"

/// What a relay answers about invites, read strictly: a relay is nobody to trust. All bytes are base64url, all errors
/// LinkError: rate_limited, invite_taken, invite_gone, and bad_answer for whatever else is not as it should be.
namespace kith::link {

/// The bytes that one box holds: the largest pairing message, the opening and the lengths in front.
inline constexpr std::size_t kMaxBoxBytes = 4608;

/// To the POST that makes an invite.
struct InviteMade {
  std::string owner;  ///< shows that we made it; as it came
  std::chrono::seconds expires{};
};
[[nodiscard]] Result<InviteMade> read_made(HttpAnswer const& answer);

/// To the POST that claims one: the claim's name, as it came and fit for a path.
[[nodiscard]] Result<std::string> read_claim(HttpAnswer const& answer);

/// To the POST of a box.
[[nodiscard]] Result<> read_posted(HttpAnswer const& answer);

/// Boxes for a joiner.
struct BoxesForJoiner {
  std::vector<Bytes> boxes;
  std::uint64_t next = 0;  ///< how many there were in all
  bool end = false;        ///< none will follow
};
[[nodiscard]] Result<BoxesForJoiner> read_boxes_for_joiner(HttpAnswer const& answer);

/// Boxes for the owner of an invite, of all its joiners.
struct BoxForOwner {
  std::string claim;
  Bytes box;
  bool end = false;  ///< no box, but the joiner's end
};
struct BoxesForOwner {
  std::vector<BoxForOwner> boxes;
  std::uint64_t next = 0;
};
[[nodiscard]] Result<BoxesForOwner> read_boxes_for_owner(HttpAnswer const& answer);

}  // namespace kith::link
