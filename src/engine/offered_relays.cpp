#include "engine/offered_relays.hpp"

#include "core/records.hpp"

namespace kith::engine {
namespace {

constexpr std::string_view kOfferedRelaysKey = "offered_relays";
constexpr std::size_t kMost = 8;  ///< as many as an offer names

struct OfferedRelays {
  std::vector<wire::PairOfferBox::Relay> relays;
  void write(wire::Writer& writer) const { core::write_row(writer, wire::list(relays, kMost)); }
  void read(wire::Reader& reader) { core::read_row(reader, wire::list(relays, kMost)); }
};

}  // namespace

Result<> put_offered_relays(store::Store& store, std::span<wire::PairOfferBox::Relay const> relays) {
  OfferedRelays const row{{relays.begin(), relays.end()}};
  return store.put(store::Table::meta, bytes_of(kOfferedRelaysKey), core::encode_record(row));
}

Result<std::vector<core::Roster::Relay>> offered_relays(store::Store& store) {
  KITH_TRY(row, core::get_record<OfferedRelays>(store, store::Table::meta, bytes_of(kOfferedRelaysKey)));
  std::vector<core::Roster::Relay> relays;
  if (!row) return relays;
  for (auto const& each : row->relays) relays.push_back({each.url, each.relay, each.channel});
  return relays;
}

}  // namespace kith::engine
