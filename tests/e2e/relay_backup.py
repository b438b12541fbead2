"""A relay put back from copies that were taken while devices pushed: they notice, push again what it lost, and nothing doubles.

Copies as an operator takes them: by `kith-relay backup`, by copying the files while the relay writes them, and as Litestream
does: a snapshot under a read lock, and the frames of the write-ahead log from there on.
"""

import contextlib
import pathlib
import random
import shutil
import signal
import sqlite3
import sys
import time
import unittest

from kith_e2e import wait_until
from relay_faults import SEED, UnderLoad

PULL_PATIENCE_S = 60


class Backups(UnderLoad):
    def keep_key(self, copy):
        """relay.key goes with every backup, and this relay's settings."""
        for name in ("relay.key", "relay.toml"):
            if (self.relay.data / name).exists():
                shutil.copy2(self.relay.data / name, copy / name)

    def put_back(self, copy):
        """Ends the relay, and starts it with the copy."""
        self.relay.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.relay.wait(), 0)
        with contextlib.closing(sqlite3.connect(self.relay.data / "relay.db")) as database:
            [(had,)] = database.execute("SELECT count(*) FROM log").fetchall()
        shutil.rmtree(self.relay.data)
        shutil.copytree(copy, self.relay.data)
        self.relay.data.chmod(0o700)
        with contextlib.closing(sqlite3.connect(self.relay.data / "relay.db")) as database:
            [(has,)] = database.execute("SELECT count(*) FROM log").fetchall()
        self.assertLess(has, had, "nothing was lost: a poor test")
        self.relay = self.restart(self.relay, "one")
        self.assertTrue(self.relay.line, self.relay.logged()[-2000:])
        return had - has

    def through(self, take):
        """Takes a copy under load, goes on, puts it back under load, and looks that all is everywhere once."""
        self.begin(self.a, self.c)
        self.until_more_is_safe()
        copy = self.folder / "copy"
        copy.mkdir()
        take(copy)
        self.keep_key(copy)
        for _ in range(4):
            self.until_more_is_safe()
        lost = self.put_back(copy)
        for _ in range(2):
            self.until_more_is_safe()
        safe = self.end()
        for device in (self.a, self.c):  # each brings what it has, also of the other one
            device.run("pull", "--quiet").ok()
        wait_until("all is there", lambda: set(safe) <= set(self.b.texts("--after-cursor", "0")), PULL_PATIENCE_S)
        self.assert_all_there(self.b.texts("--after-cursor", "0"))
        for device in (self.a, self.b, self.c):
            held = device.run("verify", "--json", "--timeout", "10s").document()["relays"]
            self.assertEqual([(each["result"], each["missing_entries"]) for each in held], [("complete", 0)])
        self.assert_dense()
        self.assert_once()
        print(f"{self.id().rsplit('.', 1)[1]}: {lost} items lost with the relay, {len(safe)} safe ones there once", file=sys.stderr)

    def assert_once(self):
        """No device pushed an item that lay at the relay already itself; two that find a loss at the same moment may both
        bring an item, since each pushes what it wrote last only behind all that this rests on."""
        with contextlib.closing(sqlite3.connect(self.relay.data / "relay.db")) as database:
            twice = database.execute("SELECT d, seq FROM log WHERE ttl=0 GROUP BY d, p HAVING count(*) > 1").fetchall()
        self.assertEqual(twice, [])

    def copy_objects(self, copy):
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree(self.relay.data / "relay.objects", copy / "relay.objects")

    def test_by_the_command(self):
        def take(copy):
            said = self.relay.say("backup", str(copy / "relay.db"))
            self.assertEqual(said.returncode, 0, said.stderr)
        self.through(take)

    def copy_files(self, copy, order):
        """Until a copy is one that opens: a database that is copied while it is written may be torn, and then says so."""
        generator = random.Random(SEED)
        for _ in range(50):
            for each in copy.iterdir():
                each.unlink()
            for name in order:
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy2(self.relay.data / name, copy / name)
                time.sleep(generator.uniform(0, 0.05))
            with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(copy / "relay.db")) as database:
                if database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]:
                    return
        self.fail("no copy in 50 is whole")

    def test_by_copying_the_log_after_the_database(self):
        self.through(lambda copy: self.copy_files(copy, ["relay.db", "relay.db-wal"]))

    def test_by_copying_the_log_before_the_database(self):
        self.through(lambda copy: self.copy_files(copy, ["relay.db-wal", "relay.db"]))

    def test_by_a_snapshot_and_the_frames_of_the_log(self):
        """Whoever reads the database keeps the log from being begun anew, so that its frames follow the snapshot."""
        config = pathlib.Path(self.relay.data).parent / "relay.toml"
        config.write_text('[storage]\ncheckpoint = "external"\n')
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        self.relay = self.start_relay("one", self.relay.port, "--config", str(config))

        def take(copy):
            with contextlib.closing(sqlite3.connect(self.relay.data / "relay.db", isolation_level=None)) as reader:
                reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM grp").fetchall()
                shutil.copy2(self.relay.data / "relay.db", copy / "relay.db")
                log = copy / "relay.db-wal"
                for _ in range(3):  # segments, as they come; the last may end in the middle of a transaction
                    self.until_more_is_safe()
                    with open(self.relay.data / "relay.db-wal", "rb") as source, open(log, "ab") as target:
                        source.seek(target.tell())
                        target.write(source.read())
                reader.execute("COMMIT")
        self.through(take)


if __name__ == "__main__":
    print(f"KITH_E2E_SEED={SEED}", flush=True)
    unittest.main()
