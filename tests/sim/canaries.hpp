#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace kith::sim {

/// What must never be in bytes that leave a device, and a search for all of it in one pass.
class Canaries {
 public:
  static constexpr std::size_t kLeast = 7;  ///< shorter ones would be found by chance
  static constexpr std::size_t kMost = 12;  ///< of longer ones so much is looked for

  /// @param what  for the one who reads that it was found
  void add(ByteView canary, std::string what);
  [[nodiscard]] std::size_t size() const { return needles_.size(); }
  /// @return what was found first
  [[nodiscard]] std::optional<std::string> find_in(ByteView bytes) const;

 private:
  struct Needle {
    Bytes bytes;
    std::string what;
  };
  std::vector<Needle> needles_;
  std::multimap<std::uint64_t, std::size_t> by_beginning_;
  std::vector<bool> may_begin_ = std::vector<bool>(1U << 16U);
};

}  // namespace kith::sim
