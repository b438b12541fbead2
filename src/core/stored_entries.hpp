#pragma once

#include "core/recovery_stream.hpp"
#include "core/replica.hpp"

namespace kith::core {

/// All sealed entries that a replica's database holds, read a little at a time and outside of any transaction: first
/// what is applied, in that order, then what waits for some of its past, then what no epoch here opens, and last what
/// was applied meanwhile.
class StoredEntries final : public SealedSource {
 public:
  /// Both outlive it.
  StoredEntries(Replica& replica, Store& store) : replica_(replica), store_(store) {}
  [[nodiscard]] Result<std::vector<Bytes>> next(std::size_t most_bytes) override;
  /// As they were when it came to the last part: all that they reach is read.
  [[nodiscard]] Result<std::vector<Tip>> tips() override { return tips_; }

 private:
  enum class Part { applied, pending, unopened, news, end };
  [[nodiscard]] Result<Bytes> sealed_in(ByteView row) const;
  [[nodiscard]] Result<> begin_next_part();

  Replica& replica_;
  Store& store_;
  Part part_ = Part::applied;
  Bytes from_;          ///< the next row's key is this one or a later one
  Bytes applied_from_;  ///< likewise, of what is applied
  std::vector<Tip> tips_;
};

}  // namespace kith::core
