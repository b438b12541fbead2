#include "relay/server/storage.hpp"

#include <cerrno>
#include <fstream>

#include "relay/server/log.hpp"
#include "relay/sqlite/sqlite_relay_store.hpp"

namespace kith::relay::server {

Result<Storage> open_storage(std::filesystem::path const& database, Config const& config, RandomSource& random) {
  KITH_TRY(opened, SqliteRelayStore::open(database, config.rules.store, random));
  std::shared_ptr<SqliteRelayStore> const store = std::move(opened);
  KITH_TRY(reader, store->open_reader());
  Storage storage;
  storage.parts.writer = store;
  storage.parts.reader = std::move(reader);
  if (config.checkpoint == Checkpoint::own) {
    storage.parts.checkpoint = [store] {
      if (auto const done = store->checkpoint(); !done) log::warn("storage.checkpoint_failed", {{"why", done.error()}});
    };
  }
  storage.figures = [store] {
    auto const figures = store->figures();
    return StorageFigures{figures.groups,       figures.items,     figures.bytes,     figures.objects,
                          figures.object_bytes, figures.wal_bytes, figures.disk_bytes};
  };
  storage.backup = [store](std::filesystem::path const& to) { return store->backup(to); };
  return storage;
}

Result<Registration> load_registration(RegistrationRule const& rule) {
  if (!rule.needs_token) return OpenRegistration{rule.hashcash_bits};
  std::ifstream file(rule.tokens_file);
  if (!file) return fail(system_error(errno, rule.tokens_file.native()));
  TokenRegistration registration;
  for (std::string line; std::getline(file, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    auto const begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    auto const token = line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
    if (token.size() < kLeastTokenCharacters)
      return fail(ServerError::bad_tokens_file, SubjectDetail{rule.tokens_file.native()});
    registration.tokens.insert(token);
  }
  if (registration.tokens.empty()) return fail(ServerError::bad_tokens_file, SubjectDetail{rule.tokens_file.native()});
  return registration;
}

}  // namespace kith::relay::server
