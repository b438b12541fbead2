#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "core/error.hpp"

namespace kith::core {

/// A number that this database gives to a chain: an unbranched run of one log's entries. A fork starts a further chain.
/// Numbers differ between devices and never leave one.
struct ChainNo {
  std::uint32_t value = 0;  ///< 0: none
  friend auto operator<=>(ChainNo const&, ChainNo const&) = default;
};

/// Where an entry stands: its chain and its seq.
struct ChainPlace {
  ChainNo chain;
  Seq seq;
  friend auto operator<=>(ChainPlace const&, ChainPlace const&) = default;
};

/// A downward closed set of entries, as the last seq of each chain: an entry's causal past, or all that is known.
/// The past of an entry that is kept with it includes the entry itself.
class Past {
 public:
  [[nodiscard]] bool contains(ChainPlace place) const { return last(place.chain) >= place.seq; }
  [[nodiscard]] Seq last(ChainNo chain) const;  ///< 0 where nothing of the chain is in it
  void include(ChainPlace place);               ///< keeps the larger seq
  void include(Past const& other);
  [[nodiscard]] bool includes(Past const& other) const;
  [[nodiscard]] std::vector<ChainPlace> const& places() const { return places_; }  ///< ascending by chain

  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] static Result<Past> decode(ByteView in);
  friend bool operator==(Past const&, Past const&) = default;

 private:
  std::vector<ChainPlace> places_;
};

}  // namespace kith::core
