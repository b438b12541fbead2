#include <algorithm>

#include "sync/exchange/exchange.hpp"
#include "sync/exchange/removal_proof.hpp"

/// How an exchange deals with devices that do not belong to the group as far as is known here. Each is heard: what it
/// knows may bring it in, a device that was let in, or a removal that was undone, behind our back. If not, a removed
/// one is shown the entries that prove its removal, and nothing else.
namespace kith::sync {
namespace {

/// Entries that a device holds which says these tips, as far as they are here. Of a tip that is not here, its log is
/// taken to be the one that is here, up to there.
Result<core::Past> held_by(core::GroupState const& state, std::vector<Tip> const& tips) {
  core::Past held;
  for (auto const& tip : tips) {
    KITH_TRY(record, state.record(tip.hash));
    std::optional<core::ChainPlace> place;
    if (record) {
      place = record->place();
    } else if (auto const chain = state.last_chain(tip.log)) {
      auto const& run = state.chains().at(*chain);
      if (tip.seq >= run.first) place = core::ChainPlace{*chain, std::min(tip.seq, run.last)};
    }
    if (!place) continue;
    KITH_TRY(past, state.past_at(*place));
    held.include(past);
  }
  return held;
}

}  // namespace

/// One at a time: what hearing costs is bounded by that, whoever dials however often.
void Exchange::hear(LinkId id, wire::Devcert const& cert, Now now) {
  links_.at(id).unwelcome = cert;
  bool const busy = hearing_ && links_.contains(hearing_->first);
  if (busy || now.mono < next_hearing_) return;
  hearing_.emplace(id, Hearing(replica_, store_, [this, cert] { return judge(cert) == Verdict::welcome; }));
  next_hearing_ = now.mono + kHearingPause;  // whatever becomes of it
}

Result<> Exchange::on_unwelcome_frame(LinkId id, wire::Frame const& frame, Now now) {
  auto& link = links_.at(id);
  auto const* tips = std::get_if<wire::Tips>(&frame);
  auto const* data = std::get_if<wire::Data>(&frame);
  bool const heard = hearing_ && hearing_->first == id;
  auto outcome = Hearing::Outcome::in_vain;
  if (judge(*link.unwelcome) == Verdict::welcome) {
    outcome = Hearing::Outcome::welcome;  // somebody else brought what was missing
  } else if (heard && tips != nullptr) {
    KITH_TRY(asked, hearing_->second.on_tips(tips->tips));
    outcome = asked;
  } else if (heard && data != nullptr) {
    KITH_TRY(tried, hearing_->second.on_data(*data, now));
    outcome = tried;
  }
  if (tips != nullptr) link.said_tips = tips->tips;
  wake(id);
  switch (outcome) {
    case Hearing::Outcome::goes_on:
      if (auto const want = hearing_->second.take_want()) link.session.send(*want);
      return {};
    case Hearing::Outcome::welcome:
      link.session.close(wire::CloseCode::done);  // it dials again, and comes in
      if (!heard) return {};
      hearing_.reset();
      next_hearing_ = now.mono;
      return after_change(true, id, now);
    case Hearing::Outcome::in_vain: break;
  }
  if (heard) hearing_.reset();
  if (judge(*link.unwelcome) == Verdict::removed) return say_farewell(link, link.unwelcome->device, link.said_tips);
  link.session.close(wire::CloseCode::unknown_device);
  return {};
}

/// Sends what the device lacks of the proof, causes before effects, as far as one session carries it, and closes. The
/// next time it says tips that are further on.
Result<> Exchange::say_farewell(Link& link, DeviceId const& device, std::vector<Tip> const& tips) {
  auto const& state = replica_.state();
  if (state.roster().find(device) != nullptr) {
    KITH_TRY(held, held_by(state, tips));
    std::vector<wire::Want::Range> lacking;
    KITH_TRY(proof, removal_proof(state, device, held));
    for (auto const& place : proof.places()) {
      if (held.contains(place)) continue;
      auto const& chain = state.chains().at(place.chain);
      KITH_TRY(hash, state.hash_at(place));
      Seq const from{std::max(chain.first.value, held.last(place.chain).value + 1)};
      lacking.push_back({chain.log, from, place.seq, hash});
    }
    KITH_TRY(stream, EntryStream::start(replica_, std::move(lacking)));
    for (std::size_t bytes = 0; bytes < kFarewellBytes;) {
      KITH_TRY(data, stream.next(replica_));
      if (stream.ended()) break;
      for (auto const& entry : data.entries) bytes += entry.bytes.size();
      link.session.send(data);
    }
  }
  link.session.close(wire::CloseCode::removed);
  return {};
}

/// Sessions with devices that were removed meanwhile end.
Result<> Exchange::cut_removed(Now now) {
  auto const& roster = replica_.state().roster();
  std::vector<LinkId> cut;
  for (auto& [id, link] : links_) {
    if (!link.device || !link.session.open() || !roster.removed(*link.device)) continue;
    auto const& said = link.log.peer_tips();
    KITH_CHECK(say_farewell(link, *link.device, {said.begin(), said.end()}));
    cut.push_back(id);
  }
  for (auto const id : cut) {
    wake(id);
    KITH_CHECK(work_events(id, now));
  }
  return {};
}

}  // namespace kith::sync
