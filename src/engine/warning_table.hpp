#pragma once

#include "engine/failure_table.hpp"

/// Every code under which kith warns. @see failure_table.hpp
namespace kith::engine::table {

// One field per line would hide the table in it.
// clang-format off
inline constexpr WarningCode kWarnings[] = {
    {"added-devices", "a removed device had let others in",
     "Who removes a device that was stolen should look at those that came in through it: the thief may have invited "
     "them. `kith devices ls` lists all, `kith devices revoke DEV` removes one."},
    {"binary", "a message is no text, so it was not printed",
     "A message with control characters could steer the terminal, so `kith pull` prints only text. With `kith pull "
     "--out DIR` every message is written to a file, and with --json it is in data_b64."},
    {"config-shadowed", "a setting was written, and something else counts before it",
     "A flag counts before a KITH_ variable, and that before the file. `kith config show --origin` says which one "
     "counts now."},
    {"conflict", "a file was changed on two devices",
     "Neither version replaces the other: one keeps the name, the other is put beside it as a copy, the same on every "
     "device. Compare them, keep what you want under the first name, and delete the copy. If the "
     "one under the first name is deleted instead, the copy takes the name."},
    {"content-missing", "a message is known here, and its content is still on another device",
     "Large messages come in pieces. The device that has the rest could not be reached; `kith pull` prints the message "
     "when it is here. Nothing behind it is printed before, so that nothing is passed over."},
    {"forked", "a device was put back from a backup, or copied",
     "Two of its entries have one number: its home went on from an older state, or two copies of it wrote. Both entries "
     "are kept on every device, and nothing is lost; the device goes on under a new number by itself. If you did put it "
     "back, nothing need be done. If you did not, somebody else may have a copy of its home: remove the device with "
     "`kith devices revoke DEV`. It is told of for 30 days, or until the device is removed."},
    {"held-back", "another device leaves paths alone",
     "It has everything else. What the group has for these paths would cover something there that is not kith's to move: "
     "a symbolic link, say, or a name that differs only in upper and lower case. It waits until that is gone. On that "
     "device `kith status` says how many are left alone for which reason, `kith sync DIR` names them, and `kith help "
     "skipped` explains the reasons."},
    {"mismatch", "a file on the disk is not what was recorded",
     "`kith verify` read the file again, and its bytes are others than those that were synced, while size and time "
     "say that nothing changed. The disk may be failing, or a program changed the file and put its time back. If the "
     "bytes are right, `touch` the file and it is taken as a change; else delete it in another place and compare with "
     "what other devices hold."},
    {"only-this-machine", "the addresses that were printed lead to this machine only",
     "No other network address is there: the machine is offline, or network.listen names 127.0.0.1. Homes on this "
     "machine can join, other machines cannot. Connect it to a network, or see `kith config get network.listen`."},
    {"pending", "a message is stored here, and on no other device yet",
     "No other device was reached. The message is on this disk and goes out by itself as soon as one is, while "
     "`kith sync`, `kith pull --follow` or another command runs. `kith push --wait safe` waits for it."},
    {"recovery-unfinished", "a relay may serve nobody but a device that is in no group",
     "While the words bring a group back, other devices can contest this device's place at a relay; then the relay serves "
     "it alone until the recovery is through. Where that is given up, kith has the relay serve the others again. Here it "
     "could not: the connection was lost. The group's devices keep what they have, and go on by other ways; the relay "
     "tells them that it does not serve them. The recovery, done again to its end, puts it right. Where it is not wanted any "
     "more: `kith relay add URL --anew` on a device of the group."},
    {"relay-twice", "two devices have added the same relay, each by itself",
     "Who adds a relay makes a mailbox there, and tells the others where it is. A device that had not heard of that, and "
     "added the relay too, has made a second one: those who know only one of them do not meet those who know only the "
     "other. It is so after a relay was set up anew, say, and each device was given its new key. As soon as the "
     "devices hear of each other another way, all use the same mailbox, and nothing is lost: directly (kith sync DIR "
     "--peer HOST:PORT, on one network), or over another relay that both use. Where there is no such way, invite one of "
     "them again with `kith pair`, into a new home. The warning comes too where the relay was given up before this "
     "device came into the group, and a record of that time is still there; then nothing need be done."},
    {"relay-untold", "a relay is used no more, and could not be told",
     "What a group decides its devices tell each other: directly, and over relays. Devices that meet this one only at the "
     "relay that was given up do not hear of it yet, and go on using that relay. kith goes on trying to tell them there "
     "where the group uses another relay; else they hear of it when they next connect directly."},
    {"relay-without-invite", "a relay does not hold the invite that was made",
     "Devices that are not on the same network join through the group's relays. This one could not be reached, or takes "
     "no more invites now; kith goes on trying while the invite is open. `kith relay test` says which step fails. The "
     "addresses that were printed are good without it."},
    {"relay-without-words", "the recovery words do not lead to the group at this relay",
     "A relay keeps few recovery records for the same words, and a device that was in the group once can have filled "
     "them up. It carries everything all the same. For the day when all devices are lost, use another relay beside it, "
     "`kith relay add URL`, and keep that one's address where the words are; this one is given the record again "
     "whenever a device that added it connects. `kith doctor` says how it is now."},
    {"said-removed", "another device says that this one was removed",
     "Any device of the group can say so, and one that was stolen may lie: kith believes nothing but the signed removal, "
     "and goes on as before. But a device that was removed may be unable to read that, where the group's key had changed "
     "before. Ask at the device that says so: `kith devices ls` there tells in what state this one is. If it was removed, "
     "its files stay, and it comes back with a new home: `kith pair --home DIR --join CODE --peer HOST:PORT`. The warning "
     "is over once that device talks to this one again."},
    {"senior-device", "the removed device could undo its removal",
     "Of two devices that remove each other, the one that was in the group first stays. `kith devices revoke DEV "
     "--recovery-file FILE` signs the removal with the recovery words, and that is final. It can be done now, though the "
     "device is removed already, on any device that is still in the group."},
    {"unkept", "no other device that was reached keeps the folder",
     "The others know the folder's name and what is in it, and have none of its contents: the files are on this device "
     "only. Run `kith sync DIR --folder NAME` on a device that should keep them too."},
    {"unreachable", "not all devices could be compared",
     "`kith verify` compared what is here with the devices that answered. The others are offline; what they hold is "
     "not known. `kith devices ls` says when each was last there."},
    {"unread", "a folder was not read",
     "`kith verify` could not get at a folder: its disk is not mounted, or may not be read. It went on with the others, "
     "so this one is neither whole nor damaged by what it found. `kith verify FOLDER` looks at it alone."},
    {"words-used", "the recovery words were used to read the group from this device",
     "`kith init --recover --peer HOST:PORT` on another machine has shown this device the group's 24 recovery words, and got all that "
     "the group wrote: messages, and the names of folders and files, not what is in them. If that was you, nothing need be "
     "done. If it was not, somebody else has the words, and nothing takes them back: who has them can remove every device. "
     "`kith devices ls` shows whether a device came in. Begin anew while your devices still hold everything: `kith init "
     "--home DIR` makes a new group with new words, for your folders to move to. It is told of for 30 days."},
};
// clang-format on

/// A code that has a help page: of this table or a failure's, or `skipped`, which is a topic.
consteval bool warning_is_known(std::string_view name) {
  if (name == "skipped") return true;
  for (auto const& each : kWarnings)
    if (each.code == name) return true;
  for (auto const& each : kCodes)
    if (each.code == name) return true;
  return false;
}

}  // namespace kith::engine::table
