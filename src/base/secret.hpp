#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include <sodium/utils.h>

#include "base/bytes.hpp"

namespace kith {

/// N secret bytes: not copyable, wiped when moved from and when destroyed, compared in constant time, never printed.
/// `Tag` makes keys of different uses different types.
template <std::size_t N, class Tag = void>
class Secret {
 public:
  static constexpr std::size_t kBytes = N;

  Secret() = default;
  explicit Secret(std::span<std::uint8_t const, N> bytes) { std::memcpy(bytes_.data(), bytes.data(), N); }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  Secret(Secret const&) = delete;
  Secret& operator=(Secret const&) = delete;
  ~Secret() { wipe(); }

  [[nodiscard]] static std::optional<Secret> from(ByteView view) {
    if (view.size() != N) return std::nullopt;
    return Secret{view.template first<N>()};
  }
  /// A copy, where a second owner is meant.
  [[nodiscard]] Secret clone() const { return Secret{std::span<std::uint8_t const, N>{bytes_}}; }

  [[nodiscard]] std::span<std::uint8_t const, N> view() const { return bytes_; }
  [[nodiscard]] std::span<std::uint8_t, N> mutable_view() { return bytes_; }
  [[nodiscard]] std::uint8_t const* data() const { return bytes_.data(); }
  [[nodiscard]] std::uint8_t* data() { return bytes_.data(); }

  friend bool operator==(Secret const& a, Secret const& b) {
    return sodium_memcmp(a.bytes_.data(), b.bytes_.data(), N) == 0;
  }

 private:
  void wipe() { sodium_memzero(bytes_.data(), N); }
  std::array<std::uint8_t, N> bytes_{};
};

/// Secret bytes of any length (a decrypted key file, recovery words): wiped when destroyed, moved, not copied.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  SecretBytes(SecretBytes const&) = delete;
  SecretBytes& operator=(SecretBytes const&) = delete;
  ~SecretBytes() { wipe(); }

  [[nodiscard]] ByteView view() const { return bytes_; }
  [[nodiscard]] std::string_view text() const { return text_of(bytes_); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  void wipe() {
    if (!bytes_.empty()) sodium_memzero(bytes_.data(), bytes_.size());
    bytes_.clear();
  }
  Bytes bytes_;
};

/// Wipes a buffer that held secrets and goes out of scope anyway.
inline void wipe(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

/// Wipes what copies of secrets leave where nobody owns it: in the registers that copying goes through, which a
/// function that is bound when it is first called, or a signal, saves on the stack; and on the stack below the caller.
[[gnu::noinline]] void wipe_leftovers();

}  // namespace kith
