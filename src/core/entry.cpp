#include "core/entry.hpp"

#include <algorithm>

#include <lz4.h>

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/kdf.hpp"
#include "crypto/padding.hpp"

namespace kith::core {
namespace {

constexpr std::string_view kSignatureLabel = "kith/entry-sig/1";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kSignatureBytes = crypto::Signature::kBytes;
constexpr std::size_t kWorthCompressing = 512;  ///< below, LZ4 saves less than a padding bucket

Bytes label_and(std::string_view label, std::initializer_list<ByteView> parts) {
  Bytes out(label.begin(), label.end());
  out.push_back(0);
  for (auto part : parts) append(out, part);
  return out;
}

/// aad = "K1" | suite | epoch_id | group_id | entry_id
Bytes entry_aad(wire::EntryHeader const& header, GroupId const& group) {
  Bytes out{'K', '1', header.suite};
  append(out, header.epoch.view());
  append(out, group.view());
  append(out, header.entry.view());
  return out;
}

struct EntryKeys {
  crypto::AeadKey key;
  decltype(wire::EntryHeader::commitment) commitment;
};

/// key || commitment = HKDF(epoch subkey "entry", salt = nonce, info = aad). The commitment makes it impossible to make
/// one ciphertext that opens under two epochs.
EntryKeys entry_keys(GroupId const& group, EpochSecret const& epoch, crypto::XNonce const& nonce, ByteView aad) {
  auto const okm = crypto::hkdf<Secret<64>>(nonce.view(), epoch_subkey(group, epoch, "entry").view(), aad);
  EntryKeys keys;
  keys.key = *crypto::AeadKey::from(okm.view().first<32>());
  std::copy_n(okm.data() + 32, 32, keys.commitment.bytes.begin());
  return keys;
}

EntryHash entry_hash(GroupId const& group, wire::EntryHeader const& header, ByteView body) {
  return crypto::as_id<EntryHash>(
      crypto::hash256("kith/entry/1", {group.view(), header.epoch.view(), header.entry.view(), body}));
}

crypto::AeadKey wrap_key(GroupId const& group, wire::EpochPrefix const& prefix, crypto::SharedSecret const& shared,
                         crypto::DhPublicKey const& recipient) {
  return crypto::hkdf<crypto::AeadKey>(
      group.view(), shared.view(),
      label_and("kith/wrap/1", {prefix.epoch.view(), prefix.ephemeral.view(), recipient.view()}));
}

bool holds_secret(wire::Op const& op) {
  return std::holds_alternative<wire::GenesisOp>(op) || std::holds_alternative<wire::Rotate>(op) ||
         std::holds_alternative<wire::EpochSecrets>(op);
}

void compress_ops(wire::EntryBody& body, Bytes ops, bool secret) {
  body.compression = wire::Compression::none;
  if (!secret && ops.size() >= kWorthCompressing) {
    Bytes packed(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(ops.size()))));
    int const size =
        LZ4_compress_default(reinterpret_cast<char const*>(ops.data()), reinterpret_cast<char*>(packed.data()),
                             static_cast<int>(ops.size()), static_cast<int>(packed.size()));
    if (size > 0 && static_cast<std::size_t>(size) < ops.size()) {
      packed.resize(static_cast<std::size_t>(size));
      body.compression = wire::Compression::lz4;
      ops = std::move(packed);
    }
  }
  body.ops = std::move(ops);
}

Result<Bytes> plain_ops(wire::EntryBody const& body) {
  if (body.compression == wire::Compression::none) return body.ops;
  Bytes out(kLimits.max_ops_bytes);
  int const size =
      LZ4_decompress_safe(reinterpret_cast<char const*>(body.ops.data()), reinterpret_cast<char*>(out.data()),
                          static_cast<int>(body.ops.size()), static_cast<int>(out.size()));
  if (size < 0) return fail(CoreError::bad_entry);
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// What would make one small entry dear to everybody for good: compressed, ops in any number fit into it.
Result<> check_counts(std::vector<wire::Op> const& ops, CoreError reason) {
  auto const roster_ops = static_cast<std::size_t>(std::ranges::count_if(ops, wire::is_roster_op));
  if (roster_ops > kLimits.max_roster_ops) return fail(reason, CountDetail{roster_ops, kLimits.max_roster_ops});
  std::size_t secrets = 0;
  for (auto const& op : ops) secrets += secrets_in(op).size();
  if (secrets > kLimits.max_entry_secrets) return fail(reason, CountDetail{secrets, kLimits.max_entry_secrets});
  return {};
}

/// A rotate stands in a K2 entry, with its own prefix, and shares it with nothing but genesis or incarnation.
Result<> check_prefix(wire::SealedParts const& parts, std::vector<wire::Op> const& ops) {
  wire::Rotate const* rotate = nullptr;
  bool others = false;
  for (auto const& op : ops) {
    if (auto const* found = std::get_if<wire::Rotate>(&op)) {
      if (rotate != nullptr) return fail(CoreError::bad_entry);
      rotate = found;
    } else if (!std::holds_alternative<wire::GenesisOp>(op) && !std::holds_alternative<wire::IncarnationOp>(op)) {
      others = true;
    }
  }
  if ((rotate != nullptr) != parts.prefix.has_value()) return fail(CoreError::bad_prefix);
  if (rotate == nullptr) return {};
  if (others) return fail(CoreError::bad_entry);
  if (rotate->prefix_hash != prefix_hash(*parts.prefix)) return fail(CoreError::bad_prefix);
  return {};
}

}  // namespace

EpochId epoch_id(GroupId const& group, EpochSecret const& secret) {
  return crypto::as_id<EpochId>(crypto::hash128("kith/epoch/1", {group.view(), secret.view()}));
}

EpochSubkey epoch_subkey(GroupId const& group, EpochSecret const& secret, std::string_view name) {
  return crypto::hkdf<EpochSubkey>(group.view(), secret.view(), label_and("kith/sub/1", {bytes_of(name)}));
}

GroupId group_id(wire::Genesis const& genesis) {
  Bytes record = wire::encode(genesis);
  auto const id = crypto::as_id<GroupId>(crypto::hash256("kith/group/1", {record}));
  wipe(record);
  return id;
}

wire::EpochPrefix make_prefix(GroupId const& group, EpochSecret const& secret,
                              std::span<crypto::DhPublicKey const> recipients, RandomSource& random) {
  KITH_ASSERT(recipients.size() <= 255);
  auto const ephemeral = crypto::DhKeyPair::generate(random);
  wire::EpochPrefix prefix;
  prefix.epoch = epoch_id(group, secret);
  prefix.ephemeral = ephemeral.public_key;
  prefix.wraps.resize(recipients.size());  // the head, which every wrap authenticates, says how many there are
  std::vector<crypto::DhPublicKey> order(recipients.begin(), recipients.end());
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto const shared = crypto::dh(ephemeral.secret_key, order[i]);
    // A recipient's key of small order: its devcert is its own doing. The wrap stays zeros, and opens for nobody.
    if (!shared) continue;
    Bytes wrapped;
    crypto::xchacha_seal(wrap_key(group, prefix, *shared, order[i]), {}, prefix.head(), secret.view(), wrapped);
    prefix.wraps[i] = *wire::Wrap::from(wrapped);
  }
  return prefix;
}

Result<EpochSecret> unwrap(GroupId const& group, wire::EpochPrefix const& prefix, crypto::DhKeyPair const& ours) {
  auto const shared = crypto::dh(ours.secret_key, prefix.ephemeral);
  if (!shared) return fail(CoreError::unknown_epoch);
  auto const key = wrap_key(group, prefix, *shared, ours.public_key);
  Bytes const head = prefix.head();
  for (auto const& wrap : prefix.wraps) {
    Bytes plain;
    if (!crypto::xchacha_open(key, {}, head, wrap.view(), plain)) continue;
    auto secret = EpochSecret::from(plain);
    wipe(plain);
    if (secret && epoch_id(group, *secret) == prefix.epoch) return std::move(*secret);
  }
  return fail(CoreError::unknown_epoch);
}

std::span<EpochSecret const> secrets_in(wire::Op const& op) {
  if (auto const* rotate = std::get_if<wire::Rotate>(&op)) return rotate->replaced;
  if (auto const* handed_on = std::get_if<wire::EpochSecrets>(&op)) return handed_on->secrets;
  return {};
}

crypto::Hash256 prefix_hash(wire::EpochPrefix const& prefix) {
  return crypto::hash256("kith/prefix/1", {prefix.encoding()});
}

Result<SealedEntry> seal(Draft draft, GroupId const& group, EpochSecret const& epoch, crypto::SigningKey const& author,
                         RandomSource& random) {
  KITH_CHECK(check_counts(draft.ops, CoreError::entry_too_large));
  Bytes ops = wire::encode_ops(draft.ops);
  if (ops.size() > kLimits.max_ops_bytes) {
    return fail(CoreError::entry_too_large, CountDetail{ops.size(), kLimits.max_ops_bytes});
  }
  compress_ops(draft.body, std::move(ops), std::ranges::any_of(draft.ops, holds_secret));
  Bytes const body = wire::encode(draft.body);
  std::size_t const content_bytes = kLengthBytes + body.size() + kSignatureBytes;
  std::size_t const padded = crypto::padding_bucket(content_bytes);
  if (padded > kLimits.max_entry_plaintext_bytes) {
    return fail(CoreError::entry_too_large, CountDetail{content_bytes, kLimits.max_entry_plaintext_bytes});
  }

  wire::EntryHeader header;
  header.epoch = epoch_id(group, epoch);
  header.entry = random.id<EntryId>();
  header.nonce = random.id<crypto::XNonce>();
  Bytes const aad = entry_aad(header, group);
  auto const keys = entry_keys(group, epoch, header.nonce, aad);
  header.commitment = keys.commitment;
  EntryHash const hash = entry_hash(group, header, body);

  Bytes plaintext;
  plaintext.reserve(padded);
  append_be(plaintext, static_cast<std::uint32_t>(body.size()));
  append(plaintext, body);
  append(plaintext, author.sign(kSignatureLabel, hash.view()).view());
  plaintext.resize(padded);

  SealedEntry sealed{draft.prefix ? draft.prefix->encoding() : Bytes{}, hash};
  append(sealed.bytes, wire::encode_header(header));
  crypto::xchacha_seal(keys.key, header.nonce, aad, plaintext, sealed.bytes);
  wipe(plaintext);
  return sealed;
}

Result<OpenedEntry> open(wire::SealedParts const& parts, GroupId const& group, EpochSecret const& epoch, Check check) {
  Bytes const aad = entry_aad(parts.header, group);
  auto const keys = entry_keys(group, epoch, parts.header.nonce, aad);
  if (!crypto::same_mac(keys.commitment.view(), parts.header.commitment.view())) return fail(CoreError::bad_seal);
  Bytes plaintext;
  if (!crypto::xchacha_open(keys.key, parts.header.nonce, aad, parts.ciphertext, plaintext)) {
    return fail(CoreError::bad_seal);
  }
  if (plaintext.size() < kLengthBytes + kSignatureBytes) return fail(CoreError::bad_seal);
  std::size_t const body_bytes = load_be<std::uint32_t>(plaintext.data());
  if (body_bytes > plaintext.size() - kLengthBytes - kSignatureBytes) return fail(CoreError::bad_seal);
  std::size_t const content_bytes = kLengthBytes + body_bytes + kSignatureBytes;
  ByteView const padding = ByteView{plaintext}.subspan(content_bytes);
  if (plaintext.size() != crypto::padding_bucket(content_bytes) ||
      plaintext.size() > kLimits.max_entry_plaintext_bytes ||
      std::ranges::any_of(padding, [](std::uint8_t byte) { return byte != 0; })) {
    return fail(CoreError::bad_seal);
  }

  ByteView const body = ByteView{plaintext}.subspan(kLengthBytes, body_bytes);
  OpenedEntry opened;
  opened.hash = entry_hash(group, parts.header, body);
  opened.epoch = parts.header.epoch;
  KITH_TRY(decoded, wire::decode_body(body));
  opened.body = std::move(decoded);
  if (check == Check::everything) {
    auto const signature =
        *crypto::Signature::from(ByteView{plaintext}.subspan(kLengthBytes + body_bytes, kSignatureBytes));
    crypto::SignPublicKey const author{opened.body.author.bytes};
    if (!crypto::verify(author, kSignatureLabel, opened.hash.view(), signature)) return fail(CoreError::bad_signature);
  }
  KITH_TRY(ops_bytes, plain_ops(opened.body));
  KITH_TRY(ops, wire::decode_ops(ops_bytes));
  KITH_CHECK(check_counts(ops, CoreError::bad_entry));
  KITH_CHECK(check_prefix(parts, ops));
  opened.ops = std::move(ops);
  wipe(plaintext);
  return opened;
}

}  // namespace kith::core
