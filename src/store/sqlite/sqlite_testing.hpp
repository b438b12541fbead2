#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite/sqlite_store.hpp"

namespace kith::store {

/// A directory of its own, gone at the end of the test.
class TempDir {
 public:
  TempDir() {
    auto name = testing::TempDir() + "kith-store-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(TempDir const&) = delete;
  TempDir& operator=(TempDir const&) = delete;

  [[nodiscard]] std::filesystem::path operator/(char const* name) const { return path_ / name; }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Opens what must open.
inline std::unique_ptr<SqliteStore> opened(std::filesystem::path const& path, OpenMode mode,
                                           SqliteOptions const& options = {}) {
  auto store = SqliteStore::open(path, mode, options);
  if (!store) {
    ADD_FAILURE() << path << ": " << store.error().name();
    std::abort();  // the tests have nothing to go on with, and a child process must not go on either
  }
  return *std::move(store);
}

/// The error of what must not open.
inline Error refusal(std::filesystem::path const& path, OpenMode mode, SqliteOptions const& options = {}) {
  auto store = SqliteStore::open(path, mode, options);
  if (store) {
    ADD_FAILURE() << path << " was opened";
    std::abort();
  }
  return store.error();
}

inline int system_number(Error const& error) {
  auto const* detail = std::get_if<SystemDetail>(&error.detail());
  return detail == nullptr ? -1 : detail->number;
}

inline ::mode_t mode_of(std::filesystem::path const& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : ~::mode_t{0};
}

/// Runs `body` in a child process. No connection may be open: SQLite must not be carried across a fork
/// (https://sqlite.org/howtocorrupt.html, section 2.6).
inline ::pid_t start_child(std::function<int()> const& body) {
  auto const child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}
/// What the child's body returned; 128 + signal if it was killed.
inline int wait_for(::pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// In a child's body: what a test would EXPECT.
#define KITH_CHILD_CHECK(condition)                                                        \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      (void)std::fprintf(stderr, "in child: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      return 1;                                                                            \
    }                                                                                      \
  } while (false)

}  // namespace kith::store
