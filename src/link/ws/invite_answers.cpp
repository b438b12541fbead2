#include "link/ws/invite_answers.hpp"

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"

namespace kith::link {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kOwnerBytes = 32;
constexpr std::size_t kClaimBytes = 16;
constexpr std::uint64_t kMaxExpires = 24 * 60 * 60;  // seconds

Error bad(HttpAnswer const& answer) { return {LinkError::bad_answer, CountDetail{answer.status, 0}}; }

/// The object that an answer of the expected status holds.
Result<Json> object_in(HttpAnswer const& answer, unsigned expected) {
  if (answer.status == 429 || answer.status == 503)
    return fail(LinkError::rate_limited, CountDetail{answer.retry_after_s, 0});
  if (answer.status != expected) return fail(bad(answer));
  auto object = Json::parse(answer.body, nullptr, false);
  if (!object.is_object()) return fail(bad(answer));
  return object;
}

/// A member's text; empty where it is missing or something else.
std::string text_at(Json const& object, char const* name) {
  auto const found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::optional<std::uint64_t> number_at(Json const& object, char const* name) {
  auto const found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? std::optional(found->get<std::uint64_t>())
                                                              : std::nullopt;
}
/// nullopt where it is there and no truth value.
std::optional<bool> flag_at(Json const& object, char const* name) {
  auto const found = object.find(name);
  if (found == object.end()) return false;
  return found->is_boolean() ? std::optional(found->get<bool>()) : std::nullopt;
}

bool is_bytes(std::string const& text, std::size_t size) {
  auto const bytes = from_base64url(text);
  return bytes && bytes->size() == size;
}
std::optional<Bytes> box_in(Json const& text) {
  auto bytes = text.is_string() ? from_base64url(text.get_ref<std::string const&>()) : std::nullopt;
  return bytes && bytes->size() <= kMaxBoxBytes ? std::move(bytes) : std::nullopt;
}

/// The object in an answer about boxes, which has a list of them.
Result<Json> boxes_in(HttpAnswer const& answer) {
  if (answer.status == 404) return fail(LinkError::invite_gone);
  KITH_TRY(object, object_in(answer, 200));
  auto const boxes = object.find("boxes");
  if (boxes == object.end() || !boxes->is_array() || !number_at(object, "next")) return fail(bad(answer));
  return std::move(object);
}

}  // namespace

Result<InviteMade> read_made(HttpAnswer const& answer) {
  if (answer.status == 409) return fail(LinkError::invite_taken);
  KITH_TRY(object, object_in(answer, 201));
  auto const expires = number_at(object, "expires_s");
  InviteMade made{text_at(object, "owner"), std::chrono::seconds{std::min(expires.value_or(0), kMaxExpires)}};
  if (!is_bytes(made.owner, kOwnerBytes) || made.expires.count() == 0) return fail(bad(answer));
  return made;
}

Result<std::string> read_claim(HttpAnswer const& answer) {
  KITH_TRY(object, object_in(answer, 201));
  auto claim = text_at(object, "claim");
  if (!is_bytes(claim, kClaimBytes)) return fail(bad(answer));
  return claim;
}

Result<> read_posted(HttpAnswer const& answer) {
  if (answer.status == 404) return fail(LinkError::invite_gone);
  KITH_TRY(object, object_in(answer, 200));
  if (!number_at(object, "boxes")) return fail(bad(answer));
  return {};
}

Result<BoxesForJoiner> read_boxes_for_joiner(HttpAnswer const& answer) {
  KITH_TRY(object, boxes_in(answer));
  auto const end = flag_at(object, "end");
  if (!end) return fail(bad(answer));
  BoxesForJoiner read{{}, *number_at(object, "next"), *end};
  for (auto const& each : object.at("boxes")) {
    auto box = box_in(each);
    if (!box) return fail(bad(answer));
    read.boxes.push_back(std::move(*box));
  }
  return read;
}

Result<BoxesForOwner> read_boxes_for_owner(HttpAnswer const& answer) {
  KITH_TRY(object, boxes_in(answer));
  BoxesForOwner read{{}, *number_at(object, "next")};
  for (auto const& each : object.at("boxes")) {
    if (!each.is_object()) return fail(bad(answer));
    auto const end = flag_at(each, "end");
    auto const text = each.find("box");
    bool const has_box = text != each.end();
    auto box = has_box ? box_in(*text) : Bytes{};
    auto claim = text_at(each, "claim");
    if (!end || !box || has_box == *end || !is_bytes(claim, kClaimBytes)) return fail(bad(answer));
    read.boxes.push_back({std::move(claim), std::move(*box), *end});
  }
  return read;
}

}  // namespace kith::link
