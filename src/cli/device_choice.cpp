#include "cli/device_choice.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "engine/device_name.hpp"
#include "engine/error.hpp"

namespace kith::cli {

using engine::EngineError;

namespace {

constexpr std::size_t kLeastIdDigits = 4;

/// Whether an id begins with these digits, in any case.
bool begins_with(DeviceId const& device, std::string_view digits) {
  auto const whole = to_hex(device.view());
  return digits.size() <= whole.size() && std::ranges::equal(digits, whole.substr(0, digits.size()), {}, ascii_lower);
}

}  // namespace

std::string short_id(DeviceId const& device) { return to_hex(device.view()).substr(0, engine::kSureIdDigits); }

std::string telling_id(std::vector<Candidate> const& all, DeviceId const& device) {
  auto const whole = to_hex(device.view());
  std::size_t digits = engine::kSureIdDigits;
  auto const shared = [&](Candidate const& each) {
    return each.device != device && begins_with(each.device, std::string_view(whole).substr(0, digits));
  };
  while (digits < whole.size() && std::ranges::any_of(all, shared)) ++digits;
  return whole.substr(0, digits);
}

Result<DeviceId> choose_device(std::vector<Candidate> const& all, std::string_view text) {
  bool const by_id = engine::has_id_mark(text);
  auto const digits = by_id ? text.substr(engine::kIdMark.size()) : text;
  if (by_id && (engine::has_id_mark(digits) || !engine::reads_as_id(digits))) {
    return fail(EngineError::usage,
                SubjectDetail{fmt::format("\"{}\": id: stands before {} digits of a device's id, or more",
                                          printable(text), engine::kSureIdDigits)});
  }
  std::vector<Candidate> found;
  std::ranges::copy_if(all, std::back_inserter(found), [&](Candidate const& each) {
    bool const begun = digits.size() >= kLeastIdDigits && begins_with(each.device, digits);
    return begun || (!by_id && each.name == text);
  });
  if (found.size() == 1) return found.front().device;
  if (found.empty()) return fail(EngineError::no_such_device, SubjectDetail{std::string(text)});
  std::string list;
  for (auto const& each : found) {
    list += fmt::format("{}{} {}{}", list.empty() ? "" : ", ", each.name, telling_id(all, each.device),
                        each.gone ? " (revoked)" : "");
  }
  return fail(EngineError::ambiguous_device, SubjectDetail{list});
}

}  // namespace kith::cli
