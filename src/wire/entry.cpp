#include "wire/entry.hpp"

namespace kith::wire {
namespace {

constexpr std::uint8_t kMagic = 'K', kEntry = '1', kEpoch = '2';

/// Takes fixed fields from the front; the caller has checked the length.
class Fields {
 public:
  explicit Fields(ByteView in) : in_(in) {}
  std::uint8_t byte() {
    auto const value = in_.front();
    in_ = in_.subspan(1);
    return value;
  }
  template <class Id>
  Id id() {
    Id out = *Id::from(in_.first(Id::kBytes));
    in_ = in_.subspan(Id::kBytes);
    return out;
  }
  [[nodiscard]] ByteView rest() const { return in_; }

 private:
  ByteView in_;
};

Result<> check_suite(std::uint8_t suite) {
  if (suite == kSuite1) return {};
  return fail(WireError::unknown_suite, VersionsDetail{kSuite1, kSuite1, suite, suite});
}

bool begins_with(ByteView in, std::uint8_t kind) { return in.size() >= 2 && in[0] == kMagic && in[1] == kind; }

/// Takes the prefix from the front of `sealed`.
Result<EpochPrefix> take_prefix(ByteView& sealed) {
  if (sealed.size() < EpochPrefix::kHeadBytes) return fail(WireError::truncated);
  EpochPrefix prefix;
  Fields in(sealed.subspan(2));
  prefix.suite = in.byte();
  KITH_CHECK(check_suite(prefix.suite));
  prefix.epoch = in.id<EpochId>();
  prefix.ephemeral = in.id<crypto::DhPublicKey>();
  std::size_t const count = in.byte();
  if (in.rest().size() < count * Wrap::kBytes) return fail(WireError::truncated);
  for (std::size_t i = 0; i < count; ++i) prefix.wraps.push_back(in.id<Wrap>());
  sealed = in.rest();
  return prefix;
}

}  // namespace

Bytes EpochPrefix::head() const {
  Bytes out{kMagic, kEpoch, suite};
  append(out, epoch.view());
  append(out, ephemeral.view());
  out.push_back(static_cast<std::uint8_t>(wraps.size()));
  return out;
}

Bytes EpochPrefix::encoding() const {
  Bytes out = head();
  for (auto const& wrap : wraps) append(out, wrap.view());
  return out;
}

Bytes encode_header(EntryHeader const& header) {
  Bytes out{kMagic, kEntry, header.suite};
  append(out, header.epoch.view());
  append(out, header.entry.view());
  append(out, header.nonce.view());
  append(out, header.commitment.view());
  return out;
}

Result<SealedParts> decode_sealed(ByteView sealed) {
  if (sealed.size() > kLimits.max_sealed_entry_bytes) {
    return fail(WireError::too_large, CountDetail{sealed.size(), kLimits.max_sealed_entry_bytes});
  }
  SealedParts parts;
  ByteView rest = sealed;
  if (begins_with(rest, kEpoch)) {
    KITH_TRY(prefix, take_prefix(rest));
    parts.prefix_bytes = sealed.first(sealed.size() - rest.size());
    parts.prefix = std::move(prefix);
  }
  if (!begins_with(rest, kEntry)) return fail(rest.size() < 2 ? WireError::truncated : WireError::unknown_magic);
  if (rest.size() < EntryHeader::kBytes + crypto::kAeadTagBytes) return fail(WireError::truncated);
  Fields in(rest.subspan(2));
  parts.header.suite = in.byte();
  KITH_CHECK(check_suite(parts.header.suite));
  parts.header.epoch = in.id<EpochId>();
  parts.header.entry = in.id<EntryId>();
  parts.header.nonce = in.id<crypto::XNonce>();
  parts.header.commitment = in.id<decltype(parts.header.commitment)>();
  parts.ciphertext = in.rest();
  if (parts.prefix && parts.prefix->epoch != parts.header.epoch) return fail(WireError::bad_value);
  return parts;
}

Result<EntryBody> decode_body(ByteView in) {
  KITH_TRY(body, decode<EntryBody>(in));
  for (std::size_t i = 1; i < body.tips.size(); ++i) {
    if (!(body.tips[i - 1] < body.tips[i])) return fail(WireError::bad_value);
  }
  for (auto const& tip : body.tips) {
    if (tip.seq.value == 0 || tip.log == body.log()) return fail(WireError::bad_value);
  }
  if ((body.seq.value <= 1) != body.prev.is_zero()) return fail(WireError::bad_value);
  return std::move(body);
}

}  // namespace kith::wire
