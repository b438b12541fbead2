#pragma once

#include <concepts>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"

/// For tests: reads known answers from files and hexadecimal text. Whatever is not as it must be throws, which fails
/// the test.
namespace kith::crypto::vectors {

using Json = nlohmann::json;

/// The vectors that the repository brings along; tests run at its root.
inline std::filesystem::path const kOwnFolder = "tests/vectors/crypto";

[[nodiscard]] inline std::string read_text(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string() + " (tests run at the repository's root)");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

[[nodiscard]] inline Json read_json(std::filesystem::path const& path) { return Json::parse(read_text(path)); }

[[nodiscard]] inline Bytes hex(std::string_view text) {
  auto bytes = from_hex(text);
  if (!bytes) throw std::invalid_argument("not hexadecimal: " + std::string(text));
  return *std::move(bytes);
}
template <std::same_as<Json> J>  // a template, or a text would convert to Json as well as to string_view
[[nodiscard]] Bytes hex(J const& text) {
  return hex(std::string_view(text.template get_ref<std::string const&>()));
}

/// A ByteId or Secret from hexadecimal text of exactly its length.
template <class T>
[[nodiscard]] T from_text(std::string_view text) {
  auto value = T::from(hex(text));
  if (!value) throw std::invalid_argument("wrong length: " + std::string(text));
  return *std::move(value);
}
template <class T, std::same_as<Json> J>
[[nodiscard]] T from_text(J const& text) {
  return from_text<T>(std::string_view(text.template get_ref<std::string const&>()));
}

/// Gives out the bytes it was made with, in order, and no others.
class ScriptedRandom final : public RandomSource {
 public:
  explicit ScriptedRandom(Bytes script) : script_(std::move(script)) {}
  void fill(std::span<std::uint8_t> out) override {
    if (out.size() > script_.size() - used_) throw std::out_of_range("more randomness drawn than the vector has");
    std::memcpy(out.data(), script_.data() + used_, out.size());
    used_ += out.size();
  }

 private:
  Bytes script_;
  std::size_t used_ = 0;
};

}  // namespace kith::crypto::vectors
