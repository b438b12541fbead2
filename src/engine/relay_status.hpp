#pragma once

#include <optional>
#include <string>

#include "engine/control.hpp"
#include "sync/relays/mailbox.hpp"

/// What the owner of the network shows of relays to the other processes of the home.
namespace kith::engine {

/// How one relay goes. Key: its relay key.
struct RelayRow {
  static constexpr std::string_view kPrefix = "relay/";
  bool connected = false;  ///< it has accepted this device
  bool caught_up = false;  ///< all that waited there is here
  bool comparing = false;  ///< what it showed others is being held against what it shows here
  bool leaving = false;    ///< contents for devices that are away are on their way there, or will be shortly
  std::int64_t since_ms = 0;
  sync::RelayTrouble trouble = sync::RelayTrouble::none;
  std::uint64_t number = 0;  ///< of the trouble
  std::string failure;       ///< the error's name, of a connection that could not be made or broke; else empty
  std::int32_t failure_errno = 0;
  std::string failure_text;
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  friend bool operator==(RelayRow const&, RelayRow const&) = default;
};

/// What was wrong with a relay when it was last tried; gone once it is well. Unlike RelayRow it outlives the owner.
/// Key: its relay key.
struct RelayTroubleRow {
  static constexpr std::string_view kPrefix = "relay-trouble/";
  std::string code;           ///< as in failure_codes()
  std::int64_t since_ms = 0;  ///< when it was first so
  std::int64_t last_ms = 0;   ///< when it was last found so, to the minute
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  friend bool operator==(RelayTroubleRow const&, RelayTroubleRow const&) = default;
};

/// What becomes of the record of a relay's trouble.
/// @param code  what is wrong with it now; empty for nothing, and then `well` says whether it is known to be well
/// @return the row to write; nullopt: there is to be none
[[nodiscard]] std::optional<RelayTroubleRow> noted_trouble(std::optional<RelayTroubleRow> known, std::string_view code,
                                                           bool well, std::int64_t now_ms);

/// How one invite stands at one relay, by which devices join that have no other way here. Key: its lookup and the
/// relay's key.
struct InviteRelayRow {
  static constexpr std::string_view kPrefix = "invite-relay/";
  bool open = false;    ///< the relay holds it
  std::string failure;  ///< the error's name where it does not and will not at once; else empty
  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  friend bool operator==(InviteRelayRow const&, InviteRelayRow const&) = default;
};

/// The failure code of a relay's trouble, as in failure_codes(); empty for none.
[[nodiscard]] std::string_view trouble_code(sync::RelayTrouble trouble);
/// Whether that code says that a relay, or the group's part of it, is full.
[[nodiscard]] bool is_want_of_room(std::string_view code);
/// What is wrong, as one code: what the relay did counts before that it is away. Empty for nothing.
[[nodiscard]] std::string_view relay_code(RelayRow const& row);
/// The failure code of a connection that could not be made or broke, by its error's name; empty for none.
[[nodiscard]] std::string_view relay_failure_code(std::string_view error_name);

}  // namespace kith::engine
