#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "support/wire_generators.hpp"

/// What holds for every encoder and decoder of the wire format.
namespace kith::testing {

/// A codec under test: `draw(Extent)` makes a value, `encode(value)` its bytes, `decode(bytes)` a Result of a value.
template <class Draw, class Encode, class Decode>
struct CodecUnderTest {
  Draw draw;
  Encode encode;
  Decode decode;
};
template <class Draw, class Encode, class Decode>
CodecUnderTest(Draw, Encode, Decode) -> CodecUnderTest<Draw, Encode, Decode>;

/// The codec of any record.
template <wire::Record T>
[[nodiscard]] auto record_codec() {
  return CodecUnderTest{[](Extent extent) { return draw<T>(extent); },
                        [](T const& value) { return wire::encode(value); },
                        [](ByteView bytes) { return wire::decode<T>(bytes); }};
}

/// Runs a property so many times and lets the test fail with its counterexample.
template <class Property>
void check_times(int times, char const* what, Property&& property) {
  rc::detail::TestMetadata metadata;
  metadata.id = metadata.description = what;
  auto params = rc::detail::configuration().testParams;
  params.maxSuccess = times;
  auto const result = rc::detail::checkTestable(std::forward<Property>(property), metadata, params);
  if (result.template is<rc::detail::SuccessResult>()) return;
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  ADD_FAILURE() << what << ": " << text.str();
}

/// Whatever is encoded decodes to a value that encodes to the same bytes.
template <class Codec>
void check_round_trip(Codec const& codec, int times = 300) {
  check_times(times, "round trip", [&] {
    auto const value = codec.draw(Extent::any);
    Bytes const encoding = codec.encode(value);
    auto const decoded = codec.decode(ByteView{encoding});
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(codec.encode(*decoded) == encoding);
    if constexpr (requires { value == *decoded; }) RC_ASSERT(value == *decoded);
  });
}

/// No beginning of an encoding is one itself, nor an encoding with more behind it.
template <class Codec>
void check_truncations(Codec const& codec, int times = 100) {
  check_times(times, "truncations", [&] {
    Bytes encoding = codec.encode(codec.draw(Extent::short_values));
    for (std::size_t length = 0; length < encoding.size(); ++length) {
      RC_ASSERT(!codec.decode(ByteView{encoding}.first(length)));
    }
    encoding.push_back(*rc::gen::arbitrary<std::uint8_t>());
    RC_ASSERT(!codec.decode(ByteView{encoding}));
  });
}

/// Whatever is accepted re-encodes to the same bytes, also after any one bit was flipped.
template <class Codec>
void check_bit_flips(Codec const& codec, int times = 100) {
  check_times(times, "bit flips", [&] {
    Bytes encoding = codec.encode(codec.draw(Extent::short_values));
    for (std::size_t bit = 0; bit < encoding.size() * 8; ++bit) {
      auto const mask = static_cast<std::uint8_t>(1U << (bit % 8));
      encoding[bit / 8] ^= mask;
      auto const decoded = codec.decode(ByteView{encoding});
      if (decoded) RC_ASSERT(codec.encode(*decoded) == encoding);  // RC_ASSERT evaluates both sides of ||
      encoding[bit / 8] ^= mask;
    }
  });
}

template <class Codec>
void check_codec(Codec const& codec) {
  check_round_trip(codec);
  check_truncations(codec);
  check_bit_flips(codec);
}

}  // namespace kith::testing
