#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "base/time.hpp"
#include "cli/output.hpp"

namespace kith::cli {

/// Asks the user, at the terminal that the program runs at, whatever standard input and output are. Questions are texts
/// without their end; what they hold is escaped.
///
/// Every question can end without an answer: EngineError::no_terminal, interrupted (a signal came), no_answer (the user
/// pressed Ctrl-D), or timed_out.
class Prompt {
 public:
  /// @param yes  --yes: confirm() does not ask
  Prompt(Output& output, bool yes) : output_(output), yes_(yes) {}

  /// "... [y/N]". Asks again where the answer is neither yes nor no; an empty one and Ctrl-D are no. What was typed
  /// before the question stood there is dropped: nobody agrees to what they have not read.
  [[nodiscard]] Result<bool> confirm(std::string_view question, std::optional<Instant> until = std::nullopt);
  /// The same about something that may be over before the answer comes: `meant` is asked a few times a second.
  /// @return nullopt once it said no; what was typed until then is dropped
  [[nodiscard]] Result<std::optional<bool>> confirm_while(std::string_view question,
                                                          std::function<bool()> const& meant);
  /// A line, without blanks around it.
  [[nodiscard]] Result<std::string> text(std::string_view question, std::optional<Instant> until = std::nullopt);
  /// A line that is not shown.
  [[nodiscard]] Result<SecretBytes> hidden(std::string_view question, std::optional<Instant> until = std::nullopt);

  /// Whether there is a terminal to ask at.
  [[nodiscard]] bool possible() const;

 private:
  enum class TypedBefore { counts, dropped };
  [[nodiscard]] Result<std::string> ask(std::string_view question, std::optional<Instant> until,
                                        std::function<bool()> const& meant, TypedBefore typed_before);

  Output& output_;
  bool yes_;
};

}  // namespace kith::cli
