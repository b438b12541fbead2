#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "crypto/system_random.hpp"
#include "mutate.hpp"
#include "property.hpp"
#include "support/proof.hpp"

/// Runs a fuzz target without a fuzzer: every file of a folder (or the one file), then so many mutations of them, the
/// same ones each time. Where the target crashes, the input is left in the file crash-input of the working folder.
///
///     replay_NAME PATH [MUTATIONS [SEED]]
namespace {

using kith::Bytes;

Bytes const* current = nullptr;  // what the target is given, for the signal handler

extern "C" void keep_input(int signal) {
  if (current != nullptr) {
    int const file = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file >= 0 && ::write(file, current->data(), current->size()) >= 0) {
      constexpr std::string_view kSaid = "the input is in crash-input\n";
      static_cast<void>(!::write(STDERR_FILENO, kSaid.data(), kSaid.size()));
    }
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(Bytes const& input) {
  current = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  current = nullptr;
}

Bytes read(std::filesystem::path const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Bytes> corpus_of(std::filesystem::path const& path) {
  if (!std::filesystem::is_directory(path)) return {read(path)};
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<Bytes> corpus;
  for (auto const& file : files) corpus.push_back(read(file));
  return corpus;
}

}  // namespace

// The sanitizers end a program in their own way; with this they do it by SIGABRT, which keeps the input.
extern "C" char const* __asan_default_options() { return "abort_on_error=1"; }
extern "C" char const* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s PATH [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  kith::crypto::initialise();
  std::signal(SIGABRT, keep_input);
  std::signal(SIGSEGV, keep_input);
  auto const corpus = corpus_of(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "no inputs in %s\n", argv[1]);
    return 1;
  }
  for (auto const& input : corpus) run(input);
  run({});
  std::uint64_t const mutations = argc > 2 ? std::stoull(argv[2]) : 0;
  kith::fuzz::Mutator mutator(argc > 3 ? std::stoull(argv[3]) : 1);
  for (std::uint64_t i = 0; i < mutations; ++i) run(mutator.next(corpus));
  kith::testing::count_proof("fuzz_runs", corpus.size() + 1 + mutations);
  std::printf("%zu inputs and %llu mutations\n", corpus.size(), static_cast<unsigned long long>(mutations));
  return 0;
}
