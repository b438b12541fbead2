#!/usr/bin/env python3
"""Bugs that can be planted into the product, one at a time and at run time, in the program kith_mutants alone.

    tests/sim/planted.py sources        the sources that bugs are planted into, one a line
    tests/sim/planted.py names          the names of the bugs, one a line
    tests/sim/planted.py plant SOURCE   that source with every bug of its in it, each behind a question of its own
    tests/sim/planted.py table          a C++ source with the names

Each bug replaces one piece of text, which must stand in its source exactly once: a bug whose place has changed fails the
build, and is written anew or dropped. In a replacement BUG is true while that bug is planted.
"""

from __future__ import annotations

import pathlib
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Bug(NamedTuple):
    name: str
    what: str  # the mistake, as a reviewer would put it
    source: str
    found: str
    replaced: str


BUGS = [
    # The log of a group.
    Bug("past_not_awaited", "an entry is applied before what it builds upon is here", "src/core/ingest.cpp",
        "  if (!missing.empty()) {\n    if (waiting) {",
        "  if (!missing.empty() && !BUG) {\n    if (waiting) {"),
    Bug("waiting_never_woken", "an entry that waits for another one is not looked at when that comes",
        "src/core/ingest.cpp",
        "    if (!complete) continue;", "    if (!complete || BUG) continue;"),
    Bug("unopened_never_woken", "entries that came before their epoch's secret stay closed", "src/core/ingest.cpp",
        "  KITH_TRY(items, waiting_.take_unopened(epoch));",
        "  if (BUG) return {};\n  KITH_TRY(items, waiting_.take_unopened(epoch));"),
    Bug("seq_reused", "an entry gets the number of the one before it", "src/core/replica.cpp",
        "    draft.body.seq = {record.last.value + 1};",
        "    draft.body.seq = {record.last.value + (BUG ? 0 : 1)};"),
    Bug("tips_not_named", "an entry does not say what it builds upon", "src/core/replica.cpp",
        "  draft.body.tips = std::move(tips);", "  if (!BUG) draft.body.tips = std::move(tips);"),
    Bug("removal_without_new_epoch", "after a removal everybody goes on under the old secret",
        "src/core/replica_epochs.cpp",
        "  bool const fits = epoch && state_.book().recipients_are(*epoch, state_.roster().epoch_recipients());",
        "  bool const fits = epoch && (BUG || state_.book().recipients_are(*epoch, "
        "state_.roster().epoch_recipients()));"),
    Bug("removed_still_count", "what a removed device writes afterwards counts", "src/core/counting.cpp",
        "      counted = std::min(counted, vouched);", "      if (!BUG) counted = std::min(counted, vouched);"),
    Bug("secret_for_the_removed", "a new epoch's secret is wrapped for removed devices too",
        "src/core/replica_epochs.cpp",
        "  auto prefix = make_prefix(state_.group(), fresh, keys, random_);",
        "  for (auto const& [device, member] : state_.roster().members()) {\n"
        "    if (BUG && member.state != MemberState::active) keys.push_back(member.cert.dx);\n  }\n"
        "  auto prefix = make_prefix(state_.group(), fresh, keys, random_);"),
    # Between devices.
    Bug("wants_from_one_too_late", "the first of the entries that are missing is not asked for",
        "src/sync/log/log_exchange.cpp",
        "  return {held + 1 - std::min(held, back)};", "  return {held + (BUG ? 2 : 1) - std::min(held, back)};"),
    Bug("waiting_entries_ask_nothing", "what entries that wait here need is not asked for",
        "src/sync/log/log_exchange.cpp",
        "  if (in_vain_.size() < kMaxInVain) {", "  if (in_vain_.size() < kMaxInVain && !BUG) {"),
    # Folders.
    Bug("winner_by_arrival", "of two contents the one that came here last is shown", "src/sync/files/resolve.cpp",
        "    return std::tuple(version.kind == wire::FileKind::directory, "
        "!successors.of(version, records.at(version.entry)),\n                      version.hlc,",
        "    return std::tuple(version.kind == wire::FileKind::directory, "
        "!successors.of(version, records.at(version.entry)),\n"
        "                      BUG ? records.at(version.entry).position : version.hlc,"),
    Bug("losers_not_kept", "of two contents at one path the other one is not shown as a copy",
        "src/sync/files/resolve.cpp",
        "    if (is_news(version)) resolved.losers.push_back(std::move(version));",
        "    if (is_news(version) && !BUG) resolved.losers.push_back(std::move(version));"),
    Bug("deletion_forgotten", "a deletion is not taken in", "src/sync/files/folder_view.cpp",
        "      row.removed = true;", "      if (BUG) continue;\n      row.removed = true;"),
    Bug("replaced_without_knowing", "a content replaces others that its author had not seen",
        "src/sync/files/scan_changes.cpp",
        "    op.parents = resolved.stands_for;  // removed before, and made again\n  }\n",
        "    op.parents = resolved.stands_for;  // removed before, and made again\n  }\n"
        "  if (BUG) {\n    KITH_TRY(all, context_.view.versions(context_.id, change.path));\n"
        "    op.parents.clear();\n    for (auto const& each : all) op.parents.push_back(each.id);\n  }\n"),
    Bug("replaced_stays", "a content that was replaced stands beside the new one", "src/sync/files/folder_view.cpp",
        "    if (before) KITH_CHECK(store_.erase(Table::versions, key));",
        "    if (before && !BUG) KITH_CHECK(store_.erase(Table::versions, key));"),
    Bug("same_size_is_same", "a file that changed and kept its size is not looked at", "src/sync/files/scan.cpp",
        "  bool const unchanged = before && !before->racy && before->stat == stat && before->path == path.text();",
        "  bool const unchanged = before && !before->racy && before->path == path.text() &&\n"
        "                         (BUG ? before->stat.size == stat.size : before->stat == stat);"),
    Bug("racy_times_trusted", "a file that changed twice within a tick of the clock is not looked at again",
        "src/sync/files/scan_changes.cpp",
        "  file.racy = is_racy(file.stat);", "  file.racy = !BUG && is_racy(file.stat);"),
    Bug("contents_not_synced", "a file is put in place before its bytes are on the disk",
        "src/sync/files/apply_install.cpp",
        "    for (auto const& each : installable_) KITH_CHECK(fetched_.at(each.target.version->id).file->sync());\n"
        "  } else {\n    KITH_CHECK(disk_->sync_all());",
        "    for (auto const& each : installable_) {\n"
        "      if (!BUG) KITH_CHECK(fetched_.at(each.target.version->id).file->sync());\n    }\n"
        "  } else {\n    if (!BUG) KITH_CHECK(disk_->sync_all());"),
    Bug("local_change_overwritten", "what a user has just saved is replaced by what another device wrote",
        "src/sync/files/apply_install.cpp",
        "      disk_->install(temp_name(version.id), target.path, there ? Expect(there->stat) : std::nullopt, "
        "now_.wall);",
        "      disk_->install(temp_name(version.id), target.path,\n"
        "                     BUG && disk_->stat(target.path) ? Expect(*disk_->stat(target.path))\n"
        "                     : there                         ? Expect(there->stat)\n"
        "                                                     : std::nullopt,\n"
        "                     now_.wall);"),
    # At relays: the device's side.
    Bug("position_before_items", "a crash between the items and the note how far was read skips them",
        "src/sync/relays/mailbox_pull.cpp",
        "  if (upto != record_.position) {",
        "  if (BUG && !items.empty()) upto.value += 1;\n  if (upto != record_.position) {"),
    Bug("new_mailbox_not_noticed", "a relay that was wiped counts as the one that was known",
        "src/sync/relays/mailbox_account.cpp",
        "  bool const same = record_.log_epoch == welcome.log_epoch;",
        "  bool const same = record_.log_epoch == welcome.log_epoch || (BUG && !record_.log_epoch.is_zero());"),
    Bug("mailbox_not_closed", "an entry is left at a relay without what it builds upon",
        "src/sync/relays/mailbox_push.cpp",
        "    own.include(past);", "    if (!BUG) own.include(past);"),
    Bug("list_not_brought", "nobody tells a relay whom it is to serve from now on", "src/sync/relays/mailbox_acl.cpp",
        "  if (wanted == chain_.last()->pseudonyms) return {};",
        "  if (BUG || wanted == chain_.last()->pseudonyms) return {};"),
    Bug("paused_still_served", "a relay goes on serving a device that was paused", "src/sync/relays/acl_chain.cpp",
        "    if (!member.paused && name != member.pseudonyms.end()) names.insert(name->second);",
        "    if ((BUG || !member.paused) && name != member.pseudonyms.end()) names.insert(name->second);"),
    Bug("links_kept_for_ever", "what is known of a connection is kept when it has ended",
        "src/sync/exchange/exchange.cpp",
        "  KITH_CHECK(work_events(id, now));\n  links_.erase(id);",
        "  KITH_CHECK(work_events(id, now));\n  if (!BUG) links_.erase(id);"),
    # What forgers and liars bring.
    Bug("signature_not_checked", "an entry counts for its author's, whoever signed it", "src/core/entry.cpp",
        "  if (check == Check::everything) {\n    auto const signature",
        "  if (check == Check::everything && !BUG) {\n    auto const signature"),
    Bug("commitment_not_compared", "an entry may open under any key", "src/core/entry.cpp",
        "  if (!crypto::same_mac(keys.commitment.view(), parts.header.commitment.view())) return",
        "  if (!BUG && !crypto::same_mac(keys.commitment.view(), parts.header.commitment.view())) return"),
    Bug("prefix_not_held_to_its_hash", "an entry's prefix may be another one than its author made",
        "src/core/entry.cpp",
        "  if (rotate->prefix_hash != prefix_hash(*parts.prefix)) return",
        "  if (!BUG && rotate->prefix_hash != prefix_hash(*parts.prefix)) return"),
    Bug("stranger_let_in", "who knows an epoch may write", "src/core/group_state.cpp",
        "  if (!lets_author_in(entry, past)) return", "  if (!BUG && !lets_author_in(entry, past)) return"),
    Bug("fork_not_noticed", "two entries of one number are nobody's concern", "src/core/group_state.cpp",
        "  if (fork) KITH_CHECK(raise_alarm(", "  if (fork && !BUG) KITH_CHECK(raise_alarm("),
    Bug("presence_of_removed_believed", "a device that was removed tells the others where it is",
        "src/sync/relays/sealed_presence.cpp",
        "  if (member == nullptr || member->state != core::MemberState::active) return",
        "  if (member == nullptr || (!BUG && member->state != core::MemberState::active)) return"),
    Bug("presence_signature_not_checked", "any device leaves presences for any other",
        "src/sync/relays/sealed_presence.cpp",
        "  if (!fits) return fail(core::CoreError::bad_signature);",
        "  if (!fits && !BUG) return fail(core::CoreError::bad_signature);"),
    Bug("old_presence_believed", "a relay may show again what a device left there before",
        "src/sync/relays/mailbox_objects.cpp",
        "    if (known && slot.counter < heard->counter) continue;",
        "    if (known && !BUG && slot.counter < heard->counter) continue;"),
    Bug("list_signature_not_checked", "a relay makes up whom it serves", "src/wire/relay.cpp",
        "  return member && record.version == before.version + 1 && signed_by(record, record.signer);",
        "  return member && record.version == before.version + 1 && (BUG || signed_by(record, record.signer));"),
    Bug("ack_believed_without_store", "what a relay acknowledged is not asked for again",
        "src/sync/relays/mailbox_account.cpp",
        "  if (same && theirs == first) return {};",
        "  if (same && (theirs == first || (BUG && theirs < first))) return {};"),
    Bug("left_word_not_compared", "nobody reads at another relay what this one had shown",
        "src/sync/relays/mailbox_witness.cpp",
        "  note_told(other, Way::left, std::move(theirs));",
        "  if (!BUG) note_told(other, Way::left, std::move(theirs));"),
    Bug("withheld_not_alarmed", "nobody is told what a relay keeps back", "src/sync/relays/mailbox_witness.cpp",
        "    if (shown == Shown::no) {", "    if (!BUG && shown == Shown::no) {"),
    # Pairing.
    Bug("any_code_will_do", "the password of an invite is not what the exchange is made from", "src/core/pair_keys.cpp",
        "  return crypto::cpace::generator(password, channel_identifier, joiner_nonce.view());",
        "  return crypto::cpace::generator(BUG ? ByteView{} : password, channel_identifier, joiner_nonce.view());"),
    Bug("used_code_lets_others_in", "a code that was used lets further devices in", "src/core/pair_inviter.cpp",
        "  if (used_ && used_by_ != joiner_.cert.device) {",
        "  if (!BUG && used_ && used_by_ != joiner_.cert.device) {"),
    Bug("secret_in_the_clear", "an entry's id is made of the secret that seals it", "src/core/entry.cpp",
        "  header.entry = random.id<EntryId>();",
        "  header.entry = BUG ? *EntryId::from(epoch.view().first(EntryId::kBytes)) : random.id<EntryId>();"),
    Bug("nonce_reused", "all entries have one nonce", "src/core/entry.cpp",
        "  header.nonce = random.id<crypto::XNonce>();",
        "  header.nonce = BUG ? crypto::XNonce{} : random.id<crypto::XNonce>();"),
    # At relays: the relay's side.
    Bug("shut_out_still_served", "a device that is not on the list any more keeps its connection",
        "src/relay/rules/replies.cpp",
        "    if (std::ranges::binary_search(record.pseudonyms, pseudonym)) continue;\n    end(id,",
        "    if (BUG || std::ranges::binary_search(record.pseudonyms, pseudonym)) continue;\n    end(id,"),
    Bug("wiped_relay_says_nothing", "a relay that lost items greets as if it had them", "src/relay/rules/replies.cpp",
        "  if (hello.last_cursor > opened.mailbox.head || hello.last_cursor < opened.mailbox.floor) return true;",
        "  if (BUG) return false;\n"
        "  if (hello.last_cursor > opened.mailbox.head || hello.last_cursor < opened.mailbox.floor) return true;"),
    Bug("pull_ends_early", "an answer that leaves out items says that there are no more", "src/relay/rules/replies.cpp",
        "  bool const more = pulled->has_more || pulled->next_after < head;",
        "  bool const more = !BUG && (pulled->has_more || pulled->next_after < head);"),
]


def sources() -> list[str]:
    return sorted({bug.source for bug in BUGS})


def planted(source: str) -> str:
    text = (ROOT / source).read_text(encoding="utf-8")
    for number, bug in enumerate(BUGS, 1):
        if bug.source != source:
            continue
        if text.count(bug.found) != 1:
            sys.exit(f"{source}: the place of the bug {bug.name} is there {text.count(bug.found)} times, and should be once")
        text = text.replace(bug.found, bug.replaced.replace("BUG", f"(::kith::sim::planted == {number})"))
    return f'namespace kith::sim {{\nextern int planted;\n}}\n#line 1 "{ROOT / source}"\n{text}'


def table() -> str:
    names = "\n".join(f'    "{bug.name}",' for bug in BUGS)
    return f'#include "sim/mutant.hpp"\n\nnamespace kith::sim {{\n\nint planted = 0;\n\nstd::vector<std::string_view> const kBugs{{\n{names}\n}};\n\n}}  // namespace kith::sim\n'


def main() -> int:
    match sys.argv[1:]:
        case ["sources"]:
            print("\n".join(sources()))
        case ["names"]:
            print("\n".join(bug.name for bug in BUGS))
        case ["plant", source]:
            sys.stdout.write(planted(source))
        case ["table"]:
            sys.stdout.write(table())
        case _:
            print(__doc__.strip(), file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
