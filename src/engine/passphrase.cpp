#include "engine/passphrase.hpp"

#include <cerrno>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/key_file.hpp"
#include "engine/private_file.hpp"
#include "sync/files/error.hpp"

namespace kith::engine {
namespace {

constexpr int kTypingTries = 3;
constexpr std::size_t kMaxCommandOutput =
    std::size_t{64} * 1024;  // tools print more than the passphrase after the first line

/// `length` bytes of `bytes` in a buffer of their own.
SecretBytes first_bytes(SecretBytes const& bytes, std::size_t length) {
  return SecretBytes(Bytes(bytes.view().begin(), bytes.view().begin() + static_cast<std::ptrdiff_t>(length)));
}

Result<SecretBytes> checked(SecretBytes passphrase) {
  if (passphrase.empty()) return fail(KeyError::passphrase_empty);
  if (auto const size = passphrase.view().size(); size > kMaxPassphraseBytes)
    return fail(KeyError::passphrase_too_long, CountDetail{size, kMaxPassphraseBytes});
  return passphrase;
}

Result<SecretBytes> read_file(std::filesystem::path const& path) {
  auto const unreadable = [&](int number) {
    return fail(KeyError::passphrase_unreadable, SystemDetail{number, path.native()});
  };
  // Links are followed: secret stores of containers and services hand files out that way.
  disk::Fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return unreadable(errno);
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return unreadable(errno);
  if (S_ISDIR(found.st_mode)) return unreadable(EISDIR);
  if ((found.st_mode & 077) != 0 || (found.st_uid != ::geteuid() && found.st_uid != 0))
    return fail(KeyError::passphrase_too_open, SubjectDetail{path.native()});

  auto content = read_to_end(file, kMaxPassphraseBytes + 2, path);
  if (!content && content.error().is(files::FilesError::too_long))
    return fail(KeyError::passphrase_too_long, std::get<CountDetail>(content.error().detail()));
  if (!content) return unreadable(std::get<SystemDetail>(content.error().detail()).number);
  auto text = content->text();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() + 1 == content->text().size() && text.ends_with('\r')) text.remove_suffix(1);
  return checked(first_bytes(*content, text.size()));
}

/// What the command is given: no input, our error output, and signals as a shell expects them.
class SpawnSetup {
 public:
  explicit SpawnSetup(int output) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (int each : {SIGPIPE, SIGINT, SIGTERM, SIGUSR1}) sigaddset(&defaults, each);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSetup(SpawnSetup const&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

/// @return the exit status as a shell has it: 128 + the signal's number for a process that one ended
int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Our environment but for what is ours alone.
std::vector<char*> environment_of_commands() {
  std::vector<char*> all;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
    if (!std::string_view(*each).starts_with("KITH_CODE=")) all.push_back(*each);
  }
  all.push_back(nullptr);
  return all;
}

Result<SecretBytes> run_command(std::string const& command) {
  auto const failed = [](int status) {
    return fail(KeyError::passphrase_command, CountDetail{static_cast<std::uint64_t>(status), 0});
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed(127);
  disk::Fd reader(ends[0]);
  disk::Fd writer(ends[1]);
  SpawnSetup const setup(writer.get());
  std::string shell = "sh", flag = "-c", text = command;
  char* const arguments[] = {shell.data(), flag.data(), text.data(), nullptr};
  auto environment = environment_of_commands();
  pid_t child = 0;
  if (::posix_spawn(&child, "/bin/sh", &setup.actions, &setup.attributes, arguments, environment.data()) != 0)
    return failed(127);
  writer = disk::Fd();
  auto output = read_to_end(reader, kMaxCommandOutput, "KITH_PASSPHRASE_COMMAND");
  reader = disk::Fd();  // who goes on writing is told by the pipe
  if (!output) ::kill(child, SIGTERM);
  int const status = wait_for(child);
  if (!output || status != 0) return failed(output ? status : 127);
  auto line = output->text();
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return checked(first_bytes(*output, line.size()));
}

}  // namespace

PassphraseSource::PassphraseSource(std::optional<std::string> const& file, Environment const& environment,
                                   AskPassphrase ask)
    : command_(environment.get_filled("KITH_PASSPHRASE_COMMAND")), ask_(std::move(ask)) {
  if (file && !file->empty()) {
    file_ = *file;
  } else if (auto named = environment.get_filled("KITH_PASSPHRASE_FILE")) {
    file_ = *named;
  }
}

Result<SecretBytes> PassphraseSource::from_elsewhere() const {
  return file_ ? read_file(*file_) : run_command(*command_);
}

Result<SecretBytes> PassphraseSource::existing(std::string_view question) const {
  if (configured()) return from_elsewhere();
  if (!ask_) return fail(KeyError::locked);
  KITH_TRY(typed, ask_(question));
  return checked(std::move(typed));
}

Result<SecretBytes> PassphraseSource::typed_again(SecretBytes first) const {
  KITH_TRY(whole, checked(std::move(first)));
  KITH_TRY(second, ask_("The same again"));
  bool const same = whole.view().size() == second.view().size() &&
                    sodium_memcmp(whole.view().data(), second.view().data(), whole.view().size()) == 0;
  if (!same) return fail(KeyError::passphrase_mismatch);
  return std::move(whole);
}

Result<std::optional<SecretBytes>> PassphraseSource::for_new_keys(bool offer) const {
  std::optional<SecretBytes> chosen;
  if (configured()) {
    KITH_TRY(named, from_elsewhere());
    chosen = std::move(named);
    return chosen;
  }
  if (!offer || !ask_) return chosen;
  for (int tries = 1;; ++tries) {
    KITH_TRY(first, ask_(tries == 1 ? "New passphrase for this device's keys (Enter for none)"
                                    : "They differ. New passphrase (Enter for none)"));
    if (first.empty()) return chosen;
    auto twice = typed_again(std::move(first));
    if (twice) {
      chosen = std::move(*twice);
      return chosen;
    }
    if (!twice.error().is(KeyError::passphrase_mismatch) || tries == kTypingTries) return fail(twice.error());
  }
}

Result<core::Identity> unlock(KeyFile const& file, PassphraseSource const& source) {
  if (file.protection() == KeyProtection::plain) return file.open();
  for (int tries = 1;; ++tries) {
    KITH_TRY(passphrase, source.existing(tries == 1 ? "Passphrase" : "That was not it. Passphrase"));
    auto opened = file.open(passphrase.view());
    bool const again = !opened && opened.error().is(KeyError::wrong_passphrase);
    if (!again || source.configured() || tries == kTypingTries) return opened;
  }
}

Result<core::Identity> make_keys(std::filesystem::path const& key_file, std::optional<SecretBytes> const& passphrase,
                                 RandomSource& random, WallTime now) {
  auto identity = core::Identity::generate(random, now);
  KITH_CHECK(store_keys(key_file, identity, passphrase, random));
  return identity;
}

Result<> store_keys(std::filesystem::path const& key_file, core::Identity const& identity,
                    std::optional<SecretBytes> const& passphrase, RandomSource& random) {
  if (!passphrase) return create_key_file(key_file, encode_key_file(identity));
  KITH_TRY(content, encode_key_file(identity, passphrase->view(), random));
  return create_key_file(key_file, content);
}

}  // namespace kith::engine
