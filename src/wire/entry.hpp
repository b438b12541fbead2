#pragma once

#include <vector>

#include "crypto/aead.hpp"
#include "crypto/dh.hpp"
#include "wire/codec.hpp"

/// The two outer forms of an entry and its body. Opening and sealing are core/entry's. @see docs/spec/entries.md
namespace kith::wire {

inline constexpr std::uint8_t kSuite1 = 1;

/// The clear header of a sealed entry, integers big-endian:
///
///     0    2       3           19          35          59               91
///     +----+-------+-----------+-----------+-----------+----------------+-----
///     |"K1"| suite | epoch id  | entry id  | nonce     | key commitment | ciphertext + tag
///     +----+-------+-----------+-----------+-----------+----------------+-----
struct EntryHeader {
  static constexpr std::size_t kBytes = 91;
  std::uint8_t suite = kSuite1;
  EpochId epoch;
  EntryId entry;
  crypto::XNonce nonce;
  ByteId<struct CommitmentTag, 32> commitment;
  friend bool operator==(EntryHeader const&, EntryHeader const&) = default;
};

/// One recipient's copy of an epoch secret: 32 bytes and the AEAD's tag.
using Wrap = ByteId<struct WrapTag, 48>;

/// The clear prefix of an entry that starts an epoch:
///
///     0    2       3           19       51   52
///     +----+-------+-----------+--------+----+----------+------------
///     |"K2"| suite | epoch id  | e_pk   | n  | n x 48   | a K1 entry
///     +----+-------+-----------+--------+----+----------+------------
struct EpochPrefix {
  static constexpr std::size_t kHeadBytes = 52;
  std::uint8_t suite = kSuite1;
  EpochId epoch;
  crypto::DhPublicKey ephemeral;
  std::vector<Wrap> wraps;
  friend bool operator==(EpochPrefix const&, EpochPrefix const&) = default;

  [[nodiscard]] Bytes head() const;  ///< the first 52 bytes: what each wrap authenticates
  [[nodiscard]] Bytes encoding() const;
};

/// Sealed bytes taken apart; views point into them.
struct SealedParts {
  std::optional<EpochPrefix> prefix;
  ByteView prefix_bytes;  ///< empty without one
  EntryHeader header;
  ByteView ciphertext;  ///< with its tag
};

/// @return WireError::truncated, too_large, unknown_magic, unknown_suite with both suites as detail, or bad_value where
///         prefix and entry name different epochs
[[nodiscard]] Result<SealedParts> decode_sealed(ByteView sealed);

[[nodiscard]] Bytes encode_header(EntryHeader const& header);

enum class Compression : std::uint8_t { none = 0, lz4 = 1 };
constexpr bool valid(Compression compression) { return compression <= Compression::lz4; }

/// What an entry's author signs: [author, incarnation, seq, prev_hash, tips, hlc, compression, ops].
struct EntryBody {
  DeviceId author;
  Incarnation incarnation;
  Seq seq;
  EntryHash prev;         ///< zeros where seq is 1 (or 0)
  std::vector<Tip> tips;  ///< of logs that moved since the author's previous entry; strictly ascending
  std::uint64_t hlc = 0;  ///< milliseconds << 16 | counter
  Compression compression = Compression::none;
  Bytes ops;  ///< an array of ops, compressed as said

  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(s.author, s.incarnation, s.seq, s.prev, list(s.tips, kLimits.max_tips), s.hlc, s.compression,
      blob(s.ops, kLimits.max_entry_plaintext_bytes));
  }
  [[nodiscard]] LogId log() const { return {author, incarnation}; }
  [[nodiscard]] Tip tip(EntryHash const& hash) const { return {log(), seq, hash}; }
};

/// Decodes a body and checks what its fields say about each other: tips ascend, prev is zero exactly at the log's
/// start.
[[nodiscard]] Result<EntryBody> decode_body(ByteView in);

}  // namespace kith::wire
