#include "relay/server/explain.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "relay/server/error.hpp"
#include "store/store.hpp"

namespace kith::relay::server {
namespace {

std::string reason(Error const& error) {
  if (auto const* const versions = std::get_if<VersionsDetail>(&error.detail()))
    return fmt::format(": version {} here, version {} there", versions->ours_max, versions->theirs_max);
  auto const* const system = std::get_if<SystemDetail>(&error.detail());
  return system != nullptr && system->number != 0 ? std::string(": ") + std::strerror(system->number) : "";
}

std::string explain_server(ServerError value, std::string const& subject, std::string const& why) {
  switch (value) {
    case ServerError::bad_address:
      return fmt::format("cannot listen at {}{}\n  try:   an address of this machine, as --listen 127.0.0.1:8080",
                         subject, why);
    case ServerError::address_in_use:
      return fmt::format(
          "{} is in use by another program\n  try:   another port: --listen, or [monitoring] listen in relay.toml",
          subject);
    case ServerError::not_permitted:
      return fmt::format("the system does not permit {}{}\n  try:   a port above 1023, or the directory's owner",
                         subject, why);
    case ServerError::io: return fmt::format("{}{}", subject, why);
    case ServerError::bad_certificate:
      return fmt::format(
          "{} cannot be used for TLS\n  try:   [tls] certificate and key must be PEM files that belong together",
          subject);
    case ServerError::bad_key_file:
      return fmt::format(
          "{} is damaged, or others may read it\n  your devices know the relay by this key: do not remove it\n"
          "  try:   chmod 600 {}, or put it back from a backup",
          subject, subject);
    case ServerError::bad_tokens_file:
      return fmt::format("{} holds no token, or one of fewer than 16 characters", subject);
    case ServerError::data_in_use:
      return fmt::format("another kith-relay runs with the data in {}\n  try:   --data with another directory",
                         subject);
    case ServerError::not_running:
      return fmt::format("no relay answers at {}\n  try:   --data with the running relay's directory", subject);
    case ServerError::refused: return fmt::format("the relay says: {}", subject);
  }
  KITH_UNREACHABLE();
}

std::string explain_store(store::StoreError value, std::string const& subject, std::string const& why) {
  using store::StoreError;
  switch (value) {
    case StoreError::busy: return fmt::format("another program holds the database {}", subject);
    case StoreError::disk_full: return fmt::format("the disk of {} is full", subject);
    case StoreError::io: return fmt::format("{} cannot be read or written{}", subject, why);
    case StoreError::corrupt:
      return fmt::format(
          "{} is damaged, or no relay's database\n  try:   put back a backup; devices bring what it lacks", subject);
    case StoreError::newer_schema:
      return fmt::format(
          "the database was written by a later version of kith-relay{}\n  try:   that version, or a backup", why);
    case StoreError::read_only: return fmt::format("{} cannot be written{}", subject, why);
    case StoreError::not_found: return fmt::format("{} is not there", subject);
  }
  KITH_UNREACHABLE();
}

/// Of what the running relay answers each line is a line of its own.
std::string printable_lines(std::string_view text) {
  std::string lines;
  for (;;) {
    auto const end = text.find('\n');
    lines += printable(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string explain(Error const& error) {
  if (error.is(ServerError::refused)) return explain_server(ServerError::refused, printable_lines(error.subject()), "");
  auto const subject = printable(error.subject());
  if (error.holds<ServerError>()) return explain_server(error.as<ServerError>(), subject, reason(error));
  auto const* const system = std::get_if<SystemDetail>(&error.detail());
  if (error.is(store::StoreError::read_only) && system != nullptr && system->number == EEXIST)
    return fmt::format("{} is there already\n  try:   another name: no file is written over", subject);
  if (error.holds<store::StoreError>()) return explain_store(error.as<store::StoreError>(), subject, reason(error));
  return fmt::format("{} {}{}", error.name(), subject, reason(error));
}

}  // namespace kith::relay::server
