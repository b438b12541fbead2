#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>
#include <sodium/utils.h>

#include "base/text.hpp"
#include "cli/handlers.hpp"
#include "cli/home_client.hpp"
#include "cli/relay_choice.hpp"
#include "crypto/mnemonic.hpp"
#include "engine/device_name.hpp"
#include "engine/home_database.hpp"
#include "engine/key_file.hpp"
#include "engine/private_file.hpp"
#include "engine/relay_setup.hpp"

namespace kith::cli {
namespace {

using engine::EngineError;

constexpr int kWordsPerLine = 6;

/// The words, in numbered lines. The caller wipes the text.
std::string words_block(std::string_view words) {
  std::string block;
  int number = 0;
  for (std::size_t at = 0; at < words.size();) {
    auto const end = std::min(words.find(' ', at), words.size());
    if (number % kWordsPerLine == 0) block += "  ";
    block += fmt::format("{:>2}. {:<9}", ++number, words.substr(at, end - at));
    if (number % kWordsPerLine == 0) block += '\n';
    at = end + 1;
  }
  return block;
}

std::string_view nth_word(std::string_view words, int n) {
  std::size_t at = 0;
  for (; n > 1; --n) at = words.find(' ', at) + 1;
  return words.substr(at, words.find(' ', at) - at);
}

/// Shows the words and makes sure that they were written down.
Result<> show_words(Context& context, std::string const& words, RandomSource& random) {
  auto& out = context.out;
  out.note("Recovery key: write these 24 words down. They stand above every device of the group, and are shown");
  out.note("only now:");
  std::string block = words_block(words);
  out.block("\n" + block + "\n");
  sodium_memzero(block.data(), block.size());
  KITH_CHECK(out.flush());
  if (context.global.yes) return {};
  int const asked = static_cast<int>(random.below(24)) + 1;
  for (;;) {
    KITH_TRY(typed, context.prompt.text(fmt::format("Saved? Type word number {}:", asked)));
    std::ranges::transform(typed, typed.begin(), ascii_lower);
    if (typed == nth_word(words, asked)) return {};
    out.note("That is not the word; look again.");
  }
}

Result<> write_words(std::string const& file, std::string const& words) {
  Bytes line;
  line.reserve(words.size() + 1);
  append(line, bytes_of(words));
  line.push_back('\n');
  SecretBytes const content(std::move(line));
  return engine::write_private_file(file, content.view(), engine::Replace::no);
}

/// What a run has made, taken away again unless it came to its end: the next one begins anew, and no words are left
/// that open nothing.
class Made {
 public:
  Made() = default;
  Made(Made const&) = delete;
  ~Made() {
    std::error_code ignored;
    for (auto const& file : files_) std::filesystem::remove(file, ignored);
  }
  void add(std::filesystem::path file) { files_.push_back(std::move(file)); }
  void keep() { files_.clear(); }

 private:
  std::vector<std::filesystem::path> files_;
};

/// The words, wiped when it goes.
struct Words {
  explicit Words(std::string made) : text(std::move(made)) {}
  Words(Words const&) = delete;
  ~Words() {
    sodium_memzero(text.data(), text.size());
    wipe_leftovers();
  }
  std::string text;
};

/// The passphrase of the keys that are to be made, had before anything is made or shown.
Result<std::optional<SecretBytes>> choose_passphrase(Context& context, InitOptions const& options) {
  auto chosen = context.new_passphrase(options.passphrase_file);
  if (!chosen && chosen.error().is(EngineError::interrupted))
    context.advise({{{"kith init", "begin anew"}}, {}, "nothing was made"});
  return chosen;
}

/// Whether there is a way to hand the words over.
Result<> check_words_place(Context& context, InitOptions const& options) {
  if (!options.recovery_file && (context.out.json() || !context.prompt.possible())) {
    context.advise({{{"kith init --recovery-file FILE", "put the words into a file that is not there yet"}}});
    return fail(EngineError::usage,
                SubjectDetail{"the recovery words need somebody to write them down: use --recovery-file FILE "
                              "where there is no terminal"});
  }
  if (options.recovery_file && engine::is_there(*options.recovery_file)) {
    context.advise({{{"kith init --recovery-file FILE", "with a file that is not there yet"}}});
    return fail(files::FilesError::exists, SystemDetail{EEXIST, *options.recovery_file});
  }
  return {};
}

/// Keys, database, group and the file with the words: all of them, or none.
Result<std::unique_ptr<engine::Client>> make_group(InitOptions const& options, engine::HomePaths const& paths,
                                                   engine::Config const& config, std::string const& name,
                                                   core::RecoveryKeys const& recovery, std::string const& words,
                                                   std::optional<core::Identity> identity,
                                                   std::optional<SecretBytes> const& passphrase) {
  // The words may have stood on the screen for a while. With keys that were here before, another process may have
  // joined a group meanwhile, or be at it; without them, whoever makes them first goes on.
  std::optional<engine::FileLock> lock;
  if (identity) {
    KITH_TRY(taken, engine::FileLock::try_take(paths.network_lock));
    if (!taken) return fail(EngineError::owner_busy);
    lock.emplace(std::move(*taken));
  }
  Made made;
  crypto::SystemRandom random;
  if (!identity) {
    KITH_TRY(fresh, engine::make_keys(paths.key_file, passphrase, random, engine::current_time().wall));
    identity = std::move(fresh);
    made.add(paths.key_file);
  }
  if (!engine::is_there(paths.database)) {
    for (char const* suffix : {"-wal", "-shm", ""}) made.add(paths.database.native() + suffix);
  }
  KITH_TRY(client,
           engine::Client::open(std::move(*identity), {paths, config, "kith init"}, engine::Instance::Need::nothing));
  KITH_TRY(transaction, store::Transaction::begin(client->instance().store()));
  KITH_TRY(there, client->instance().store().get(store::Table::meta, bytes_of(core::kGenesisKey)));
  if (there) return fail(EngineError::already_initialised);
  KITH_CHECK(client->instance().replica.create_group(options.group, name, recovery, engine::current_time()));
  if (options.recovery_file) {
    KITH_CHECK(write_words(*options.recovery_file, words));
    made.add(*options.recovery_file);
  }
  KITH_CHECK(transaction.commit());
  made.keep();
  return std::move(client);
}

/// Draws the words, hands them over, and makes the group. Neither they nor the passphrase outlive it: the command may
/// go on for a while.
Result<std::unique_ptr<engine::Client>> found_group(Context& context, InitOptions const& options,
                                                    engine::HomePaths const& paths, engine::Config const& config,
                                                    std::string const& name, std::optional<core::Identity> identity,
                                                    std::optional<SecretBytes> passphrase) {
  bool const to_terminal = !options.recovery_file;
  crypto::SystemRandom random;
  auto const entropy = random.secret<crypto::MnemonicEntropy>();
  auto const recovery = core::RecoveryKeys::from_entropy(entropy);
  Words const words(crypto::to_words(entropy));
  auto const shown = to_terminal ? show_words(context, words.text, random) : Result<>{};
  auto made = shown ? make_group(options, paths, config, name, recovery, words.text, std::move(identity), passphrase)
                    : fail(shown.error());
  if (!made) {
    context.out.note(to_terminal ? "No group was made. The words above open nothing; the next run shows others."
                                 : "No group was made, and no recovery words were written.");
    if (made.error().is(EngineError::interrupted))
      context.advise({{{"kith init", "begin anew"}}, {}, "no group was made"});
  }
  return made;
}

/// The group is made in any case; what became of its relay?
Result<int> tell_of_relay(Context& context, link::RelayAddress const& relay, Result<engine::RelayAdded> const& added) {
  auto const where = engine::without_key(link::to_text(relay));
  if (added) {
    context.out.result(fmt::format("{} {} is a relay of this group.", context.out.glyphs().done(), printable(where)));
    if (!added->words_lead_there) warn_of_no_record(context, where);
    note_this_machine(context, relay);
    return engine::kExitOk;
  }
  context.advise({{{fmt::format("kith relay add {}", engine::shell_quoted(link::to_text(relay))), "try again"},
                   {fmt::format("kith relay test {}", engine::shell_quoted(where)), "see which step fails"}},
                  {},
                  "the group was made; it uses no relay yet"});
  engine::FailureContext about;
  about.address = where;
  return context.fail(added.error(), about);
}

Result<int> init(Context& context, InitOptions const& options) {
  KITH_TRY(paths, context.home());
  auto const config = context.config();
  if (!config) return context.fail(config.error());
  std::string const name = options.name.value_or(config->config.device_name);
  for (auto const& [what, text] : {std::pair{"--name", name}, {"--group", options.group}}) {
    if (!engine::is_name(text))
      return fail(EngineError::usage, SubjectDetail{fmt::format("{} is no name: \"{}\"", what, printable(text))});
  }
  if (engine::reads_as_id(name)) return fail(EngineError::usage, SubjectDetail{no_name_for_a_device(name)});
  std::optional<link::RelayAddress> relay;
  std::string token;
  if (options.relay) {
    KITH_TRY(read, read_relay_token(options.token_file));
    token = std::move(read);
    KITH_TRY(pinned, pinned_relay(context, *options.relay, options.trust_relay));
    relay = std::move(pinned);
  }
  std::optional<SecretBytes> passphrase;
  if (!engine::is_there(paths.key_file)) {
    KITH_CHECK(check_words_place(context, options));
    KITH_TRY(chosen, choose_passphrase(context, options));
    passphrase = std::move(chosen);
  }
  KITH_CHECK(engine::prepare_home(paths));

  // Keys that are there already are used: an earlier run may have been interrupted.
  auto const old_file = engine::read_key_file(paths.key_file);
  std::optional<core::Identity> identity;
  if (old_file) {
    KITH_TRY(unlocked, engine::unlock(*old_file, context.passphrase(options.passphrase_file)));
    identity = std::move(unlocked);
    auto const instance = engine::Instance::open(paths, *identity);
    if (instance && was_removed(**instance)) {
      context.advise({{{"kith init --home DIR", "start a group of its own in a new home"},
                       {"kith pair --home DIR --join CODE --peer HOST:PORT", "or join again, with a new home"}}});
      return fail(core::CoreError::removed_self);
    }
    if (instance) return fail(EngineError::already_initialised);
    if (!instance.error().is(EngineError::not_initialised)) return fail(instance.error());
  } else if (!old_file.error().is(engine::KeyError::missing)) {
    return fail(old_file.error());
  }
  KITH_CHECK(check_words_place(context, options));
  bool const to_terminal = !options.recovery_file;
  KITH_TRY(client,
           found_group(context, options, paths, config->config, name, std::move(identity), std::move(passphrase)));
  auto& replica = client->instance().replica;
  client->bell().ring();
  auto const added = relay ? engine::add_relay(*client, *relay, std::move(token), relay_waiting(context))
                           : Result<engine::RelayAdded>{};

  auto object = json_document("kith.init/1");
  object["group"] = {{"id", json_id(replica.state().group())}, {"name", options.group}};
  KITH_TRY(self, device_json(*client, client->device_id()));
  object["device"] = self;
  object["recovery"] = to_terminal ? "shown" : "file";
  context.out.document(object);
  context.out.result(fmt::format("Created group \"{}\" on {} (device {}). Next: {}", options.group, name,
                                 short_id(client->device_id()), context.out.command("kith pair")));
  if (!to_terminal) {
    context.out.note(fmt::format("The recovery words are in {}: put them where no device of yours is lost with them.",
                                 *options.recovery_file));
  }
  if (relay) return tell_of_relay(context, *relay, added);
  return engine::kExitOk;
}

}  // namespace

int cmd_init(Context& context, InitOptions const& options) {
  return run_body(context, [&] { return init(context, options); });
}

}  // namespace kith::cli
