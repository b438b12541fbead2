#include <cstdio>
#include <filesystem>
#include <fstream>

#include "crypto/system_random.hpp"
#include "vectors.hpp"

/// Writes the golden vectors into a folder. The test vectors_are_current compares them with those of the repository.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: kith_gen_vectors FOLDER\n");
    return 2;
  }
  kith::crypto::initialise();
  std::filesystem::path const folder(argv[1]);
  std::filesystem::create_directories(folder);
  auto const write = [&](char const* name, kith::vectors::Json const& json) {
    std::ofstream file(folder / name, std::ios::binary);
    file << json.dump(1) << '\n';
    file.close();
    if (!file) std::fprintf(stderr, "cannot write %s\n", (folder / name).c_str());
    return static_cast<bool>(file);
  };
  bool const written = write("wire.json", kith::vectors::wire_values()) && write("keys.json", kith::vectors::keys()) &&
                       write("entries.json", kith::vectors::entries()) &&
                       write("session.json", kith::vectors::session()) &&
                       write("pairing.json", kith::vectors::pairing()) &&
                       write("recovery.json", kith::vectors::recovery()) && write("relay.json", kith::vectors::relay());
  return written ? 0 : 1;
}
