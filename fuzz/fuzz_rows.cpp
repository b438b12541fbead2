#include "core/messages.hpp"
#include "core/records.hpp"
#include "engine/control.hpp"
#include "engine/relay_status.hpp"
#include "property.hpp"
#include "sync/exchange/peer_book.hpp"
#include "sync/files/folder_work.hpp"
#include "sync/files/rows.hpp"
#include "sync/files/trash_look.hpp"
#include "sync/relays/object_book.hpp"
#include "sync/relays/relay_record.hpp"

/// Rows as a database gives them back that somebody else may have written, and the marker on a folder's disk: what is
/// accepted is written again as the same bytes.
namespace {

using namespace kith;

template <class Row>
void check(ByteView in) {
  auto const row = core::decode_record<Row>(in);
  fuzz::require(!row || equal(core::encode_record(*row), in), "a row re-encodes to itself");
}

template <class... Rows>
void check_all(ByteView in) {
  (check<Rows>(in), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  ByteView const in(data, size);
  check_all<core::EntryRecord, core::ChainRecord, core::PendingRecord, core::Alarm, core::MessageRow>(in);
  check_all<files::VersionRow, files::LocalFile, files::FolderRow, files::FolderWork, files::TrashLook>(in);
  check_all<sync::UnresolvedItems, sync::RelayRecord, sync::ObjectBook::Place, sync::ObjectBook::Noted,
            sync::PeerRecord>(in);
  check_all<engine::OwnerRow, engine::SessionRow, engine::InterestRow, engine::InviteRow, engine::PairRow,
            engine::DialRow, engine::VerifyRow, engine::DigestRow, engine::SkippedRow, engine::TallyRow,
            engine::ProblemRow, engine::SaidRemovedRow, engine::WordsUsedRow, engine::RelayRow, engine::RelayTroubleRow,
            engine::InviteRelayRow>(in);
  if (auto const past = core::Past::decode(in))
    fuzz::require(past->encode() == Bytes(in.begin(), in.end()), "a past re-encodes to itself");
  if (auto const marker = wire::decode<files::Marker>(in))
    fuzz::require(equal(wire::encode(*marker), in), "a marker re-encodes to itself");
  return 0;
}
