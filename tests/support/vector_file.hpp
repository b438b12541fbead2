#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include "support/wire_json.hpp"

/// Reading the files of tests/vectors. Tests run at the repository's root.
namespace kith::testing {

[[nodiscard]] inline Json vector_file(std::string const& name) {
  std::ifstream in("tests/vectors/" + name);
  if (!in) throw std::runtime_error("no tests/vectors/" + name + ": tests run at the repository's root");
  return Json::parse(in);
}

/// The bytes, id or key that a field states in hexadecimal.
template <class T = Bytes>
[[nodiscard]] T stated(Json const& vector, char const* field) {
  return read_json<T>(vector.at(field));
}
/// The hexadecimal text of a field, to compare with.
[[nodiscard]] inline std::string stated_hex(Json const& vector, char const* field) {
  return vector.at(field).get<std::string>();
}

}  // namespace kith::testing
