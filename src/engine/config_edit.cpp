#include <fmt/format.h>
#include <toml++/toml.h>

#include "engine/config_file.hpp"

namespace kith::engine {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// A value as TOML writes it.
std::string toml_value(ConfigKeyInfo const& info, std::string_view text) {
  if (info.kind == ConfigKeyInfo::Kind::number) return std::string(text);
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;  // device names hold no control characters, other texts neither
  }
  return out + '"';
}

/// A text that is edited by line, and by the places that the parser tells: line and column from 1, in characters.
class EditedText {
 public:
  explicit EditedText(std::string text) : text_(std::move(text)) {}

  void replace(toml::source_region const& region, std::string_view with) {
    auto const from = offset(region.begin);
    text_.replace(from, offset(region.end) - from, with);
  }
  /// Puts a line below a line, indented like it.
  void insert_below(std::uint32_t line, std::string_view added, bool indent) {
    auto const start = line_start(line);
    auto const end = text_.find('\n', start);
    auto const blanks = text_.find_first_not_of(" \t", start);
    auto const margin = indent && blanks != std::string::npos ? text_.substr(start, blanks - start) : std::string();
    if (end == std::string::npos) {
      text_ += std::string(newline()) + margin + std::string(added) + std::string(newline());
    } else {
      text_.insert(end + 1, margin + std::string(added) + std::string(newline()));
    }
  }
  void add_section(std::string_view section, std::string_view line) {
    if (!text_.empty() && !text_.ends_with('\n')) text_ += newline();
    if (!text_.empty()) text_ += newline();
    text_ += fmt::format("[{}]{}{}{}", section, newline(), line, newline());
  }
  [[nodiscard]] bool is_header(std::uint32_t line) const {
    auto const start = text_.find_first_not_of(" \t", line_start(line));
    return start != std::string::npos && text_[start] == '[';
  }
  [[nodiscard]] std::string const& text() const { return text_; }

 private:
  [[nodiscard]] std::string_view newline() const { return text_.find("\r\n") == std::string::npos ? "\n" : "\r\n"; }
  [[nodiscard]] std::size_t line_start(std::uint32_t line) const {
    std::size_t at = 0;
    for (std::uint32_t each = 1; each < line && at != std::string::npos; ++each) {
      at = text_.find('\n', at);
      if (at != std::string::npos) ++at;
    }
    return std::min(at, text_.size());
  }
  [[nodiscard]] std::size_t offset(toml::source_position const& place) const {
    auto at = line_start(place.line);
    for (std::uint32_t column = 1; column < place.column && at < text_.size(); ++column) {
      ++at;
      while (at < text_.size() && (static_cast<std::uint8_t>(text_[at]) & 0xC0) == 0x80) ++at;  // rest of a character
    }
    return at;
  }

  std::string text_;
};

/// @return whether the file has a place for the value that can be changed by itself
bool put(EditedText& text, toml::table const& root, ConfigKeyInfo const& info, std::string_view value) {
  auto const written = toml_value(info, value);
  auto const* node = root.get(info.section());
  if (node == nullptr) {
    text.add_section(info.section(), fmt::format("{} = {}", info.last(), written));
    return true;
  }
  auto const* section = node->as_table();
  if (section == nullptr) return false;
  if (auto const* present = section->get(info.last())) {
    text.replace(present->source(), written);
    return true;
  }
  if (section->is_inline()) return false;
  // Below the section's last key, in the way in which its keys are written.
  bool const header = text.is_header(section->source().begin.line);
  std::uint32_t below = section->source().begin.line;
  for (auto const& [key, each] : *section) below = std::max(below, each.source().end.line);
  text.insert_below(below, fmt::format("{} = {}", header ? info.last() : info.name, written), !section->empty());
  return true;
}

/// The file says what it said, and this.
bool says_the_same_but(std::vector<ConfigSetting> before, std::vector<ConfigSetting> after, ConfigKey key,
                       std::string_view value) {
  auto const changed = std::ranges::find(after, key, &ConfigSetting::key);
  if (changed == after.end() || changed->text != value) return false;
  std::erase_if(before, [&](auto const& each) { return each.key == key; });
  std::erase_if(after, [&](auto const& each) { return each.key == key; });
  auto const by_key = [](auto const& each) { return std::pair(each.key, each.text); };
  std::ranges::sort(before, {}, by_key);
  std::ranges::sort(after, {}, by_key);
  return std::ranges::equal(before, after, {}, by_key, by_key);
}

}  // namespace

ConfigResult<std::string> edit_config(std::string_view toml, std::string const& name, ConfigKey key,
                                      std::string_view value) {
  auto const& info = config_key(key);
  auto const fault = [&](ConfigError error, std::string expected) {
    ConfigFaults faults;
    auto const& source = error == ConfigError::bad_value ? std::string() : name;  // the value is not the file's
    faults.push_back(
        {error, source, 0, 0, std::string(info.name), std::string(value), std::move(expected), std::nullopt});
    return tl::unexpected(std::move(faults));
  };
  Config scratch;
  if (!apply_setting(scratch, key, value)) return fault(ConfigError::bad_value, std::string(info.expected));
  std::string const plain = setting_text(scratch, key);

  // Of what is wrong with the file, only a bad value of this very key goes away.
  auto before = parse_config(toml, name);
  std::vector<ConfigSetting> others;
  if (before) {
    others = *before;
  } else if (before.error().size() != 1 || before.error().front().key != info.name) {
    return tl::unexpected(before.error());
  }

  std::string_view const mark = toml.starts_with(kByteOrderMark) ? kByteOrderMark : std::string_view();
  EditedText text(std::string(toml.substr(mark.size())));
  try {
    if (!put(text, toml::parse(text.text()), info, plain)) return fault(ConfigError::not_editable, {});
  } catch (toml::parse_error const&) {
    return fault(ConfigError::not_editable, {});
  }
  auto const after = parse_config(text.text(), name);
  if (!after || (before && !says_the_same_but(others, *after, key, plain))) return fault(ConfigError::not_editable, {});
  return std::string(mark) + text.text();
}

}  // namespace kith::engine
