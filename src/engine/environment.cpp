#include "engine/environment.hpp"

#include <unistd.h>

namespace kith::engine {

Environment Environment::of_process(mode_t user_umask) {
  Variables variables;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
    std::string_view const text = *each;
    auto const equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  auto environment = of(std::move(variables));
  environment.user_umask_ = user_umask;
  return environment;
}

std::optional<std::string> Environment::get(std::string_view name) const {
  auto const found = variables_.find(name);
  if (found == variables_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> Environment::get_filled(std::string_view name) const {
  auto value = get(name);
  if (value && value->empty()) value.reset();
  return value;
}

}  // namespace kith::engine
