#include "entry_world.hpp"
#include "property.hpp"

/// Entries that a member seals by a program of its own: the body is the fuzzer's, the seal is right. The first byte
/// decides whether an epoch prefix goes before it.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kith;
  static fuzz::EntryWorld const world;
  fuzz::Input in(data, size);
  bool const with_prefix = (in.byte() & 1) != 0;
  constexpr std::size_t kMostBody = kLimits.max_entry_plaintext_bytes - 4 - crypto::Signature::kBytes;
  ByteView const body = in.take(kMostBody);
  auto const raw = testing::raw_seal(body, world.group, world.epoch, world.author.sign, world.entry, world.nonce);
  Bytes sealed = with_prefix ? world.prefix.encoding() : Bytes{};
  append(sealed, raw.bytes);

  auto const parts = wire::decode_sealed(sealed);
  fuzz::require(parts.has_value(), "a sealed entry has its form");
  auto const stored = core::open(*parts, world.group, world.epoch, core::Check::own_storage);
  auto const opened = core::open(*parts, world.group, world.epoch, core::Check::everything);
  if (opened) fuzz::require(stored.has_value(), "what passes every check passes some");
  if (stored) {
    fuzz::require(opened.has_value() == (stored->body.author == world.author.device()),
                  "only its author can sign an entry");
    fuzz::require(stored->hash == raw.hash, "the hash covers the body");
    fuzz::require(equal(wire::encode(stored->body), body), "a body re-encodes to itself");
    if (stored->body.compression == wire::Compression::none) {
      fuzz::require(equal(wire::encode_ops(stored->ops), stored->body.ops), "ops re-encode to themselves");
    }
    bool const rotates =
        std::ranges::any_of(stored->ops, [](auto const& op) { return std::holds_alternative<wire::Rotate>(op); });
    fuzz::require(rotates == with_prefix, "a rotate stands behind its prefix and nowhere else");
  }
  sealed[sealed.size() / 2] ^= 1;
  auto const damaged = wire::decode_sealed(sealed);
  if (damaged && !with_prefix) {
    fuzz::require(!core::open(*damaged, world.group, world.epoch, core::Check::own_storage),
                  "a damaged seal does not open");
  }
  return 0;
}
