#pragma once

#include "wire/msgpack.hpp"

/// Reading one value of each kind, as tests hand it around.
namespace kith::testing::readers {

inline constexpr auto kUnsigned = [](wire::Reader& reader) { return reader.unsigned_integer(); };
inline constexpr auto kInteger = [](wire::Reader& reader) { return reader.integer(); };
inline constexpr auto kBoolean = [](wire::Reader& reader) { return reader.boolean(); };
inline constexpr auto kArray = [](wire::Reader& reader) { return reader.array(); };
inline constexpr auto kBin = [](wire::Reader& reader) { return reader.bin(100'000); };
inline constexpr auto kStr = [](wire::Reader& reader) { return reader.str(100'000); };
inline constexpr auto kValue = [](wire::Reader& reader) { return reader.value(); };

}  // namespace kith::testing::readers
