"""Devices lost: a group comes back from its 24 words, and a relay or one device that is left. Real programs on both sides."""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
import threading
import time
import unittest

from kith_e2e import bytes_below, free_port, wait_until
from people import Device, let_in, only_error
from relay import Relay

OTHER_WORDS = " ".join(["abandon"] * 23 + ["art"])


class Lost(unittest.TestCase):
    """Two devices that left messages and a folder at a relay."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-recovery-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.relay = self.start_relay("one")
        self.url = re.search(r"'(ws://[^']*)'", self.relay.line)[1]
        self.a, self.b = self.device("laptop"), self.device("desktop")
        self.a.init("--relay", self.url)
        let_in(self.a, self.b)
        self.words = self.folder / "words"
        shutil.copyfile(self.a.words, self.words)
        self.words.chmod(0o600)
        self.safe(self.a, "from the laptop")
        self.until_served(self.b)
        self.safe(self.b, "from the desktop")

    def device(self, name):
        device = Device(name)
        self.addCleanup(device.close)
        return device

    def start_relay(self, name, port=None):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        port = port or free_port()
        relay = Relay(folder, "--listen", f"127.0.0.1:{port}", listen=False)
        relay.port = port
        self.addCleanup(relay.stop)
        return relay

    def safe(self, device, text):
        item = device.json("push", text, "--wait", "safe")["items"][0]
        self.assertIn("relay", [each["kind"] for each in item["safe_at"]])

    def until_served(self, device):
        def served():
            self.a.run("pull", "--quiet")
            run = device.run("pull", "--json", "--topic", "nothing")
            summary = [line for line in run.lines() if line["type"] == "summary"]
            return summary and any(each.startswith("relay:") for each in summary[0]["reached"])
        wait_until(f"{device.name} is served", served)

    def recover(self, device, *args, words=None, url=None):
        return device.run("init", "--recover", "--relay", url or self.url, "--recovery-file", words or self.words, *args)

    def mark(self):
        """The group's id as a device that is kept shows it."""
        return re.search(r'Group "home", id ([0-9a-f-]{19})\b', self.b.run("devices", "ls").ok().err)[1]

    def all_texts(self, device):
        return sorted(device.texts("--after-cursor", "0", "--own"))

    def assert_nothing_made(self, device):
        """No keys and no database: the next run begins anew."""
        left = [each.name for each in device.home.rglob("*") if each.is_file()] if device.home.exists() else []
        self.assertEqual([each for each in left if each == "keys" or "kith.db" in each and each != "kith.db.lock"], [])

    @staticmethod
    def contents(root):
        return {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*")
                if each.is_file() and ".kith" not in each.parts}


class AllLost(Lost):
    def test_messages_folders_and_contents_come_back_and_the_lost_are_out(self):
        source = self.a.dir / "docs"
        source.mkdir()
        for number in range(20):
            (source / f"file {number}.txt").write_text(f"content {number}\n" * 50)
        (source / "large.bin").write_bytes(os.urandom(3 << 20))
        wanted = self.contents(source)
        objects = self.relay.data / "relay.objects"
        keeping = self.a.start("sync", str(source), "--folder", "docs")
        wait_until("contents at the relay", lambda: bytes_below(objects) >= 3 << 20)
        keeping.stop()
        thief = self.folder / "stolen"
        shutil.copytree(self.b.home, thief)  # one old home, with its keys
        self.a.close()
        self.b.close()

        c = self.device("new")
        done = self.recover(c, "--json").ok().document()
        self.assertEqual((done["group"]["name"], done["device"]["name"], done["messages"]), ("home", "new", 2))
        self.assertEqual(sorted(each["name"] for each in done["removed"]), ["desktop", "laptop"])
        self.assertEqual((done["kept"], done["missing_entries"], done["safe"]), ([], 0, True))
        self.assertEqual([(each["name"], each["files"], each["missing_files"]) for each in done["folders"]],
                         [("docs", 21, 0)])
        self.assertEqual([each["recovered"] for each in done["relays"]], [True])
        self.assertEqual(self.all_texts(c), ["from the desktop", "from the laptop"])
        self.assertEqual((c.names(), c.names("revoked")), (["new"], ["desktop", "laptop"]))
        copy = c.dir / "docs"
        syncing = c.start("sync", str(copy), "--folder", "docs")
        wait_until("the contents are back", lambda: copy.exists() and self.contents(copy) == wanted)
        syncing.stop()
        self.safe(c, "written afterwards")

        # The relay serves the stolen home no more, and nothing that was written since comes to it.
        old = self.device("desktop")
        shutil.copytree(thief, old.home)
        following = old.follow()
        wait_until("it is refused", lambda: old.json("status")["relays"][0]["last_error_code"] == "relay-not-allowed")
        following.stop()
        self.assertEqual(self.all_texts(old), ["from the desktop", "from the laptop"])

        # A second time: the same words, the next machine.
        d = self.device("newer")
        again = self.recover(d, "--json").ok().document()
        self.assertEqual([each["name"] for each in again["removed"]], ["new"])
        self.assertEqual(self.all_texts(d), ["from the desktop", "from the laptop", "written afterwards"])

    def test_a_device_that_is_kept_goes_on_and_tells_the_lost_ones(self):
        c = self.device("new")
        refused = self.recover(c, "--keep", "desktop", "--json").expect(2).error()
        self.assertIn("kith devices ls --json", json.dumps(refused))  # a relay can show a desktop of somebody else's
        self.assertEqual(self.recover(c, "--keep", "desktop", "--group", "home", "--json").error()["code"], "usage")
        kept = self.b.json("devices", "ls")
        device = next(each["id"] for each in kept["devices"] if each["self"])
        self.assertEqual(self.recover(c, "--keep", "id:" + device[:8], "--json").error()["code"], "usage")
        self.assert_nothing_made(c)
        done = self.recover(c, "--keep", "id:" + device, "--json").ok().document()
        self.assertEqual([each["name"] for each in done["kept"]], ["desktop"])
        self.assertEqual([each["name"] for each in done["removed"]], ["laptop"])
        self.safe(c, "from the new one")
        wait_until("the kept one reads it", lambda: "from the new one" in self.all_texts(self.b))
        self.safe(self.b, "the desktop goes on")
        wait_until("it is read", lambda: "the desktop goes on" in self.all_texts(c))
        self.assertEqual(self.b.names(), ["desktop", "new"])
        follower = self.b.follow()
        found = c.run("verify", "--json", "--timeout", "10s").document()
        self.assertEqual(found["result"], "identical", found)
        wait_until("it hears why", lambda: self.a.run("verify", "--json", "--timeout", "3s").code == 13)
        self.assertEqual(self.a.run("pull", "--json").error()["code"], "revoked-self")
        follower.stop()

    def test_while_all_of_them_are_connected(self):
        lost, kept = self.a.follow(), self.b.follow()
        c = self.device("new")
        group = self.b.json("devices", "ls")["group"]["id"]
        done = self.recover(c, "--keep", "desktop", "--group", group[:16], "--json").ok().document()
        self.assertTrue(done["safe"])
        c.run("push", "afterwards", "--wait", "safe").ok()
        kept.wait_line("afterwards")
        self.assertEqual(lost.wait(), 13)
        self.assertEqual(only_error(lost)["code"], "revoked-self")
        self.assertNotIn("afterwards", "".join(lost.out))

    def test_words_typed_at_a_terminal(self):
        self.a.close()
        words = self.words.read_text().split()
        c = self.device("new")
        screen = c.terminal("init", "--recover", "--relay", self.url)
        screen.expect(r"Word 1 of 24:")
        screen.send(" ".join(words[:2]) + "\n")
        screen.expect(r"Word 3 of 24:")
        wrong = words[2][:-1] + ("q" if words[2][-1] != "q" else "x") + "q"
        screen.send(wrong + "\n")
        screen.expect(r"is not one of the words")
        for number in range(2, 24):
            screen.expect(rf"Word {number + 1} of 24:")
            screen.send(f"{number + 1}. {words[number].upper()}\n")
        screen.expect(r"[Pp]assphrase")
        screen.send("\n")
        screen.expect(r'Found "home", with 2 devices')
        screen.expect(r'Is "laptop" .* stay in the group\? \[y/N\]')
        screen.send("n\n")
        screen.expect(r'Is "desktop" .* stay in the group\? \[y/N\]')
        screen.send("y\n")
        screen.expect(rf"id {self.mark()} and was founded 20")
        screen.expect(r"the same id there\? \[y/N\]")
        screen.send("y\n")
        screen.expect(r'remove "laptop" for good\? \[y/N\]')
        screen.send("y\n")
        screen.expect(r'"home" is back, on new')
        self.assertEqual(screen.wait(), 0)
        self.assertEqual(c.names(), ["desktop", "new"])

    def test_ctrl_c_while_it_waits_for_the_relay(self):
        def stopped(when):
            self.relay.process.send_signal(signal.SIGSTOP)
            try:
                return when()
            finally:
                self.relay.process.send_signal(signal.SIGCONT)

        def interrupted(process):
            began = time.monotonic()
            process.process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(), 130, process)
            self.assertLess(time.monotonic() - began, 10, "it does not wait the relay's time out")

        c = self.device("new")
        words = ("--recovery-file", str(self.words))

        def before_the_key():
            process = c.start("init", "--recover", "--relay", self.url, *words, "--json")
            wait_until("a connection", lambda: self.connections(process.process.pid))
            interrupted(process)
            self.assertEqual(only_error(process)["code"], "interrupted")

        stopped(before_the_key)
        self.assert_nothing_made(c)
        screen = c.terminal("init", "--recover", "--relay", self.url, *words, "--keep", "desktop")
        screen.expect(r"[Pp]assphrase")

        def while_it_is_read():
            screen.send("\n")
            wait_until("a connection", lambda: self.connections(screen.process.pid))
            interrupted(screen)

        stopped(while_it_is_read)
        self.assert_nothing_made(c)
        self.assertIn("nothing was made here", screen.screen)
        self.recover(c, "--keep", "desktop", "--group", self.b.json("devices", "ls")["group"]["id"][:16], "--json").ok()

    def connections(self, pid):
        """Whether the process has a connection to the relay."""
        sockets = {os.readlink(each) for each in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        table = pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        wanted = {f"socket:[{line.split()[9]}]" for line in table
                  if line.split()[2].endswith(f":{self.relay.port:04X}") and line.split()[3] == "01"}
        return bool(sockets & wanted)

    def test_who_says_no_at_the_end_has_changed_nothing(self):
        c = self.device("new")
        screen = c.terminal("init", "--recover", "--relay", self.url, "--recovery-file", str(self.words), "--keep", "laptop")
        screen.expect(r"[Pp]assphrase")
        screen.send("\n")
        screen.expect(r"the same id there\? \[y/N\]")
        screen.send("y\n")
        screen.expect(r'remove "desktop" for good\? \[y/N\]')
        screen.send("n\n")
        self.assertNotEqual(screen.wait(), 0)
        self.assert_nothing_made(c)
        self.safe(self.a, "the laptop goes on")
        wait_until("so does the desktop", lambda: "the laptop goes on" in self.all_texts(self.b))
        self.assertEqual(self.a.names(), ["desktop", "laptop"])


class GivenUp(Lost):
    """What ends when the relay was told already whom alone it is to serve."""

    def served(self, relay=None):
        """How many the relay serves, by the length of its last record beside the first one, which names one."""
        database = (relay or self.relay).data / "relay.db"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as database:
            lengths = [row[0] for row in database.execute("SELECT length(record) FROM acl ORDER BY version")]
        return 1 + (lengths[-1] - lengths[0]) // 33

    def asked(self, device, *args):
        screen = device.terminal("init", "--recover", "--relay", self.url, "--recovery-file", str(self.words), *args)
        screen.expect(r"[Pp]assphrase")
        screen.send("\n")
        for name in ("laptop", "desktop"):
            screen.expect(rf'Is "{name}" .* stay in the group\? \[y/N\]')
            screen.send("n\n")
        screen.expect(r"for good\? \[y/N\]")
        return screen

    def test_keys_that_cannot_be_stored_leave_the_relay_as_it_was(self):
        c = self.device("new")
        screen = self.asked(c)
        (c.home / "keys").mkdir()
        screen.send("y\n")
        self.assertNotEqual(screen.wait(), 0)
        self.assertNotIn("may serve none", screen.screen)
        self.assertEqual(self.served(), 2)
        self.safe(self.a, "the laptop goes on")
        wait_until("so does the desktop", lambda: "the laptop goes on" in self.all_texts(self.b))
        self.assertEqual(self.a.names(), ["desktop", "laptop"])

    def test_a_relay_that_is_gone_by_then_is_told_of(self):
        other = self.start_relay("two")
        self.a.run("relay", "add", re.search(r"'(ws://[^']*)'", other.line)[1]).ok()
        self.safe(self.a, "at both")
        wait_until("both have it", lambda: all(each["has_all"] for each in self.a.json("relay", "ls")["relays"]))
        c = self.device("new")
        screen = self.asked(c)
        other.process.send_signal(signal.SIGSTOP)
        self.addCleanup(other.process.send_signal, signal.SIGCONT)
        screen.send("y\n")
        wait_until("the last word was said at the first relay", lambda: self.served() == 1)
        self.relay.stop()
        screen.process.send_signal(signal.SIGTERM)
        self.assertEqual(screen.wait(), 143)
        self.assert_nothing_made(c)
        text = " ".join(screen.screen.split())
        self.assertIn("may serve none of the group's devices", text)
        self.assertIn("kith init --recover --relay", text)
        self.assertEqual(text.count("may serve none"), 1, "the other one was not told anything yet")


class FalseRelay(Lost):
    def test_a_relay_that_only_drips_is_left_out(self):
        """Named by a member, it says a byte now and then, for ever."""
        other = self.start_relay("two")
        url = re.search(r"'(ws://[^']*)'", other.line)[1]
        self.a.run("relay", "add", url).ok()
        self.safe(self.a, "names the other relay")
        other.stop()
        listening = socket.create_server(("127.0.0.1", other.port))
        self.addCleanup(listening.close)

        dripped = []

        def drip(line):
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += line.recv(4096)
                key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)[1]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                line.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                line.sendall(b"\x82\x02\x00\x78")
                while True:
                    line.sendall(b"\x82\x01\x00")  # one byte of what the handshake answers
                    dripped.append(1)
                    time.sleep(1)
            except OSError:
                pass

        def serve():
            try:
                while True:
                    threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        done = self.recover(self.device("new"), "--json", "--timeout", "2s").ok().document()
        self.assertEqual(sorted(each["recovered"] for each in done["relays"]), [False, True])
        self.assertGreater(len(dripped), 4, "it had talked on")
        self.assertLess(time.monotonic() - began, 30)


class Refused(Lost):
    def refused(self, device, code, exit_code, **how):
        run = self.recover(device, "--json", **how)
        run.expect(exit_code)
        error = run.error()
        self.assertEqual(error["code"], code, error)
        self.assertTrue(error["remedy"], error)
        if code == "recovery-words-wrong":
            self.assertEqual([each["command"] for each in error["remedy"]], ["kith help recovery"])
        self.assert_nothing_made(device)

    def file(self, text):
        path = self.folder / "typed"
        path.write_text(text)
        return path

    def test_each_reason_has_its_code_and_leaves_nothing(self):
        c = self.device("new")
        words = self.words.read_text().split()
        self.refused(c, "recovery-not-found", 12, words=self.file(OTHER_WORDS))
        self.refused(c, "recovery-words-wrong", 12, words=self.file(" ".join(words[:23] + ["zoo", "zoo"])))
        self.refused(c, "recovery-words-wrong", 12, words=self.file(" ".join([*words[1:], words[0]])))
        self.refused(c, "usage", 2, words=self.folder / "none")
        self.refused(c, "relay-unreachable", 10, url=self.url.replace(str(self.relay.port), str(free_port())))
        other = self.start_relay("other")
        self.refused(c, "relay-key-changed", 13, url=self.url.replace(str(self.relay.port), str(other.port)))
        self.refused(c, "recovery-not-found", 12, url=re.search(r"'(ws://[^']*)'", other.line)[1])
        self.refused(c, "relay-unpinned", 13, url=self.url.split("/#")[0])
        run = c.run("init", "--recover", "--relay", self.url, "--json")
        self.assertEqual(run.error()["code"], "usage")
        self.assertEqual(c.run("init", "--recover", "--recovery-file", self.words, "--json").error()["code"], "usage")
        self.assertEqual(self.recover(c, "--keep", "nobody", "--json").error()["code"], "no-such-device")
        self.assert_nothing_made(c)
        # A home that has a group is left as it is.
        self.assertEqual(self.recover(self.b, "--json").error()["code"], "already-initialised")
        self.assertEqual(self.all_texts(self.b), ["from the desktop", "from the laptop"])
        # And after all of this it works.
        self.recover(c, "--json").ok()


class Wiped(Lost):
    def test_a_relay_that_was_wiped_leads_back_again_once_the_device_that_registered_was_there(self):
        wait_until("all are in step", lambda: len(self.all_texts(self.a)) == 2)
        key = (self.relay.data / "relay.key").read_bytes()
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        shutil.rmtree(self.relay.data)
        self.relay.data.mkdir(mode=0o700)
        (self.relay.data / "relay.key").write_bytes(key)
        (self.relay.data / "relay.key").chmod(0o600)
        self.relay = self.start_relay("one", self.relay.port)
        c = self.device("new")
        self.assertEqual(self.recover(c, "--json").error()["code"], "recovery-not-found")
        self.safe(self.a, "afterwards")  # and with it all that it stands on
        self.recover(c, "--json").ok()
        self.assertEqual(self.all_texts(c), ["afterwards", "from the desktop", "from the laptop"])


class TwoRelays(Lost):
    def test_the_groups_other_relay_is_used_again_too(self):
        other = self.start_relay("two")
        url = re.search(r"'(ws://[^']*)'", other.line)[1]
        self.a.run("relay", "add", url).ok()
        self.safe(self.a, "at both")
        wait_until("both have it", lambda: all(each["has_all"] for each in self.a.json("relay", "ls")["relays"]))
        self.a.close()
        self.b.close()
        c = self.device("new")
        done = self.recover(c, "--json").ok().document()
        self.assertEqual([each["recovered"] for each in done["relays"]], [True, True])
        self.relay.stop()
        self.safe(c, "through the other")
        d = self.device("newer")
        done = self.recover(d, "--json", url=url).ok().document()
        self.assertEqual(self.all_texts(d), ["at both", "from the desktop", "from the laptop", "through the other"])
        self.assertEqual(sorted((each["recovered"], each["error_code"] or "") for each in done["relays"]),
                         [(False, "relay-unreachable"), (True, "")])


class FromADevice(unittest.TestCase):
    """Two devices without a relay, one of which is lost; the other one answers on the network."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-recovery-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.a, self.b = self.device("laptop"), self.device("desktop")
        self.a.init()
        let_in(self.a, self.b)
        self.words = self.folder / "words"
        shutil.copyfile(self.a.words, self.words)
        self.words.chmod(0o600)
        self.a.run("push", "from the laptop").ok()
        follower = self.a.follow()
        self.b.run("push", "from the desktop", "--wait", "safe").ok()
        follower.stop()

    device = Lost.device
    all_texts = Lost.all_texts
    assert_nothing_made = Lost.assert_nothing_made
    contents = staticmethod(Lost.contents)

    def address(self):
        return self.a.variables["KITH_NETWORK__LISTEN"]

    def recover(self, device, *args, words=None, peer=None):
        return device.run("init", "--recover", "--peer", peer or self.address(), "--recovery-file", words or self.words,
                          *args)

    def words_used(self):
        return [each["message"] for each in self.a.json("status")["problems"] if each["code"] == "words-used"]

    def test_all_comes_back_and_the_kept_device_goes_on(self):
        source = self.a.dir / "docs"
        source.mkdir()
        for number in range(20):
            (source / f"file {number}.txt").write_text(f"content {number}\n" * 50)
        (source / "large.bin").write_bytes(os.urandom(3 << 20))
        wanted = self.contents(source)
        keeping = self.a.start("sync", str(source), "--folder", "docs")
        wait_until("the folder was read",
                   lambda: any(each["files"] == 21 for each in self.a.json("status")["folders"]))
        shown = self.a.json("devices", "ls")
        laptop = next(each["id"] for each in shown["devices"] if each["self"])

        c = self.device("new")
        refused = self.recover(c, "--keep", "laptop", "--json").expect(2).error()
        self.assertIn("kith devices ls --json", json.dumps(refused))
        self.assertEqual(self.recover(c, "--group", "other", "--json").expect(2).error()["code"], "usage")
        self.assert_nothing_made(c)
        done = self.recover(c, "--keep", "laptop", "--group", shown["group"]["id"][:16], "--json").ok().document()
        self.assertEqual((done["group"], done["device"]["name"], done["messages"]), (shown["group"], "new", 2))
        self.assertEqual([each["id"] for each in done["kept"]], [laptop])
        self.assertEqual([each["name"] for each in done["removed"]], ["desktop"])
        self.assertEqual((done["missing_entries"], done["relays"], done["safe"]), (0, [], True))
        self.assertEqual([(each["name"], each["files"]) for each in done["folders"]], [("docs", 21)])
        self.assertEqual(self.all_texts(c), ["from the desktop", "from the laptop"])
        copy = c.dir / "docs"
        syncing = c.start("sync", str(copy), "--folder", "docs")
        wait_until("the contents are here", lambda: copy.exists() and self.contents(copy) == wanted)
        syncing.stop()
        c.run("push", "from the new one", "--wait", "safe").ok()
        wait_until("the kept one reads it", lambda: "from the new one" in self.all_texts(self.a))
        self.assertEqual((self.a.names(), self.a.names("revoked")), (["laptop", "new"], ["desktop"]))

        # The kept device tells its user, and the lost one that it was removed.
        status = self.a.json("status")
        self.assertNotEqual(status["state"], "failed")
        told = self.words_used()
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], r"from 127\.0\.0\.1, 20")
        wait_until("the lost one hears it", lambda: self.b.run("verify", "--json", "--timeout", "3s").code == 13)
        self.assertEqual(self.b.run("pull", "--json").error()["code"], "revoked-self")
        keeping.stop()
        self.assertEqual(len(self.words_used()), 1, "it is told of later too")

    def test_a_device_that_is_not_kept_is_told_nothing_more(self):
        follower = self.a.follow()
        c = self.device("new")
        done = self.recover(c, "--json").ok().document()
        self.assertEqual(sorted(each["name"] for each in done["removed"]), ["desktop", "laptop"])
        self.assertEqual((done["kept"], done["safe"], done["missing_entries"]), ([], False, 0))
        c.run("push", "alone").ok()
        self.assertEqual(self.all_texts(c), ["alone", "from the desktop", "from the laptop"])
        self.assertEqual((c.names(), c.names("revoked")), (["new"], ["desktop", "laptop"]))
        time.sleep(1)
        self.assertEqual(self.a.names(), ["desktop", "laptop"])
        self.assertEqual(self.all_texts(self.a), ["from the desktop", "from the laptop"])
        follower.stop()

    def test_asked_at_a_terminal(self):
        follower = self.a.follow()
        mark = re.search(r'Group "home", id ([0-9a-f-]{19})\b', self.a.run("devices", "ls").ok().err)[1]
        c = self.device("new")
        screen = c.terminal("init", "--recover", "--peer", self.address(), "--recovery-file", str(self.words))
        screen.expect(r"[Pp]assphrase")
        screen.send("\n")
        screen.expect(r'Found "home", with 2 devices')
        screen.expect(r'Is "laptop" .* stay in the group\? \[y/N\]')
        screen.send("y\n")
        screen.expect(r'Is "desktop" .* stay in the group\? \[y/N\]')
        screen.send("n\n")
        screen.expect(rf"id {mark} and was founded 20")
        screen.expect(r"the same id there\? \[y/N\]")
        screen.send("y\n")
        screen.expect(r'remove "desktop" for good\? \[y/N\]')
        screen.send("y\n")
        screen.expect(r'"home" is back, on new')
        self.assertEqual(screen.wait(), 0)
        self.assertEqual(self.a.names(), ["laptop", "new"])
        follower.stop()

    def test_each_refusal_has_its_code_and_leaves_nothing(self):
        follower = self.a.follow()
        c = self.device("new")
        other = self.folder / "other"
        other.write_text(OTHER_WORDS)
        other.chmod(0o600)
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        for code, exit_code, how in [
                ("recovery-not-found", 12, {"words": other}),
                ("address-unreachable", 10, {"peer": f"127.0.0.1:{free_port()}"}),
                ("address-unreachable", 10, {"peer": f"127.0.0.1:{silent.getsockname()[1]}"}),
                ("bad-address", 2, {"peer": "127.0.0.1"})]:
            error = self.recover(c, "--json", "--timeout", "2s", **how).expect(exit_code).error()
            self.assertEqual(error["code"], code, error)
            self.assertTrue(error["remedy"], error)
            self.assert_nothing_made(c)
        self.assertEqual(self.words_used(), [])
        self.assertEqual(self.recover(self.b, "--json").error()["code"], "already-initialised")
        follower.stop()
        self.assertEqual(self.recover(c, "--json").expect(10).error()["code"], "address-unreachable")


class FromADeviceWithARelay(Lost):
    def recover(self, device, *args, words=None, url=None):
        return device.run("init", "--recover", "--peer", self.b.variables["KITH_NETWORK__LISTEN"], "--recovery-file",
                          words or self.words, *args)

    def test_the_relay_serves_the_new_device_and_the_lost_one_no_more(self):
        kept = self.b.follow()
        group = self.b.json("devices", "ls")["group"]["id"]
        c = self.device("new")
        done = self.recover(c, "--keep", "desktop", "--group", group[:16], "--json").ok().document()
        self.assertEqual([(each["recovered"], each["error_code"]) for each in done["relays"]], [(True, None)])
        kept.stop()
        self.safe(c, "over the relay")
        wait_until("it comes to the kept one", lambda: "over the relay" in self.all_texts(self.b))
        follower = self.a.follow()
        wait_until("the lost one is refused",
                   lambda: self.a.json("status")["relays"][0]["last_error_code"] == "relay-not-allowed")
        follower.stop()
        self.assertNotIn("over the relay", self.all_texts(self.a))

    @staticmethod
    def reaches_the_relay(device):
        summary = device.run("pull", "--json", "--topic", "nothing").lines()[-1]
        return any(each.startswith("relay:") for each in summary.get("reached", []))

    def test_a_relay_that_is_away_is_left_out_and_the_kept_device_lets_the_new_one_in(self):
        port = self.relay.port
        self.relay.stop()
        kept = self.b.follow()
        group = self.b.json("devices", "ls")["group"]["id"]
        c = self.device("new")
        done = self.recover(c, "--keep", "desktop", "--group", group[:16], "--json").ok().document()
        self.assertEqual([(each["recovered"], each["error_code"]) for each in done["relays"]],
                         [(False, "relay-unreachable")])
        self.assertTrue(done["safe"])
        self.relay = self.start_relay("one", port)
        wait_until("the kept one lets it in", lambda: self.reaches_the_relay(c))
        kept.stop()
        self.safe(c, "over the relay")


if __name__ == "__main__":
    unittest.main()
