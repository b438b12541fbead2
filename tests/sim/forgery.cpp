#include "sim/forgery.hpp"

#include <algorithm>

#include "core/entry.hpp"
#include "crypto/aead.hpp"
#include "crypto/kdf.hpp"
#include "crypto/padding.hpp"
#include "support/must.hpp"

/// Sealing step by step as docs/spec/entries.md has it, with every step open to a liar.
namespace kith::sim {
namespace {

using testing::must;

constexpr std::size_t kCommitmentAt = 59;  // in the header of a K1 entry
constexpr std::size_t kEpochAt = 3;

struct Opened {
  wire::EntryHeader header;
  Bytes prefix;
  wire::EntryBody body;
  crypto::Signature signature;
};

struct Keys {
  Bytes aad;
  crypto::AeadKey key;
  decltype(wire::EntryHeader::commitment) commitment;
};

Keys keys_of(wire::EntryHeader const& header, GroupId const& group, core::EpochSecret const& epoch) {
  Keys keys;
  keys.aad = {'K', '1', header.suite};
  append(keys.aad, header.epoch.view());
  append(keys.aad, group.view());
  append(keys.aad, header.entry.view());
  auto const okm =
      crypto::hkdf<Secret<64>>(header.nonce.view(), core::epoch_subkey(group, epoch, "entry").view(), keys.aad);
  keys.key = *crypto::AeadKey::from(okm.view().first<32>());
  std::copy_n(okm.data() + 32, 32, keys.commitment.bytes.begin());
  return keys;
}

std::optional<Opened> open_up(ByteView sealed, GroupId const& group, core::EpochSecret const& epoch) {
  auto const parts = wire::decode_sealed(sealed);
  if (!parts) return std::nullopt;
  auto const keys = keys_of(parts->header, group, epoch);
  Bytes plain;
  if (!crypto::xchacha_open(keys.key, parts->header.nonce, keys.aad, parts->ciphertext, plain)) return std::nullopt;
  std::size_t const length = load_be<std::uint32_t>(plain.data());
  Opened opened{parts->header, Bytes(parts->prefix_bytes.begin(), parts->prefix_bytes.end()),
                must(wire::decode_body(ByteView{plain}.subspan(4, length))),
                *crypto::Signature::from(ByteView{plain}.subspan(4 + length, crypto::Signature::kBytes))};
  return opened;
}

Bytes seal_up(Opened opened, GroupId const& group, core::EpochSecret const& epoch, RandomSource& random) {
  opened.header.epoch = core::epoch_id(group, epoch);
  opened.header.nonce = random.id<crypto::XNonce>();
  auto const keys = keys_of(opened.header, group, epoch);
  opened.header.commitment = keys.commitment;
  Bytes const body = wire::encode(opened.body);
  Bytes plain;
  append_be(plain, static_cast<std::uint32_t>(body.size()));
  append(plain, body);
  append(plain, opened.signature.view());
  plain.resize(crypto::padding_bucket(plain.size()));
  Bytes out = opened.prefix;
  append(out, wire::encode_header(opened.header));
  crypto::xchacha_seal(keys.key, opened.header.nonce, keys.aad, plain, out);
  return out;
}

std::vector<wire::Op> false_message(RandomSource& random) {
  auto const text = "forged " + std::to_string(random.below(1'000'000));
  std::vector<wire::Op> ops;
  ops.emplace_back(wire::Message{"default", 0, {Bytes(text.begin(), text.end())}});
  return ops;
}

/// One field is another than what was signed.
void alter(wire::EntryBody& body, Loot const& loot, RandomSource& random) {
  switch (random.below(6)) {
    case 0: body.author = loot.signer.device(); break;
    case 1: body.incarnation.value ^= 1; break;
    case 2:
      if (body.seq.value > 1) {
        ++body.seq.value;
      } else {
        body.hlc += 1;
      }
      break;
    case 3:
      if (body.seq.value > 1) {
        body.prev = loot.entries[random.below(loot.entries.size())].first;
      } else {
        body.hlc -= 1;
      }
      break;
    case 4:
      if (body.tips.empty()) {
        body.hlc += 65536;
      } else {
        body.tips.pop_back();
      }
      break;
    default: body.compression = wire::Compression::none; body.ops = wire::encode_ops(false_message(random));
  }
}

}  // namespace

std::optional<Bytes> forge(Forgery forgery, Loot const& loot, RandomSource& random) {
  if (loot.entries.empty()) return std::nullopt;
  auto const& [hash, real] = loot.entries[random.below(loot.entries.size())];
  auto const parts = must(wire::decode_sealed(real));
  std::size_t const header_at = parts.prefix_bytes.size();
  auto const& group = loot.known.group();
  auto const& secrets = loot.known.secrets();
  auto const* secret = loot.known.secret(parts.header.epoch);
  Bytes out = real;
  switch (forgery) {
    case Forgery::flipped: out[random.below(out.size())] ^= static_cast<std::uint8_t>(1U << random.below(8)); break;
    case Forgery::commitment: out[header_at + kCommitmentAt + random.below(32)] ^= 4; break;
    case Forgery::spliced: {
      auto const& other = loot.entries[random.below(loot.entries.size())].second;
      auto const others = must(wire::decode_sealed(other));
      if (other == real) return std::nullopt;
      out.resize(header_at + wire::EntryHeader::kBytes);
      append(out, others.ciphertext);
      break;
    }
    case Forgery::other_epoch: {
      auto const& epoch = std::next(secrets.begin(), static_cast<std::ptrdiff_t>(random.below(secrets.size())))->first;
      if (parts.prefix || epoch == parts.header.epoch) return std::nullopt;
      std::ranges::copy(epoch.bytes, out.begin() + kEpochAt);
      break;
    }
    case Forgery::foreign: {
      if (parts.prefix) return std::nullopt;
      random.fill(std::span(out).subspan(kEpochAt, EpochId::kBytes));
      break;
    }
    case Forgery::altered:
    case Forgery::resigned:
    case Forgery::moved: {
      if (secret == nullptr) return std::nullopt;
      auto opened = open_up(real, group, *secret);
      if (!opened) return std::nullopt;
      auto const before = wire::encode(opened->body);
      if (forgery == Forgery::altered) alter(opened->body, loot, random);
      if (forgery == Forgery::altered && wire::encode(opened->body) == before) return std::nullopt;
      if (forgery == Forgery::resigned) opened->signature.bytes[random.below(64)] ^= 1;
      if (forgery == Forgery::moved) {
        auto const& other = *std::next(secrets.begin(), static_cast<std::ptrdiff_t>(random.below(secrets.size())));
        if (other.first == parts.header.epoch || parts.prefix) return std::nullopt;
        secret = &other.second;
      }
      out = seal_up(std::move(*opened), group, *secret, random);
      break;
    }
    case Forgery::in_his_name: {
      if (secret == nullptr) return std::nullopt;
      auto const opened = open_up(real, group, *secret);
      if (!opened || opened->body.author == loot.signer.device()) return std::nullopt;
      core::Draft draft;
      draft.body.author = opened->body.author;
      draft.body.incarnation = opened->body.incarnation;
      draft.body.seq = {opened->body.seq.value + 1};
      draft.body.prev = hash;
      draft.body.hlc = opened->body.hlc + 65536;
      draft.ops = false_message(random);
      out = must(core::seal(std::move(draft), group, *secret, loot.signer.sign, random)).bytes;
      break;
    }
    case Forgery::stranger: {
      if (secret == nullptr) return std::nullopt;
      auto const opened = open_up(real, group, *secret);
      auto const stranger = core::Identity::generate(random, {0});
      if (!opened) return std::nullopt;
      core::Draft draft;
      draft.body.author = stranger.device();
      draft.body.incarnation = {random.u64()};
      draft.body.seq = {1};
      draft.body.tips = {opened->body.tip(hash)};
      draft.body.hlc = opened->body.hlc + 65536;
      draft.ops = false_message(random);
      out = must(core::seal(std::move(draft), group, *secret, stranger.sign, random)).bytes;
      break;
    }
    case Forgery::kinds: return std::nullopt;
  }
  if (out == real) return std::nullopt;
  return out;
}

}  // namespace kith::sim
