#pragma once

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "core/replica.hpp"
#include "wire/frame.hpp"

namespace kith::sync {

/// The answer to one WANT: the entries of its ranges, each once however many ranges it is in, read from the store piece
/// by piece. Entries that start epochs go first, the newest first, because the secrets inside open all the others; the
/// rest follows in the order in which this device applied it, causes before effects, so that the receiver can apply
/// each at once. Holds a few words for each chain and range until then, and no entries.
class EntryStream {
 public:
  /// How full a DATA frame gets before the next begins: near the largest entry, far from the largest frame.
  static constexpr std::size_t kFrameBytes = 64 * 1024;

  [[nodiscard]] static Result<EntryStream> start(core::Replica& replica, std::vector<wire::Want::Range> ranges);

  /// The next DATA; an empty one is the end of the answer, and the last.
  [[nodiscard]] Result<wire::Data> next(core::Replica& replica);
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  /// A run of one chain that is still to be sent, and the position of its first entry.
  struct Run {
    core::ChainNo chain;
    Seq next;
    Seq last;
    std::uint64_t position = 0;
  };
  /// What is asked for of each chain: runs that neither touch nor overlap, ascending.
  using Asked = std::map<core::ChainNo, std::vector<Run>>;

  [[nodiscard]] static Result<> add_range(core::Replica& replica, wire::Want::Range const& range, Asked& asked);
  void take_epochs_first(core::Replica& replica, Asked const& asked);
  [[nodiscard]] Result<> put_run(core::Replica& replica, Run run);
  [[nodiscard]] Result<std::optional<EntryHash>> take_next(core::Replica& replica);

  std::deque<EntryHash> epochs_first_;
  std::set<EntryHash> sent_early_;
  std::vector<Run> runs_;  ///< a heap: the one that goes on at the lowest position is in front
  bool ended_ = false;
};

}  // namespace kith::sync
