#pragma once

#include <filesystem>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace kith::relay {

/// A directory of its own, gone at the end of the test.
class RelayDirectory {
 public:
  RelayDirectory() {
    auto name = ::testing::TempDir() + "kith-relay-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~RelayDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RelayDirectory(RelayDirectory const&) = delete;
  RelayDirectory& operator=(RelayDirectory const&) = delete;
  [[nodiscard]] std::filesystem::path operator/(char const* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace kith::relay
