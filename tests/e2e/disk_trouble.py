"""A disk that fails while `kith sync` goes on: not to be read for a while. It says so, and goes on by itself."""

import time
import unittest

from folder_pair import Pair
from io_faults import BROKEN_ON, LIBRARY, Faults
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

    def skipped(self):
        return {each["code"]: each["files"] for each in self.pair.laptop.status("docs")["skipped"]["codes"]}

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
