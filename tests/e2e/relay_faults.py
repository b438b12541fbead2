"""A relay that is killed, and one that is drained, again and again while devices push: what was said to be safe is there.

KITH_E2E_ROUNDS says how often it is killed (50), KITH_E2E_SEED when.
"""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import unittest

from kith_e2e import PATIENCE_S, wait_until
from people import let_in
from relay_devices import AtARelay

ROUNDS = int(os.environ.get("KITH_E2E_ROUNDS", "50"))
SEED = int(os.environ.get("KITH_E2E_SEED", str(time.time_ns() % 1_000_000)))


class Pushing:
    """Pushes one text after the other from one home, each by a process of its own that waits until it is safe."""

    def __init__(self, device, name):
        self.device, self.name = device, name
        self.begun, self.safe, self.faults = [], [], []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._ending.is_set() and not self.faults:
            text = f"{self.name} {len(self.begun):05}"
            self.begun.append(text)
            try:
                run = self.device.run("push", text, "--wait", "safe", "--json", "--timeout", "50s")
                if run.code == 0 and "relay" in [each["kind"] for each in run.document()["items"][0]["safe_at"]]:
                    self.safe.append(text)
                else:
                    self.faults.append(run)
            except Exception as fault:  # pylint: disable=broad-except  # told by the test's own thread
                self.faults.append(fault)

    @property
    def busy(self):
        return len(self.begun) > len(self.safe)

    def end(self):
        self._ending.set()
        self._thread.join()


class UnderLoad(AtARelay):
    """Two devices that push all the time, and a third that reads."""

    def setUp(self):
        super().setUp()
        self.c = self.device("phone")
        let_in(self.a, self.c)
        self.until_served(self.c, self.a)
        for device in (self.a, self.b, self.c):
            device.variables["KITH_NETWORK__LISTEN"] = ""  # nobody is reached but the relay
        self.random = random.Random(SEED)
        self.load = []

    def begin(self, *of_each):
        for device in of_each:
            self.load.append(Pushing(device, f"{device.name} {len(self.load)}"))
            self.addCleanup(self.load[-1].end)

    def safe(self):
        for each in self.load:
            self.assertEqual(each.faults, [])
        return [text for each in self.load for text in each.safe]

    def until_more_is_safe(self, timeout=PATIENCE_S):
        before = len(self.safe())
        wait_until("more is safe", lambda: len(self.safe()) > before, timeout, 0.005)

    def end(self):
        for each in self.load:
            each.end()
        return self.safe()

    def assert_all_there(self, texts):
        """Everything that was pushed is there once, what one loop pushed in its order."""
        self.assertEqual(len(texts), len(set(texts)))
        for each in self.load:
            self.assertEqual([text for text in texts if text.startswith(each.name + " ")], each.begun)

    def assert_dense(self):
        """The mailbox's cursors, and each device's push numbers, have no gap. Stops the relay."""
        self.relay.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.relay.wait(), 0)
        database = sqlite3.connect(self.relay.data / "relay.db")
        self.addCleanup(database.close)
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        [(head,)] = database.execute("SELECT head FROM grp").fetchall()
        self.assertEqual([c for (c,) in database.execute("SELECT c FROM log ORDER BY c")], list(range(1, head + 1)))
        for device, last in database.execute("SELECT d, last_seq FROM dev").fetchall():
            found = database.execute("SELECT seq FROM log WHERE d=? ORDER BY c", (device,)).fetchall()
            self.assertEqual([seq for (seq,) in found], list(range(1, last + 1)))


class Killed(UnderLoad):
    def kept(self):
        """How many items the relay that was killed has on its disk. What it lost its devices would bring again unasked."""
        with tempfile.TemporaryDirectory(dir=self.folder) as copy:
            for each in self.relay.data.glob("relay.db*"):
                shutil.copy(each, copy)
            with contextlib.closing(sqlite3.connect(pathlib.Path(copy) / "relay.db")) as database:
                [(head, count)] = database.execute("SELECT head, (SELECT count(*) FROM log) FROM grp").fetchall()
                self.assertEqual(head, count)
                return count

    def test_what_was_safe_outlives_kills_in_the_middle_of_pushes(self):
        self.relay.process.kill()
        self.relay.wait()
        before = self.kept()  # of pairing
        self.relay = self.restart(self.relay, "one")
        self.begin(self.a, self.a, self.c)
        restarts, pushing, begin = [], 0, time.monotonic()
        for _ in range(ROUNDS):
            self.until_more_is_safe()
            time.sleep(self.random.uniform(0, 0.1))
            pushing += any(each.busy for each in self.load)
            safe = len(self.safe())
            self.relay.process.kill()
            self.relay.wait()
            self.assertGreaterEqual(self.kept(), before + safe)
            at = time.monotonic()
            self.relay = self.restart(self.relay, "one")
            restarts.append(time.monotonic() - at)
        took = time.monotonic() - begin
        safe = self.end()
        texts = self.b.texts()
        self.assertLessEqual(set(safe), set(texts))
        self.assert_all_there(texts)
        self.assert_dense()
        self.assertGreater(pushing, ROUNDS * 3 // 4, "seldom in the middle of a push")
        self.assertLess(max(restarts), PATIENCE_S / 12)
        print(f"{ROUNDS} kills in {took:.1f} s, {pushing} while something was pushed; {len(safe)} messages safe and there; "
              f"restart {statistics.median(restarts) * 1000:.0f} ms, at most {max(restarts) * 1000:.0f} ms", file=sys.stderr)


class Drained(UnderLoad):
    def test_devices_come_back_by_themselves_and_nothing_is_lost(self):
        reader, owner = self.b.follow(), self.a.follow()
        self.begin(self.a, self.a, self.c)
        took = []
        for how in ("signal", "command"):
            self.until_more_is_safe()
            if how == "signal":
                self.relay.process.send_signal(signal.SIGTERM)
            else:
                said = self.relay.say("drain")
                self.assertEqual(said.returncode, 0, said.stderr)
            self.assertEqual(self.relay.wait(), 0)
            self.relay = self.restart(self.relay, "one")
            at = time.monotonic()
            # Each loop's next one shows that its device is back; that the reader is, what it prints.
            before = [len(each.begun) for each in self.load]
            wait_until("all push again", lambda: self.safe() and all(
                len(each.safe) > count for each, count in zip(self.load, before)), 30, 0.02)
            last = [each.safe[-1] for each in self.load]
            wait_until("the reader is back", lambda: set(last) <= set(self.texts_of(reader)), 30)
            took.append(time.monotonic() - at)
        safe = self.end()
        wait_until("all has come", lambda: len(self.texts_of(reader)) >= len(safe))
        self.assertEqual((reader.stop(), owner.stop()), (0, 0))
        self.assert_all_there(self.texts_of(reader))
        self.assert_dense()
        print(f"drained twice: {len(safe)} messages; everybody back after {', '.join(f'{each:.1f}' for each in took)} s",
              file=sys.stderr)

    @staticmethod
    def texts_of(reader):
        return [each["text"] for each in map(json.loads, list(reader.out)) if each["type"] == "item"]


if __name__ == "__main__":
    unittest.main()
