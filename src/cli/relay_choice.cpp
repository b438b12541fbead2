#include "cli/relay_choice.hpp"

#include <fstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/signals.hpp"
#include "engine/relay_setup.hpp"
#include "relay/channel/key_mark.hpp"

namespace kith::cli {

using engine::EngineError;

std::chrono::milliseconds relay_patience(Context& context) {
  constexpr auto kAnswerTime = std::chrono::seconds{20};
  return context.global.timeout.value_or(kAnswerTime);
}

engine::Waiting relay_waiting(Context& context) {
  return {relay_patience(context), false, signals::wake_descriptor(), [] {
            signals::drain();
            return signals::stop_signal() != 0;
          }};
}

Result<link::RelayAddress> pinned_relay(Context& context, std::string const& url, bool trust) {
  KITH_TRY(address, link::parse_relay_address(url));
  auto found = engine::find_relay(address, relay_waiting(context));
  if (!found) return fail(found.error());
  if (address.key) return address;
  address.key = found->key.bytes;
  if (!trust) {
    auto const question = fmt::format("{} has the key {}. Is that the one that its operator gave you?",
                                      printable(link::host_port(address)), relay::key_mark(found->key));
    if (!context.prompt.possible()) return fail(EngineError::relay_unpinned, SubjectDetail{link::host_port(address)});
    KITH_TRY(yes, context.prompt.confirm(question));
    if (!yes) return fail(EngineError::declined);
  }
  return address;
}

Result<std::string> read_relay_token(std::optional<std::string> const& file) {
  if (!file) return std::string{};
  std::ifstream in(*file, std::ios::binary);
  if (!in) return fail(EngineError::usage, SubjectDetail{fmt::format("cannot read the token in {}", printable(*file))});
  std::string token(kLimits.max_name_bytes, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(in.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  return token;
}

void note_this_machine(Context& context, link::RelayAddress const& address) {
  if (!link::is_this_machine(address.host)) return;
  context.out.note(
      fmt::format("Only this machine reaches {}: for other devices, add it again under an address that they reach. "
                  "kith-relay serve --listen '[::]:{}' prints one.",
                  printable(link::host_port(address)), address.port));
}

void warn_of_no_record(Context& context, std::string const& where) {
  context.out.warning("relay-without-words",
                      fmt::format("{} had no room for what leads from the recovery words to the group: with the words "
                                  "alone it is not found there. Add another relay as well: {}",
                                  printable(where), context.out.command("kith relay add URL")));
}

std::string no_record_text(std::string const& where) {
  return fmt::format(
      "{} has nothing that leads from the recovery words to the group: with the words alone it is not "
      "found there",
      printable(where));
}

std::vector<engine::Remedy> no_record_remedies() {
  return {{"kith relay add URL", "use another relay beside it, and keep its address where the words are"},
          {"kith help relay-without-words", "why that can be"}};
}

void warn_of_two_mailboxes(Context& context, std::string const& where) {
  context.out.warning(
      "relay-twice",
      fmt::format(
          "Another device of this group seems to have added {} before, and this one has not heard of that: each "
          "has a mailbox of its own there then, and they do not meet in them. Let the two connect once, on one "
          "network: {}. Then both use the same one.",
          printable(where), context.out.command("kith sync DIR --peer HOST:PORT")));
}

}  // namespace kith::cli
