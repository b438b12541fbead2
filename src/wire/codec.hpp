#pragma once

#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/ids.hpp"
#include "base/secret.hpp"
#include "wire/msgpack.hpp"

/// One description of a structure's fields serves both directions. A record says
///
///     template <class Archive, class Self>
///     static void fields(Archive& a, Self& s) { a(s.device, text(s.name, 255), list(s.tips, 4096)); }
///
/// and is then a positional MessagePack array of exactly these fields: `encode(record)` and `decode<Record>(bytes)`.
namespace kith::wire {

class Encoder;
class Decoder;

template <class T>
concept Record = requires(Encoder& encoder, T const& value) {
  T::fields(encoder, value);
};

/// An enum whose enumerators `valid` knows is an unsigned integer on the wire.
template <class T>
concept WireEnum = std::is_enum_v<T> && requires(T value) {
  { valid(value) } -> std::same_as<bool>;
};

/// A number with a type of its own.
template <class T>
concept StrongNumber = sizeof(T) == sizeof(std::uint64_t) && requires(T value) {
  { value.value } -> std::convertible_to<std::uint64_t>;
};

/// A plain number; bool is a type of its own on the wire.
template <class T>
concept Unsigned = std::unsigned_integral<T> && !std::same_as<T, bool>;

/// Something that is not an array of fixed fields writes and reads itself.
template <class T>
concept WritesItself = requires(T const& value, Writer& writer) {
  value.write(writer);
};
template <class T>
concept ReadsItself = requires(T& value, Reader& reader) {
  value.read(reader);
};

/// A field with a bound: text in bytes, bytes in bytes, a list in elements.
template <class T>
struct Text {
  T& value;
  std::size_t max_bytes;
};
template <class T>
struct Blob {
  T& value;
  std::size_t max_bytes;
};
template <class T>
struct List {
  T& value;
  std::size_t max_count;
};
/// A last field that may be absent: the array is one shorter then.
template <class T>
struct OptionalLast {
  T& value;
};
/// A number that is always this one; anything else is unknown_version.
template <class T>
struct Version {
  T& value;
  std::uint64_t only;
};

// Overloads, to be read as a table:
// clang-format off
template <class T>
Text<T> text(T& value, std::size_t max_bytes) { return {value, max_bytes}; }
template <class T>
Blob<T> blob(T& value, std::size_t max_bytes) { return {value, max_bytes}; }
template <class T>
List<T> list(T& value, std::size_t max_count) { return {value, max_count}; }
template <class T>
OptionalLast<T> optional_last(T& value) { return {value}; }
template <class T>
Version<T> version(T& value, std::uint64_t only) { return {value, only}; }
// clang-format on

/// Writes fields. With a tag, the array begins with that number: a message or op type.
class Encoder {
 public:
  explicit Encoder(Bytes& out, std::optional<std::uint64_t> tag = std::nullopt) : writer_(out), out_(out), tag_(tag) {}

  template <class... Fields>
  void operator()(Fields&&... fields) {
    writer_.array((tag_ ? 1 : 0) + (present(fields) + ... + std::size_t{0}));
    if (tag_) writer_.unsigned_integer(*tag_);
    (put(fields), ...);
  }

 private:
  // Overloads, to be read as a table:
  // clang-format off
  template <class T>
  static std::size_t present(T const&) { return 1; }
  template <class T>
  static std::size_t present(OptionalLast<T> const& field) { return field.value.has_value() ? 1 : 0; }

  void put(bool value) { writer_.boolean(value); }
  template <Unsigned T>
  void put(T value) { writer_.unsigned_integer(value); }
  template <std::signed_integral T>
  void put(T value) { writer_.integer(value); }
  template <WireEnum T>
  void put(T value) { writer_.unsigned_integer(static_cast<std::uint64_t>(value)); }
  template <StrongNumber T>
  void put(T value) { writer_.unsigned_integer(value.value); }
  template <class Tag, std::size_t N>
  void put(ByteId<Tag, N> const& id) { writer_.bin(id.bytes); }
  template <std::size_t N, class Tag>
  void put(Secret<N, Tag> const& secret) { writer_.bin(secret.view()); }
  template <class T>
  void put(Text<T> const& field) { writer_.str(field.value); }
  template <class T>
  void put(Blob<T> const& field) { writer_.bin(field.value); }
  template <class T>
  void put(List<T> const& field) {
    writer_.array(field.value.size());
    for (auto const& element : field.value) put(element);
  }
  template <class T>
  void put(OptionalLast<T> const& field) {
    if (field.value) put(*field.value);
  }
  template <class T>
  void put(Version<T> const& field) { writer_.unsigned_integer(field.value); }
  void put(Tip const& tip) { Encoder{out_}(tip.log.device, tip.log.incarnation, tip.seq, tip.hash); }
  template <Record T>
  void put(T const& record) {
    Encoder nested(out_);
    T::fields(nested, record);
  }
  template <WritesItself T>
  void put(T const& value) { value.write(writer_); }
  // clang-format on

  Writer writer_;
  Bytes& out_;
  std::optional<std::uint64_t> tag_;
};

/// Reads fields from a Reader, which keeps the first error. With `count`, the array's header and its leading tag have
/// been read already and `count` fields are left.
class Decoder {
 public:
  explicit Decoder(Reader& reader, std::optional<std::size_t> count = std::nullopt) : reader_(reader), count_(count) {}

  template <class... Fields>
  void operator()(Fields&&... fields) {
    std::size_t const count = count_ ? *count_ : reader_.array();
    constexpr std::size_t most = sizeof...(Fields);
    constexpr std::size_t least = most - (is_optional<std::remove_cvref_t<Fields>>::value + ... + std::size_t{0});
    if (!reader_.ok()) return;
    left_ = count;
    if (count < least || count > most) {
      if (count > 0) check_version(fields...);  // a later version's array may well be longer: name the version
      return reader_.fail({WireError::wrong_length, CountDetail{count, most}});
    }
    ((get(fields), left_ -= left_ > 0 ? 1 : 0), ...);
  }

 private:
  template <class T>
  struct is_optional : std::false_type {};
  template <class T>
  struct is_optional<OptionalLast<T>> : std::true_type {};

  template <class T, class... Rest>
  void check_version(Version<T> const& first, Rest const&...) {
    get(first);
  }
  template <class... Fields>
  void check_version(Fields const&...) {}

  void get(bool& value) { value = reader_.boolean(); }
  template <Unsigned T>
  void get(T& value) {
    std::uint64_t const wide = reader_.unsigned_integer();
    if (wide > std::numeric_limits<T>::max()) reader_.fail(WireError::bad_value);
    value = static_cast<T>(wide);
  }
  template <std::signed_integral T>
  void get(T& value) {
    static_assert(sizeof(T) == sizeof(std::int64_t));
    value = reader_.integer();
  }
  template <WireEnum T>
  void get(T& value) {
    std::uint64_t const number = reader_.unsigned_integer();
    value = static_cast<T>(number);
    if (static_cast<std::uint64_t>(value) != number || !valid(value)) reader_.fail(WireError::bad_value);
  }
  // Overloads, to be read as a table:
  // clang-format off
  template <StrongNumber T>
  void get(T& value) { value.value = reader_.unsigned_integer(); }
  template <class Tag, std::size_t N>
  void get(ByteId<Tag, N>& id) { fixed(id.bytes); }
  template <std::size_t N, class Tag>
  void get(Secret<N, Tag>& secret) { fixed(secret.mutable_view()); }
  template <class T>
  void get(Text<T> const& field) { field.value = std::string(reader_.str(field.max_bytes)); }
  // clang-format on
  template <class T>
  void get(Blob<T> const& field) {
    auto const bytes = reader_.bin(field.max_bytes);
    field.value.assign(bytes.begin(), bytes.end());
  }
  template <class T>
  void get(List<T> const& field) {
    std::size_t const count = reader_.array();
    if (count > field.max_count) reader_.fail({WireError::too_large, CountDetail{count, field.max_count}});
    field.value.clear();
    for (std::size_t i = 0; i < count && reader_.ok(); ++i) get(field.value.emplace_back());
  }
  template <class T>
  void get(OptionalLast<T> const& field) {
    field.value.reset();
    if (left_ > 0) get(field.value.emplace());
  }
  template <class T>
  void get(Version<T> const& field) {
    get(field.value);
    if (reader_.ok() && field.value != field.only) {
      auto const only = static_cast<std::uint32_t>(field.only), theirs = static_cast<std::uint32_t>(field.value);
      reader_.fail({WireError::unknown_version, VersionsDetail{only, only, theirs, theirs}});
    }
  }
  void get(Tip& tip) { Decoder{reader_}(tip.log.device, tip.log.incarnation, tip.seq, tip.hash); }
  template <Record T>
  void get(T& record) {
    Decoder nested(reader_);
    T::fields(nested, record);
  }
  template <ReadsItself T>
  void get(T& value) {
    value.read(reader_);
  }

  void fixed(std::span<std::uint8_t> out) {
    auto const bytes = reader_.bin(kLimits.max_ops_bytes);
    if (!reader_.ok()) return;
    if (bytes.size() != out.size())
      return reader_.fail({WireError::wrong_length, CountDetail{bytes.size(), out.size()}});
    std::copy(bytes.begin(), bytes.end(), out.begin());
  }

  Reader& reader_;
  std::optional<std::size_t> count_;
  std::size_t left_ = 0;  ///< fields of this array that are still to be read
};

/// An element of a list of texts or byte strings, with its bound in the type.
template <std::size_t kMaxBytes>
struct BoundedText {
  std::string text;
  void write(Writer& writer) const { writer.str(text); }
  void read(Reader& reader) { text = std::string(reader.str(kMaxBytes)); }
  friend bool operator==(BoundedText const&, BoundedText const&) = default;
};
template <std::size_t kMaxBytes>
struct BoundedBytes {
  Bytes bytes;
  void write(Writer& writer) const { writer.bin(bytes); }
  void read(Reader& reader) {
    auto const view = reader.bin(kMaxBytes);
    bytes.assign(view.begin(), view.end());
  }
  friend bool operator==(BoundedBytes const&, BoundedBytes const&) = default;
};
using Address = BoundedText<kLimits.max_name_bytes>;  ///< where to dial a device: host:port

/// Appends the record's encoding.
template <Record T>
void encode_to(Bytes& out, T const& record) {
  Encoder encoder(out);
  T::fields(encoder, record);
}

template <Record T>
[[nodiscard]] Bytes encode(T const& record) {
  Bytes out;
  encode_to(out, record);
  return out;
}

/// @return the record, or the WireError of the first field that does not fit
template <Record T>
[[nodiscard]] Result<T> decode(ByteView in) {
  Reader reader(in);
  Decoder decoder(reader);
  T record{};
  T::fields(decoder, record);
  if (auto finished = reader.finish(); !finished) return kith::fail(finished.error());
  return record;
}

}  // namespace kith::wire
