#pragma once

#include <string>

#include "disk/fd.hpp"
#include "sync/files/file_system.hpp"

namespace kith::disk {

/// An open regular file. Interrupted and short reads and writes are carried on.
class PosixFile final : public files::TempFile {
 public:
  PosixFile(Fd fd, std::string subject) : fd_(std::move(fd)), subject_(std::move(subject)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) override;
  Result<files::Stat> stat() override;
  Result<> write_at(std::uint64_t offset, ByteView bytes) override;
  Result<> truncate(std::uint64_t size) override;
  Result<> set_attributes(std::uint32_t mode, std::int64_t mtime_ns) override;
  Result<> sync() override;

 private:
  [[nodiscard]] Result<> check(int returned) const;

  Fd fd_;
  std::string subject_;
};

}  // namespace kith::disk
