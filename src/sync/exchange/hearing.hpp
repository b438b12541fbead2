#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/replica.hpp"
#include "wire/frame.hpp"

namespace kith::sync {

/// Hears a device that does not belong to the group as far as is known here: what it knows may bring it in, because
/// another device let it in, or its removal was overruled, behind our back. Nothing that it brings is kept unless it
/// does: entries are collected in memory, tried in a transaction, and forgotten.
/// @see docs/spec/session.md, "Unwelcome devices"
class Hearing {
 public:
  static constexpr std::size_t kMostBytes = 8 * 1024 * 1024;  ///< of sealed entries
  static constexpr std::size_t kMostEntries = 8192;
  static constexpr unsigned kMostRounds = 4;  ///< a fork is asked for further back each time

  enum class Outcome { goes_on, welcome, in_vain };
  /// Whether the device belongs to the group by what the replica knows at that moment.
  using Judge = std::function<bool()>;

  Hearing(core::Replica& replica, store::Store& store, Judge judge)
      : replica_(replica), store_(store), judge_(std::move(judge)) {}

  /// Its tips, once: what is not here will be asked for.
  [[nodiscard]] Result<Outcome> on_tips(std::vector<Tip> const& tips);
  /// DATA: an answer's entries, or its end.
  [[nodiscard]] Result<Outcome> on_data(wire::Data const& data, Now now);
  /// What to ask next.
  [[nodiscard]] std::optional<wire::Want> take_want() { return std::exchange(want_, std::nullopt); }

 private:
  [[nodiscard]] Result<Outcome> try_entries(Now now);
  [[nodiscard]] Outcome ask(std::vector<Tip> const& targets);

  core::Replica& replica_;
  store::Store& store_;
  Judge judge_;
  bool asked_ = false;
  unsigned rounds_ = 0;
  std::vector<Bytes> entries_;
  std::size_t bytes_ = 0;
  std::optional<wire::Want> want_;
};

}  // namespace kith::sync
