"""Devices that meet only at a relay: real programs on both sides, one device running at a time."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from kith_e2e import bytes_below, free_port, wait_until
from people import Device, let_in
from relay import Relay


class AtARelay(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-relay-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.relay = self.start_relay("one")
        self.a, self.b = self.device("laptop").init(), self.device("desktop")
        self.a.run("relay", "add", self.url(self.relay)).ok()
        let_in(self.a, self.b)
        self.until_served(self.b, self.a)

    def device(self, name):
        device = Device(name)
        self.addCleanup(device.close)
        return device

    def start_relay(self, name, port=None, *more):
        """A relay with a data folder of this name, at a port that stays."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        port = port or free_port()
        relay = Relay(folder, "--listen", f"127.0.0.1:{port}", *more, listen=False)
        relay.port = port
        self.addCleanup(relay.stop)
        return relay

    def restart(self, relay, name):
        return self.start_relay(name, relay.port)

    @staticmethod
    def url(relay):
        return re.search(r"'(ws://[^']*)'", relay.line)[1]

    def until_served(self, device, helper):
        """Somebody who is served tells the relay to serve the new one, once it has heard its name."""
        def served():
            helper.run("pull", "--quiet")
            run = device.run("pull", "--json", "--topic", "nothing")
            reached = [line for line in run.lines() if line["type"] == "summary"]
            return reached and any(each.startswith("relay:") for each in reached[0]["reached"])
        wait_until(f"{device.name} is served", served, 60)

    def push(self, device, text):
        item = device.json("push", text, "--wait", "safe")["items"][0]
        self.assertIn("relay", [each["kind"] for each in item["safe_at"]])

    def sync(self, device, directory, folder, until, timeout=60):
        """Keeps the directory in step until something holds."""
        process = device.start("sync", str(directory), "--folder", folder)
        try:
            wait_until("in step", until, timeout)
        finally:
            process.stop()

    def objects(self):
        """The files of contents that wait at the relay."""
        found = (self.relay.data / "relay.objects").rglob("*")
        return {each for each in found if each.is_file() and each.suffix != ".new"}

    def everything_in(self, relay):
        """All bytes that the relay keeps or says: database, write-ahead log, objects, log, pages, answers and memory."""
        pieces = []
        for path in sorted(relay.data.rglob("*")):
            if path.is_file() and path.name != "relay.key":
                pieces.append(path.read_bytes())
        pieces.append(relay.logged().encode())
        monitoring = int(re.search(r"monitoring_port=(\d+)", relay.logged())[1])
        pages = [relay.get(path, monitoring)[1] for path in ("/metrics", "/health", "/healthz", "/readyz")]
        self.assertIn("kith_relay_blobs_pushed_total", pages[0])
        pages += [relay.say(verb, "--json").stdout for verb in ("groups", "invites", "quota")]
        pieces += [page.encode() for page in pages]
        with open(f"/proc/{relay.process.pid}/maps") as maps, open(f"/proc/{relay.process.pid}/mem", "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                begin, end = (int(each, 16) for each in span.split("-"))
                if "r" not in rights or "[v" in line:
                    continue
                try:
                    memory.seek(begin)
                    pieces.append(memory.read(end - begin))
                except OSError:
                    pass
        return pieces


class Messages(AtARelay):
    def test_three_devices_that_are_never_there_together(self):
        c = self.device("phone")
        let_in(self.b, c)
        self.until_served(c, self.b)
        for device in (self.a, self.b, c):
            self.push(device, f"from {device.name}")
        for device in (self.a, self.b, c):
            device.run("pull")
        wanted = ["from desktop", "from laptop", "from phone"]
        for device in (self.a, self.b, c):
            self.assertEqual(sorted(device.texts("--after-cursor", "0", "--own")), wanted)

    def test_a_mailbox_that_its_operator_removes_is_made_and_filled_again(self):
        self.push(self.a, "before")
        listed = json.loads(self.relay.say("groups", "--json").stdout)["mailboxes"]
        self.assertEqual([each["members"] for each in listed], [2])
        name = listed[0]["id"]
        self.assertRegex(name, "^[0-9a-f]{8}$")
        self.assertGreater(listed[0]["items"], 0)
        self.assertIn(name, self.relay.say("groups").stdout)
        done = self.relay.say("groups", "rm", name, "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(self.relay.say("groups", "--json").stdout)["mailboxes"], [])
        self.push(self.a, "after")
        self.assertEqual([text for text in self.b.texts() if text in ("before", "after")], ["before", "after"])
        again = json.loads(self.relay.say("groups", "--json").stdout)["mailboxes"]
        self.assertEqual([each["id"] for each in again], [name])

    def test_messages_of_several_processes_at_once_to_a_device_that_was_away(self):
        follower = self.a.follow()
        sent = [f"message {number}" for number in range(40)]
        for at in range(0, len(sent), 4):
            running = [self.a.start("push", text, "--quiet") for text in sent[at:at + 4]]
            for process in running:
                self.assertEqual(process.wait(), 0)
        follower.stop()
        self.push(self.a, "the last one")
        texts = self.b.texts()
        self.assertEqual(texts[-1], "the last one")
        self.assertEqual(sorted(texts[:-1]), sorted(sent))

    def test_a_relay_that_is_killed_loses_nothing_that_was_safe(self):
        for round_ in range(5):
            self.push(self.a, f"safe {round_}")
            pushing = self.a.start("push", f"maybe {round_}", "--quiet")
            time.sleep(0.02 * round_)
            self.relay.process.send_signal(signal.SIGKILL)
            self.relay.wait()
            pushing.wait()
            self.relay = self.restart(self.relay, "one")
        self.push(self.a, "end")
        texts = self.b.texts()
        self.assertEqual(texts, [text for each in range(5) for text in (f"safe {each}", f"maybe {each}")] + ["end"])

    def test_a_relay_whose_directory_was_deleted_is_told_everything_again(self):
        self.push(self.a, "before")
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        key = (self.relay.data / "relay.key").read_bytes()
        shutil.rmtree(self.relay.data)
        self.relay.data.mkdir(mode=0o700)
        (self.relay.data / "relay.key").write_bytes(key)
        (self.relay.data / "relay.key").chmod(0o600)
        self.relay = self.restart(self.relay, "one")
        self.push(self.a, "after")
        self.assertEqual(self.b.texts(), ["before", "after"])

    def test_an_old_database_copied_back_is_told_what_it_lost(self):
        self.push(self.a, "first")
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        backup = self.folder / "backup"
        shutil.copytree(self.relay.data, backup)
        self.relay = self.restart(self.relay, "one")
        self.push(self.a, "second")
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        shutil.rmtree(self.relay.data)
        shutil.copytree(backup, self.relay.data)
        self.relay = self.restart(self.relay, "one")
        self.push(self.a, "third")
        self.assertEqual(self.b.texts(), ["first", "second", "third"])

    def test_two_relays_one_of_which_is_gone(self):
        other = self.start_relay("two")
        self.a.run("relay", "add", self.url(other)).ok()
        self.b.run("pull")
        self.until_served(self.b, self.a)
        wait_until("both serve the other device", lambda: self.served_by(self.b, 2), 60)
        self.relay.process.send_signal(signal.SIGKILL)
        self.relay.wait()
        self.push(self.a, "through the other")
        self.assertEqual(self.b.texts(), ["through the other"])

    def served_by(self, device, count):
        self.a.run("pull", "--quiet")
        summary = [line for line in device.run("pull", "--json", "--topic", "none").lines() if line["type"] == "summary"]
        return len([each for each in summary[0]["reached"] if each.startswith("relay:")]) == count

    def test_a_removed_device_is_served_no_more(self):
        self.a.run("devices", "revoke", "desktop", "--yes").ok()
        self.push(self.a, "not for the desktop")
        run = self.b.run("pull", "--json", "--timeout", "5s")
        self.assertNotIn("not for the desktop", run.out)
        self.assertNotEqual(run.code, 0)


class Leaving(AtARelay):
    """Devices that meet at one relay only hear there that it is used no more."""

    def relays(self, device):
        return [each["url"] for each in device.json("relay", "ls")["relays"]]

    def test_the_last_relay_is_left_knowingly_and_the_others_are_told_there(self):
        refused = self.a.run("relay", "rm", self.bare(self.relay), "--json")
        self.assertEqual(refused.error()["code"], "no-terminal")
        self.assertIn("kith relay add OTHER", str(refused.error()["remedy"]))
        self.assertIn("desktop", refused.error()["cause"])
        self.assertEqual(self.relays(self.a), [self.bare(self.relay)])
        run = self.a.run("relay", "rm", self.bare(self.relay), "--yes").ok()
        self.assertNotIn("could not be told", run.err)
        self.b.run("pull", "--quiet")
        self.assertEqual(self.relays(self.b), [])

    def test_another_mailbox_at_the_relay_is_told_of_in_the_old_one(self):
        self.a.run("relay", "add", self.url(self.relay), "--anew").ok()
        def meet():
            self.a.run("pull", "--quiet")
            self.b.run("pull", "--quiet")
            self.a.run("push", "once more", "--wait", "safe", "--timeout", "5s")
            return "once more" in self.b.texts(expect=(0, 5, 10))
        wait_until("they meet in the new mailbox", meet, 60)

    def test_a_device_that_slept_follows_to_the_relay_that_took_its_place(self):
        other = self.start_relay("other")
        self.a.run("relay", "add", self.url(other)).ok()
        left = self.a.run("relay", "rm", self.bare(self.relay)).ok()
        self.assertIn("do not take that relay down", left.err)
        self.assertEqual(self.relays(self.a), [self.bare(other)])
        self.b.run("pull", "--quiet")
        self.a.run("pull", "--quiet")  # hears there what the other one is called
        self.relay.process.kill()
        self.relay.wait()
        self.push(self.a, "at the new one")
        wait_until("they meet there", lambda: "at the new one" in self.b.texts(expect=(0, 5, 10)), 60)

    @staticmethod
    def bare(relay):
        return AtARelay.url(relay).split("/#")[0]


class Files(AtARelay):
    def test_a_folder_to_a_device_that_was_away_and_from_there_to_a_third(self):
        source = self.a.dir / "docs"
        source.mkdir()
        for number in range(200):
            (source / f"file {number}.txt").write_text(f"content {number}\n" * 20)
        (source / "large.bin").write_bytes(os.urandom(20 << 20))
        self.sync(self.a, source, "docs", lambda: self.contents_at_relay(20 << 20))
        copy = self.b.dir / "docs"
        self.sync(self.b, copy, "docs", lambda: self.same(source, copy))
        (copy / "from b.txt").write_text("back\n")
        before = self.objects()
        self.sync(self.b, copy, "docs", lambda: self.objects() - before)
        self.sync(self.a, source, "docs", lambda: (source / "from b.txt").exists())
        self.assertTrue(self.same(source, copy))

    def contents_at_relay(self, bytes_):
        return bytes_below(self.relay.data / "relay.objects") >= bytes_

    @staticmethod
    def same(one, other):
        def contents(root):
            return {each.relative_to(root): each.read_bytes() for each in root.rglob("*")
                    if each.is_file() and ".kith" not in each.parts}
        return other.exists() and contents(one) == contents(other)


class Secrets(AtARelay):
    def test_the_relay_holds_nothing_that_anybody_could_read(self):
        marks = [f"canary-{number:02}-{os.urandom(4).hex()}" for number in range(64)]
        for mark in marks[:20]:
            self.push(self.a, mark)
        for mark in marks[20:24]:
            self.a.run("push", "text", "--topic", mark).ok()
        source = self.a.dir / marks[24]
        source.mkdir()
        for mark in marks[25:45]:
            (source / mark).mkdir()
            (source / mark / f"{mark}.txt").write_text("x")
        for mark in marks[45:62]:
            (source / f"{mark[:9]}.bin").write_bytes(mark.encode() * 3000)
        before = self.objects()
        self.sync(self.a, source, marks[24], lambda: self.objects() - before)
        self.a.run("devices", "rename", "laptop", marks[62]).ok()
        self.a.run("devices", "rename", "desktop", marks[63]).ok()
        held = self.everything_in(self.relay)
        words = (self.a.dir / "words.txt").read_text().split()
        secrets = [*marks, " ".join(words[:4]), "laptop", "desktop"]
        for secret in secrets:
            for spelled in (secret.encode(), secret.encode("utf-16-le"), secret.encode().hex().encode()):
                self.assertFalse(any(spelled in piece for piece in held), secret)
        ids = [self.a.json("devices", "ls")["group"]["id"], *(each["id"] for each in self.a.json("devices", "ls")["devices"])]
        for text in ids:
            self.assertFalse(any(bytes.fromhex(text) in piece for piece in held), "an id of the group")


class Wrong(AtARelay):
    def test_another_key_is_not_talked_to(self):
        other = self.start_relay("other")
        wrong = self.url(self.relay).split("/#")[0].replace(str(self.relay.port), str(other.port)) + "/#" + \
            self.url(self.relay).split("/#")[1]
        run = self.a.run("relay", "add", wrong, "--json")
        run.expect(13)
        self.assertEqual(run.error()["code"], "relay-key-changed")
        self.assertNotIn("relay rm", str(run.error()["remedy"]), "the one in use is well")

    def test_an_address_without_key_needs_somebody_to_compare_it(self):
        other = self.start_relay("other")
        bare = self.url(other).split("/#")[0]
        self.assertEqual(self.a.run("relay", "add", bare, "--json").error()["code"], "relay-unpinned")
        self.a.run("relay", "add", bare, "--trust-relay").ok()

    def test_nothing_there(self):
        run = self.a.run("relay", "test", f"ws://127.0.0.1:{free_port()}", "--json")
        run.expect(10)


if __name__ == "__main__":
    unittest.main()
