"""Much at once to a device that was away: many messages, and a large folder that goes on from there to a third.

KITH_E2E_MESSAGES says how many messages (400), KITH_E2E_FOLDER_MB how large the folder is (32). A release is tried with 1000
and 200.
"""

import os
import subprocess
import sys
import time
import unittest

from folder_pair import tree
from kith_e2e import BIN, wait_until
from people import let_in
from relay_devices import AtARelay

MESSAGES = int(os.environ.get("KITH_E2E_MESSAGES", "400"))
FOLDER_MB = int(os.environ.get("KITH_E2E_FOLDER_MB", "32"))
PATIENCE_S = 60 + 2 * FOLDER_MB + MESSAGES / 5

# What an operator sets who wants a household's folders to go through at once.
ROOMY = '[storage]\nmax_group_storage = "4 GiB"\n[limits]\nbytes_per_second = "1 GB"\nmessages_per_minute = 1000000\n' \
        '[monitoring]\nlisten = ""\n'

# What people have who pipe lines into messages: one run for each.
LOOP = 'i=$1; while [ $i -le "$2" ]; do "$KITH" push --quiet "message $i" || exit 1; i=$((i + $3)); done'


class Much(AtARelay):
    def start_relay(self, name, port=None, *more):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "relay.toml").write_text(ROOMY)
        return super().start_relay(name, port, "--config", str(folder / "relay.toml"), *more)

    def test_many_messages(self):
        owner, begin = self.a.follow(), time.monotonic()
        loops = 4
        running = [subprocess.Popen(["sh", "-c", LOOP, "sh", str(first), str(MESSAGES), str(loops)], cwd=self.a.dir,
                                    stdout=subprocess.DEVNULL, env=self.a.environment({"KITH": BIN}))
                   for first in range(1, loops + 1)]
        for each in running:
            self.addCleanup(each.kill)
        self.assertEqual([each.wait(PATIENCE_S) for each in running], [0] * loops)
        pushed = time.monotonic() - begin
        wait_until("all is safe", lambda: self.a.json("status")["changes"]["only_here"] == 0)
        self.assertEqual(owner.stop(), 0, owner)
        begin = time.monotonic()
        texts = self.b.texts()
        took = time.monotonic() - begin
        self.assertEqual(len(texts), MESSAGES)
        self.assertEqual(set(texts), {f"message {number}" for number in range(1, MESSAGES + 1)})
        for first in range(1, loops + 1):
            self.assertEqual([text for text in texts if int(text.split()[1]) % loops == first % loops],
                             [f"message {number}" for number in range(first, MESSAGES + 1, loops)])
        print(f"{MESSAGES} messages: pushed by {loops} loops in {pushed:.1f} s; a device that was away had them in {took:.2f} s",
              file=sys.stderr)

    def test_a_large_folder_and_from_there_to_a_third(self):
        third = self.device("phone")
        let_in(self.b, third)
        self.until_served(third, self.b)
        source = self.a.dir / "docs"
        for number in range(200):
            path = source / f"d{number % 10}" / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * 100)
        for number in range(FOLDER_MB // 16):
            (source / f"{number}.bin").write_bytes(os.urandom(16 << 20))
        whole, took = tree(source), []
        for device in (self.a, self.b, third):
            folder = device.dir / "docs"
            begin = time.monotonic()
            run = device.run("sync", folder, "--once", *(() if device is self.a else ("--folder", "docs")), "--json",
                             timeout=PATIENCE_S)
            took.append(time.monotonic() - begin)
            self.assertTrue(run.ok().lines()[-1]["in_sync"], run)
            self.assertEqual(tree(folder), whole)
        # What the second one changes goes on to the third, and back to the first.
        (self.b.dir / "docs/from the second.bin").write_bytes(os.urandom(1 << 20))
        for device in (self.b, third, self.a):
            device.run("sync", device.dir / "docs", "--once", timeout=PATIENCE_S).ok()
        self.assertEqual(tree(source), tree(self.b.dir / "docs"))
        self.assertEqual(tree(source), tree(third.dir / "docs"))
        print(f"{FOLDER_MB} MB in {len(whole)} files: to the relay in {took[0]:.1f} s, to a device that was away in "
              f"{took[1]:.1f} s, to a third in {took[2]:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
