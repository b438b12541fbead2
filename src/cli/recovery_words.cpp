#include "cli/recovery_words.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <sodium/utils.h>

#include "base/text.hpp"
#include "crypto/mnemonic.hpp"
#include "engine/error.hpp"

namespace kith::cli {
namespace {

constexpr std::size_t kWords = 24;
constexpr std::size_t kLettersEnough = 4;  ///< no two words of the list begin with the same four
constexpr int kTries = 3;

void wipe_text(std::string& text) { sodium_memzero(text.data(), text.size()); }

bool separates(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '-'; }

bool is_number(std::string_view word) {
  if (!word.empty() && (word.back() == '.' || word.back() == ')')) word.remove_suffix(1);
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

/// The word of the list that is meant; empty where none is.
std::string_view listed(std::string_view typed) {
  auto const& list = crypto::mnemonic_words();
  auto const at = std::ranges::lower_bound(list, typed);
  if (at == list.end()) return {};
  bool const shortened = typed.size() >= kLettersEnough && at->starts_with(typed);
  return *at == typed || shortened ? *at : std::string_view{};
}

}  // namespace

TypedWords read_typed_words(std::string_view line) {
  TypedWords found;
  while (!line.empty()) {
    if (separates(line.front())) {
      line.remove_prefix(1);
      continue;
    }
    std::string word(line.substr(0, static_cast<std::size_t>(std::ranges::find_if(line, separates) - line.begin())));
    line.remove_prefix(word.size());
    if (is_number(word)) continue;
    std::ranges::transform(word, word.begin(), ascii_lower);
    auto const meant = listed(word);
    if (meant.empty()) {
      found.wrong = word;
      return found;
    }
    found.words.emplace_back(meant);
  }
  return found;
}

Result<core::RecoveryKeys> ask_recovery_words(Context& context) {
  context.out.note("Type the 24 recovery words, one or several in a line.");
  for (int tries = 1;; ++tries) {
    std::vector<std::string> words;
    while (words.size() < kWords) {
      KITH_TRY(line, context.prompt.text(fmt::format("Word {} of {}:", words.size() + 1, kWords)));
      auto typed = read_typed_words(line);
      wipe_text(line);
      for (auto& word : typed.words) words.push_back(std::move(word));
      if (!typed.wrong.empty()) {
        auto const near = nearest_word(typed.wrong, crypto::mnemonic_words());
        context.out.note(fmt::format("\"{}\" is not one of the words{}.", printable(typed.wrong),
                                     near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
      }
    }
    std::string all = fmt::format("{}", fmt::join(words, " "));
    for (auto& word : words) wipe_text(word);
    auto const entropy = crypto::from_words(all);
    wipe_text(all);
    if (entropy) return core::RecoveryKeys::from_entropy(*entropy);
    if (tries == kTries) return fail(entropy.error());
    context.out.note("These words do not belong together: one of them is another, or their order is. Once more.");
  }
}

Result<core::RecoveryKeys> read_recovery_words(std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return fail(engine::EngineError::usage,
                SubjectDetail{fmt::format("cannot read the recovery words in {}", printable(file))});
  std::string text(4096, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  auto const entropy = crypto::from_words(std::string_view(text).substr(0, static_cast<std::size_t>(in.gcount())));
  wipe_text(text);
  if (!entropy) return fail(entropy.error());
  return core::RecoveryKeys::from_entropy(*entropy);
}

}  // namespace kith::cli
