"""kill -9 at random moments: of a sender, of a receiver, of a push. Afterwards everything is whole and everywhere."""

import os
import random
import sys
import time
import unittest

from folder_pair import Pair, kill, temp_files, tree
from kith_e2e import PATIENCE_S, wait_until

SEED = int(os.environ.get("KITH_E2E_SEED", str(time.time_ns() % 1_000_000)))
KILLS = 3


class Crashes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pair = Pair()
        cls.addClassCleanup(cls.pair.close)
        cls.random = random.Random(SEED)

    def arrived(self, root):
        """Bytes of a folder's content on the disk, whole files and halves."""
        total = 0
        for directory, _, names in os.walk(root):
            for name in names:
                try:
                    total += os.lstat(os.path.join(directory, name)).st_blocks * 512
                except FileNotFoundError:
                    pass  # it is being installed
        return total

    def killed_in_between(self, name, whole, total_bytes, victim_is_sender):
        """Kills one side KILLS times in the middle of a transfer; then lets it end. @param whole  what must arrive"""
        here, there = self.pair.folders(name)
        there.mkdir(exist_ok=True)
        devices = [self.pair.laptop, self.pair.desktop]
        running = [each.sync(name) for each in devices]
        victim = 0 if victim_is_sender else 1
        killed_at = []
        try:
            for number in range(KILLS):
                floor = total_bytes * number // (KILLS + 1)
                at = floor + self.random.randrange(total_bytes // (KILLS + 1))
                wait_until(f"{at} bytes", lambda: self.alive(running) and self.arrived(there) >= at, PATIENCE_S * 2, 0.002)
                kill(running[victim])
                killed_at.append(self.arrived(there))
                self.assert_nothing_half(there, whole)
                running[victim] = devices[victim].sync(name)
            wait_until("the rest", lambda: self.alive(running) and tree(there) == whole, PATIENCE_S * 3)
            self.assertEqual(tree(here), whole)
            wait_until("no temporary files", lambda: temp_files(there) == [])
            self.assertEqual(temp_files(here), [])
            wait_until("both in step", lambda: all(self.pair.in_step(each, name) for each in devices))
            self.assert_identical(name)
            for each in running:
                self.assertEqual(each.stop(), 0)
        finally:
            for each in running:
                each.kill()
        side = "sender" if victim_is_sender else "receiver"
        print(f"{name}: {side} killed with {', '.join(str(each >> 10) for each in killed_at)} of {total_bytes >> 10} KiB there")
        self.assertLess(min(killed_at), total_bytes, "never killed in the middle")

    def alive(self, processes):
        for each in processes:
            self.assertIsNone(each.process.poll(), each)
        return True

    def assert_nothing_half(self, there, whole):
        """What has its name has its content."""
        wait_until("a still tree", lambda: tree(there) is not None)
        for path, what in tree(there).items():
            self.assertEqual(what, whole[path], path)

    def assert_identical(self, name):
        def look():
            done = self.pair.laptop.run("verify", name, "--json", timeout=PATIENCE_S * 2)
            return done.code == 0 and done
        document = wait_until("verify", look).document()
        self.assertEqual(document["result"], "identical")
        self.assertEqual(document["files_mismatched"], [])
        self.assertEqual([each["result"] for each in document["devices"]], ["identical"])

    def many(self, name):
        """500 files in 20 directories, 40 MB. @return the tree and its bytes"""
        here, _ = self.pair.folders(name)
        here.mkdir()
        total = 0
        for number in range(500):
            path = here / f"{number % 20}" / f"file {number}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(self.random.randbytes(self.random.randrange(40_000, 124_000)))
            total += path.stat().st_size
        return tree(here), total

    def one(self, name):
        here, _ = self.pair.folders(name)
        here.mkdir()
        (here / "large.bin").write_bytes(self.random.randbytes(48 << 20))
        return tree(here), 48 << 20

    def test_many_files_sender(self):
        self.killed_in_between("many-sender", *self.many("many-sender"), True)

    def test_many_files_receiver(self):
        self.killed_in_between("many-receiver", *self.many("many-receiver"), False)

    def test_one_large_file_sender(self):
        self.killed_in_between("one-sender", *self.one("one-sender"), True)

    def test_one_large_file_receiver(self):
        self.killed_in_between("one-receiver", *self.one("one-receiver"), False)

    def test_push(self):
        """A message whose id was printed is there, whenever the process died after that."""
        laptop, desktop = self.pair.laptop, self.pair.desktop
        acknowledged, died_early = [], 0
        followers = [each.start("pull", "--follow", "--json") for each in (laptop, desktop)]
        wait_until("the other device", lambda: laptop.run("status", "--json").document()["devices"][0]["path"] == "direct")
        begin = time.monotonic()
        laptop.run("push", "how long it takes", "--topic", "crash").ok()
        usual = time.monotonic() - begin
        for number in range(30):
            text = f"message {number}"
            process = laptop.start("push", text, "--topic", "crash", "--json")
            time.sleep(self.random.uniform(0, usual * 1.2))
            kill(process)
            if any('"kith.push/1"' in line and line.endswith("}") for line in process.out):
                acknowledged.append(text)
            else:
                died_early += 1
        laptop.run("push", "after all", "--topic", "crash").ok()
        own = [each["text"] for each in self.items(laptop.run("pull", "--own", "--after-cursor", "0", "--topic", "crash", "--json"))]
        self.assertEqual([each for each in own if each in acknowledged], acknowledged)
        self.assertEqual(len(own), len(set(own)))
        got = desktop.run("pull", "--after-cursor", "0", "--topic", "crash", "--json").ok()
        self.assertEqual([each["text"] for each in self.items(got)], own)
        for each in followers:
            self.assertEqual(each.stop(), 0)
        print(f"push: killed 30 times, {died_early} before the answer; {len(acknowledged)} acknowledged, {len(own) - 2} there")

    @staticmethod
    def items(run):
        return [each for each in run.lines() if each["type"] == "item"]


if __name__ == "__main__":
    print(f"KITH_E2E_SEED={SEED}")
    sys.stdout.flush()
    unittest.main()
