#include "engine/device_name.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace kith::engine {
namespace {

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'); }

}  // namespace

bool has_id_mark(std::string_view text) {
  return std::ranges::equal(text.substr(0, kIdMark.size()), kIdMark, {}, ascii_lower);
}

bool reads_as_id(std::string_view name) {
  return has_id_mark(name) || (name.size() >= kSureIdDigits && std::ranges::all_of(name, is_hex_digit));
}

std::set<std::string, std::less<>> taken_names(core::Roster const& roster, std::optional<DeviceId> const& besides) {
  std::set<std::string, std::less<>> names;
  for (auto const& [device, member] : roster.members()) {
    if (member.state == core::MemberState::active && device != besides) names.insert(member.name);
  }
  return names;
}

std::string free_name(std::set<std::string, std::less<>> const& taken, std::string_view wanted) {
  std::string stem = reads_as_id(wanted) ? fmt::format("device-{}", wanted) : std::string(wanted);
  std::size_t room = kLimits.max_name_bytes - 8;
  while (room > 0 && room < stem.size() && (static_cast<unsigned char>(stem[room]) & 0xC0) == 0x80) --room;
  stem = stem.substr(0, room);  // no character is cut in two
  std::string name = stem;
  for (int number = 2; taken.contains(name) || reads_as_id(name); ++number) name = fmt::format("{}-{}", stem, number);
  return name;
}

}  // namespace kith::engine
