#include "cli/help_pages.hpp"

namespace kith::cli {

std::span<TopicPage const> topic_pages() {
  // Texts are broken as they read.
  // clang-format off
  static std::vector<TopicPage> const all{
      {"codes", "every failure's code", ""},  // made from the table
      {"config", "settings, and which of several counts",
       "A setting may come from a flag, an environment variable or the configuration file; the first of these "
       "counts, then the default. Every key is also a variable: network.listen is KITH_NETWORK__LISTEN.\n\n"
       "`kith config show --origin` tells which one counts. A key that does not exist is an error, wherever it "
       "stands; `kith config check` names all of them. The file is TOML, holds no secrets, and may lie among your "
       "dotfiles:\n\n"
       "    [device]\n"
       "    name = \"laptop\"            # else the host's name\n"
       "    [network]\n"
       "    listen = \"[::]:7427\"       # \"\" for off\n"
       "    [defaults]\n"
       "    trash_days = 30            # how long deleted and replaced files are kept\n"
       "    max_delete = \"25%\"         # and more than 50 files; or a number of files, or \"none\"\n"
       "    [log]\n"
       "    level = \"warn\"             # error, warn, info, debug"},
      {"environment", "the variables that count",
       "    KITH_HOME                 where keys, database and configuration are; as --home\n"
       "    KITH_PROFILE              one of several homes, by its name; as --profile\n"
       "    KITH_CONFIG               the configuration file; as --config\n"
       "    KITH_SECTION__KEY         any setting: KITH_NETWORK__LISTEN, KITH_LOG__LEVEL\n"
       "    KITH_LOG                  short for KITH_LOG__LEVEL\n"
       "    KITH_JSON                 1: as --json\n"
       "    KITH_CODE                 the code or link of `kith pair --join`\n"
       "    KITH_RELAY                the relay of `kith pair --join`, where it is named nowhere else\n"
       "    KITH_PASSPHRASE_FILE      a file with the passphrase of the keys\n"
       "    KITH_PASSPHRASE_COMMAND   a command that prints it\n"
       "    KITH_PROGRESS_INTERVAL    where there is no terminal: a line of progress so often, such as 30s\n"
       "    NO_COLOR, CLICOLOR_FORCE  no colours; colours also where there is no terminal\n"
       "    XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR, HOME\n"
       "                              where a home is that nothing else names"},
      {"exit-codes", "what the exit code says",
       "    0   done\n"
       "    1   another failure\n"
       "    2   usage or configuration\n"
       "    3   done, some items were left out\n"
       "    4   done, conflicts need somebody\n"
       "    5   timed out\n"
       "    6   this home belongs to no group yet\n"
       "    7   another process, or a socket, is in the way\n"
       "    8   reachable, but only by relay\n"
       "   10   nobody can be reached\n"
       "   11   locked: a passphrase is needed\n"
       "   12   wrong key, code or passphrase\n"
       "   13   not trusted, denied or revoked\n"
       "   14   quota or disk full\n"
       "   15   a safety guard stopped it\n"
       "   16   a version is too old or too new\n"
       "   17   the home is cloned or corrupt\n"
       "  130   stopped by Ctrl-C, 143 by a termination signal\n\n"
       "`kith sync` without --once and `kith pull --follow` go on until a signal ends them, and then return 0.\n\n"
       "A code that is not in this list is a failure too. `kith help codes` lists the failures behind them."},
      {"home", "where a device keeps its things",
       "A home is one device of one group:\n\n"
       "    keys           this device's secrets: never copy them to another machine\n"
       "    kith.db        everything that was sent and received, sealed\n"
       "    network.lock   held by the one process that talks to other devices\n"
       "    room.lock      held by a process that waits until the disk has room for kith.db again\n"
       "    run/           sockets by which processes of the home wake each other\n"
       "    config.toml    settings\n\n"
       "With --home DIR or KITH_HOME all of it is in that directory. Else keys and database are in "
       "$XDG_STATE_HOME/kith (~/.local/state/kith), settings in $XDG_CONFIG_HOME/kith (~/.config/kith) and sockets "
       "in $XDG_RUNTIME_DIR/kith. --profile NAME or KITH_PROFILE puts a directory of that name behind each, for "
       "several homes of one user.\n\n"
       "A home belongs to its user alone (0700, key file 0600). An empty directory of yours is made so when a home is made in it; "
       "one that holds something and that others may look into is refused. `kith "
       "config path` tells where the settings are."},
      {"passphrase", "where the passphrase of the keys comes from",
       "The keys may be protected by a passphrase. It is looked for here, and the first of these that there is "
       "counts:\n\n"
       "    --passphrase-file FILE, KITH_PASSPHRASE_FILE   a file that only you can read; one line end at its end is "
       "left out\n"
       "    KITH_PASSPHRASE_COMMAND                        a command for /bin/sh; the first line that it prints\n"
       "    the terminal                                   without echo\n\n"
       "`kith init` and `kith pair --join` make keys, and take --passphrase-file. They put the keys under a passphrase "
       "where a file or command names it, or where one is typed at the terminal; Enter alone means none there, and "
       "with --yes or --json none is asked for. Every other command finds it by the variables or at the terminal.\n\n"
       "It never stands on a command line, where other users could see it. Nobody can recover a lost one; `kith help "
       "passphrase-wrong` says what is left then."},
      {"recovery", "how a group comes back from its 24 words",
       "`kith init` shows 24 words once. They stand above every device: with them a device is removed for good, and a new "
       "machine becomes a device of the group though no device lets it in.\n\n"
       "    kith init --recover --relay URL          all devices are lost: from a relay that the group used\n"
       "    kith init --recover --peer HOST:PORT     one device is left, and runs kith: from that device, no relay needed\n\n"
       "The second is for a device that answers on the network and that nobody can work at: without a screen, say, or with a "
       "forgotten passphrase while `kith sync` goes on. Where somebody can, `kith pair` there is the shorter way. `kith "
       "status` on a device tells whether kith runs; `kith pair` and `kith doctor` print the addresses at which it "
       "listens.\n\n"
       "Both read all that the group wrote, show the devices, ask which of them are not lost, and remove the others for good. "
       "The device that was asked is one of these: if it is kept, it hears of the new one at once and gives it what is in "
       "the folders; if it is not, it is told nothing more. Relays that the group uses are asked as well; one that does not "
       "answer is left out, and a device that was kept lets the new one in there.\n\n"
       "Who has not the words is not answered at all. A device that was read so says it in `kith status` for 30 days."},
      {"relays", "how devices meet that are never online together",
       "A relay is a server that stores sealed changes for a group's devices until they fetch them, so that devices meet "
       "that are never online at the same time, or cannot reach each other. No relay is needed for anything: devices that "
       "reach each other exchange everything directly, and a relay besides delays nothing.\n\n"
       "What a relay sees: how much is stored and when, from which addresses, and how many devices take part, under names "
       "that mean nothing elsewhere. It sees no names, contents, keys or words, and cannot change anything unnoticed: what "
       "comes from it is checked like what comes from a stranger. It can refuse, delay or forget; `kith verify` says "
       "whether it has everything.\n\n"
       "To run one, on any machine that your devices can reach:\n\n"
       "    kith-relay serve --listen '[::]:8080'\n\n"
       "It prints the line to type on one device of the group, kith relay add 'ws://HOST:8080/#key=...', and the others "
       "use it as soon as they hear of it. The key in the address is what proves the relay; on the open internet put TLS in "
       "front of it and use wss://, so that nobody on the way sees that it is one.\n\n"
       "A group may use several: `kith relay add` for each. Every change goes to all of them, and what one of them has is "
       "safe. `kith status` and `kith relay ls` say how each goes, `kith relay test` which step fails.\n\n"
       "When a relay is gone nothing is lost: every device keeps all that it has. Changes wait on their device's disk, and go "
       "directly, by another relay, or when it is back; one that comes back empty is told everything again. `kith relay rm "
       "URL` takes one out of use for all devices.\n\n"
       "When all devices are lost, a relay is the way back: with the 24 words and its whole address, `kith init --recover "
       "--relay URL` brings the group back on a new machine. Keep the address where the words are. (`kith help recovery`)\n\n"
       "`kith devices pause DEV` has the relays serve a device no more, `kith devices resume DEV` again; a device that was "
       "removed is served by none."},
      {"scripts", "running kith from programs",
       "With --json (or KITH_JSON=1) every command prints JSON: one object, or for `kith pair`, `kith pull` and "
       "`kith sync` one object per line. Each has \"schema\", lines also \"type\". Fields may be added, none changes "
       "its meaning within one version of a schema. Times are RFC 3339 in UTC and end in _at, sizes are bytes and "
       "end in _bytes, durations are seconds and end in _s, ids are whole lowercase hex, and what is not known is "
       "null.\n\n"
       "Failures are one object on standard error: "
       "{\"schema\":\"kith.error/1\",\"type\":\"error\",\"code\",\"exit\",\"message\",\"cause\",\"safe\","
       "\"remedy\":[...]}. "
       "Warnings are of type \"warning\". `kith help exit-codes` lists exit codes; `kith help codes` the codes.\n\n"
       "Nothing is asked where there is no terminal. --yes answers questions with yes where that is allowed, secrets "
       "come from files, and --timeout limits the time without progress."},
      {"skipped", "why a file in a folder is left alone",
       "Each of these is named with its code; everything else in the folder goes on.\n\n"
       "    symlink        symbolic links are neither followed nor carried\n"
       "    special-file   a pipe, socket or device\n"
       "    not-utf8       its name is not UTF-8: rename it\n"
       "    bad-name       its name is .kith, or its path is too long for other devices\n"
       "    name-clash     its name differs from another one only in how its letters are encoded, or in upper\n"
       "                   and lower case on a disk that ignores that: rename one\n"
       "    unreadable     the system does not let kith read it: see its owner and permissions\n"
       "    read-failed    the disk failed as kith read it; kith looks again by itself, and the folder is not in step\n"
       "                   before that: see the system's log if it lasts\n"
       "    unstable       it changed while it was read; kith looks again shortly\n"
       "    bad-content    its author describes content that cannot be; a next version is looked at\n"
       "    no-copy        it has more conflict copies than the 32 that are shown, or no room for a copy's name\n"
       "    blocked        what should come here would cover something of another kind that is not kith's to move\n\n"
       "What stands in the place of files that were in step hides them, and other devices keep theirs. When it is taken "
       "away and the files were not put back before, they count as deleted by you: they go to the trash of the other "
       "devices. `kith sync DIR --dry-run` shows that beforehand."},
  };
  // clang-format on
  return all;
}

}  // namespace kith::cli
