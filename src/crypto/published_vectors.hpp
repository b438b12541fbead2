#pragma once

#include <string>

#include <gtest/gtest.h>

#include "crypto/vector_files.hpp"

/// For tests: vectors published by others, from a folder that is not part of the repository.
namespace kith::crypto::vectors {

/// Where the published vectors are, unless the environment variable KITH_VECTORS_DIR names another folder.
inline constexpr char const* kDefaultPublishedFolder = "../shared/vectors";

[[nodiscard]] std::filesystem::path published_folder();

/// Skips its tests where the folder is absent; fails them instead where KITH_REQUIRE_VECTORS is 1.
class PublishedVectors : public ::testing::Test {
 protected:
  void SetUp() override;
  [[nodiscard]] static Json json(std::string const& file) { return read_json(published_folder() / file); }
  [[nodiscard]] static std::string text(std::string const& file) { return read_text(published_folder() / file); }
};

/// Counts what was checked of one file, prints it at the end, and fails where it is less than there should be: an empty
/// or renamed file must not look like success.
class Tally {
 public:
  Tally(std::string file, std::size_t least) : file_(std::move(file)), least_(least) {}
  Tally(Tally const&) = delete;
  Tally& operator=(Tally const&) = delete;
  ~Tally();

  void checked() { ++checked_; }
  /// Checked as well, and the right answer was no.
  void refused() {
    ++checked_;
    ++refused_;
  }
  void out_of_scope(std::string reason) {
    ++out_of_scope_;
    reason_ = std::move(reason);
  }

 private:
  std::string file_;
  std::size_t least_;
  std::size_t checked_ = 0;
  std::size_t refused_ = 0;
  std::size_t out_of_scope_ = 0;
  std::string reason_;
};

}  // namespace kith::crypto::vectors
