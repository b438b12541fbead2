#include "crypto/hash.hpp"

#include <limits>
#include <new>

#include <sodium/crypto_generichash_blake2b.h>

#include "base/assert.hpp"

namespace kith::crypto {
namespace {

using State = crypto_generichash_blake2b_state;

void update(State& state, ByteView bytes) {
  KITH_ASSERT(crypto_generichash_blake2b_update(&state, bytes.data(), bytes.size()) == 0);
}

void start(State& state, std::string_view label, std::size_t output_bytes) {
  KITH_ASSERT(crypto_generichash_blake2b_init(&state, nullptr, 0, output_bytes) == 0);
  static constexpr std::uint8_t kEndOfLabel = 0;
  update(state, bytes_of(label));
  update(state, {&kEndOfLabel, 1});
}

void add_part(State& state, ByteView bytes) {
  KITH_ASSERT(bytes.size() <= std::numeric_limits<std::uint32_t>::max());
  std::array<std::uint8_t, 4> length;
  store_be(length.data(), static_cast<std::uint32_t>(bytes.size()));
  update(state, length);
  update(state, bytes);
}

/// libsodium wipes what the state held of the input, so hashed secrets do not stay on the stack, and fails a second
/// time.
template <class Id>
Id finish(State& state) {
  Id id;
  KITH_ASSERT(crypto_generichash_blake2b_final(&state, id.bytes.data(), id.bytes.size()) == 0);
  return id;
}

template <class Id>
Id hash(std::string_view label, std::initializer_list<ByteView> parts) {
  State state;
  start(state, label, Id::kBytes);
  for (auto const part : parts) add_part(state, part);
  return finish<Id>(state);
}

}  // namespace

Hash256 hash256(std::string_view label, std::initializer_list<ByteView> parts) { return hash<Hash256>(label, parts); }

Hash128 hash128(std::string_view label, std::initializer_list<ByteView> parts) { return hash<Hash128>(label, parts); }

Hash256 keyed_hash256(ChunkKey const& key, ByteView bytes) {
  Hash256 id;
  KITH_ASSERT(crypto_generichash_blake2b(id.bytes.data(), id.bytes.size(), bytes.data(), bytes.size(), key.data(),
                                         ChunkKey::kBytes) == 0);
  return id;
}

namespace {

static_assert(sizeof(State) <= Hasher::kStateBytes && alignof(State) <= Hasher::kStateAlignment);

State& state_in(std::uint8_t* bytes) { return *std::launder(reinterpret_cast<State*>(bytes)); }

}  // namespace

Hasher::Hasher(std::string_view label) { start(*new (state_.data()) State, label, Hash256::kBytes); }

Hasher& Hasher::part(ByteView bytes) {
  add_part(state_in(state_.data()), bytes);
  return *this;
}

Hash256 Hasher::finish() { return crypto::finish<Hash256>(state_in(state_.data())); }

}  // namespace kith::crypto
