#include "relay/server/mailbox_list.hpp"

#include <algorithm>
#include <ctime>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace kith::relay::server {
namespace {

constexpr std::size_t kFewestDigits = 8;

std::string hour(std::uint64_t unix_s) {
  auto const when = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}h UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour);
}

}  // namespace

std::string short_id(wire::ChannelId const& channel, std::size_t digits) {
  return to_hex(channel.view()).substr(0, digits);
}

std::size_t telling_digits(std::span<GroupFigures const> groups) {
  for (std::size_t digits = kFewestDigits;; digits += 2) {
    std::set<std::string> ids;
    for (auto const& group : groups) ids.insert(short_id(group.channel, digits));
    if (ids.size() == groups.size() || digits >= 2 * sizeof(wire::ChannelId::bytes)) return digits;
  }
}

nlohmann::json to_json(std::span<GroupFigures const> groups) {
  auto const digits = telling_digits(groups);
  auto list = nlohmann::json::array();
  for (auto const& group : groups) {
    list.push_back({{"id", short_id(group.channel, digits)},
                    {"members", group.members},
                    {"items", group.items},
                    {"bytes", group.bytes},
                    {"last_stored_s", nullptr}});
    if (group.last_stored_s != 0) list.back()["last_stored_s"] = group.last_stored_s;
  }
  return list;
}

std::string table_of(nlohmann::json const& groups, std::uint64_t quota_bytes) {
  if (groups.empty()) return "";
  auto text = fmt::format("\n{:<10} {:>7} {:>9} {:>10} {:>5}  {}\n", "mailbox", "devices", "items", "stored", "full",
                          "last pushed to");
  for (auto const& group : groups) {
    auto const bytes = group.value("bytes", std::uint64_t{0});
    auto const last = group.find("last_stored_s");
    bool const pushed = last != group.end() && last->is_number_unsigned();
    text += fmt::format("{:<10} {:>7} {:>9} {:>10} {:>4}%  {}\n", group.value("id", ""),
                        group.value("members", std::uint64_t{0}), group.value("items", std::uint64_t{0}),
                        human_bytes(bytes), bytes * 100 / std::max<std::uint64_t>(1, quota_bytes),
                        pushed ? hour(last->get<std::uint64_t>()) : "-");
  }
  return text;
}

std::optional<GroupFigures> find_mailbox(std::span<GroupFigures const> groups, std::string_view id) {
  std::optional<GroupFigures> only;
  if (id.size() < kFewestDigits) return only;
  for (auto const& group : groups) {
    if (!to_hex(group.channel.view()).starts_with(id)) continue;
    if (only) return std::nullopt;
    only = group;
  }
  return only;
}

}  // namespace kith::relay::server
