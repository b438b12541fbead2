#pragma once

#include "engine/failure_codes.hpp"

/// The one table of failure codes. Only the files that make failures include it; others ask failure_codes().
namespace kith::engine::table {

inline constexpr std::string_view kUntouched = "nothing was changed";

// One field per line would hide the table in it.
// clang-format off

/// One code per block: code, exit, safe, note, summary, help, remedies. Grouped by exit code.
inline constexpr FailureCode kCodes[] = {
    {"bad-content", kExitOther, true, "the old file is still there",
     "a file's description from another device contradicts itself",
     "The list of pieces that another device sent for a file does not add up, so the file was not built from it. "
     "Either that device runs a faulty program, or its database is damaged. Other files go on.",
     {{{"kith verify", "see which devices and files differ"}, {"kith doctor", "check this device"}}}},
    {"bad-entry", kExitOther, true, "what did not verify was not taken in",
     "an entry of the log is not what its author wrote, or not from a device of the group",
     "Every entry is sealed and signed. One that does not open or whose signature does not fit is refused: bytes were "
     "changed on the way or on a disk, or somebody who is not in the group sent them. Entries that verify go on.",
     {{{"kith verify", "compare what the devices hold"}, {"kith devices ls", "see who is in the group"}}}},
    {"bad-message", kExitOther, true, "what could not be read was not taken in",
     "bytes that are no message of kith, or come out of turn",
     "The other side sent something that does not decode, or that is not due at this point. Mostly a program of "
     "another version or another kind answers there.",
     {{{"kith version", "compare the versions on both devices"}, {"kith doctor", "check this device"}}}},
    {"declined", kExitOther, true, kUntouched, "a question was answered with no",
     "The command asked before it did something that cannot be undone, and the answer was no, or the input ended.",
     {{{"kith status", "see how things are"}}}},
    {"directory-not-empty", kExitOther, true, kUntouched, "a directory still holds something",
     "A directory was to be removed or replaced, and something is in it that kith did not put there. It was left "
     "alone.",
     {{{"kith status", "see what is still to be done"}}}},
    {"disk-error", kExitOther, false, "see what the system says, and check the disk",
     "the system refused to read or write",
     "The operating system reported an error that is neither a full disk nor a matter of rights. That may be a "
     "failing disk or a network drive that is gone. Whatever kith had acknowledged before was synced to the disk.",
     {{{"kith doctor", "check this device's database and folders"},
       {"kith verify", "compare files with what they should hold"}}}},
    {"folder-silent", kExitOther, true, "nothing is changed on a disk that does not answer", "a folder's disk does not answer",
     "Whoever asks the disk waits: a network drive whose server is gone, or a disk that is failing. kith leaves the "
     "folder alone meanwhile, tells other devices that it is not kept here now, and goes on by itself once the disk "
     "answers.",
     {{{"kith status", "see the folders and where they are"},
       {"kith sync DIR", "keep it in step again, once the disk is there"}}}},
    {"file-changed", kExitOther, true, "the newer content was left alone",
     "a file changed while kith was working on it",
     "Another program wrote to a file between the moment kith looked at it and the moment it wanted to replace it. "
     "kith leaves such a file alone and looks again.",
     {{{"kith status", "see whether it settled"}}}},
    {"internal-error", kExitOther, true, "kith stops rather than guess", "kith met something that should not happen",
     "This is a fault in kith. What was acknowledged before is on the disk. Please report it with the output of the "
     "same command run with -vv; the log holds no names, keys or contents.",
     {{{"kith doctor", "check this device"}, {"kith version", "the version to name in a report"}}}},
    {"name-too-long", kExitOther, true, kUntouched, "a name is longer than this file system takes",
     "Another device has a file whose name or path this disk cannot hold. It stays on the other devices; give it a "
     "shorter name there.",
     {{{"kith status", "see what waits"}}}},
    {"no-answer", kExitOther, true, kUntouched, "a question was not answered",
     "The input ended (Ctrl-D) where an answer was needed. Run the command again, or see how it runs without asking.",
     {{{"kith help scripts", "how to run kith without questions"}}}},
    {"not-kith", kExitOther, true, kUntouched, "something answered, or was given, that is not kith's",
     "The bytes do not begin as anything of kith does: another program listens at that address, or the link or file "
     "is of another kind.",
     {{{"kith pair", "make an invite, and take the address that it prints"}}}},
    {"other-file-system", kExitOther, true, kUntouched, "a mount point lies inside a folder",
     "Part of the folder is another file system mounted inside it. Files cannot be put in place there in one step, so "
     "kith leaves it alone. Make what is mounted there a folder of its own.",
     {{{"kith sync DIR --new", "make the mounted directory a folder of its own"}}}},
    {"out-of-memory", kExitOther, true, kUntouched, "there is not enough memory",
     "Turning a passphrase into a key takes 256 MiB on purpose, so that guessing is dear. Free some memory and try "
     "again.",
     {{{"kith doctor", "see what this device has"}}}},
    {"output-failed", kExitOther, true, "what was not printed is still stored", "the output could not be written",
     "Standard output is a full disk, or a program that stopped reading. What `kith pull` had not printed yet is "
     "printed next time.",
     {{{"kith pull", "print what was not printed yet"}}}},
    {"path-taken", kExitOther, true, "what is there was left alone", "something unexpected is in the way",
     "A file was to be put where something is that kith did not put there and has not seen yet. kith never covers "
     "such a thing. It looks at it with the next scan.",
     {{{"kith status", "see what waits"}}}},
    {"permission", kExitOther, true, kUntouched, "the system does not let kith do this",
     "The file, directory, port or disk belongs to another user, or may not be written. The message names it. In a "
     "container the user's number must be the one that owns the mounted directory.",
     {{{"kith config path", "where the configuration is"}, {"kith doctor", "check the rights of the home"}}}},

    {"address-in-use", kExitBusy, true, kUntouched, "another program listens on that port",
     "network.listen names a port that something else has taken: another kith home, or another program.",
     {{{"kith config set network.listen '[::]:7428'", "listen on another port"},
       {"kith config get network.listen", "see what is set"}}}},
    {"database-busy", kExitBusy, true, kUntouched, "another process kept the database locked for too long",
     "Several processes may use one home, and writers wait for each other. This one waited ten seconds. A stopped "
     "process (Ctrl-Z) or a slow disk may hold the lock.",
     {{{"kith status", "see which process runs"}}}},
    {"home-busy", kExitBusy, true, "the other process goes on", "another process of this home is in the way",
     "One process per home talks to other devices, and none may have the home's database open when a joining puts the "
     "joined group's in its place. End the other process, or let it do the work.",
     {{{"kith status", "see which process that is"}}}},

    {"already-initialised", kExitUsage, true, kUntouched, "this home is in a group already",
     "A home belongs to one device in one group. To invite another device, pair. For a second group use another home.",
     {{{"kith pair", "invite another device"},
       {"kith status", "see what this home holds"},
       {"kith init --home DIR", "make a second, separate home"}}}},
    {"ambiguous-device", kExitUsage, true, kUntouched, "several devices fit",
     "A device is named by its name or by the beginning of its id. What was given fits more than one: names can be "
     "the same, and one device's name can look like another's id. Write id: and the digits that are listed, as in "
     "id:657aaf52: that is never taken for a name.",
     {{{"kith devices ls", "see the ids, and name the device by id: and 8 digits or more"}}}},
    {"approval-needed", kExitUsage, true, kUntouched, "somebody would have to be asked",
     "A device that joins is shown to somebody first. Without a terminal nobody can answer; --yes lets in whoever has "
     "the code.",
     {{{"kith pair --create --yes", "let in whoever has the code"}}}},
    {"bad-address", kExitUsage, true, kUntouched, "a text that is no address",
     "An address is HOST:PORT, where HOST is a name, an IPv4 address, or an IPv6 address in square brackets.",
     {{{"kith sync DIR --peer 192.168.1.20:7427", "an IPv4 address and port"},
       {"kith sync DIR --peer '[fd00::20]:7427'", "an IPv6 address and port"}}}},
    {"bad-path", kExitUsage, true, kUntouched, "a path that kith cannot carry",
     "Paths inside a folder are UTF-8, at most 255 bytes a part and 4096 in all, and hold no .kith. Others are "
     "skipped; rename them to let them travel.",
     {{{"kith help skipped", "what cannot travel, and why"}}}},
    {"bad-profile", kExitUsage, true, kUntouched, "a profile's name that is no plain name",
     "A profile's name has up to 32 letters, digits, dashes and underscores, and begins with a letter or digit.",
     {{{"kith --profile work status", "a profile named work"}}}},
    {"bad-relay-address", kExitUsage, true, kUntouched, "a text that is no relay's address",
     "A relay prints its whole address: wss://HOST/#key=KEY. The key tells it from others; without one the address is "
     "wss://HOST, or HOST alone. ws:// is for a relay without TLS.",
     {{{"kith help bad-relay-address", "see the form again"}}}},
    {"config-bad-value", kExitUsage, true, kUntouched, "a setting has a value that means nothing",
     "The message says where the value stands and what may stand there. Values come from a flag, the environment or "
     "the configuration file, in this order.",
     {{{"kith config check", "see all that is wrong, with line and column"},
       {"kith config show --origin", "see which value comes from where"}}}},
    {"config-missing", kExitUsage, true, kUntouched, "the configuration file that was named is not there",
     "--config or KITH_CONFIG names a file that does not exist. Without them kith takes its own place, and a file "
     "that is not there counts as empty.",
     {{{"kith config path", "where the configuration is expected"},
       {"kith config set log.level warn", "make the file with one setting"}}}},
    {"config-not-editable", kExitUsage, true, kUntouched, "the configuration file must be changed by hand",
     "`kith config set` changes one value and leaves the rest of the file as it is. Here it cannot: the section is "
     "written as an inline table { ... } or as a list.",
     {{{"kith config path", "the file to edit"}, {"kith config check", "check it afterwards"}}}},
    {"config-syntax", kExitUsage, true, kUntouched, "the configuration file is no TOML",
     "The message names line and column. Texts need quotes, sections square brackets: see https://toml.io.",
     {{{"kith config path", "the file to edit"}, {"kith config check", "check it afterwards"}}}},
    {"config-too-large", kExitUsage, true, kUntouched, "the configuration file is too large to be one",
     "A configuration file has at most 256 KiB. Another file may have its place.",
     {{{"kith config path", "the file that was read"}}}},
    {"config-unknown-key", kExitUsage, true, kUntouched, "a setting that kith does not know",
     "A misspelt key would have no effect and nobody would notice, so it is an error, in the file as in "
     "KITH_SECTION__KEY variables.",
     {{{"kith config show", "see the keys that there are"},
       {"kith config check", "see all that is wrong, with line and column"}}}},
    {"config-wrong-type", kExitUsage, true, kUntouched, "a setting has a value of another kind",
     "Texts stand in quotes, numbers do not: trash_days = 30, max_delete = \"25%\".",
     {{{"kith config check", "see all that is wrong, with line and column"},
       {"kith config show", "see the keys and their values"}}}},
    {"folder-elsewhere", kExitUsage, true, kUntouched, "this device keeps the folder in another directory",
     "A folder has one place on each device. Use that place, or give this directory a name of its own.",
     {{{"kith status", "see where the folders are"}, {"kith sync DIR --new", "make this directory another folder"}}}},
    {"folder-foreign", kExitUsage, true, kUntouched, "the directory is another folder already",
     "The marker in DIR/.kith names another folder, group or device: perhaps the directory was copied with it, or is "
     "synced by another home. kith does not mix them. If the home that kept it is gone for good, take the marker "
     "away: every file stays, what DIR/.kith/trash keeps too, and files that differ from the group's are kept twice.",
     {{{"kith status", "see this home's folders"},
       {"kith help home", "which home this is, and how to choose another"}}}},
    {"foreign-owner", kExitUsage, true, kUntouched, "the home belongs to another user",
     "A home and its keys belong to the user who runs kith. Running it with sudo would leave files that the user "
     "cannot read any more, so it is refused.",
     {{{"kith help home", "where a home is, and how to choose another"}}}},
    {"home-unknown", kExitUsage, true, kUntouched, "nothing says where the home is",
     "Neither --home nor KITH_HOME, XDG_STATE_HOME or HOME is set.",
     {{{"kith --home DIR status", "say where it is"}, {"kith help home", "which variables count"}}}},
    {"message-too-large", kExitUsage, true, kUntouched, "more than one message holds",
     "A message has at most 16 MiB. Larger things are files.",
     {{{"kith sync DIR", "keep a directory in step instead"}}}},
    {"name-is-the-groups", kExitUsage, true, kUntouched, "device.name counts only until the device is in a group",
     "The setting device.name is what a device is called when it starts a group or joins one. From then on the name is "
     "the group's, the same on every device, and is changed there.",
     {{{"kith devices rename DEV NAME", "change the name on all devices"},
       {"kith devices ls", "see what this device is called"}}}},
    {"no-such-device", kExitUsage, true, kUntouched, "no device has this name or id",
     "A device is named by its name or by the beginning of its id, as far as that is unique.",
     {{{"kith devices ls", "see names and ids"}}}},
    {"no-such-path", kExitUsage, true, kUntouched, "the file or directory is not there",
     "The message names it. In a folder, a file may also have been removed between looking and reading.",
     {{{"kith status", "see the folders and where they are"}}}},
    {"no-terminal", kExitUsage, true, kUntouched, "an answer is needed, and there is no terminal",
     "The command asks something and runs without a terminal. --yes answers questions with yes where that is allowed; "
     "secrets come from files.",
     {{{"kith help scripts", "how to run kith from scripts"},
       {"kith help passphrase", "where a passphrase comes from"}}}},
    {"not-a-directory", kExitUsage, true, kUntouched, "something else is where a directory belongs",
     "The message names the path. For a home or folder choose a directory, or a path where one can be made.",
     {{{"kith help home", "where a home is"}, {"kith status", "where the folders are"}}}},
    {"not-a-file", kExitUsage, true, kUntouched, "a directory, link or device is where a file belongs",
     "The message names the path. Keys are never read through a symbolic link, and folders carry none.",
     {{{"kith help home", "what a home consists of"}}}},
    {"nothing-to-send", kExitUsage, true, kUntouched, "an empty message",
     "There were no bytes to send: standard input ended at once, or the file or text is empty. Mostly the command in "
     "front of a pipe failed.",
     {{{"kith push 'some words'", "send a text"}, {"kith push FILE", "send a file's content"}}}},
    {"passphrase-empty", kExitUsage, true, kUntouched, "an empty passphrase protects nothing",
     "The passphrase file or the first line of the command's output is empty, or nothing was typed.",
     {{{"kith help passphrase", "where a passphrase comes from"}}}},
    {"passphrase-mismatch", kExitUsage, true, kUntouched, "the two passphrases differ",
     "A new passphrase is typed twice, because nobody can get it back.",
     {{{"kith help passphrase", "how to take it from a file instead"}}}},
    {"passphrase-too-long", kExitUsage, true, kUntouched, "the passphrase is too long",
     "A passphrase has at most 1024 bytes. Perhaps the file is not the one that was meant.",
     {{{"kith help passphrase", "where a passphrase comes from"}}}},
    {"too-large", kExitUsage, true, kUntouched, "more than fits into one field",
     "Names have at most 255 bytes; the message says which size was met.",
     {{{"kith help scripts", "sizes and forms"}}}},
    {"too-open", kExitUsage, true, kUntouched, "other users could read your keys",
     "The home and its key file must be readable by their owner only (directory 0700, file 0600). kith does not "
     "change rights that it did not set: somebody may have wanted them. Who could read the key file may have copied "
     "it.",
     {{{"kith help home", "what belongs to a home"},
       {"kith devices ls", "if the keys may be known: revoke this device from another one"}}}},
    {"usage", kExitUsage, true, kUntouched, "the command line does not make sense",
     "A command or flag is misspelt, missing, or does not go with another one.",
     {{{"kith help", "all commands"}}}},

    {"partial", kExitPartial, true, "the rest is done; what was left out is listed",
     "done, but some items were left out",
     "Some files could not travel: links, special files, names that are not UTF-8, or files without the right to read "
     "them. Everything else is done.",
     {{{"kith help skipped", "why something is left out"}, {"kith verify", "compare the devices"}}}},

    {"code-expired", kExitTimedOut, true, kUntouched, "the pairing code's time is over",
     "A code is good for ten minutes unless --expires says otherwise. Make another one.",
     {{{"kith pair", "on the other device: make another code"}}}},
    {"timed-out", kExitTimedOut, true, "what was done so far is kept", "nothing moved for too long",
     "--timeout counts the time without progress. The other side may be asleep, or the network very slow.",
     {{{"kith status", "see what was reached and what waits"}, {"kith doctor", "check this device's network"}}}},

    {"not-initialised", kExitNotInitialised, true, "there is nothing here yet", "this home belongs to no group yet",
     "Before anything else a device starts a group or joins one. If it did, another home is being looked at: another "
     "user, --home, KITH_HOME or profile.",
     {{{"kith init", "start a group on this device"},
       {"kith pair --join CODE --peer HOST:PORT", "or join one, with the code and address that another device shows"},
       {"kith help home", "which home is looked at"}}}},

    {"address-unreachable", kExitUnreachable, true, "changes stay queued on this device",
     "nothing answers at an address",
     "No program listens there, the name does not resolve, or a firewall is in between. The other device must be "
     "running kith, and its address may have changed.",
     {{{"kith devices ls", "see where devices were last seen"}, {"kith doctor", "check this device's network"}}}},
    {"connection-closed", kExitUnreachable, true, "changes stay queued on this device",
     "the other side ended the conversation",
     "The other device stopped kith, went to sleep or changed networks. kith connects again by itself while it runs.",
     {{{"kith status", "see which devices are there"}}}},
    {"network-error", kExitUnreachable, true, "changes stay queued on this device", "the network does not work",
     "The system refused a network operation; the message has its words.",
     {{{"kith doctor", "check this device's network"}}}},
    {"nobody-reachable", kExitUnreachable, true, "changes stay queued on this device",
     "no other device could be reached",
     "No other device of the group answers now. What was changed here is stored and goes out as soon as one is there.",
     {{{"kith devices ls", "see when each was last seen"},
       {"kith sync DIR --peer HOST:PORT", "try an address"},
       {"kith doctor", "check this device's network"}}}},
    {"not-a-relay", kExitUnreachable, true, "changes stay queued on this device",
     "a web server answers, but no relay",
     "Something answers at the address, but does not open a WebSocket. Either it is another program, or the path in the "
     "address is wrong, or a proxy in front of the relay does not let WebSockets through.",
     {{{"kith doctor", "check this device's network"}, {"kith help bad-relay-address", "the form of an address"}}}},
    {"recovery-log-missing", kExitUnreachable, true, kUntouched,
     "a relay or a device knows the group, and does not give what it wrote",
     "The words fit, but what the group wrote is not there, or not from its beginning: a relay lost it, was set up anew, or "
     "holds it back, as a device can. Another relay or device of the group may have all of it. With a device of the group "
     "left that lets this one in no recovery is needed.",
     {{{"kith init --recover --relay URL", "with the address of another relay of the group"},
       {"kith init --recover --peer HOST:PORT", "or of a device of it"},
       {"kith pair", "on a device of the group, if there is one left: invite this machine"}}}},
    {"relay-unreachable", kExitUnreachable, true, "changes stay queued on this device",
     "a relay does not answer",
     "Nothing listens at its address, its name does not resolve, or the network is down. kith tries again by itself, at "
     "longer and longer intervals up to a minute. Devices go on with each other directly.",
     {{{"kith relay test", "see which step fails"}, {"kith relay ls", "see how each relay goes"}}}},
    {"relay-lost-data", kExitUnreachable, true, "what it lost is being told again",
     "a relay does not hold any more what it had acknowledged",
     "It was put back from a backup, or its directory was replaced. This device looks through all that is there and "
     "brings what is missing; the other devices do the same. If it happens without its operator's doing, look for "
     "another relay.",
     {{{"kith relay ls", "see whether it has everything again"}, {"kith verify", "compare what the devices hold"}}}},
    {"relay-misbehaves", kExitUnreachable, true, "what does not fit was not taken in",
     "a relay breaks the protocol",
     "What it sends does not decode, or is not due. It runs a faulty or changed program, or is of another version.",
     {{{"kith relay test", "see which step fails"}, {"kith relay rm URL", "use it no more"}}}},
    {"relay-replaced", kExitUnreachable, true, kUntouched,
     "another program connects to a relay in this device's name",
     "A relay serves one connection of each device, the newest. A copy of this home is in use elsewhere, or two "
     "processes of it do not see each other.",
     {{{"kith doctor", "check this device"}}}},
    {"relay-busy", kExitUnreachable, true, "changes stay queued on this device", "a relay takes no more for now",
     "A relay limits how often an address may ask, so that nobody can guess codes or fill it up. It takes more after the "
     "time that the message names. Many devices behind one address share its limits.",
     {{{"kith status", "see what waits"}}}},

    {"locked", kExitLocked, true, kUntouched, "the keys are protected by a passphrase, and none was given",
     "Without a terminal the passphrase comes from a file or a command.",
     {{{"kith status", "with KITH_PASSPHRASE_FILE=FILE set in the environment"},
       {"kith help passphrase", "where a passphrase comes from"}}}},
    {"passphrase-unavailable", kExitLocked, true, kUntouched,
     "the passphrase could not be had from where it is said to be",
     "The file cannot be read or can be read by others, or the command did not end well. No other place is tried, so "
     "that a mistake shows.",
     {{{"kith help passphrase", "where a passphrase comes from"}}}},

    {"code-cancelled", kExitWrongSecret, true, kUntouched, "the invite was taken back",
     "The other device stopped waiting, or its user cancelled. Ask for another code.",
     {{{"kith pair", "on the other device: make another code"}}}},
    {"code-unanswered", kExitWrongSecret, true, kUntouched, "nobody answers for the code through a relay",
     "A relay does not tell whether it knows a code, so that nobody can try codes there. Either the first half of the "
     "code is mistyped, or the invite is over (a code is good for ten minutes, and ends with its `kith pair`), or the "
     "other device is not connected to this relay now.",
     {{{"kith pair --join CODE --relay URL", "type the code again, with the relay that the other device shows"},
       {"kith pair", "on the other device: make another code"}}}},
    {"code-unknown", kExitWrongSecret, true, kUntouched, "nobody at the given addresses knows the code",
     "Something answered, and it has given out no such invite: the code is mistyped, was taken back, or belongs to a "
     "device at another address. `kith pair` prints the addresses at which its code is good.",
     {{{"kith pair --join CODE --peer HOST:PORT", "name the address that the other device printed"},
       {"kith pair", "on the other device: make another code"}}}},
    {"code-used", kExitWrongSecret, true, kUntouched, "the pairing code has been used",
     "A code is good for one device. If you did not use it, somebody else did: look at the list of devices.",
     {{{"kith devices ls", "on the other device: see who joined"},
       {"kith pair", "on the other device: make another code"}}}},
    {"code-void", kExitWrongSecret, true, kUntouched, "the pairing code was tried wrongly three times",
     "It is void now, so nobody can guess on.",
     {{{"kith pair", "on the other device: make another code"}}}},
    {"code-wrong", kExitWrongSecret, true, kUntouched, "the pairing code is not right",
     "The first half of a code finds the invite, the second proves it. After three wrong tries the code is void. "
     "Case, spaces, dashes, O for 0 and I or L for 1 do not matter.",
     {{{"kith pair --join --peer HOST:PORT", "try again, and type the code where nobody sees it"},
       {"kith pair", "on the other device: make another code"}}}},
    {"key-mismatch", kExitWrongSecret, true, kUntouched, "data is sealed under a key that this device does not hold",
     "Another device sealed it under a newer group key that has not come here, or it belongs to another group. If it "
     "does not settle once the devices have met, pair again from a device that syncs.",
     {{{"kith status", "see which devices are there"},
       {"kith pair", "on a device that syncs: invite this one again"}}}},
    {"not-authentic", kExitWrongSecret, true, kUntouched, "bytes were changed, or another key made them",
     "A seal or signature does not fit. Nothing of it was used.",
     {{{"kith doctor", "check this device"}}}},
    {"passphrase-wrong", kExitWrongSecret, true, kUntouched, "this is not the passphrase",
     "The key file is whole, and this passphrase does not open it. Nobody can recover it; if it is lost, the way back "
     "is another device that invites this machine as a new one.",
     {{{"kith help passphrase", "where a passphrase comes from"}}}},
    {"recovery-words-wrong", kExitWrongSecret, true, kUntouched, "these are not the recovery words of this group",
     "24 words, each from the list; capital letters and shortened words do not matter. A word that is in the list but "
     "wrong shows in the checksum. Look at what you wrote down, and run the command again.",
     {{{"kith help recovery", "where the words are used, and how they are given"}}}},

    {"recovery-not-found", kExitWrongSecret, true, kUntouched, "a relay or a device knows nothing of these recovery words",
     "The 24 words are whole: their checksum fits. But nothing at this relay belongs to them. They may be the words of "
     "another group, or the group used another relay: `kith relay add` leaves the record there that leads back. A "
     "relay that was set up anew has forgotten it. A device says nothing at all to words that are not its group's.",
     {{{"kith init --recover --relay URL", "with the address of another relay of the group"},
       {"kith init --recover --peer HOST:PORT", "or of a device of it: `kith status` there says whether kith runs"},
       {"kith relay test URL", "see whether that relay answers"}}}},
    {"recovery-spoilt", kExitWrongSecret, true, kUntouched,
     "what a relay has for these recovery words does not open with them",
     "Who is or was in the group can leave records for its words, and replace the one that leads back. None of those "
     "that are there opens. Another relay of the group has a record of its own.",
     {{{"kith init --recover --relay URL", "with the address of another relay of the group"},
       {"kith pair", "on a device of the group, if there is one left: invite this machine"}}}},

    {"approval-denied", kExitNotTrusted, true, kUntouched, "the other device's user said no",
     "Somebody at the other device saw this one's name and did not let it in.",
     {{{"kith pair", "on the other device: make another code, and say yes"}}}},
    {"handshake-failed", kExitNotTrusted, true, kUntouched, "the other side could not prove what a session demands",
     "Something that is no device of this group answered, or a device that has missed a change of keys.",
     {{{"kith devices ls", "see who is in the group"}, {"kith status", "see which devices are there"}}}},
    {"not-trusted", kExitNotTrusted, true, "what is not from the group was not taken in",
     "a device that is not in the group",
     "Only devices in the group may write. This one was never added, or its entry came before it was.",
     {{{"kith devices ls", "see who is in the group"}, {"kith pair", "invite a device"}}}},
    {"recovery-contested", kExitNotTrusted, true, kUntouched,
     "another device of the group takes this one off a relay's list",
     "While this device reads what the group wrote, others that are still in the group can take it off the list of "
     "those whom the relay serves. The words have the last word: once the recovery is through, only the devices that "
     "you keep are on it. Run it again; if some device of yours is connected, stop kith there meanwhile.",
     {{{"kith init --recover --relay URL", "try again"}}}},
    {"relay-key-changed", kExitNotTrusted, true, "nothing was sent to it",
     "a relay does not have the key that it was known by",
     "Its address carries its key, and what answers has another one. Either the relay was set up anew, or somebody is in "
     "between. Ask its operator for the line that kith-relay prints when it starts, and compare. Where it was set up anew, "
     "add it on one device only. The others must hear of that over another relay or directly (kith sync DIR --peer "
     "HOST:PORT, on one network); else pair them again. Adding it on each device by itself makes mailboxes of which the "
     "others know nothing.",
     {{{"kith relay test URL", "compare the key that answers with the operator's line"},
       {"kith relay add URL", "on one device, with the address that its operator gives"}}}},
    {"relay-not-allowed", kExitNotTrusted, true, "changes stay queued on this device",
     "a relay does not serve this device",
     "It has a list of whom the group wants it to serve, and this device is not in it: the group has not told it yet, "
     "or this device was paused or removed. Another device of the group that is connected to the relay puts it right by "
     "itself. Where no device of the group is served there, one of two things happened: somebody brought the group back "
     "elsewhere by its recovery words, and this device was not kept; or the device that made the mailbox there, and was "
     "removed since, has taken it over, and a new mailbox shuts that out.",
     {{{"kith devices ls", "see how this device stands in the group"},
       {"kith relay ls", "see how each relay goes"},
       {"kith relay add URL --anew", "make a new mailbox there, if the old one was taken over"}}}},
    {"relay-off-chain", kExitNotTrusted, true, "nothing was sent to it",
     "a relay's list of devices is not the group's",
     "The list of whom a relay serves is signed, each version by a device of the one before. This one does not follow, or "
     "it names none of the group's devices: the relay made it up, or a device that was removed took the mailbox over. A "
     "new mailbox at that relay shuts it out; if it was the relay itself, use another one. The other devices hear of that "
     "when they next meet this one, or over another relay.",
     {{{"kith devices ls", "see who is in the group"},
       {"kith relay add URL --anew", "make a new mailbox at that relay"},
       {"kith relay rm URL", "use that relay no more"}}}},
    {"relay-withholds", kExitNotTrusted, true, "nothing is lost: what this device lacks comes from the others",
     "a relay does not show this device what it showed another one",
     "Two devices compared what the relay has given them: it keeps something back from this one, shows each another "
     "history, or has lost something and says nothing. What is missing is brought there again. If it goes on, do not "
     "rely on this relay.",
     {{{"kith verify", "compare once more"},
       {"kith relay add URL", "use another one too"},
       {"kith relay rm URL", "use that relay no more"}}}},
    {"relay-unreadable", kExitNotTrusted, true, "nothing is lost: what can be read was taken in",
     "a relay holds a great deal that this device cannot read",
     "More than 4096 of the entries that it handed out open with no key that this device has, or stand on others that "
     "never came. Behind so many it could keep others back without anybody noticing. If a device has been away for long, "
     "what opens them may come with it; if not, somebody fills the mailbox up.",
     {{{"kith devices ls", "see which devices have been away"},
       {"kith relay add URL", "use another one too"},
       {"kith relay rm URL", "use that relay no more"}}}},
    {"relay-token-needed", kExitNotTrusted, true, kUntouched,
     "a relay takes groups in only with a token",
     "Its operator gives tokens out. Put the one for you into a file that only you can read.",
     {{{"kith relay add URL --token-file FILE", "with the token"}}}},
    {"relay-unpinned", kExitNotTrusted, true, kUntouched,
     "a relay's address without its key, and nobody to ask",
     "Without the key nobody can tell the relay from somebody in between. Its operator has the whole address: "
     "kith-relay prints it when it starts. At a terminal the key is shown, and kept when you agree.",
     {{{"kith relay add URL --trust-relay", "take the key that answers"}, {"kith help bad-relay-address", "the form of an address"}}}},
    {"relay-untrusted", kExitNotTrusted, true, "nothing was sent to it",
     "a relay could not prove by its certificate that it is the one",
     "wss:// asks for a certificate for the host's name, from an authority that this system trusts. A relay with a "
     "certificate of its own needs SSL_CERT_FILE to name the file with its authority. A wrong clock on this device makes "
     "good certificates look expired. What devices send each other is encrypted besides.",
     {{{"kith doctor", "check this device"},
       {"kith help bad-relay-address", "the form of an address, with TLS and without"}}}},
    {"revoked-peer", kExitNotTrusted, true, kUntouched, "the other device was removed from the group",
     "A removed device gets nothing any more. To have it back, set it up anew and invite it.",
     {{{"kith devices ls", "see who is in the group"}, {"kith pair", "invite it as a new device"}}}},
    {"revoked-self", kExitNotTrusted, true, "your files are still here", "this device was removed from the group",
     "Another device removed this one. Its files stay; nothing is sent or received any more. To come back it joins as "
     "a new device, in a new home.",
     {{{"kith pair", "on a device of the group: invite this machine"},
       {"kith pair --home DIR --join CODE --peer HOST:PORT", "here: join with a new home"}}}},

    {"relay-full", kExitFull, true, "changes stay queued on this device",
     "a relay has no room",
     "Its disk, or what its operator lets it store, is full. Devices go on with each other directly, and with other "
     "relays; what this one lacks goes there once it has room.",
     {{{"kith relay ls", "see how each relay goes"}, {"kith relay add URL", "use another relay as well"}}}},
    {"relay-quota", kExitFull, true, "changes stay queued on this device",
     "a relay stores as much of this group as it may",
     "Its operator gives each group so much room (kith-relay quota shows and raises it). Files that lie there go once the "
     "devices that lack them have fetched them, and the rest follows by itself. Devices go on with each other directly, "
     "and with other relays.",
     {{{"kith relay ls", "see how each relay goes"}, {"kith relay add URL", "use another relay as well"}}}},
    {"disk-full", kExitFull, true, "nothing half-written was left in place", "the disk or the user's quota is full",
     "Make room on the disk that the message names. Deleted and replaced files are kept in DIR/.kith/trash for some "
     "days; they count too. kith goes on by itself as soon as there is room.",
     {{{"kith status", "see what waits; it goes on by itself once there is room"},
       {"kith config set defaults.trash_days 7", "keep deleted files for a week only"}}}},

    {"folder-unmounted", kExitGuard, true, "nothing was deleted anywhere", "a folder's marker is missing",
     "DIR/.kith/folder is not there. Most likely the disk is not mounted, and the empty directory must not be taken "
     "for deleted files.",
     {{{"kith status", "see the folders and where they are"}, {"kith sync DIR", "go on, once the disk is mounted"},
       {"kith sync DIR --folder NAME", "only if DIR really lost its .kith: compare everything again, delete nothing"}}}},
    {"mass-delete", kExitGuard, true, "nothing was deleted on other devices", "many files vanished at once",
     "More files than the guard allows are gone from the folder: by default more than a quarter of it and more than 50 "
     "files. If that is meant, say so; else bring them back, from the trash in DIR/.kith/trash or another device.",
     {{{"kith sync DIR --max-delete none", "it is meant: delete them everywhere"},
       {"kith sync DIR --dry-run", "see what would happen"}}}},

    {"version-mismatch", kExitVersion, true, kUntouched, "the two devices speak different versions",
     "Their programs have no protocol version in common. Update the older one.",
     {{{"kith version", "on both devices"}}}},
    {"version-newer", kExitVersion, true, kUntouched, "written by a later version of kith",
     "A later version of kith wrote the database, the key file or a message, in a form that this one does not know. "
     "Update it; it changes nothing that it does not understand.",
     {{{"kith version", "see which one this is"}}}},

    {"key-file-damaged", kExitState, false, "your files are untouched, but this device's keys cannot be read",
     "the key file is damaged",
     "The file that holds this device's keys is not what kith wrote. Put it back from a backup, or set the device up "
     "anew in a new home and pair it; your files can stay where they are.",
     {{{"kith pair", "on another device: invite this machine as a new one"},
       {"kith pair --home DIR --join CODE --peer HOST:PORT", "here: join with a new home"}}}},
    {"state-cloned", kExitState, true, "networking stopped; your files are safe",
     "this home is in use on another machine",
     "Two machines write under one device's name: a disk or home was copied. Give each machine a home of its own.",
     {{{"kith init --home DIR", "start anew in a new home"},
       {"kith pair --home DIR --join CODE --peer HOST:PORT", "or join from a new home"}}}},
    {"state-corrupt", kExitState, false, "your files are untouched; the database may lack what was not sent yet",
     "the database is damaged",
     "A record does not decode, or the file is no database of kith. The disk may be failing, or something else wrote "
     "to the file. What other devices hold can be fetched again by pairing from a new home.",
     {{{"kith doctor", "read every page of the database"},
       {"kith pair --home DIR --join CODE --peer HOST:PORT", "begin again in a new home"}}}},

    {"interrupted", kExitInterrupted, true, "what was done so far is kept", "a signal ended it",
     "Ctrl-C or a termination signal. What was written is whole; the rest goes on next time. The exit code is 130 for "
     "Ctrl-C and 143 for a termination signal.",
     {{{"kith status", "see what is left to do"}}}},
};
// clang-format on

/// A code that is in the table; any other does not compile.
consteval FailureCode const& code(std::string_view name) {
  for (auto const& each : kCodes)
    if (each.code == name) return each;
  throw "no such failure code";
}

}  // namespace kith::engine::table
