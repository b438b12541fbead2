#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/random.hpp"
#include "base/result.hpp"

namespace kith::relay::sqlite {

/// Objects as files of one directory, spread over 256 others by the first two digits of their random names. A file is
/// whole and on the disk, name and all, when make() returns; what no row names is removed when the store is opened.
class ObjectFiles {
 public:
  /// Makes the directory if it is not there.
  [[nodiscard]] static Result<ObjectFiles> open(std::filesystem::path directory);

  /// @return the new file's name; StoreError::disk_full or io with SystemDetail
  [[nodiscard]] Result<std::string> make(ByteView bytes, RandomSource& random) const;
  /// @return fewer bytes at the end of the file; StoreError::not_found or io
  [[nodiscard]] Result<Bytes> read(std::string const& name, std::uint64_t offset, std::size_t size) const;
  void remove(std::string const& name) const;
  /// All names there are; half-made files are removed.
  [[nodiscard]] std::set<std::string> names() const;

 private:
  explicit ObjectFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}
  [[nodiscard]] std::filesystem::path place(std::string const& name) const;

  std::filesystem::path directory_;
};

}  // namespace kith::relay::sqlite
