#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

/// How JSON output is made, so that all of it looks alike: `schema` first, times in RFC 3339, ids as whole lowercase
/// hex, what is unknown as null. Fields keep the order in which they are written. @see schema/
namespace kith::cli {

using Json = nlohmann::ordered_json;

/// An object that begins with its schema: "kith.status/1".
[[nodiscard]] inline Json json_document(std::string_view schema) { return Json{{"schema", schema}}; }
/// A line of a stream: schema and type.
[[nodiscard]] inline Json json_line(std::string_view schema, std::string_view type) {
  return Json{{"schema", schema}, {"type", type}};
}

template <class Tag, std::size_t N>
[[nodiscard]] Json json_id(ByteId<Tag, N> const& id) {
  return to_hex(id.view());
}
[[nodiscard]] inline Json json_time(WallTime time) { return rfc3339(time); }
[[nodiscard]] inline Json json_time(std::optional<WallTime> const& time) { return time ? json_time(*time) : Json(); }
template <class T>
[[nodiscard]] Json json_or_null(std::optional<T> const& value) {
  return value ? Json(*value) : Json();
}

/// One line. Bytes that are no UTF-8 become U+FFFD: a path that may hold some has its `_b64` beside it.
[[nodiscard]] inline std::string to_line(Json const& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace kith::cli
