"""A disk that fails while `kith sync` goes on: full for a while, or not to be read. It says so, stays, and goes on by itself."""

import json
import time
import unittest

from folder_pair import Pair
from io_faults import BROKEN_ON, FULL, LIBRARY, Faults
from kith_e2e import wait_until


@unittest.skipUnless(LIBRARY.exists(), "needs kith_io_faults")
class DiskTrouble(unittest.TestCase):
    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)
        self.here, self.there = self.pair.make("docs")
        (self.here / "file").write_text("first")
        self.assertEqual([code for code, _ in self.pair.step("docs")], [0, 0])
        self.faults = Faults(self.pair.laptop.dir / "faults")
        self.addCleanup(self.faults.close)

    def start(self, *below):
        """`kith sync` on both; calls of the laptop's below these paths can be made to fail."""
        both = [self.pair.laptop.start("sync", self.here, "--json", env=self.faults.env(*below)), self.pair.desktop.sync("docs")]
        wait_until("both in step", lambda: self.pair.connected("docs", both))
        return both

    def end(self, both):
        for each in both:
            self.assertEqual(each.stop(), 0, each)

    def problems(self):
        return [each["code"] for each in self.pair.laptop.run("status", "--json").ok().document()["problems"]]

    def skipped(self):
        return {each["code"]: each["files"] for each in self.pair.laptop.status("docs")["skipped"]["codes"]}

    def test_a_home_without_room_is_waited_for(self):
        both = self.start(self.pair.laptop.home)
        self.faults.arm(1, FULL)
        (self.here / "file").write_text("second")
        wait_until("it is told", lambda: self.problems() == ["disk-full"])
        wait_until("it has tried again", lambda: self.faults.hits > 3)
        self.assertIsNone(both[0].process.poll(), both[0])
        self.assertEqual(self.pair.laptop.run("status", "--json").document()["running"]["pid"], both[0].process.pid)
        (self.there / "other").write_text("meanwhile")
        self.faults.disarm()
        wait_until("alike", lambda: self.pair.same("docs") and (self.there / "file").read_text() == "second" and
                   (self.here / "other").exists())
        wait_until("nothing is told any more", lambda: self.problems() == [])
        errors = [each["code"] for each in map(json.loads, both[0].err) if each["type"] == "error"]
        self.assertEqual(errors, ["disk-full"], "said once")
        self.end(both)

    def test_who_follows_messages_waits_for_room_too(self):
        follower = self.pair.laptop.start("pull", "--follow", "--json", env=self.faults.env(self.pair.laptop.home))
        wait_until("it is there", lambda: self.pair.laptop.run("status", "--json").document()["running"])
        self.faults.arm(1, FULL)
        wait_until("it is told", lambda: self.problems() == ["disk-full"])
        self.faults.disarm()
        wait_until("nothing is told any more", lambda: self.problems() == [])
        self.pair.desktop.run("push", "hello", "--wait", "safe", "--timeout", "20s", "--json").ok()
        wait_until("it came", lambda: any("hello" in line for line in follower.out))
        self.assertEqual(follower.stop(), 0, follower)

    def test_a_file_that_cannot_be_read_for_a_while_is_read_later(self):
        both = self.start(self.here / "file")
        self.faults.arm(1, BROKEN_ON)
        (self.here / "file").write_text("second")
        (self.here / "beside it").write_text("goes on")
        wait_until("it is told", lambda: self.skipped() == {"read-failed": 1})
        wait_until("the rest goes on", lambda: (self.there / "beside it").exists())
        until = time.monotonic() + 3
        while time.monotonic() < until:
            self.assertNotEqual(self.pair.laptop.status("docs")["state"], "in-step")
        once = self.pair.laptop.once("docs")
        self.assertEqual((once.code, once.lines()[-1]["in_sync"]), (3, False), once)
        self.faults.disarm()
        wait_until("it is read", lambda: (self.there / "file").read_text() == "second")
        wait_until("in step", lambda: self.pair.connected("docs", both) and not self.skipped())
        self.end(both)


if __name__ == "__main__":
    unittest.main()
