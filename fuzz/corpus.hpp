#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

/// The seed corpora: small inputs from which the fuzzers start.
namespace kith::fuzz {

struct Seed {
  std::string name;
  Bytes bytes;
};
using Corpus = std::vector<Seed>;

[[nodiscard]] Corpus msgpack_corpus();
[[nodiscard]] Corpus sealed_corpus();
[[nodiscard]] Corpus frame_corpus();
[[nodiscard]] Corpus handshake_corpus();
[[nodiscard]] Corpus pairing_corpus();
[[nodiscard]] Corpus relay_message_corpus();
[[nodiscard]] Corpus open_entry_corpus();
[[nodiscard]] Corpus content_corpus();
[[nodiscard]] Corpus path_corpus();
[[nodiscard]] Corpus session_corpus();
[[nodiscard]] Corpus relay_corpus();
[[nodiscard]] Corpus recovery_corpus();
[[nodiscard]] Corpus recovery_stream_corpus();
[[nodiscard]] Corpus inviter_corpus();
[[nodiscard]] Corpus joiner_corpus();
[[nodiscard]] Corpus rows_corpus();
[[nodiscard]] Corpus typed_corpus();
[[nodiscard]] Corpus config_corpus();
[[nodiscard]] Corpus key_file_corpus();
[[nodiscard]] Corpus relay_http_corpus();
[[nodiscard]] Corpus relay_object_corpus();

/// The bytes that a target takes first (a mode, a way to cut), then the rest.
[[nodiscard]] inline Bytes behind(std::initializer_list<std::uint8_t> first, ByteView rest) {
  Bytes out(first);
  append(out, rest);
  return out;
}

}  // namespace kith::fuzz
