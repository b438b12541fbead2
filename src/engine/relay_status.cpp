#include "engine/relay_status.hpp"

#include "base/assert.hpp"

namespace kith::engine {

void RelayRow::write(wire::Writer& writer) const {
  core::write_row(writer, connected, caught_up, comparing, leaving, since_ms, trouble, number,
                  wire::text(failure, kLimits.max_name_bytes), std::int64_t{failure_errno},
                  wire::text(failure_text, kLimits.max_path_bytes));
}

void RelayRow::read(wire::Reader& reader) {
  std::int64_t number_of_error = 0;
  core::read_row(reader, connected, caught_up, comparing, leaving, since_ms, trouble, number,
                 wire::text(failure, kLimits.max_name_bytes), number_of_error,
                 wire::text(failure_text, kLimits.max_path_bytes));
  failure_errno = static_cast<std::int32_t>(number_of_error);
  if (failure_errno != number_of_error) reader.fail(wire::WireError::bad_value);
}

void RelayTroubleRow::write(wire::Writer& writer) const {
  core::write_row(writer, wire::text(code, kLimits.max_name_bytes), since_ms, last_ms);
}
void RelayTroubleRow::read(wire::Reader& reader) {
  core::read_row(reader, wire::text(code, kLimits.max_name_bytes), since_ms, last_ms);
}

std::optional<RelayTroubleRow> noted_trouble(std::optional<RelayTroubleRow> known, std::string_view code, bool well,
                                             std::int64_t now_ms) {
  constexpr std::int64_t kMinuteMs = 60'000;  // one that is dialled all the time is not written down all the time
  if (code.empty()) return well ? std::nullopt : std::move(known);
  if (!known || known->code != code) return RelayTroubleRow{std::string(code), now_ms, now_ms};
  if (now_ms - known->last_ms >= kMinuteMs || now_ms < known->last_ms) known->last_ms = now_ms;
  return known;
}

bool is_want_of_room(std::string_view code) {
  using enum sync::RelayTrouble;
  return code == trouble_code(quota) || code == trouble_code(storage_full);
}

void InviteRelayRow::write(wire::Writer& writer) const {
  core::write_row(writer, open, wire::text(failure, kLimits.max_name_bytes));
}
void InviteRelayRow::read(wire::Reader& reader) {
  core::read_row(reader, open, wire::text(failure, kLimits.max_name_bytes));
}

std::string_view trouble_code(sync::RelayTrouble trouble) {
  using enum sync::RelayTrouble;
  switch (trouble) {
    case none: return {};
    case not_allowed: return "relay-not-allowed";
    case off_chain: return "relay-off-chain";
    case lost_data: return "relay-lost-data";
    case quota: return "relay-quota";
    case storage_full: return "relay-full";
    case misbehaves: return "relay-misbehaves";
    case replaced: return "relay-replaced";
    case needs_token: return "relay-token-needed";
    case withholds: return "relay-withholds";
    case unreadable: return "relay-unreadable";
  }
  KITH_UNREACHABLE();
}

std::string_view relay_code(RelayRow const& row) {
  auto const trouble = trouble_code(row.trouble);
  if (!trouble.empty()) return trouble;
  return row.connected ? std::string_view{} : relay_failure_code(row.failure);
}

std::string_view relay_failure_code(std::string_view error_name) {
  if (error_name.empty()) return {};
  if (error_name == "channel.wrong_relay") return "relay-key-changed";
  if (error_name == "channel.not_relay" || error_name == "link.not_websocket") return "not-a-relay";
  if (error_name == "link.tls_untrusted" || error_name == "link.tls_failed") return "relay-untrusted";
  if (error_name == "link.bad_answer") return "not-a-relay";
  if (error_name == "link.rate_limited") return "relay-busy";
  if (error_name == "core.version_mismatch") return "version-mismatch";
  return "relay-unreachable";
}

}  // namespace kith::engine
