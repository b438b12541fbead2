#include "engine/config_file.hpp"
#include "property.hpp"
#include "relay/server/config.hpp"

/// Configuration files of a home and of a relay. What is wrong with one can be said, and changing one value of a good
/// one changes that value and no other.
namespace {

using namespace kith;

void check_home(std::string_view toml) {
  auto const settings = engine::parse_config(toml, "config.toml");
  if (!settings) {
    fuzz::require(!settings.error().empty(), "a bad file has a fault");
    return;
  }
  for (auto const& changed : engine::config_keys()) {
    auto const value = engine::setting_text({}, changed.key);
    if (value.empty()) continue;
    auto const edited = engine::edit_config(toml, "config.toml", changed.key, value);
    if (!edited) continue;
    auto const again = engine::parse_config(*edited, "config.toml");
    fuzz::require(again.has_value(), "a changed file is a good one");
    bool found = false;
    for (auto const& setting : *again) {
      if (setting.key == changed.key) {
        found = true;
        engine::Config config;
        fuzz::require(engine::apply_setting(config, setting.key, setting.text) &&
                          engine::setting_text(config, setting.key) == value,
                      "the value is the new one");
      } else {
        fuzz::require(
            std::ranges::any_of(*settings,
                                [&](auto const& old) { return old.key == setting.key && old.text == setting.text; }),
            "every other value is the old one");
      }
    }
    fuzz::require(found, "the value is there");
  }
}

void check_relay(std::string_view toml) {
  auto const parsed = relay::server::parse_config(toml, "/nowhere");
  if (parsed) {
    for (auto const& note : parsed->notes) fuzz::require(!note.text("relay.toml").empty(), "a note says something");
    return;
  }
  fuzz::require(!parsed.error().empty(), "a bad file has a fault");
  for (auto const& fault : parsed.error()) fuzz::require(!fault.what.empty(), "a fault says something");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const toml = text_of({data, size});
  check_home(toml);
  check_relay(toml);
  return 0;
}
