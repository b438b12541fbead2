"""Relays without room: one whose disk is full, and one that stores as much of the group as it may. Devices wait, say so,
and go on by themselves.

The disk is a small tmpfs, which only root can mount; without it the relay is told to store no more instead.
"""

import contextlib
import os
import sys
import time
import unittest

from kith_e2e import PATIENCE_S, wait_until
from relay_devices import AtARelay
from resources import small_disk

DISK_MIB = 8
QUOTA = '[storage]\n{key} = "{size}"\n[monitoring]\nlisten = ""\n'


class NoRoom(AtARelay):
    def start_relay(self, name, port=None, *more):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if name == "one":
            self.make_disk(folder / "data")
            key = "max_db_size" if self.filler is None else "max_group_storage"
            self.configure(name, key, "64 MiB")
        else:
            self.configure(name, "max_group_storage", "1 MiB")
        return super().start_relay(name, port, "--config", str(folder / "relay.toml"), *more)

    def configure(self, name, key, size):
        (self.folder / name / "relay.toml").write_text(QUOTA.format(key=key, size=size))

    def make_disk(self, at):
        """Mounts a disk there whose room a file can take."""
        at.mkdir(mode=0o700)
        self.filler = None
        with contextlib.suppress(unittest.SkipTest), contextlib.ExitStack() as stack:
            stack.enter_context(small_disk(at, DISK_MIB))
            self.addCleanup(stack.pop_all().close)
            self.filler = at / "filler"

    def fill(self):
        if self.filler is None:
            self.configure("one", "max_db_size", "1 MiB")
            self.reload(self.relay)
            return
        with open(self.filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self):
        if self.filler is not None:
            return self.filler.unlink()
        self.configure("one", "max_db_size", "64 MiB")
        self.reload(self.relay)

    def reload(self, relay):
        said = relay.say("reload")
        self.assertEqual(said.returncode, 0, said.stderr)

    def codes(self):
        """What is wrong with each relay, as status says it."""
        return {each["url"]: each["last_error_code"] for each in self.a.json("status")["relays"]}

    def reached(self, device):
        """At how many relays the device has been, once the other one has told them of it."""
        summary = device.run("pull", "--json", "--topic", "nothing").lines()[-1]
        self.a.run("pull", "--quiet")
        return len([each for each in summary["reached"] if each.startswith("relay:")])

    def test_devices_say_so_wait_and_go_on_by_themselves(self):
        small = self.start_relay("two")
        self.a.run("relay", "add", self.url(small)).ok()
        one, two = (self.url(relay).split("/#")[0] for relay in (self.relay, small))
        wait_until("both serve the other device", lambda: self.reached(self.b) == 2)
        follower = self.a.follow()
        wait_until("both serve it", lambda: self.codes() == {one: None, two: None} and
                   all(each["has_all"] for each in self.a.json("status")["relays"]))
        self.fill()
        texts = []
        for number in range(80):  # by turns in the log, and beside it
            texts.append(f"{number:03} {os.urandom(40_000 if number % 2 else 12_000).hex()}")
            self.a.run("push", "-", "--quiet", stdin=texts[-1]).ok()
            if self.codes() == {one: "relay-full", two: "relay-quota"} and self.a.json("status")["changes"]["only_here"]:
                break
        status, text = self.a.json("status"), self.a.run("status").ok().out
        self.assertEqual(self.codes(), {one: "relay-full", two: "relay-quota"}, status)
        self.assertEqual([each["has_all"] for each in status["relays"]], [False, False])
        self.assertGreater(status["changes"]["only_here"], 0)
        problems = {each["code"]: each for each in status["problems"]}
        self.assertEqual(set(problems), {"relay-full", "relay-quota"})
        for code, url in (("relay-full", one), ("relay-quota", two)):
            self.assertIn(url, problems[code]["message"])
            self.assertIn(code, text)
            self.assertIn("kith relay add", " ".join(each["command"] for each in problems[code]["remedy"]))
            self.assertIn("queued on this device", self.a.run("help", code).ok().out)
        waiting = self.a.run("push", "waits", "--wait", "safe", "--timeout", "2s", "--json").expect(14)
        self.assertIn(waiting.error()["code"], ("relay-full", "relay-quota"))
        texts.append("waits")
        self.assertIn("1.0 MiB", small.say("quota").stdout)

        self.make_room()
        self.configure("two", "max_group_storage", "64 MiB")
        self.reload(small)
        begin = time.monotonic()
        wait_until("both have everything", lambda: self.a.json("status")["state"] == "synced" and
                   all(each["has_all"] for each in self.a.json("status")["relays"]), PATIENCE_S + 60)
        took = time.monotonic() - begin
        status = self.a.json("status")
        self.assertEqual((self.codes(), status["problems"], status["changes"]["only_here"]), ({one: None, two: None}, [], 0))
        self.assertEqual(follower.stop(), 0, follower)
        held = self.a.run("verify", "--json").ok().document()["relays"]
        self.assertEqual([(each["result"], each["missing_entries"]) for each in held], [("complete", 0)] * 2)
        self.relay.process.kill()
        self.assertEqual([text[:20] for text in self.b.texts()], [text[:20] for text in texts])
        print(f"{len(texts)} messages waited for room at two relays; both had them {took:.0f} s after there was some "
              f"({'a disk' if self.filler is not None else 'a limit'}, and a quota)", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
