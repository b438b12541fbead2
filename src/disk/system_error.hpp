#pragma once

#include <string_view>

#include <sys/stat.h>

#include "sync/files/file_system.hpp"

/// The system's numbers and structures as kith's.
namespace kith::disk {

/// The error for an errno, with the errno and the path as its detail.
[[nodiscard]] tl::unexpected<Error> fail_errno(int number, std::string_view subject);

[[nodiscard]] files::Stat to_stat(struct stat const& from);

/// fstatat of one name, which is not followed. @return FilesError::not_found and others
[[nodiscard]] Result<files::Stat> stat_at(int directory, std::string_view name, std::string_view subject);

/// fstat.
[[nodiscard]] Result<files::Stat> stat_of(int fd, std::string_view subject);

}  // namespace kith::disk
