#include "cli/help_pages.hpp"

namespace kith::cli {

std::span<CommandPage const> command_pages() {
  // Texts are broken as they read.
  // clang-format off
  static std::string const which_device =
      "DEV is a device's name or the first digits of its id, 4 or more, or id: and 8 digits or more. Any device may "
      "rename any other; what follows id: is never taken for a name. What fits more than one device is refused.";
  static std::vector<CommandPage> const all{
      {"init",
       "[--name NAME] [--group NAME] [--passphrase-file FILE] [--recovery-file FILE]\n"
       "       [--relay URL [--token-file FILE] [--trust-relay]]\n"
       "       kith init --recover --relay URL | --peer HOST:PORT [--recovery-file FILE] [--keep DEV]... [--name NAME]\n"
       "       [--group NAME]",
       "Makes this device's keys and a new group with this device in it, and shows the recovery key: 24 words that "
       "stand above every device. Other devices come in with `kith pair`.\n\n"
       "With the words any device can be removed for good, the first one included (`kith devices revoke DEV "
       "--recovery-file FILE`), and when all devices are lost they bring the group back.\n\n"
       "--recover does that, with a relay that the group used (`kith relay add` left there what leads back), or with --peer "
       "where one device of the group still listens: it reads all that the group wrote, makes this machine a device of it, "
       "and removes every other device for good, but those that you say are not lost; a script names them with --keep. Who "
       "is asked can hold the group back and show one that somebody "
       "made up, with devices of the same names. So before a device is kept you are asked to compare the group's id with "
       "what `kith devices ls` shows there, and a script gives --group with 16 digits of that id or more, or names the "
       "device as id: and 16 digits or more. Messages and the names of folders and files come back at "
       "once; contents as far as a relay still holds them, or a device that was kept. The words are typed, or come from "
       "--recovery-file. --group says which group is meant where several belong to the words.\n\n"
       "At a terminal it offers to put the keys under a passphrase, typed twice; Enter alone means none, and --yes does "
       "not ask.\n\n"
       "--relay uses a relay from the beginning, as `kith relay add` does later.\n\n"
       "Without a terminal --recovery-file is needed: the words go to a new file that only you can read.",
       {{"kith init", "with this machine's name, in a group named home"},
        {"kith init --recover --relay URL", "all devices are lost: bring the group back from its words"},
        {"kith init --recover --peer HOST:PORT", "one device is left and lets nobody in: the words do"},
        {"kith init --name laptop --group family", "with other names"},
        {"kith init --recovery-file words.txt --passphrase-file secret.txt",
         "from a script, keys under a passphrase"}}},
      {"pair",
       "[--create] [--expires TIME] [--qr|--no-qr]\n"
       "       kith pair --join [CODE|LINK|-] [--peer HOST:PORT]... [--relay URL] [--name NAME] [--passphrase-file FILE]",
       "Without --join, makes an invite and waits until a device has joined with it; you see its name and say yes or "
       "no. The invite is good for one device and for ten minutes, and three wrong tries make it void.\n\n"
       "With --join, asks the device that made the invite to let this one in. Case, spaces and dashes of a code do "
       "not matter, and neither do O for 0 and I or L for 1. Keys that are made for it may get a passphrase, as with `kith "
       "init`.\n\n"
       "Devices that are not on one network meet at a relay of the group: the link names it, or --relay does, or KITH_RELAY. "
       "The relay sees that two devices pair, and nothing that helps it to join or to read. With addresses as well, they are "
       "tried first.\n\n"
       "Other users of the machine can see what stands on a command line while it runs. --join alone takes the code "
       "or link from KITH_CODE, or where that is not set from standard input; --join - always from there.",
       {{"kith pair", "on a device of the group: show a code and wait"},
        {"kith pair --join 7F3K-9QDM-2XHB-T6WP --peer 192.168.1.20:7427", "on the new device: the line that was shown"},
        {"kith pair --join 7f3k 9qdm 2xhb t6wp --peer 192.168.1.20:7427", "the same, as somebody types it"},
        {"kith pair --join 7F3K-9QDM-2XHB-T6WP --relay wss://sync.example.org", "from anywhere, through a relay"},
        {"kith pair --create --expires 2m --yes", "let in whoever has the code, without asking"},
        {"kith pair --join --peer 192.168.1.20:7427", "type the code when asked, so that nobody sees it"},
        {"kith pair --join -", "read the code or link from standard input"}}},
      {"sync",
       "DIR [--folder NAME | --new] [--once] [--dry-run] [--max-delete N|N%|none] [--peer HOST:PORT]...",
       "Makes the directory a folder of the group, or the folder of its name if there is one, and keeps it in step "
       "until Ctrl-C. Files that are there already are compared, not sent again. What is deleted or replaced is kept "
       "in DIR/.kith/trash for some days. A directory that is not there yet is made, with all above it, once another device "
       "has told of a folder of its name; --new makes it at once.\n\n"
       "--once ends with 0 when all that were reached are in step; with 3 when something was left alone, here or on one "
       "of them, or none of them keeps the folder. Where only a relay can be reached, names and versions go there: it ends "
       "with 3 when what is in the files is on this device only, and with 0 when it is elsewhere too.\n\n"
       "A directory that was put back from a backup counts as what you want now: what it lacks is deleted on other "
       "devices, into their trash. To have it compared instead, delete its .kith and name the folder: kith sync DIR "
       "--folder NAME.\n\n"
       "If very many files vanish at once it stops with exit code 15 and deletes nothing on other devices: by default "
       "more than 25% of the folder and more than 50 files. --dry-run shows what it would do. If they are meant to be "
       "gone, run it again with --max-delete none, or say how many are meant; a percentage counts beyond 50 files "
       "only.",
       {{"kith sync ~/Photos", "keep a directory in step"},
        {"kith sync ~/Photos --once", "stop when every reachable device has everything"},
        {"kith sync ~/Photos --dry-run", "see what would happen"},
        {"kith sync ~/Pictures --folder photos", "another directory name for the folder photos"},
        {"kith sync ~/Photos --max-delete none", "the files that vanished are meant to be gone"}}},
      {"push",
       "[TEXT|FILE|-] [--text] [--topic TOPIC] [--ttl TIME] [--wait safe|seen]",
       "Sends one message to all devices of the group: a text, a file's content, or what comes on standard input. It "
       "is stored on this disk first and goes out when a device can be reached.\n\n"
       "What looks like a path (it begins with /, ./, ../ or ~, or is one word with a slash in it or a dot in front) is "
       "an error where no such file is; --text sends it as it stands.\n\n"
       "--wait safe waits until another device or a relay has stored it, with all that is in it; --wait seen until a "
       "device has taken it in. It ends with 5 when that takes too long, with 10 when nobody is there to store it, and "
       "at once with the relay's failure when no relay takes it and no device is connected (kith help codes).",
       {{"kith push 'see you at nine'", "a text"},
        {"kith push notes.txt --topic notes", "a file"},
        {"kith push - --wait safe", "standard input, until another device has it"},
        {"kith push --ttl 1d 'code: 4711'", "hidden from readers after a day"},
        {"kith push -- -5", "a text that looks like a flag"},
        {"kith push --text and/or", "a text that looks like a path"}}},
      {"pull",
       "[--after-cursor N] [--own] [--follow] [--topic TOPIC] [--out DIR]",
       "Prints what other devices pushed since the last pull, oldest first, each item followed by a line end. The "
       "position moves on only when everything has been printed. What is no text needs --out.\n\n"
       "With --after-cursor N it prints those with a number above N, read before or not, and nothing where there are no "
       "more than N messages. The numbers are this device's own: --json shows each as \"cursor\". The position then moves to "
       "the last one printed if it was before that, so that what lies between the old position and N is not printed by the "
       "next pull; it never moves back. With --topic it stays where it is.",
       {{"kith pull", "what is new"},
        {"kith pull --follow", "and what comes"},
        {"kith pull --after-cursor 0 --own", "everything from the beginning, own messages as well"},
        {"kith pull --topic notes --out inbox", "one topic, into files"},
        {"kith pull --json", "with authors, times and numbers"}}},
      {"status",
       "",
       "Says in one line whether everything is in step, and then what is not, and why. What a relay has on its disk counts as "
       "safe, also while other devices are away; of a folder that is names and versions, until what is in its files is "
       "elsewhere too.",
       {{"kith status", "the whole picture"}, {"kith status --json", "for a program"}}},
      {"verify",
       "[FOLDER]",
       "Reads every file again, compares it with what was recorded, and compares the record with each device that can "
       "be reached. A device that has not got everything yet is not different, only behind: it is said what is still to come "
       "and from whom. Of each relay it says whether it holds everything that this device would pass on. Where no device is met, "
       "that is what is compared, and it is said: a relay proves nothing about what other devices made of it.\n\n"
       "Exit code 0: all identical, or no device was met and the relays that were reached have all that this device has; 3: nothing is wrong, but something is still to come or to go, or is left alone here or "
       "there, a folder's disk is away, no device that was reached keeps a folder, some devices could not be reached, or none "
       "could and a relay lacks something; 10: no device and no relay could; 1: something differs, a file is not what was recorded, or a relay shows a list of devices that the group did "
       "not make.",
       {{"kith verify", "everything"}, {"kith verify photos", "one folder"}}},
      {"devices ls",
       "",
       "Lists the group's devices: names, whether they can be reached, and when they were last seen.",
       {{"kith devices ls", "a table"}, {"kith devices ls --json", "with whole ids"}}},
      {"devices rename",
       "DEV NAME",
       "Gives a device another name, on all devices. A name that could be taken for an id (8 hex digits or more and "
       "nothing else, or id: in front) is refused.\n\n" + which_device,
       {{"kith devices rename laptop desk", "by its name"},
        {"kith devices rename 7f3a desk", "by the beginning of its id"},
        {"kith devices rename id:7f3a09bc desk", "by its id, whatever other devices are called"}}},
      {"devices revoke",
       "DEV [--recovery-file FILE] [--lost|--compromised]",
       "Removes a device for good and changes the group's key, so that it can read nothing new. It keeps what it had. "
       "A device that was in the group before this one could undo that; the recovery words make it final, "
       "also when it was removed before without them.\n\n"
       + which_device + " With --recovery-file that goes for devices that were removed as well. Where one was stolen, "
       "name it by the id that `kith devices ls` shows.\n\n"
       "It asks before; where there is no terminal, it takes --yes.",
       {{"kith devices revoke phone --lost", "a lost phone"},
        {"kith devices revoke id:657aaf52", "the device of this id, whatever others are called"},
        {"kith devices revoke laptop --recovery-file words.txt", "a device that stands above this one"}}},
      {"devices pause",
       "DEV",
       "Has the relays serve a device no more, until `kith devices resume DEV`: they hand it nothing, and take nothing from "
       "it. It stays in the group and keeps its keys and all that it has; devices that meet it directly still exchange "
       "everything with it. For a device that is away for long, or that may be lost: to shut one out for good, remove it "
       "with `kith devices revoke DEV`.\n\n"
       "The device that you are at cannot be paused: no relay would take from it that it is to be resumed.\n\n" + which_device,
       {{"kith devices pause phone", "by its name"}, {"kith devices pause id:657aaf52", "by its id"}}},
      {"devices resume",
       "DEV",
       "Has the relays serve a paused device again. What waited for it there comes when it next connects.\n\n" + which_device,
       {{"kith devices resume phone", "by its name"}}},
      {"relay ls",
       "",
       "Lists the group's relays, the beginning of each one's key, and how it goes: whether it has everything that this "
       "device would send.",
       {{"kith relay ls", "a table"}, {"kith relay ls --json", "with whole keys and addresses"}}},
      {"relay add",
       "URL [--token-file FILE] [--trust-relay] [--anew]",
       "Uses a relay: a server that anybody can run (kith-relay serve), that stores sealed entries for devices which are "
       "never online together, and can read none of it. All devices of the group use it as soon as they hear of it. A "
       "group may use several; what one has is safe, and one that is down delays nothing. It also leaves there, sealed, what "
       "leads back to the group by its 24 words when all devices are lost (kith help init).\n\n"
       "The address carries the relay's key, which kith-relay prints when it starts. Without it the key that answers is "
       "shown for you to compare; where there is no terminal, --trust-relay takes it.\n\n"
       "A relay that the group uses already, under another address, gets that address: it is known by its key, and keeps "
       "what it holds. An address of this machine (localhost, 127.0.0.1) is of use on this machine only.\n\n"
       "Where a relay was set up anew and has another key, add it on one device only: the others hear of it over another "
       "relay or directly (kith help relay-key-changed).\n\n"
       "A relay that the group used before is used again with the mailbox that it had there.\n\n"
       "--anew has a relay that is or was used make a new mailbox for the group, and leaves the old one: for when a "
       "device that was removed took it over (kith help relay-off-chain). Everything is brought there again.",
       {{"kith relay add 'wss://sync.example.org/#key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'",
         "with the whole address"},
        {"kith relay add sync.example.org", "and compare its key"},
        {"kith relay add wss://sync.example.org --token-file token.txt", "a relay that takes groups in by token"}}},
      {"relay rm",
       "URL",
       "Uses a relay no more, on all devices. What it holds stays there, sealed, until its operator removes it. The "
       "devices that meet at it are told there; those that look in later, and meet the others nowhere else, lose touch: "
       "where it is the last one, add another before. It asks then; a script says --yes.",
       {{"kith relay rm sync.example.org", "by its host"}}},
      {"relay test",
       "[URL]",
       "Dials each relay of the group, or the one that is named, shakes hands and says how long that took, or which step "
       "failed. Changes nothing.",
       {{"kith relay test", "those of the group"}, {"kith relay test wss://sync.example.org", "any other"}}},
      {"key show-recovery",
       "",
       "Says what the recovery key is for, and checks words that are typed. The words themselves are kept nowhere once "
       "they were confirmed.",
       {{"kith key show-recovery", "what is known of the recovery key"}}},
      {"key rotate",
       "",
       "Changes the group's key now. It also changes by itself every 30 days and when a device is removed.",
       {{"kith key rotate", "a new key for all devices of the group"}}},
      {"config show",
       "[--origin]",
       "Prints every setting as it counts now.",
       {{"kith config show", "keys and values"}, {"kith config show --origin", "and where each value comes from"}}},
      {"config get", "KEY", "Prints one setting as it counts now.", {{"kith config get network.listen", "one value"}}},
      {"config set",
       "KEY VALUE",
       "Changes one setting in the configuration file and leaves the rest of it as it is, comments too. Makes the "
       "file if there is none.",
       {{"kith config set network.listen '[::]:7428'", "listen on another port"},
        {"kith config set network.listen ''", "do not listen"},
        {"kith config set defaults.max_delete 10%", "stop sooner"}}},
      {"config check",
       "",
       "Names every mistake in the file and in KITH_ variables, with line and column.",
       {{"kith config check", "exit code 0 where all is well, else 2"}}},
      {"config path", "", "Prints where the configuration file is, or would be.", {{"kith config path", "a path"}}},
      {"doctor",
       "",
       "Checks this device: home, keys, database, folders, network, relays. Each check says what to do.",
       {{"kith doctor", "all checks"}, {"kith doctor --json", "for a program"}}},
      {"help",
       "[TOPIC|CODE]",
       "Explains a command, a topic, or the code of a failure. Needs no network.",
       {{"kith help push", "a command"}, {"kith help disk-full", "a failure"}, {"kith help exit-codes", "a topic"}}},
      {"version",
       "",
       "Prints the program's version, and the protocol that it speaks with other devices.",
       {{"kith version", "one line"}, {"kith version --json", "for a program"}}},
  };
  // clang-format on
  return all;
}

}  // namespace kith::cli
