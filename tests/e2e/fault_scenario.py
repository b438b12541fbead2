"""What programs do while tests/e2e/faults makes a call of theirs fail, and what must hold afterwards.

A scenario lasts for many points. For each of them prepare() brings something new, act() has the program work at it while
a call fails, and recover() does the same again without, and looks whether everything is there. What an earlier point left
behind is there for the next one, as on a disk that fails now and then.
"""

import contextlib
import os
import pathlib
import random
import shutil
import sqlite3
import tempfile

from io_faults import Faults
from kith_e2e import Run, json_lines
from people import Device

# `kith help exit-codes`.
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17}
WITHOUT_ERROR = {0, 3, 4, 5, 10}  # these may be told by the summary instead
IN_A_HOME = {"keys", "kith.db", "kith.db-wal", "kith.db-shm", "kith.db.lock", "network.lock", "room.lock", "run", "config.toml"}


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def check_run(run):
    """What any command must be like that met a fault: done, or a clear error."""
    check(run.code in DOCUMENTED, "undocumented exit code", run)
    errors = [each for each in json_lines(run.err) if each["type"] == "error"]
    check(len(errors) <= 1, "several errors", run)
    check(errors or run.code in WITHOUT_ERROR, "no error", run)
    for each in errors:
        check(each["exit"] == run.code, "another exit code", run)
        check(each["code"] != "internal-error" and each["message"] and each["remedy"], "no clear error", run)
    return run


def check_database(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = database.execute("PRAGMA integrity_check").fetchall()
    check(found == [("ok",)], "a damaged database", path, found)


def check_home(device):
    left = set(os.listdir(device.home)) - IN_A_HOME
    check(not left, "left behind in the home:", left)
    check_database(device.home / "kith.db")


class Scenario:
    """See above. `below`: where calls count."""

    below = ()

    def __init__(self, seed=7):
        self.stack = contextlib.ExitStack()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kith-faults-"))
        self.stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.faults = Faults(self.dir / "state")
        self.stack.callback(self.faults.close)
        self.number = self.calls = self.ended = 0  # `ended`: programs that go on, and did not
        self.random = random.Random(seed)
        try:
            self.set_up()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.stack.close()

    def set_up(self):
        pass

    def prepare(self):
        pass

    def env(self):
        return self.faults.env(*self.below)

    def device(self, name):
        device = Device(name)
        self.stack.callback(device.close)
        return device

    def point(self, number, mode):
        """One point. @return whether the call came"""
        self.number += 1
        self.prepare()
        self.faults.arm(number, mode)
        try:
            run = self.act()
        finally:
            self.faults.disarm()
            self.calls = self.faults.calls
        hit = self.faults.hits > 0
        try:
            if isinstance(run, Run):
                check_run(run)
            self.recover(run)
        except Exception as fault:
            raise AssertionError(f"after {self.faults.hit()}, first {run!r}: {fault}") from fault
        return hit
