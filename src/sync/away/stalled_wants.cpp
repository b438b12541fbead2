#include "sync/away/stalled_wants.hpp"

#include <algorithm>

namespace kith::sync {
namespace {

/// What costs little is asked first: this is called all through a transfer, and there may be very many chunks.
Result<bool> stalled(std::vector<Mailbox*> const& mailboxes, std::vector<ChunkId> const& wanted,
                     Exchange const& exchange, Now now) {
  if (wanted.empty() || !exchange.connected().empty()) return false;
  bool const more =
      std::ranges::any_of(mailboxes, [](Mailbox const* each) { return each->live() && each->offers_more(); });
  if (!more) return false;
  for (auto const* mailbox : mailboxes) {
    if (!mailbox->live()) continue;
    for (auto const& chunk : wanted) {
      KITH_TRY(there, mailbox->has_chunk(chunk, now.wall));
      if (there) return false;
    }
  }
  return true;
}

}  // namespace

Result<bool> StalledWants::give_way(std::vector<Mailbox*> const& mailboxes, std::vector<ChunkId> const& wanted,
                                    Exchange const& exchange, Now now) {
  KITH_TRY(stalls, stalled(mailboxes, wanted, exchange, now));
  if (!stalls) {
    since_.reset();
    return false;
  }
  if (!since_) since_ = now.mono;
  if (now.mono < *since_ + kStallTime) return false;
  since_.reset();
  return true;
}

}  // namespace kith::sync
