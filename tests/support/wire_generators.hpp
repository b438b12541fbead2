#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <rapidcheck.h>

#include "wire/entry.hpp"
#include "wire/frame.hpp"
#include "wire/opening.hpp"
#include "wire/ops.hpp"
#include "wire/pairing.hpp"

/// Values of everything that goes over the wire, drawn inside a rapidcheck property: they shrink, and any of them may
/// be move-only. Bounds come from the same field lists as the decoders' do.
namespace kith::testing {

/// How long texts, byte strings and lists get.
enum class Extent {
  short_values,  ///< a few bytes or elements: for properties that look at every bit
  any,           ///< lengths around every border of MessagePack that the field allows
};

/// Draws the fields of a record.
class Filler {
 public:
  explicit Filler(Extent extent) : extent_(extent) {}

  template <class... Fields>
  void operator()(Fields&&... fields) {
    (fill(fields), ...);
  }

  void fill(bool& value) { value = *rc::gen::arbitrary<bool>(); }
  template <wire::Unsigned T>
  void fill(T& value) {
    value = static_cast<T>(number());
  }
  template <std::signed_integral T>
  void fill(T& value) {
    value = static_cast<T>(number());
  }
  template <wire::WireEnum T>
  void fill(T& value) {
    std::vector<T> known;
    for (int number = 0; number < 32; ++number) {
      if (valid(static_cast<T>(number))) known.push_back(static_cast<T>(number));
    }
    value = *rc::gen::elementOf(known);
  }
  template <wire::StrongNumber T>
  void fill(T& value) {
    value.value = number();
  }
  template <class Tag, std::size_t N>
  void fill(ByteId<Tag, N>& id) {
    scatter(id.bytes);
  }
  template <std::size_t N, class Tag>
  void fill(Secret<N, Tag>& secret) {
    scatter(secret.mutable_view());
  }
  template <class T>
  void fill(wire::Text<T> const& field) {
    field.value = text(field.max_bytes);
  }
  template <class T>
  void fill(wire::Blob<T> const& field) {
    fill_bytes(field.value, field.max_bytes);
  }
  template <class T>
  void fill(wire::List<T> const& field) {
    field.value.clear();
    std::size_t const count = length(std::min<std::size_t>(field.max_count, 20));
    for (std::size_t i = 0; i < count; ++i) fill(field.value.emplace_back());
  }
  template <class T>
  void fill(wire::OptionalLast<T> const& field) {
    field.value.reset();
    if (*rc::gen::arbitrary<bool>()) fill(field.value.emplace());
  }
  template <class T>
  void fill(wire::Version<T> const& field) {
    field.value = static_cast<T>(field.only);
  }
  void fill(Tip& tip) { (*this)(tip.log.device, tip.log.incarnation, tip.seq, tip.hash); }
  void fill(wire::MessageContent& content) {
    if (*rc::gen::arbitrary<bool>()) {
      fill(content.value.emplace<wire::Content>());
    } else {
      fill_bytes(content.value.emplace<Bytes>(), kLimits.max_inline_message_bytes);
    }
  }
  void fill(wire::Lookup& lookup) {
    lookup.symbols.clear();
    auto const symbol = rc::gen::elementOf(std::string("0123456789ABCDEFGHJKMNPQRSTVWXYZ"));
    while (lookup.symbols.size() < wire::Lookup::kSymbols) lookup.symbols += *symbol;
  }
  template <std::size_t kMaxBytes>
  void fill(wire::BoundedText<kMaxBytes>& element) {
    element.text = text(kMaxBytes);
  }
  template <std::size_t kMaxBytes>
  void fill(wire::BoundedBytes<kMaxBytes>& element) {
    fill_bytes(element.bytes, std::min<std::size_t>(kMaxBytes, 4096));
  }
  template <wire::Record T>
  void fill(T& record) {
    T::fields(*this, record);
  }

  /// Near the borders of each integer form, or anywhere.
  std::uint64_t number() {
    auto const border = *rc::gen::inRange<std::uint64_t>(0, 66);
    if (border == 65) return *rc::gen::arbitrary<std::uint64_t>();
    std::uint64_t const power = border == 0 ? 0 : std::uint64_t{1} << (border - 1);
    return power - *rc::gen::inRange<std::uint64_t>(0, 3);
  }

  /// A length up to `most`: small, or at a border where its encoding changes.
  std::size_t length(std::size_t most) {
    std::size_t const few = *rc::gen::inRange<std::size_t>(0, 4);
    if (extent_ == Extent::short_values || *rc::gen::inRange(0, 4) != 0) return std::min(few, most);
    std::size_t const border = *rc::gen::element<std::size_t>(15, 31, 255, 4095, most);
    return std::min(border + few, most);
  }

  std::string text(std::size_t max_bytes) {
    static std::vector<std::string> const kPieces{"a", "Z", "0", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                                  "\n"};
    std::string out;
    for (std::size_t left = length(max_bytes); left > 0;) {
      auto const& piece = kPieces[*rc::gen::inRange<std::size_t>(0, left > 40 ? 1 : kPieces.size())];
      if (piece.size() > left) break;
      for (; left > 40; --left) out += 'x';  // long texts are for their length
      out += piece;
      left -= std::min(left, piece.size());
    }
    return out;
  }

  void fill_bytes(Bytes& bytes, std::size_t max_bytes) {
    bytes.resize(length(max_bytes));
    scatter(bytes);
  }

  /// Bytes that one number decides (splitmix64): zeros for zero, so that shrinking makes them plain.
  static void scatter(std::span<std::uint8_t> out) {
    auto state = *rc::gen::arbitrary<std::uint64_t>();
    bool const zero = state == 0;
    for (auto& byte : out) {
      state += 0x9E3779B97F4A7C15;
      std::uint64_t mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
      byte = zero ? 0 : static_cast<std::uint8_t>(mixed >> 56);
    }
  }

 private:
  Extent extent_;
};

/// Any record.
template <wire::Record T>
[[nodiscard]] T draw(Extent extent) {
  T record{};
  Filler(extent).fill(record);
  return record;
}

/// A body whose fields agree with each other.
template <>
[[nodiscard]] inline wire::EntryBody draw<wire::EntryBody>(Extent extent) {
  wire::EntryBody body;
  Filler(extent).fill(body);
  if (body.seq.value <= 1) body.prev = {};
  if (body.seq.value > 1 && body.prev.is_zero()) body.prev.bytes[0] = 1;
  for (auto& tip : body.tips) tip.seq.value = std::max<std::uint64_t>(tip.seq.value, 1);
  std::erase_if(body.tips, [&](Tip const& tip) { return tip.log == body.log(); });
  std::ranges::sort(body.tips);
  body.tips.erase(std::unique(body.tips.begin(), body.tips.end()), body.tips.end());
  return body;
}

/// Any alternative of a variant of records: a frame, an op, a pairing message.
template <class Variant, std::size_t kAlternatives = std::variant_size_v<Variant>>
[[nodiscard]] Variant draw_alternative(Extent extent) {
  std::size_t const wanted = *rc::gen::inRange<std::size_t>(0, kAlternatives);
  Variant out;
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    static_cast<void>(((kIndex == wanted && (Filler(extent).fill(out.template emplace<kIndex>()), true)) || ...));
  }
  (std::make_index_sequence<kAlternatives>{});
  return out;
}

[[nodiscard]] inline wire::UnknownOp draw_unknown_op(Extent extent) {
  Filler filler(extent);
  wire::UnknownOp op;
  op.kind = *rc::gen::element<std::uint16_t>(0, 12, 31, 33, 63, 67, 127, 128, 255, 256, 65535);
  wire::Writer writer(op.encoding);
  writer.array(4);
  writer.unsigned_integer(op.kind);
  writer.integer(static_cast<std::int64_t>(filler.number()));
  writer.str(filler.text(300));
  writer.array(1);
  writer.boolean(*rc::gen::arbitrary<bool>());
  return op;
}

[[nodiscard]] inline wire::Op draw_op(Extent extent) {
  if (*rc::gen::inRange(0, 8) == 0) return draw_unknown_op(extent);
  return draw_alternative<wire::Op, std::variant_size_v<wire::Op> - 1>(extent);  // the last is UnknownOp
}

[[nodiscard]] inline wire::Opening draw_opening() {
  wire::Opening opening;
  opening.purpose = static_cast<wire::Purpose>(*rc::gen::inRange(0, 4));
  opening.version_min = *rc::gen::arbitrary<std::uint8_t>();
  opening.version_max = std::max(opening.version_min, *rc::gen::arbitrary<std::uint8_t>());
  opening.features = *rc::gen::arbitrary<std::uint32_t>();
  return opening;
}

/// A header and some ciphertext, behind an epoch prefix or not.
[[nodiscard]] inline Bytes draw_sealed(Extent extent) {
  Filler filler(extent);
  wire::EntryHeader header;
  filler(header.epoch, header.entry, header.nonce, header.commitment);
  Bytes sealed;
  if (*rc::gen::arbitrary<bool>()) {
    wire::EpochPrefix prefix;
    prefix.epoch = header.epoch;
    filler(prefix.ephemeral, wire::list(prefix.wraps, 255));
    sealed = prefix.encoding();
  }
  append(sealed, wire::encode_header(header));
  Bytes ciphertext(crypto::kAeadTagBytes + filler.length(4096));
  Filler::scatter(ciphertext);
  append(sealed, ciphertext);
  return sealed;
}

}  // namespace kith::testing
