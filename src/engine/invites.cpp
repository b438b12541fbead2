#include "engine/invites.hpp"

#include <algorithm>

#include "core/vault.hpp"

namespace kith::engine {
namespace {

constexpr std::int64_t kRememberedMs = 24 * 3600 * 1000;  ///< so that a late joiner hears "expired" and not silence

std::string row_name(std::string_view lookup) { return std::string(InviteRow::kPrefix) + std::string(lookup); }

}  // namespace

std::optional<core::InviteView> StoredInvites::find(wire::Lookup const& lookup) {
  auto const row = get_control<InviteRow>(store_, bytes_of(lookup.symbols));
  if (!row || !*row) return std::nullopt;
  auto password = core::open_at_rest(key_, row_name(lookup.symbols), (*row)->password);
  if (!password) return std::nullopt;
  core::InviteView view{(*row)->state, std::move(*password), (*row)->used_by};
  // A used one too: it still serves the device that used it, so it can still be guessed at.
  if (view.state == core::InviteState::open || view.state == core::InviteState::used) {
    if ((*row)->tries >= kMaxTries) view.state = core::InviteState::voided;
    if (wall_().ms >= (*row)->expires_ms) view.state = core::InviteState::expired;
  }
  return view;
}

std::optional<std::uint8_t> StoredInvites::begin_try(wire::Lookup const& lookup) {
  std::optional<std::uint8_t> left;
  auto const counted = change(lookup.symbols, [&](InviteRow& row) {
    row.tries = static_cast<std::uint8_t>(std::min<int>(row.tries + 1, kMaxTries));
    left = static_cast<std::uint8_t>(kMaxTries - row.tries);
  });
  if (counted) return left;
  // Whoever asks hears nothing. A database that was only busy will do better next time; of anything else people must
  // hear.
  if (!counted.error().is(store::StoreError::busy)) failure_ = counted.error();
  return std::nullopt;
}

void StoredInvites::try_succeeded(wire::Lookup const& lookup) {
  // Should the disk refuse, the invite has a try less: an inconvenience, not a danger.
  static_cast<void>(change(lookup.symbols,
                           [](InviteRow& row) { row.tries = static_cast<std::uint8_t>(std::max(row.tries - 1, 0)); }));
}

Result<StoredInvites::Created> StoredInvites::create(std::chrono::milliseconds lifetime, bool approve_all,
                                                     RandomSource& random) {
  Created created{core::PairingCode::generate(random),
                  core::PairingCode::generate(random).lookup,
                  core::PairPassword(Bytes(32)),
                  {wall_().ms + lifetime.count()}};
  Bytes secret(32);
  random.fill(secret);
  created.link_secret = core::PairPassword(secret);
  wipe(secret);
  auto const put = [&](wire::Lookup const& lookup, core::PairPassword const& password, wire::Lookup const& twin) {
    InviteRow row;
    row.password = core::seal_at_rest(key_, row_name(lookup.symbols), password.view(), random);
    row.twin = twin.symbols;
    row.expires_ms = created.expires.ms;
    row.approve_all = approve_all;
    row.inviter = ProcessId::self();
    return put_control(store_, row, bytes_of(lookup.symbols));
  };
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_CHECK(put(created.code.lookup, created.code.password, created.link_lookup));
  KITH_CHECK(put(created.link_lookup, created.link_secret, created.code.lookup));
  KITH_CHECK(transaction.commit());
  return created;
}

Result<> StoredInvites::settle(wire::Lookup const& lookup, core::InviteState state, std::optional<DeviceId> used_by) {
  std::string twin;
  auto const edit = [&](InviteRow& row) {
    twin = row.twin;
    row.state = state;
    row.used_by = used_by;
  };
  KITH_CHECK(change(lookup.symbols, edit));
  return change(std::string(twin), edit);
}

Result<> StoredInvites::tidy() {
  KITH_TRY(rows, all_control<InviteRow>(store_));
  for (auto const& [id, row] : rows) {
    if (row.state == core::InviteState::open && !row.inviter.alive()) {
      KITH_CHECK(settle({std::string(text_of(id))}, core::InviteState::cancelled, std::nullopt));
    }
    if (row.expires_ms + kRememberedMs < wall_().ms) KITH_CHECK(erase_control<InviteRow>(store_, id));
  }
  return {};
}

Result<> StoredInvites::change(std::string_view lookup, std::function<void(InviteRow&)> const& edit) {
  KITH_TRY(transaction, store::Transaction::begin(store_));
  KITH_TRY(row, get_control<InviteRow>(store_, bytes_of(lookup)));
  if (!row) return {};
  edit(*row);
  KITH_CHECK(put_control(store_, *row, bytes_of(lookup)));
  return transaction.commit();
}

}  // namespace kith::engine
