"""A relay whose room for the group is less than what is to go through it: it goes piece by piece."""

import os
import sys
import time
import unittest

from kith_e2e import bytes_below, wait_until
from people import only_error
from relay_devices import AtARelay

MIB = 1 << 20
QUOTA_MIB = 8


class SmallRelay(AtARelay):
    def setUp(self):
        super().setUp()
        self.last = {}
        for device in (self.a, self.b):
            device.variables["KITH_NETWORK__LISTEN"] = ""  # from now on they meet at the relay or not at all

    def start_relay(self, name, port=None, *more):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        config = folder / "relay.toml"
        config.write_text(f'[storage]\nmax_group_storage = "{QUOTA_MIB} MiB"\n[monitoring]\nlisten = ""\n')
        return super().start_relay(name, port, "--config", str(config), *more)

    def fill(self, source, files, large):
        source.mkdir()
        for number in range(files):
            (source / f"file {number}.bin").write_bytes(os.urandom(MIB))
        (source / "large.bin").write_bytes(os.urandom(large * MIB))

    @staticmethod
    def contents(root):
        return {each.relative_to(root): each.stat().st_size for each in root.rglob("*")
                if each.is_file() and ".kith" not in each.parts} if root.exists() else {}

    def same(self, source, copy):
        if self.contents(source) != self.contents(copy):
            return False
        return all((source / name).read_bytes() == (copy / name).read_bytes() for name in self.contents(source))

    def test_more_than_fits_there_and_a_file_that_does_not_fit_by_itself(self):
        source, copy = self.a.dir / "docs", self.b.dir / "docs"
        self.fill(source, files=20, large=20)
        begin = time.monotonic()
        sender, receiver = (device.start("sync", str(each), "--folder", "docs")
                            for device, each in ((self.a, source), (self.b, copy)))
        try:
            wait_until("everything came", lambda: self.same(source, copy), 240)
        finally:
            self.assertEqual((sender.stop(), receiver.stop()), (0, 0))
        took = time.monotonic() - begin
        self.assertLess(bytes_below(self.relay.data / "relay.objects"), QUOTA_MIB * MIB)
        print(f"40 MiB through a relay with room for {QUOTA_MIB} MiB in {took:.0f} s", file=sys.stderr)

    def test_a_file_that_does_not_fit_to_a_device_that_is_never_there_at_the_same_time(self):
        source, copy = self.a.dir / "docs", self.b.dir / "docs"
        self.fill(source, files=2, large=18)
        for _ in range(10):
            self.sync(self.a, source, "docs", lambda: self.rests("the relay", self.objects, 6))
            self.sync(self.b, copy, "docs", lambda: self.same(source, copy) or self.rests("the copy", self.read, 8))
            if self.same(source, copy):
                return
        self.fail(f"only {self.contents(copy)} came")

    def test_in_turns_by_single_runs_the_full_relay_is_named_each_time(self):
        source, copy = self.a.dir / "docs", self.b.dir / "docs"
        self.fill(source, files=2, large=18)
        relay = self.url(self.relay).split("/#")[0]
        full = False
        for _ in range(8):
            process = self.a.start("sync", str(source), "--folder", "docs", "--once", "--json", "--timeout", "6s")
            said = []
            while process.process.poll() is None:
                said.append(self.a.json("status")["relays"][0]["last_error_code"])
            self.assertIn(process.wait(), (0, 14), process)
            if process.process.returncode == 14:
                error = only_error(process)
                self.assertEqual(error["code"], "relay-quota")
                self.assertIn(relay, error["message"])
                self.assertEqual(self.a.json("status")["relays"][0]["last_error_code"], "relay-quota")
            if full:  # from one run to the next it has been so all the time, until everything had room
                self.assertEqual(sorted(said, key=lambda each: each is None), said)
                self.assertEqual(said[0], "relay-quota", said)
            full = process.process.returncode == 14
            run = self.b.run("sync", str(copy), "--folder", "docs", "--once", "--json", "--timeout", "6s")
            self.assertIn(run.code, (0, 5), run)
            if run.code == 5:
                self.assertIn("no relay that was reached has the rest", run.error()["cause"])
            if self.same(source, copy):
                return
        self.fail(f"only {self.contents(copy)} came")

    def read(self):
        """What the copy takes on the disk, with what is being received: it grows while something comes."""
        return sum(each.stat().st_blocks for each in (self.b.dir / "docs").rglob("*") if each.is_file())

    def rests(self, what, look, seconds):
        """Whether what is looked at has been the same for so long."""
        now, seen = time.monotonic(), look()
        if self.last.get(what, (None, 0))[0] != seen:
            self.last[what] = seen, now
        done = now - self.last[what][1] >= seconds
        if done:
            del self.last[what]
        return done


if __name__ == "__main__":
    unittest.main()
