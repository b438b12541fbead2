#include "base/error.hpp"

#include <fmt/format.h>

namespace kith {

std::string_view Error::subject() const {
  if (auto const* subject = std::get_if<SubjectDetail>(&detail_)) return subject->subject;
  if (auto const* system = std::get_if<SystemDetail>(&detail_)) return system->subject;
  return {};
}

std::string Error::name() const { return fmt::format("{}.{}", domain_->name, domain_->describe(value_)); }

}  // namespace kith
