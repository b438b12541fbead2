#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "engine/instance.hpp"
#include "engine/key_file.hpp"
#include "engine/passphrase.hpp"

/// Looks for a home's own secrets, as plain bytes, in every file of the home: `kith_find_keys HOME [PASSPHRASE-FILE]`.
/// Exit code 0: none found; 3: some; 1: the home cannot be opened.
namespace {

using namespace kith;

struct Named {
  std::string name;
  Bytes bytes;
};

template <class Secret>
Named named(std::string name, Secret const& secret) {
  auto const view = secret.view();
  return {std::move(name), Bytes(view.begin(), view.end())};
}

std::vector<Named> secrets_of(core::Identity const& identity, engine::Instance* instance) {
  std::vector<Named> secrets;
  secrets.push_back(named("signing seed", identity.sign.seed()));
  secrets.push_back(named("X25519 secret key", identity.dx.secret_key));
  secrets.push_back(named("device root", identity.root));
  secrets.push_back(named("storage key", identity.storage));
  if (instance == nullptr) return secrets;
  auto const& state = instance->replica.state();
  secrets.push_back(named("content secret", state.genesis().content_secret));
  secrets.push_back(named("locator secret", state.genesis().locator_secret));
  for (auto const& [id, secret] : state.secrets()) secrets.push_back(named("epoch secret", secret));
  return secrets;
}

int run(std::filesystem::path const& home, std::optional<std::string> passphrase_file) {
  auto const paths = engine::find_home({home.native(), std::nullopt, std::nullopt}, engine::Environment{});
  if (!paths) return std::fputs("find_keys: no home\n", stderr), 1;
  auto const file = engine::read_key_file(paths->key_file);
  if (!file) return fmt::print(stderr, "find_keys: {}\n", file.error().name()), 1;
  engine::PassphraseSource const source(
      passphrase_file, engine::Environment{},
      [](std::string_view) -> Result<SecretBytes> { return fail(engine::KeyError::locked); });
  auto const identity = engine::unlock(*file, source);
  if (!identity) return fmt::print(stderr, "find_keys: {}\n", identity.error().name()), 1;
  auto instance = engine::Instance::open(*paths, *identity);
  auto const secrets = secrets_of(*identity, instance ? instance->get() : nullptr);

  std::size_t files = 0, found = 0;
  std::uintmax_t bytes = 0;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(home)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string const content{std::istreambuf_iterator<char>(in), {}};
    ++files;
    bytes += content.size();
    for (auto const& secret : secrets) {
      if (content.find(text_of(secret.bytes)) == std::string::npos) continue;
      ++found;
      fmt::print("found: {} in {}\n", secret.name, entry.path().filename().native());
    }
  }
  fmt::print("{} secrets, {} files, {} bytes searched: {} found\n", secrets.size(), files, bytes, found);
  return found == 0 ? 0 : 3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: kith_find_keys HOME [PASSPHRASE-FILE]\n", stderr), 2;
  crypto::initialise();
  return run(argv[1], argc > 2 ? std::optional<std::string>(argv[2]) : std::nullopt);
}
