#include "sync/away/away.hpp"

namespace kith::sync {
namespace {

/// The mailboxes where something can be done for devices that are away.
struct Usable {
  std::vector<Mailbox*> live;
  std::vector<Mailbox*> full;  ///< uploads wait there
  bool busy = false;           ///< something is on its way to one of those that are live

  explicit Usable(std::vector<Mailbox*> const& mailboxes) {
    for (auto* mailbox : mailboxes) {
      if (!mailbox->live() || mailbox->attended()) continue;
      (mailbox->upload_waits() ? full : live).push_back(mailbox);
      busy = busy || (mailbox->uploading() && !mailbox->upload_waits());
    }
  }
};

AtRelays at_relays(std::vector<Mailbox*> const& mailboxes, Usable const& usable, Now now) {
  AtRelays at;
  at.there = [&usable, now](ChunkId const& id) -> Result<bool> {
    if (usable.busy) return true;
    for (auto* mailbox : usable.live) {
      KITH_TRY(there, mailbox->rely_on_chunk(id, now));
      if (!there) return false;
    }
    return true;
  };
  at.traces = [&mailboxes, now](ChunkId const& id) -> Result<Mailbox::Traces> {
    Mailbox::Traces all;
    for (auto const* mailbox : mailboxes) {
      KITH_TRY(traces, mailbox->traces(id, now.wall));
      all.ours = all.ours || traces.ours;
      all.taken_by.merge(traces.taken_by);
      all.lacked_by.merge(traces.lacked_by);
    }
    return all;
  };
  return at;
}

}  // namespace

Result<AwayServed> serve_away(std::vector<Mailbox*> const& mailboxes, ContentSources const& sources, Exchange& exchange,
                              Now now) {
  Usable const usable(mailboxes);
  AwayServed served;
  if (usable.live.empty() && usable.full.empty()) return served;
  served.again = usable.busy;
  if (usable.busy && usable.full.empty()) return served;
  KITH_TRY(lacking, lacking_contents(sources, exchange, at_relays(mailboxes, usable, now)));
  served.looked = true;
  if (lacking.known) {
    for (auto const* some : {&usable.live, &usable.full}) {
      for (auto* mailbox : *some) KITH_CHECK(mailbox->drop_objects(lacking.lacked, now));
    }
  }
  if (usable.busy) return served;
  served.uploads = !lacking.chunks.empty();
  for (auto* mailbox : usable.live) {
    if (served.uploads) {
      KITH_CHECK(mailbox->upload(lacking.chunks, now));
    } else if (lacking.covered) {
      mailbox->note_left(sources.replica.state().counting().heads, now);
    } else if (lacking.known && !lacking.any) {
      mailbox->note_left({}, now);  // what lay there goes; where the contents are, the devices themselves have told
    }
  }
  return served;
}

}  // namespace kith::sync
