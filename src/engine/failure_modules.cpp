#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/error.hpp"
#include "crypto/error.hpp"
#include "engine/failure_parts.hpp"
#include "link/tcp/error.hpp"
#include "store/store.hpp"
#include "sync/files/error.hpp"
#include "sync/files/folder_sync.hpp"
#include "wire/error.hpp"

/// The errors of the modules below.
namespace kith::engine::parts {
namespace {

using core::CoreError;
using crypto::CryptoError;
using files::BindError;
using files::FilesError;
using link::LinkError;
using store::StoreError;
using table::code;
using wire::WireError;

std::string with_reason(std::string what, Error const& error) {
  auto const words = system_words(error);
  return words.empty() ? what : fmt::format("{} ({})", what, words);
}

/// "laptop", or what stands for a device whose name nobody said.
std::string device_of(FailureContext const& context) {
  return context.device.empty() ? "the other device" : printable(context.device);
}

}  // namespace

std::optional<Failure> explain_wire(Error const& error) {
  if (!error.holds<WireError>()) return std::nullopt;
  switch (error.as<WireError>()) {
    case WireError::truncated:
    case WireError::trailing_bytes:
    case WireError::wrong_type:
    case WireError::wrong_length:
    case WireError::not_canonical:
    case WireError::too_deep:
    case WireError::not_utf8:
    case WireError::bad_value:
    case WireError::unknown_type:
      return make(code("bad-message"), "cannot read what was received",
                  fmt::format("it does not decode: {}", error.name()));
    case WireError::too_large: {
      auto const count = count_of(error);
      return make(code("too-large"), "a value is too large for its field",
                  count.limit == 0 ? "" : fmt::format("{} bytes, at most {} fit", count.count, count.limit));
    }
    case WireError::unknown_magic: return make(code("not-kith"), "this is nothing that kith wrote");
    case WireError::unknown_suite:
    case WireError::unknown_version:
      return make(code("version-newer"), "this was written by a later version of kith", versions_of(error));
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_crypto(Error const& error) {
  if (!error.holds<CryptoError>()) return std::nullopt;
  switch (error.as<CryptoError>()) {
    case CryptoError::not_authentic:
    case CryptoError::weak_point:
      return make(code("not-authentic"), "a seal or signature does not fit",
                  "bytes were changed, or another key made them");
    case CryptoError::message_too_long:
    case CryptoError::truncated:
    case CryptoError::wrong_state:
      return make(code("bad-message"), "cannot read what was received",
                  fmt::format("no valid message: {}", error.name()));
    case CryptoError::nonce_exhausted: return internal_failure(error.name());
    case CryptoError::bad_word:
      return make(code("recovery-words-wrong"), fmt::format("word {} is not a recovery word", subject_of(error, "?")),
                  "every word is from one list of 2048");
    case CryptoError::bad_word_count:
      return make(code("recovery-words-wrong"), "these are not 24 words", "a recovery key has 24 words");
    case CryptoError::bad_checksum:
      return make(code("recovery-words-wrong"), "these words do not belong together",
                  "each is in the list, but one of them is not the right one, or two have changed places");
    case CryptoError::out_of_memory:
      return make(code("out-of-memory"), "cannot get the memory that a passphrase takes",
                  "Argon2id needs 256 MiB at once");
    case CryptoError::cost_out_of_range:
      return make(code("key-file-damaged"), "the key file asks for an impossible amount of work");
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_store(Error const& error) {
  if (!error.holds<StoreError>()) return std::nullopt;
  auto const path = subject_of(error, "the database");
  switch (error.as<StoreError>()) {
    case StoreError::busy: return make(code("database-busy"), "the database is locked by another process");
    case StoreError::disk_full:
      return make(code("disk-full"), fmt::format("no room to write {}", path), system_words(error));
    case StoreError::io:
      return make(code("disk-error"), with_reason(fmt::format("cannot read or write {}", path), error));
    case StoreError::corrupt: return make(code("state-corrupt"), fmt::format("{} is damaged", path));
    case StoreError::newer_schema:
      return make(code("version-newer"), "the database was written by a later version of kith", versions_of(error));
    case StoreError::read_only:
      return make(code("permission"), fmt::format("{} cannot be written", path), system_words(error));
    case StoreError::not_found: return make(code("not-initialised"), "this home has no database yet", path);
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_core(Error const& error, FailureContext const& context) {
  if (!error.holds<CoreError>()) return std::nullopt;
  auto const device = device_of(context);
  switch (error.as<CoreError>()) {
    case CoreError::unknown_epoch:
      return make(code("key-mismatch"), "this is sealed under a key that this device does not hold");
    case CoreError::bad_seal:
      return make(code("bad-entry"), "an entry does not open", "it was altered, or sealed for another group");
    case CoreError::bad_signature:
      return make(code("bad-entry"), "a signature does not fit", "the bytes are not what their author signed");
    case CoreError::bad_prefix:
    case CoreError::bad_entry:
      return make(code("bad-entry"), "an entry contradicts itself", fmt::format("refused as {}", error.name()));
    case CoreError::entry_too_large: return make(code("too-large"), "these changes do not fit into one entry");
    case CoreError::no_group: return make(code("not-initialised"), "this home belongs to no group yet");
    case CoreError::not_member: return make(code("not-trusted"), fmt::format("{} is not in the group", device));
    case CoreError::removed_self: return make(code("revoked-self"), "this device was removed from the group");
    case CoreError::removed_peer:
      return make(code("revoked-peer"), fmt::format("{} was removed from the group", device));
    case CoreError::unknown_device: return make(code("no-such-device"), "no device of the group has this id");
    case CoreError::wrong_recovery:
      return make(code("recovery-words-wrong"), "these words are another group's recovery key");
    case CoreError::handshake_failed:
      return make(code("handshake-failed"), fmt::format("{} could not prove that it is in the group", device));
    case CoreError::version_mismatch:
      return make(code("version-mismatch"), fmt::format("{} speaks another version of the protocol", device),
                  versions_of(error));
    case CoreError::protocol_violation:
      return make(code("bad-message"), fmt::format("{} broke the protocol", device), "a message came out of turn");
    case CoreError::timed_out: return make(code("timed-out"), fmt::format("{} did not answer in time", device));
    case CoreError::closed: return make(code("connection-closed"), fmt::format("{} ended the conversation", device));
    case CoreError::wrong_code: {
      // Without a count nobody said how many are left.
      if (!std::holds_alternative<CountDetail>(error.detail()))
        return make(code("code-wrong"), "the code was not right");
      auto const left = count_of(error).count;
      if (left == 0) {
        auto failure = make(code("code-wrong"), "the code was not right, and it is void now",
                            "it was tried wrongly three times, and nobody shall guess on");
        failure.remedies = {{"kith pair", "on the other device: make another code"}};
        return failure;
      }
      return make(code("code-wrong"),
                  fmt::format("the code was not right, {} {} left", left, left == 1 ? "try" : "tries"));
    }
    case CoreError::invite_expired: return make(code("code-expired"), "the code's time is over");
    case CoreError::invite_used: return make(code("code-used"), "the code has been used already");
    case CoreError::invite_void: return make(code("code-void"), "the code is void", "it was tried wrongly three times");
    case CoreError::invite_cancelled:
      return make(code("code-cancelled"), fmt::format("{} took the invite back", device));
    case CoreError::invite_denied: return make(code("approval-denied"), fmt::format("{} said no", device));
    case CoreError::state_cloned:
      return make(code("state-cloned"), "this home is in use on another machine",
                  "another program connects under this device's name: a copied disk?");
    case CoreError::corrupt_record:
      return make(code("state-corrupt"), "the database holds a record that does not decode");
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_files(Error const& error, FailureContext const& context) {
  if (!error.holds<FilesError>()) return std::nullopt;
  auto const path = subject_of(error, "a file");
  switch (error.as<FilesError>()) {
    case FilesError::bad_chunk_length:
    case FilesError::bad_level:
    case FilesError::too_deep:
    case FilesError::empty_node:
    case FilesError::length_mismatch:
      return make(code("bad-content"), "a file's description does not add up",
                  fmt::format("refused as {}", error.name()));
    case FilesError::bad_path: return make(code("bad-path"), fmt::format("{} is no path that can travel", path));
    case FilesError::not_found: return make(code("no-such-path"), fmt::format("{} is not there", path));
    case FilesError::exists: return make(code("path-taken"), fmt::format("something is in the way at {}", path));
    case FilesError::not_a_directory:
      return make(code("not-a-directory"), fmt::format("{} is no directory", path), system_words(error));
    case FilesError::not_a_file: return make(code("not-a-file"), fmt::format("{} is no regular file", path));
    case FilesError::is_symlink:
      return make(code("not-a-file"), fmt::format("{} is or lies behind a symbolic link", path), "kith follows none");
    case FilesError::not_empty: return make(code("directory-not-empty"), fmt::format("{} still holds something", path));
    case FilesError::changed_meanwhile: return make(code("file-changed"), fmt::format("{} changed meanwhile", path));
    case FilesError::other_file_system:
      return make(code("other-file-system"), fmt::format("{} lies on another file system than its folder", path));
    case FilesError::no_space:
      return make(code("disk-full"), fmt::format("no room to write {}", path),
                  context.folder.empty()
                      ? system_words(error)
                      : fmt::format("what is to come does not fit: kith leaves the last {} MiB of a disk free",
                                    files::Fetcher::kReserveBytes >> 20));
    case FilesError::read_only:
      return make(code("permission"), fmt::format("{} cannot be written", path), system_words(error));
    case FilesError::permission:
      return make(code("permission"), fmt::format("no right to use {}", path), system_words(error));
    case FilesError::too_long: return make(code("name-too-long"), fmt::format("{} is too long for this disk", path));
    case FilesError::io:
      return make(code("disk-error"), with_reason(fmt::format("cannot read or write {}", path), error));
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_bind(Error const& error, FailureContext const& context) {
  if (!error.holds<BindError>()) return std::nullopt;
  switch (error.as<BindError>()) {
    case BindError::name_taken:
      return make(code("folder-elsewhere"),
                  fmt::format("this device keeps that folder in {}", subject_of(error, "another directory")));
    case BindError::other_folder: {
      auto failure = make(
          code("folder-foreign"),
          fmt::format("{} is another folder already",
                      subject_of(error, context.directory.empty() ? "the directory" : printable(context.directory))),
          "its marker .kith/folder names another folder, group or device");
      if (auto const& root = context.directory; !root.empty() && printable(root) == root) {
        failure.remedies.push_back({fmt::format("rm {}", shell_quoted(root + "/.kith/folder")),
                                    "if nothing else syncs it any more: this home may take it then"});
      }
      return failure;
    }
  }
  KITH_UNREACHABLE();
}

std::optional<Failure> explain_link(Error const& error, FailureContext const& context) {
  if (!error.holds<LinkError>()) return std::nullopt;
  auto const where = subject_of(error, context.address.empty() ? device_of(context) : printable(context.address));
  auto const dialled = context.address.empty() ? std::string("the relay") : printable(context.address);
  auto const why_no_relay = [&]() -> std::string {
    auto const status = count_of(error).count;
    if (status == 0) return "what answers there is no web server";
    if (status == 404)
      return "its web server knows no such place (HTTP status 404): the path in the address may be wrong";
    if (status == 429 || status >= 500) return fmt::format("it cannot take more now (HTTP status {})", status);
    return fmt::format("it answers with HTTP status {} instead of a WebSocket", status);
  };
  auto const unreachable = [&](std::string_view cause) {
    auto const words = system_words(error);
    return make(
        code("address-unreachable"),
        words.empty() ? fmt::format("cannot reach {}", where) : fmt::format("cannot reach {} ({})", where, words),
        std::string(cause));
  };
  switch (error.as<LinkError>()) {
    case LinkError::bad_address: return make(code("bad-address"), fmt::format("{} is no HOST:PORT", where));
    case LinkError::unknown_host: return unreachable("the name does not resolve");
    case LinkError::refused: return unreachable("no program listens at that port");
    case LinkError::unreachable: return unreachable("there is no route to it");
    case LinkError::timed_out: return unreachable("nothing answered in time; a firewall may drop the packets");
    case LinkError::address_in_use:
      return make(code("address-in-use"), fmt::format("{} is taken", where), system_words(error));
    case LinkError::not_permitted:
      return make(code("permission"), fmt::format("the system does not let kith use {}", where), system_words(error));
    case LinkError::bad_relay_address:
      return make(code("bad-relay-address"), fmt::format("{} is no address of a relay", where));
    case LinkError::unknown_scheme:
      return make(code("bad-relay-address"), fmt::format("a relay's address does not begin with {}://", where),
                  "it begins with wss://, or ws:// without TLS");
    case LinkError::bad_relay_key:
      return make(code("bad-relay-address"), "what follows # in the relay's address is not its key",
                  "there stands key= and 43 characters; copy the whole line that the relay prints");
    case LinkError::tls_failed:
      return make(code("relay-untrusted"), fmt::format("{} does not speak TLS", where),
                  "a relay without TLS has an address that begins with ws://; else a proxy is in between");
    case LinkError::tls_untrusted:
      return make(code("relay-untrusted"), fmt::format("the certificate of {} is not to be trusted", dialled),
                  std::string(subject_of(error, "")));
    case LinkError::not_websocket:
      return make(code("not-a-relay"), fmt::format("{} is no relay", dialled), why_no_relay());
    case LinkError::rate_limited: {
      auto const seconds = count_of(error).count;
      return make(
          code("relay-busy"), fmt::format("{} takes no more for now", dialled),
          seconds == 0 ? "" : fmt::format("it asks to wait {} {}", seconds, seconds == 1 ? "second" : "seconds"));
    }
    case LinkError::invite_taken:
      return make(code("code-used"), fmt::format("{} holds another invite that begins like this one", dialled));
    case LinkError::invite_gone:
      return make(code("code-expired"), fmt::format("{} holds the invite no more", dialled),
                  "its time is over, or the relay was started anew");
    case LinkError::bad_answer: {
      auto const status = count_of(error).count;
      return make(code("not-a-relay"), fmt::format("{} gives answers that make no sense", dialled),
                  status == 0 ? "what answers there is no web server" : fmt::format("HTTP status {}", status));
    }
    case LinkError::io: return make(code("network-error"), with_reason(fmt::format("cannot talk to {}", where), error));
  }
  KITH_UNREACHABLE();
}

}  // namespace kith::engine::parts
