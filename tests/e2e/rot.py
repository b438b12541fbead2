"""Databases with flipped bytes, of a home and of a relay: what rests on them ends with a clear error and a remedy, or goes on
rightly; it never crashes, hangs, or hands out what nobody wrote.

KITH_E2E_FLIPS says how often each is damaged (15), KITH_E2E_SEED how. A failure names the damage.
"""

import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from relay_devices import AtARelay

FLIPS = int(os.environ.get("KITH_E2E_FLIPS", "15"))
SEED = int(os.environ.get("KITH_E2E_SEED", "1"))
PAGE = 4096
TEXTS = [f"message {number} " + "x" * (number * 37 % 900) for number in range(40)] + ["long " + "y" * 40_000]


def damage(path, dice):
    """Flips bits of a file: in its header, in one page, in a few places, or all of a sector. @return what was done"""
    content = bytearray(path.read_bytes())
    kind = dice.choice(("header", "page header", "byte", "bytes", "page", "page", "sector"))
    if kind == "header":
        places = [dice.randrange(min(100, len(content)))]
    elif kind == "page header":
        places = [dice.randrange(len(content) // PAGE or 1) * PAGE + dice.randrange(12)]
    elif kind == "sector":
        begin = dice.randrange(max(1, len(content) // 512)) * 512
        places = list(range(begin, begin + 512))
    elif kind == "page":
        begin = dice.randrange(len(content) // PAGE or 1) * PAGE
        places = [begin + dice.randrange(PAGE) for _ in range(100)]
    else:
        places = [dice.randrange(len(content)) for _ in range(1 if kind == "byte" else 16)]
    places = [place for place in places if place < len(content)]
    for place in places:
        content[place] ^= dice.randrange(1, 256)
    path.write_bytes(content)
    return f"{kind} of {path.name} at {places[0] if places else '-'}"


class Rot(AtARelay):
    def setUp(self):
        super().setUp()
        self.seen = collections.Counter()
        self.folder_of_a = self.a.dir / "notes"
        self.folder_of_a.mkdir()
        for number in range(5):
            (self.folder_of_a / f"{number}.bin").write_bytes(random.Random(number).randbytes(30_000))
        follower = self.a.follow()
        for text in TEXTS:
            self.a.run("push", "-", "--quiet", stdin=text).ok()
        self.a.run("sync", self.folder_of_a, "--once").ok()
        self.kept = self.folder / "kept"
        shutil.copytree(self.a.home, self.kept / "a", ignore=shutil.ignore_patterns("run", "*-shm"))
        self.assertTrue((self.kept / "a" / "kith.db-wal").stat().st_size)
        self.assertEqual(follower.stop(), 0, follower)
        self.a.run("status").ok()
        shutil.copytree(self.a.home, self.kept / "whole", ignore=shutil.ignore_patterns("run", "*-shm"))
        self.assertFalse((self.kept / "whole" / "kith.db-wal").exists())
        shutil.copytree(self.b.home, self.kept / "b", ignore=shutil.ignore_patterns("run", "*-shm"))

    def put(self, which, device):
        shutil.rmtree(device.home)
        shutil.copytree(self.kept / which, device.home)

    def ends_well(self, device, command, what, takes_s=30):
        """The run ends in time, with a result or an error that has a remedy. @return the run"""
        try:
            run = device.run(*command, "--json", timeout=takes_s)
        except subprocess.TimeoutExpired:
            self.fail(f"{command} hangs after {what}")
        self.assertGreaterEqual(run.code, 0, f"{what}: {run!r}")
        self.assertNotIn(run.code, (1, 134, 139), f"{what}: {run!r}")
        code = "-"
        if errors := [json.loads(line) for line in run.err.splitlines() if '"type":"error"' in line]:
            code = errors[0]["code"]
            self.assertTrue(errors[0]["remedy"], f"{what}: {run!r}")
            self.assertNotEqual(code, "internal-error", f"{what}: {run!r}")
        else:
            self.assertIn(run.code, (0, 3, 4, 5, 10), f"{what}: {run!r}")
        self.seen[f"{command[0]} {run.code} {code}"] += 1
        return run

    def assert_written(self, run, what):
        for line in run.out.splitlines():
            item = json.loads(line)
            if item.get("type") == "item":
                self.assertTrue(item["text"] in TEXTS, f"{what}: nobody wrote {item['text'] or item['data_b64']!r:.100}")

    def print_seen(self, name):
        print(f"{name}, seed {SEED}: " + ", ".join(f"{what} ({count})" for what, count in sorted(self.seen.items())), file=sys.stderr)

    def test_a_home(self):
        self.relay.stop()
        for number in range(FLIPS):
            dice = random.Random(f"{SEED}/home/{number}")
            which, name = dice.choice((("whole", "kith.db"), ("whole", "kith.db"), ("a", "kith.db-wal"), ("a", "kith.db")))
            self.put(which, self.a)
            what = f"flip {number}: " + damage(self.a.home / name, dice)
            with self.subTest(what):
                for command in (["status"], ["pull", "--after-cursor", "0", "--own", "--timeout", "100ms"], ["devices", "ls"],
                                ["push", "another", "--topic", "t"], ["verify", "--timeout", "100ms"], ["sync", str(self.folder_of_a), "--once", "--timeout", "100ms"]):
                    run = self.ends_well(self.a, command, what)
                    if command[0] == "pull":
                        self.assert_written(run, what)
        self.print_seen("home")

    def test_a_relay(self):
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        shutil.copytree(self.relay.data, self.kept / "relay")
        for number in range(FLIPS):
            dice = random.Random(f"{SEED}/relay/{number}")
            shutil.rmtree(self.relay.data)
            shutil.copytree(self.kept / "relay", self.relay.data)
            self.relay.data.chmod(0o700)
            files = [path for path in self.relay.data.rglob("*") if path.is_file() and path.stat().st_size and "key" not in path.name]
            database = [self.relay.data / "relay.db"] * 4
            what = f"flip {number}: " + damage(dice.choice([*database, *sorted(files)]), dice)
            with self.subTest(what):
                relay = self.restart(self.relay, "one")
                if relay.line:
                    self.put("b", self.b)
                    self.assert_written(self.ends_well(self.b, ["pull", "--timeout", "3s"], what), what)
                    said = relay.say("quota")
                    self.assertIn(said.returncode, (0, 1), said)
                    if relay.process.poll() is None:
                        relay.process.send_signal(signal.SIGTERM)
                code = relay.wait()
                self.assertGreaterEqual(code, 0, f"{what}: the relay ended by a signal")
                logged = pathlib.Path(relay.log.name).read_text()
                if not relay.line:
                    self.assertNotEqual(code, 0, what)
                    self.assertRegex(logged, "error: .*\n", what)
                self.seen[f"serve {code} {'up' if relay.line else logged.strip().splitlines()[-1][:100]}"] += 1
        self.print_seen("relay")


if __name__ == "__main__":
    unittest.main()
