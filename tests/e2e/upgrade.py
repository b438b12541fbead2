"""Homes and a relay as earlier versions of kith left them open, with all that is in them, and go on.

    tests/e2e/upgrade.py                    the tests
    tests/e2e/upgrade.py --write FOLDER     makes such data with the program of today: tests/data/README.md
"""

import contextlib
import hashlib
import os
import pathlib
import sqlite3
import sys
import unittest

from kith_e2e import Background, clean_environment, wait_until
from people import Device, let_in

RELAY = os.environ["KITH_RELAY_BIN"]
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
# The relay's address is in the data, so it has to be there again: no port that the system gives out by itself.
PORT = 17427
TEXTS = ["first", "second, with a topic", "from the phone"]
FILES = {"a.txt": "a\n", "deep/er/b.txt": "b\n" * 100, "ünïcode/c.txt": ""}


class Relay(Background):
    def __init__(self, folder):
        self.folder = folder
        super().__init__([RELAY, "serve", "--data", str(folder / "relay"), "--listen", f"127.0.0.1:{PORT}"],
                         clean_environment(folder), folder)
        self.address = self.wait_line(r"^kith relay add '").split("'")[1]


# Data as text: a database as the statements that make it, any other file as hex.

SETTINGS = ("page_size", "auto_vacuum")  # what is part of a file, and no dump tells
NUMBERS = ("application_id", "user_version")


def dump(database):
    """The statements that make a database again."""
    connection = sqlite3.connect(database)
    try:
        number = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS + NUMBERS}
        lines = [f"PRAGMA {name}={number[name]};" for name in SETTINGS]
        lines += [line for line in connection.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;")]
        return "\n".join(lines + [f"PRAGMA {name}={number[name]};" for name in NUMBERS]) + "\n"
    finally:
        connection.close()


def restore(text, database):
    connection = sqlite3.connect(database)
    try:
        connection.executescript(text)
    finally:
        connection.close()
    os.chmod(database, 0o600)


def save(folder, kept, names):
    """Writes these files of a home, a folder's marker or a relay as text. @param kept  a directory of tests/data"""
    kept.mkdir(parents=True)
    for name in names:
        if name.endswith(".db"):
            (kept / f"{name}.sql").write_text(dump(folder / name))
        else:
            (kept / f"{name}.hex").write_text((folder / name).read_bytes().hex() + "\n")


def take(kept, folder):
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in kept.iterdir():
        to = folder / path.stem
        if path.suffix == ".sql":
            restore(path.read_text(), to)
        else:
            to.write_bytes(bytes.fromhex(path.read_text()))
            to.chmod(0o600)


def shape(database):
    """The version, and the statements that made tables and indexes."""
    connection = sqlite3.connect(database)
    try:
        made = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()
        return connection.execute("PRAGMA user_version").fetchone()[0], [sql for sql, in made]
    finally:
        connection.close()


def write_data(folder):
    """A laptop and a phone with messages, a folder and a relay; told in tests/data/README.md."""
    with Device("laptop") as laptop, Device("phone") as phone, contextlib.ExitStack() as last:
        relay = Relay(laptop.dir)
        last.callback(relay.kill)
        laptop.init()
        let_in(laptop, phone)
        followers = [each.follow() for each in (laptop, phone)]
        laptop.run("relay", "add", relay.address).ok()
        for each in (laptop, phone):
            wait_until("the relay", lambda: each.json("status")["relays"][0]["has_all"])
        laptop.run("push", TEXTS[0]).ok()
        laptop.run("push", TEXTS[1], "--topic", "news").ok()
        phone.run("push", TEXTS[2]).ok()
        notes = [each.dir / "notes" for each in (laptop, phone)]
        for name, text in FILES.items():
            path = notes[0] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (notes[0] / "gone.txt").write_text("gone")
        syncing = [each.start("sync", place, "--json") for each, place in ((laptop, notes[0]), (phone, notes[1]))]
        wait_until("the files", lambda: (notes[1] / "gone.txt").exists())
        (notes[0] / "gone.txt").unlink()
        wait_until("their end", lambda: not (notes[1] / "gone.txt").exists())
        for each in (laptop, phone):
            wait_until("all heard", lambda: sorted(each.texts("--after-cursor", "0", "--own")) == sorted(TEXTS))
            wait_until("all told", lambda: each.json("status")["changes"]["only_here"] == 0)
        for each in syncing + followers:
            assert each.stop() == 0, each
        assert relay.stop(15) == 0, relay
        for each, place in ((laptop, notes[0]), (phone, notes[1])):
            save(each.home, folder / each.name, ["kith.db", "keys"])
            save(place / ".kith", folder / f"{each.name}-notes", ["folder"])
        save(laptop.dir / "relay", folder / "relay", ["relay.db", "relay.key"])


class Kept(unittest.TestCase):
    """The devices of tests/data, whatever version wrote them, with the programs of today."""

    def setUp(self):
        self.laptop, self.phone = Device("laptop"), Device("phone")
        for each in (self.laptop, self.phone):
            self.addCleanup(each.close)

    def taken(self, kept):
        """The two homes, and their folders as they lay on the disk."""
        for each in (self.laptop, self.phone):
            take(kept / each.name, each.home)
            notes = each.dir / "notes"
            for name, text in FILES.items():
                (notes / name).parent.mkdir(parents=True, exist_ok=True)
                (notes / name).write_text(text)
            take(kept / f"{each.name}-notes", notes / ".kith")
        take(kept / "relay", self.laptop.dir / "relay")

    def all_kept(self):
        return sorted(path for path in DATA.iterdir() if path.is_dir())

    def test_everything_is_there_and_goes_on(self):
        self.assertTrue(self.all_kept())
        for kept in self.all_kept():
            with self.subTest(kept.name):
                self.taken(kept)
                for each in (self.laptop, self.phone):
                    self.assertEqual(sorted(each.texts("--after-cursor", "0", "--own")), sorted(TEXTS))
                    self.assertEqual(each.texts("--after-cursor", "0", "--own", "--topic", "news"), [TEXTS[1]])
                    self.assertEqual(each.names(), ["laptop", "phone"])
                    folder, = each.json("status")["folders"]
                    self.assertEqual((folder["name"], folder["files"]), ("notes", len(FILES)))
                relay = Relay(self.laptop.dir)
                self.addCleanup(relay.kill)
                # Through the relay alone: where the devices listened is not where they listen now.
                self.laptop.run("push", "after the upgrade", "--wait", "safe").ok()
                notes = [each.dir / "notes" for each in (self.laptop, self.phone)]
                (notes[0] / "new.txt").write_text("new")
                (notes[0] / "a.txt").write_text("changed")
                self.laptop.run("sync", notes[0], "--folder", "notes", "--once", "--json").ok()
                self.phone.run("sync", notes[1], "--folder", "notes", "--once", "--json").ok()
                self.assertEqual((notes[1] / "new.txt").read_text(), "new")
                self.assertEqual((notes[1] / "a.txt").read_text(), "changed")
                self.assertEqual(sorted(path.name for path in notes[1].iterdir()),
                                 sorted({".kith", "new.txt", *(name.split("/")[0] for name in FILES)}))
                self.assertEqual(sorted(self.phone.texts("--after-cursor", "0", "--own")), sorted([*TEXTS, "after the upgrade"]))
                self.assertEqual(relay.stop(15), 0, relay)
                for database in (self.laptop.home / "kith.db", self.phone.home / "kith.db", self.laptop.dir / "relay/relay.db"):
                    connection = sqlite3.connect(database)
                    self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                    connection.close()

    def test_what_a_version_makes_does_not_change(self):
        """Whoever changes a table gives the schema a new version, with a way there, and keeps data of it here."""
        self.laptop.init()
        relay = Relay(self.laptop.dir)
        self.addCleanup(relay.kill)
        self.assertEqual(relay.stop(15), 0, relay)
        for name, today in (("laptop/kith.db", self.laptop.home / "kith.db"), ("relay/relay.db", self.laptop.dir / "relay/relay.db")):
            version, tables = shape(today)
            kept = {}
            for folder in self.all_kept():
                again = self.phone.dir / f"{folder.name}-{today.name}"
                restore((folder / f"{name}.sql").read_text(), again)
                kept.update([shape(again)])
            self.assertIn(version, kept, f"no data of schema {version} of {today.name} is kept: {__file__} --write")
            self.assertEqual(tables, kept[version])

    def test_later_versions_are_refused_by_name(self):
        self.taken(self.all_kept()[-1])
        for database, run in (
                (self.laptop.home / "kith.db", lambda: self.laptop.run("status", "--json").expect(16).error()["cause"]),
                (self.laptop.dir / "relay/relay.db", self.relay_refuses)):
            connection = sqlite3.connect(database)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version={version + 41}")
            connection.close()
            before = hashlib.sha256(database.read_bytes()).digest()
            said = run()
            self.assertIn(str(version + 41), said)
            self.assertIn(str(version), said.replace(str(version + 41), ""))
            self.assertEqual(hashlib.sha256(database.read_bytes()).digest(), before)

    def relay_refuses(self):
        relay = Background([RELAY, "serve", "--data", str(self.laptop.dir / "relay"), "--listen", "127.0.0.1:0"],
                           clean_environment(self.laptop.dir), self.laptop.dir)
        self.addCleanup(relay.kill)
        self.assertNotEqual(relay.wait(), 0, relay)
        return "\n".join(relay.err)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write_data(pathlib.Path(sys.argv[2]).resolve())
    else:
        unittest.main()
