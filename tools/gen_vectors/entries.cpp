#include "core/entry.hpp"
#include "samples.hpp"
#include "support/must.hpp"
#include "support/raw_seal.hpp"
#include "support/seeded_random.hpp"
#include "vectors.hpp"

namespace kith::vectors {
namespace {

using testing::must;
using testing::SeededRandom;

wire::EntryBody body(std::uint64_t seq) {
  wire::EntryBody body;
  body.author = samples::laptop().device();
  body.incarnation = {1};
  body.seq = {seq};
  if (seq > 1) body.prev = samples::counted<EntryHash>(0x71);
  body.hlc = (std::uint64_t{1'800'000'000'000} << 16) + seq;
  return body;
}

wire::Op message(std::string_view text) { return wire::Message{"default", 0, {Bytes(text.begin(), text.end())}}; }

template <class... Ops>
std::vector<wire::Op> list(Ops... ops) {
  std::vector<wire::Op> out;
  (out.push_back(std::move(ops)), ...);
  return out;
}

/// What sealing computes on the way, from the sealed bytes themselves.
Json steps(Bytes const& sealed, wire::EpochSecret const& epoch) {
  auto const parts = must(wire::decode_sealed(sealed));
  auto const opened = must(core::open(parts, samples::group(), epoch, core::Check::everything));
  Bytes const encoded = wire::encode(opened.body);
  auto const raw = testing::raw_seal(encoded, samples::group(), epoch, samples::laptop().sign, parts.header.entry,
                                     parts.header.nonce);
  return {{"header", testing::to_json(parts.header)},
          {"aad", hex(raw.aad)},
          {"key", hex(raw.key)},
          {"body_fields", testing::to_json(opened.body)},
          {"body", hex(encoded)},
          {"entry_hash", hex(opened.hash)},
          {"signature", hex(raw.signature)},
          {"plaintext_bytes", raw.plaintext.size()},
          {"sealed", hex(sealed)}};
}

Json common(std::string_view name, wire::EpochSecret const& epoch) {
  return {{"name", name},
          {"group_id", hex(samples::group())},
          {"epoch_secret", hex(epoch)},
          {"author_seed", hex(samples::laptop().sign.seed())}};
}

Json k1(std::string_view name, wire::EntryBody draft, std::vector<wire::Op> ops, std::uint64_t seed) {
  auto const epoch = samples::first_epoch();
  Json out = common(name, epoch);
  out["random_seed"] = seed;
  out["draws"] = {"entry id, 16 bytes", "nonce, 24 bytes"};
  out["ops"] = testing::to_json(ops);
  SeededRandom random(seed);
  auto const sealed =
      must(core::seal({std::move(draft), std::move(ops), {}}, samples::group(), epoch, samples::laptop().sign, random));
  out.update(steps(sealed.bytes, epoch));
  return out;
}

Json k2(std::string_view name, wire::EntryBody draft, bool first, std::vector<crypto::DhKeyPair> recipients,
        std::uint64_t seed) {
  auto const epoch = first ? samples::first_epoch() : samples::second_epoch();
  Json out = common(name, epoch);
  out["random_seed"] = seed;
  Json keys = Json::array();
  std::vector<crypto::DhPublicKey> public_keys;
  for (auto const& recipient : recipients) {
    keys.push_back({{"dx_secret", hex(recipient.secret_key)}, {"dx", hex(recipient.public_key)}});
    public_keys.push_back(recipient.public_key);
  }
  out["recipients"] = keys;
  out["draws"] = {"ephemeral secret key, 32 bytes",
                  "for i = number of recipients down to 2: 8 bytes, a u64 modulo i, the place that recipient i changes "
                  "with (from 0)",
                  "entry id, 16 bytes", "nonce, 24 bytes"};
  out["ephemeral_secret"] = hex(SeededRandom(seed).secret<crypto::DhSecretKey>());
  SeededRandom random(seed);
  auto prefix = core::make_prefix(samples::group(), epoch, public_keys, random);
  wire::Rotate rotate;
  rotate.epoch_no = first ? 1 : 2;
  rotate.recipients = {samples::laptop().device()};
  if (!first) {
    rotate.recipients.push_back(samples::phone().device());
    rotate.replaced.push_back(samples::first_epoch());
  }
  rotate.prefix_hash = core::prefix_hash(prefix);
  out["prefix_fields"] = testing::to_json(prefix);
  out["prefix"] = hex(prefix.encoding());
  auto ops = first ? list(wire::Op(wire::GenesisOp{samples::genesis()}), wire::Op(std::move(rotate)))
                   : list(wire::Op(std::move(rotate)));
  out["ops"] = testing::to_json(ops);
  auto const sealed = must(core::seal({std::move(draft), std::move(ops), std::move(prefix)}, samples::group(), epoch,
                                      samples::laptop().sign, random));
  out.update(steps(sealed.bytes, epoch));
  return out;
}

/// An LZ4 block by hand, so that no release of liblz4 changes it: `head`, then the last byte of it `run` times more,
/// then `tail` (at least 5 bytes: the block format's end condition). @see lz4_Block_format.md
Bytes lz4_run(ByteView head, std::size_t run, ByteView tail) {
  constexpr std::size_t kMinMatch = 4, kNibble = 15;
  auto const length = [](Bytes& out, std::size_t value) {
    for (value -= kNibble; value >= 255; value -= 255) out.push_back(255);
    out.push_back(static_cast<std::uint8_t>(value));
  };
  Bytes out{static_cast<std::uint8_t>(std::min(head.size(), kNibble) << 4 | std::min(run - kMinMatch, kNibble))};
  if (head.size() >= kNibble) length(out, head.size());
  append(out, head);
  out.insert(out.end(), {1, 0});  // offset
  if (run - kMinMatch >= kNibble) length(out, run - kMinMatch);
  out.push_back(static_cast<std::uint8_t>(tail.size() << 4));
  append(out, tail);
  return out;
}

Json compressed() {
  constexpr std::size_t kTail = 5;
  auto const epoch = samples::first_epoch();
  Json out = common("compressed with LZ4", epoch);
  auto const ops = list(message(std::string(5000, 'k')));
  out["ops"] = testing::to_json(ops);
  Bytes const plain = wire::encode_ops(ops);
  out["plain_ops"] = hex(plain);
  std::size_t const head = plain.size() - 5000 + 1;
  auto draft = body(7);
  draft.compression = wire::Compression::lz4;
  draft.ops = lz4_run(ByteView{plain}.first(head), plain.size() - head - kTail, ByteView{plain}.last(kTail));
  auto const raw = testing::raw_seal(wire::encode(draft), samples::group(), epoch, samples::laptop().sign,
                                     samples::counted<EntryId>(0x01), samples::counted<crypto::XNonce>(0x02));
  out.update(steps(raw.bytes, epoch));
  return out;
}

}  // namespace

Json entries() {
  auto const recovery = samples::recovery();
  auto with_tips = body(3);
  with_tips.tips = {samples::tip(1, 1, 1), samples::tip(2, 7, 70000)};
  Json list_of_entries = Json::array();
  auto const keys = [&](auto const&... pairs) {
    std::vector<crypto::DhKeyPair> out;
    (out.push_back(pairs.clone()), ...);
    return out;
  };
  list_of_entries.push_back(k2("K2, the first of a group", body(1), true, keys(samples::laptop().dx, recovery.dx), 11));
  list_of_entries.push_back(
      k2("K2, a rotation", body(2), false, keys(samples::laptop().dx, samples::phone().dx, recovery.dx), 12));
  list_of_entries.push_back(k1("K1, one message", body(2), list(message("hello")), 13));
  list_of_entries.push_back(k1("K1, with tips and two ops", with_tips,
                               list(message("one"), wire::Op(wire::DeviceRename{samples::laptop().device(), "desk"})),
                               14));
  list_of_entries.push_back(k1("K1, no ops", body(4), {}, 15));
  list_of_entries.push_back(k1("K1, outside the log", body(0), list(message("gone tomorrow")), 16));
  list_of_entries.push_back(k1("K1, padded to 512 bytes", body(5), list(message(std::string(200, 'x'))), 17));
  list_of_entries.push_back(
      k1("K1, of a kind of op that nobody knows", body(6), list(std::move(samples::ops().back().value)), 18));
  list_of_entries.push_back(compressed());
  return {{"note", kSeededRandom}, {"entries", list_of_entries}};
}

}  // namespace kith::vectors
