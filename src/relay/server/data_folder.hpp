#pragma once

#include <filesystem>
#include <optional>

#include "base/random.hpp"
#include "crypto/dh.hpp"
#include "relay/server/error.hpp"

namespace kith::relay::server {

/// The directory that is a relay's own: its key, its database, its admin socket. One process at a time has it.
class DataFolder {
 public:
  /// Makes the directory (0700) if it is not there, and takes it until destroyed.
  /// @return ServerError::data_in_use, not_permitted, io
  [[nodiscard]] static Result<DataFolder> open(std::filesystem::path path);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  [[nodiscard]] std::filesystem::path database() const { return path_ / "relay.db"; }
  [[nodiscard]] static std::filesystem::path admin_socket(std::filesystem::path const& data) {
    return data / "admin.sock";
  }

  /// The relay's static key, in `relay.key`: base64url of 32 bytes, 0600. Made at the first start; devices pin it, so
  /// it goes into every backup.
  /// @return ServerError::bad_key_file, not_permitted, io
  [[nodiscard]] Result<crypto::DhKeyPair> key(RandomSource& random) const;

 private:
  DataFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_;
};

/// Where a relay keeps its data when nobody says: /var/lib/kith-relay where that is there and may be written, else
/// kith-relay-data in the working directory.
[[nodiscard]] std::filesystem::path default_data_folder();

}  // namespace kith::relay::server
