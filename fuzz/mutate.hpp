#pragma once

#include <vector>

#include "base/bytes.hpp"

namespace kith::fuzz {

/// Changes inputs the way fuzzers do, without looking at what the program makes of them. A seed decides everything.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : state_(seed) {}

  /// One of the corpus, changed in one to eight places.
  [[nodiscard]] Bytes next(std::vector<Bytes> const& corpus) {
    if (corpus.empty()) return {};
    Bytes input = corpus[below(corpus.size())];
    for (std::size_t left = 1 + below(8); left > 0; --left) change(input, corpus[below(corpus.size())]);
    return input;
  }

 private:
  /// Splitmix64 (Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014).
  std::size_t below(std::size_t bound) {
    std::uint64_t mixed = (state_ += 0x9E3779B97F4A7C15);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return static_cast<std::size_t>((mixed ^ (mixed >> 31)) % bound);
  }

  void change(Bytes& input, Bytes const& other) {
    constexpr std::size_t kMostInserted = 16;
    static constexpr std::uint8_t kTelling[]{0x00, 0x01, 0x7F, 0x80, 0x90, 0x91, 0xC0, 0xC4,
                                             0xC5, 0xC6, 0xCC, 0xCF, 0xD9, 0xDC, 0xDD, 0xFF};
    std::size_t const at = below(input.size() + 1);
    auto const place = input.begin() + static_cast<std::ptrdiff_t>(at);
    std::size_t const length = std::min(1 + below(kMostInserted), input.size() - at);
    switch (below(8)) {
      case 0:
        if (at < input.size()) input[at] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<std::uint8_t>(below(256));
        break;
      case 2:
        if (at < input.size()) input[at] = kTelling[below(std::size(kTelling))];
        break;
      case 3: input.erase(place, place + static_cast<std::ptrdiff_t>(length)); break;
      case 4: input.insert(place, 1 + below(kMostInserted), kTelling[below(std::size(kTelling))]); break;
      case 5: {  // a part of it again
        Bytes const part(place, place + static_cast<std::ptrdiff_t>(length));
        auto const to = input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1));
        input.insert(to, part.begin(), part.end());
        break;
      }
      case 6: {  // the end of another
        if (other.empty()) break;
        input.resize(at);
        append(input, ByteView{other}.subspan(below(other.size())));
        break;
      }
      default:
        if (at < input.size()) input[at] = static_cast<std::uint8_t>(input[at] + below(3) - 1);
        break;
    }
  }

  std::uint64_t state_;
};

}  // namespace kith::fuzz
