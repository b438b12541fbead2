#include <cstdio>
#include <filesystem>
#include <fstream>

#include "corpus.hpp"
#include "crypto/system_random.hpp"

/// Writes the seed corpora into a folder, one folder per target below it. Inputs that fuzzers found are kept beside
/// them by hand, under other names.
int main(int argc, char** argv) {
  using namespace kith::fuzz;
  if (argc != 2) {
    std::fprintf(stderr, "usage: kith_gen_corpus FOLDER\n");
    return 2;
  }
  kith::crypto::initialise();
  std::pair<char const*, Corpus> const corpora[]{{"msgpack", msgpack_corpus()},
                                                 {"sealed", sealed_corpus()},
                                                 {"frame", frame_corpus()},
                                                 {"handshake", handshake_corpus()},
                                                 {"pairing", pairing_corpus()},
                                                 {"open_entry", open_entry_corpus()},
                                                 {"content", content_corpus()},
                                                 {"path", path_corpus()},
                                                 {"session", session_corpus()},
                                                 {"relay_message", relay_message_corpus()},
                                                 {"relay", relay_corpus()},
                                                 {"inviter", inviter_corpus()},
                                                 {"joiner", joiner_corpus()},
                                                 {"recovery", recovery_corpus()},
                                                 {"recovery_stream", recovery_stream_corpus()},
                                                 {"rows", rows_corpus()},
                                                 {"typed", typed_corpus()},
                                                 {"config", config_corpus()},
                                                 {"key_file", key_file_corpus()},
                                                 {"relay_http", relay_http_corpus()},
                                                 {"relay_object", relay_object_corpus()}};
  for (auto const& [target, corpus] : corpora) {
    auto const folder = std::filesystem::path(argv[1]) / target;
    std::filesystem::create_directories(folder);
    for (auto const& seed : corpus) {
      std::ofstream file(folder / seed.name, std::ios::binary);
      file.write(reinterpret_cast<char const*>(seed.bytes.data()), static_cast<std::streamsize>(seed.bytes.size()));
      file.close();
      if (!file) {
        std::fprintf(stderr, "cannot write %s\n", (folder / seed.name).c_str());
        return 1;
      }
    }
  }
  return 0;
}
