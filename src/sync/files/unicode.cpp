#include "sync/files/unicode.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <utf8proc.h>

#include "base/text.hpp"

namespace kith::files {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_lower);
  return out;
}

std::string map(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  auto const length =
      utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const owner(mapped, &std::free);
  if (length < 0) return std::string(text);
  return {reinterpret_cast<char const*>(mapped), static_cast<std::size_t>(length)};
}

}  // namespace

std::string nfc(std::string_view text) { return is_ascii(text) ? std::string(text) : map(text, UTF8PROC_COMPOSE); }

std::string caseless(std::string_view text) {
  if (is_ascii(text)) return lower(text);
  return map(map(text, UTF8PROC_DECOMPOSE), UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
}

std::string bare_caseless(std::string_view text) {
  if (is_ascii(text)) return lower(text);
  return map(map(text, UTF8PROC_DECOMPOSE), UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
}

}  // namespace kith::files
