#pragma once

#include <charconv>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "support/wire_names.hpp"

/// Everything that goes over the wire as JSON, and back: the form in which tests/vectors states it.
/// @see tests/vectors/README.md
namespace kith::testing {

using Json = nlohmann::ordered_json;

class ToJson;
class FromJson;
template <class T>
concept Named = requires(ToJson& archive, T const& value) {
  Names<T>::of(archive, value);
};

namespace json {

inline constexpr std::uint64_t kExactInEveryLanguage = (std::uint64_t{1} << 53) - 1;

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
concept Id = requires(T& id) {
  { T::from(ByteView{}) } -> std::same_as<std::optional<T>>;
};
template <class T>
concept Symbols = std::same_as<T, wire::Lookup>;
template <class T>
concept TextElement = !Named<T> && requires(T & element) {
  { element.text } -> std::same_as<std::string&>;
};
template <class T>
concept BytesElement = !Named<T> && requires(T & element) {
  { element.bytes } -> std::same_as<Bytes&>;
};

inline Bytes bytes_from(Json const& json) {
  auto bytes = from_hex(json.get_ref<std::string const&>());
  if (!bytes) throw std::invalid_argument("not hexadecimal: " + json.dump());
  return std::move(*bytes);
}

template <std::integral T>
Json from_number(T value) {
  bool const large = value > 0 ? static_cast<std::uint64_t>(value) > kExactInEveryLanguage
                               : static_cast<std::int64_t>(value) < -static_cast<std::int64_t>(kExactInEveryLanguage);
  return large ? Json(std::to_string(value)) : Json(value);
}

template <std::integral T>
T to_number(Json const& json) {
  if (!json.is_string()) return json.get<T>();
  auto const& text = json.get_ref<std::string const&>();
  T value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ptr != text.data() + text.size()) {
    throw std::invalid_argument("not a number: " + text);
  }
  return value;
}

}  // namespace json

template <class T>
[[nodiscard]] Json to_json(T const& value);
template <class T>
void from_json(Json const& from, T& value);
/// A variant's alternative: {"type": its name, "fields": {...}}.
template <class... T>
[[nodiscard]] Json to_json(std::variant<T...> const& value);
template <class... T>
void from_json(Json const& from, std::variant<T...>& value);

/// Writes named fields; an optional one that is absent leaves no trace.
class ToJson {
 public:
  template <class T>
  void operator()(char const* name, T const& field) {
    object_[name] = to_json(field);
  }
  template <class T>
  void operator()(char const* name, std::optional<T> const& field) {
    if (field) object_[name] = to_json(*field);
  }
  [[nodiscard]] Json take() { return std::move(object_); }

 private:
  Json object_ = Json::object();
};

/// Reads named fields, all of them and no others.
class FromJson {
 public:
  explicit FromJson(Json const& object) : object_(object) {}
  template <class T>
  void operator()(char const* name, T& field) {
    from_json(object_.at(name), field);
    ++read_;
  }
  template <class T>
  void operator()(char const* name, std::optional<T>& field) {
    field.reset();
    if (object_.contains(name)) (*this)(name, field.emplace());
  }
  void finish() const {
    if (read_ != object_.size()) throw std::invalid_argument("fields without a meaning: " + object_.dump());
  }

 private:
  Json const& object_;
  std::size_t read_ = 0;
};

template <class T>
Json to_json(T const& value) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::uint64_t>(value);
  } else if constexpr (std::integral<T>) {
    return json::from_number(value);
  } else if constexpr (wire::StrongNumber<T>) {
    return json::from_number(value.value);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return to_hex(value);
  } else if constexpr (json::Id<T>) {
    return to_hex(value.view());
  } else if constexpr (json::Symbols<T>) {
    return value.symbols;
  } else if constexpr (std::is_same_v<T, wire::MessageContent>) {
    auto const* bytes = std::get_if<Bytes>(&value.value);
    return bytes != nullptr ? Json{{"inline", to_hex(*bytes)}}
                            : Json{{"refs", to_json(std::get<wire::Content>(value.value))}};
  } else if constexpr (json::IsVector<T>::value) {
    Json list = Json::array();
    for (auto const& element : value) list.push_back(to_json(element));
    return list;
  } else if constexpr (Named<T>) {
    ToJson archive;
    Names<T>::of(archive, value);
    return archive.take();
  } else if constexpr (json::TextElement<T>) {
    return value.text;
  } else {
    static_assert(json::BytesElement<T>);
    return to_hex(value.bytes);
  }
}

template <class T>
void from_json(Json const& from, T& value) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
    value = from.get<T>();
  } else if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(from.get<std::uint64_t>());
  } else if constexpr (std::integral<T>) {
    value = json::to_number<T>(from);
  } else if constexpr (wire::StrongNumber<T>) {
    value.value = json::to_number<std::uint64_t>(from);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    value = json::bytes_from(from);
  } else if constexpr (json::Id<T>) {
    value = T::from(json::bytes_from(from)).value();
  } else if constexpr (json::Symbols<T>) {
    value.symbols = from.get<std::string>();
  } else if constexpr (std::is_same_v<T, wire::MessageContent>) {
    if (from.contains("inline")) {
      value.value = json::bytes_from(from.at("inline"));
    } else {
      from_json(from.at("refs"), value.value.template emplace<wire::Content>());
    }
  } else if constexpr (json::IsVector<T>::value) {
    value.clear();
    for (auto const& element : from) from_json(element, value.emplace_back());
  } else if constexpr (Named<T>) {
    FromJson archive(from);
    Names<T>::of(archive, value);
    archive.finish();
  } else if constexpr (json::TextElement<T>) {
    value.text = from.get<std::string>();
  } else {
    static_assert(json::BytesElement<T>);
    value.bytes = json::bytes_from(from);
  }
}

template <class T>
[[nodiscard]] T read_json(Json const& from) {
  T value{};
  from_json(from, value);
  return value;
}

namespace json {

/// The type's name in tests/vectors.
template <class T>
constexpr std::string_view tag_of() {
  if constexpr (std::is_same_v<T, wire::UnknownOp>) {
    return "unknown";
  } else if constexpr (requires { T::kType; }) {
    return name_of(T::kType);
  } else {
    return name_of(T::kKind);
  }
}

}  // namespace json

template <class... T>
Json to_json(std::variant<T...> const& value) {
  return std::visit(
      []<class A>(A const& known) {
        return Json{{"type", json::tag_of<A>()}, {"fields", to_json(known)}};
      },
      value);
}

template <class... T>
void from_json(Json const& from, std::variant<T...>& value) {
  auto const& type = from.at("type").get_ref<std::string const&>();
  auto const try_one = [&]<class A>(std::type_identity<A>) {
    if (type != json::tag_of<A>()) return false;
    from_json(from.at("fields"), value.template emplace<A>());
    return true;
  };
  if (!(try_one(std::type_identity<T>{}) || ...)) throw std::invalid_argument("no such type: " + type);
}

}  // namespace kith::testing
