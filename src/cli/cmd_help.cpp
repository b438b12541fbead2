#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/context.hpp"
#include "cli/handlers.hpp"
#include "cli/help_pages.hpp"

namespace kith::cli {

int cmd_help(Context& context, HelpOptions const& options) {
  auto const exists = plugged_commands();
  auto const text = help_text(options.topic, exists);
  if (!text) {
    auto const near = nearest_word(options.topic, help_topics(exists));
    return context.out.failure(engine::usage_failure(fmt::format(
        "there is no help on \"{}\"{}", options.topic, near ? fmt::format("; did you mean {}?", *near) : "")));
  }
  auto object = json_document("kith.help/1");
  object["topic"] = options.topic.empty() ? Json() : Json(options.topic);
  object["text"] = *text;
  context.out.document(object);
  context.out.block(*text);
  return engine::kExitOk;
}

}  // namespace kith::cli
