#include "engine/failure_codes.hpp"

#include <algorithm>

#include "engine/failure_table.hpp"
#include "engine/warning_table.hpp"

namespace kith::engine {

std::span<RemedyText const> FailureCode::tries() const {
  auto const used = std::ranges::count_if(remedies, [](auto const& each) { return !each.command.empty(); });
  return std::span(remedies).first(static_cast<std::size_t>(used));
}

std::span<FailureCode const> failure_codes() { return table::kCodes; }

FailureCode const* find_failure_code(std::string_view code) {
  auto const found = std::ranges::find(table::kCodes, code, &FailureCode::code);
  return found == std::end(table::kCodes) ? nullptr : &*found;
}

std::span<WarningCode const> warning_codes() { return table::kWarnings; }

WarningCode const* find_warning_code(std::string_view code) {
  auto const found = std::ranges::find(table::kWarnings, code, &WarningCode::code);
  return found == std::end(table::kWarnings) ? nullptr : &*found;
}

}  // namespace kith::engine
