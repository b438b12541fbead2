#include "sync/files/error.hpp"

#include "base/assert.hpp"

namespace kith::files {

ErrorDomain const& error_domain(FilesError) {
  static constexpr ErrorDomain domain{"files", [](int value) -> std::string_view {
                                        switch (static_cast<FilesError>(value)) {
                                          case FilesError::bad_chunk_length: return "bad_chunk_length";
                                          case FilesError::bad_level: return "bad_level";
                                          case FilesError::too_deep: return "too_deep";
                                          case FilesError::empty_node: return "empty_node";
                                          case FilesError::length_mismatch: return "length_mismatch";
                                          case FilesError::bad_path: return "bad_path";
                                          case FilesError::not_found: return "not_found";
                                          case FilesError::exists: return "exists";
                                          case FilesError::not_a_directory: return "not_a_directory";
                                          case FilesError::not_a_file: return "not_a_file";
                                          case FilesError::is_symlink: return "is_symlink";
                                          case FilesError::not_empty: return "not_empty";
                                          case FilesError::changed_meanwhile: return "changed_meanwhile";
                                          case FilesError::other_file_system: return "other_file_system";
                                          case FilesError::no_space: return "no_space";
                                          case FilesError::read_only: return "read_only";
                                          case FilesError::permission: return "permission";
                                          case FilesError::too_long: return "too_long";
                                          case FilesError::io: return "io";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

}  // namespace kith::files
