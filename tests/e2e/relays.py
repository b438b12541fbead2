"""A group with a relay between its devices: what the command line says of it, while the devices are never online together."""

import os
import signal
import unittest

from kith_e2e import Background, bytes_below, clean_environment, free_port, wait_until
from people import Device, let_in

RELAY = os.environ["KITH_RELAY_BIN"]


class Relay(Background):
    """A relay that runs; `address` is what devices are given. It keeps its data and its port when started again."""

    def __init__(self, folder, port=None):
        self.folder, self.port = folder, port or free_port()
        super().__init__([RELAY, "serve", "--data", str(folder / "relay"), "--listen", f"127.0.0.1:{self.port}"],
                         clean_environment(folder), folder)
        self.address = self.wait_line(r"^kith relay add '").split("'")[1]
        self.url = f"ws://127.0.0.1:{self.port}"

    def again(self):
        return Relay(self.folder, self.port)


class Carried(unittest.TestCase):
    """A laptop and a phone that were paired directly, and a relay that both know."""

    def setUp(self):
        self.laptop, self.phone = Device("laptop"), Device("phone")
        for each in (self.laptop, self.phone):
            self.addCleanup(each.close)
        self.relay = self.started(Relay(self.laptop.dir))
        self.laptop.init()
        let_in(self.laptop, self.phone)
        both = (self.laptop, self.phone)
        followers = [each.follow() for each in both]
        self.laptop.run("relay", "add", self.relay.address).ok()
        for each in both:
            wait_until(f"the relay, with {each.name}", lambda: self.served(each))
        for follower in followers:
            self.assertEqual(follower.stop(), 0, follower)

    def started(self, relay):
        self.addCleanup(relay.kill)
        return relay

    def served(self, device):
        """Whether the relay has let the device in, and has everything."""
        found = device.json("status")
        return [(each["connected"], each["has_all"]) for each in found["relays"]] == [(True, True)] and \
            {each["path"] for each in found["devices"]} <= {"direct", "mailbox"}

    def status(self, device):
        """What `status` says at once, as a program and as a person reads it."""
        return device.json("status"), device.run("status").ok().out


class Status(Carried):
    def test_what_a_relay_has_is_safe(self):
        self.assertEqual(self.laptop.json("push", "hello", "--wait", "safe")["items"][0]["safe_at"],
                         [{"kind": "relay", "name": self.relay.url}])
        found, text = self.status(self.laptop)
        self.assertEqual(found["relays"], [{"url": self.relay.url, "connected": False, "has_all": True,
                                            "last_error_code": None, "last_error_at": None, "error_since_at": None}])
        self.assertEqual(found["changes"], {"only_here": 0, "contents_elsewhere": True})
        self.assertEqual((found["messages"]["pending"], found["state"]), (0, "offline"))
        self.assertIn(f"everything is safe at relay {self.relay.url}; phone is offline", text)
        self.assertIn("changes: all of this device are at a relay or on another device", text)

        follower = self.laptop.follow()
        found = wait_until("has everything", lambda: (now := self.of_state("synced")) and now["relays"][0]["has_all"] and now)
        self.assertEqual([(each["connected"], each["has_all"]) for each in found["relays"]], [(True, True)])
        self.assertEqual([each["path"] for each in found["devices"]], ["mailbox"])
        text = self.laptop.run("status").ok().out
        self.assertRegex(text, rf"RELAY +STATE\n{self.relay.url} +has everything")
        self.assertIn(f"everything is safe at relay {self.relay.url}; phone is offline", text)
        self.assertEqual([each["connected"] for each in self.laptop.json("relay", "ls")["relays"]], [True])
        self.assertEqual(self.laptop.json("devices", "ls")["devices"][1]["path"], "mailbox")

        self.relay.kill()
        found = wait_until("noticed", lambda: (now := self.laptop.json("status"))["relays"][0]["last_error_code"] and now)
        self.assertEqual(found["relays"][0]["last_error_code"], "relay-unreachable")
        self.assertNotEqual(found["state"], "failed", "it is tried again")
        problem = next(each for each in found["problems"] if each["code"] == "relay-unreachable")
        self.assertIn(self.relay.url, problem["message"])
        self.assertEqual(problem["remedy"][0]["command"], "kith relay test")
        self.assertEqual(found["devices"][0]["path"], "offline")
        self.assertRegex(self.laptop.run("status").ok().out,
                         r"relay-unreachable since 20\S+Z, has everything of this device")
        self.laptop.run("push", "while it is gone").ok()
        found, text = self.status(self.laptop)
        self.assertEqual((found["relays"][0]["has_all"], found["changes"]["only_here"], found["state"]), (False, 1, "pending"))
        self.assertIn("changes: 1 of this device is at no relay and on no other device", text)

        self.started(self.relay.again())
        wait_until("all there again", lambda: self.of_state("synced"))
        self.assertEqual(follower.stop(), 0, follower)
        self.assertEqual(self.phone.texts(), ["hello", "while it is gone"])

    def of_state(self, state):
        found = self.laptop.json("status")
        return found if found["state"] == state else None


class Sync(Carried):
    def test_names_and_contents_go_to_the_relay(self):
        folder = self.laptop.dir / "notes"
        folder.mkdir()
        (folder / "a.txt").write_text("a")
        summary = self.laptop.run("sync", folder, "--once", "--json").ok().lines()[-1]
        self.assertEqual(summary["relays"], [{"url": self.relay.url, "has_all": True}])
        self.assertTrue(summary["in_sync"])
        told = f"everything is safe at relay {self.relay.url}"
        self.assertIn(told, self.laptop.run("sync", folder, "--once").ok().out)
        found, text = self.status(self.laptop)
        self.assertEqual(found["changes"], {"only_here": 0, "contents_elsewhere": True})
        self.assertIn(told + "; phone is offline", text)

        self.assertEqual(self.phone.texts(), [])
        self.assertEqual([each["name"] for each in self.phone.json("status")["folders"]], ["notes"])
        copy = self.phone.dir / "notes"
        self.phone.run("sync", copy, "--once").ok()
        self.assertEqual((copy / "a.txt").read_text(), "a")
        self.relay.kill()
        gone = self.laptop.run("sync", folder, "--once", "--json").expect(10)
        self.assertEqual(gone.error()["code"], "nobody-reachable")

    def test_a_folder_without_contents_is_safe_there(self):
        folder = self.laptop.dir / "empty"
        (folder / "inside").mkdir(parents=True)
        run = self.laptop.run("sync", folder, "--once", "--json").ok()
        self.assertTrue(run.lines()[-1]["in_sync"])
        self.assertIn(f"everything is safe at relay {self.relay.url}", self.laptop.run("sync", folder, "--once").ok().out)


class LongMessages(Carried):
    """What is in a long message goes to a relay beside its entry, and later."""

    def setUp(self):
        super().setUp()
        self.file = self.laptop.dir / "long"
        self.file.write_bytes(os.urandom(400_000))

    def at_relay(self):
        return bytes_below(self.relay.folder / "relay" / "relay.objects")

    def test_are_safe_with_what_is_in_them(self):
        for wait in (["--wait", "safe"], []):
            self.file.write_bytes(os.urandom(400_000))
            before = self.at_relay()
            item = self.laptop.json("push", self.file, *wait)["items"][0]
            self.assertEqual(item["state"], "safe")
            self.assertGreater(self.at_relay(), before + 400_000)
            self.assertTrue(self.status(self.laptop)[0]["changes"]["contents_elsewhere"])
        self.phone.run("pull", "--out", "inbox").ok()
        self.assertIn(self.file.read_bytes(), [each.read_bytes() for each in (self.phone.dir / "inbox").iterdir()])


class OneDevice(unittest.TestCase):
    """Nobody lacks anything, so that contents are left nowhere."""

    def test_contents_stay_here(self):
        laptop = Device("laptop")
        self.addCleanup(laptop.close)
        relay = Relay(laptop.dir)
        self.addCleanup(relay.kill)
        laptop.init()
        laptop.run("relay", "add", relay.address).ok()
        folder = laptop.dir / "notes"
        folder.mkdir()
        (folder / "a.txt").write_text("a")
        run = laptop.run("sync", folder, "--once").expect(3)
        told = f"names and versions are at relay {relay.url}; contents are on this device only so far"
        self.assertIn(told, run.out)
        found = laptop.json("status")
        self.assertFalse(found["changes"]["contents_elsewhere"])
        self.assertIn(told, laptop.run("status").ok().out)
        (laptop.dir / "long").write_bytes(os.urandom(400_000))
        run = laptop.run("push", laptop.dir / "long", "--wait", "safe", "--json").expect(10)
        self.assertEqual(run.lines()[0]["items"][0]["state"], "pending")
        run = laptop.run("push", laptop.dir / "long").ok()
        self.assertIn("contents only here", run.err)


class Verify(Carried):
    def test_says_what_a_relay_holds(self):
        found = self.laptop.json("verify")  # no device is there to compare with
        self.assertEqual(found["result"], "relay-only")
        relay = found["relays"][0]
        self.assertEqual(relay, {"url": self.relay.url, "reached": True, "result": "complete", "missing_entries": 0,
                                 "last_error_code": None})
        run = self.laptop.run("verify").ok()
        self.assertIn(f"relay {self.relay.url} holds everything that this device would pass on", run.out)
        self.assertIn(f"0 files read, all as recorded, and relay {self.relay.url} agrees", run.out)
        self.assertIn("No other device was met", run.err)
        follower = self.phone.follow()
        found = self.laptop.json("verify")
        self.assertEqual((found["result"], found["relays"][0]["result"]), ("identical", "complete"))
        self.relay.kill()
        self.laptop.run("push", "not there").ok()
        found = self.laptop.json("verify")
        self.assertEqual((found["result"], found["relays"][0]["result"]), ("identical", "unreachable"))
        self.assertIsNone(found["relays"][0]["missing_entries"])
        self.assertIn(f"relay {self.relay.url}: a relay does not answer: kith help relay-unreachable",
                      self.laptop.run("verify").ok().out)
        self.assertEqual(follower.stop(), 0, follower)
        nobody = self.laptop.run("verify", "--json").expect(10)  # neither a device nor the relay
        self.assertEqual((nobody.document()["result"], nobody.error()["code"]), ("unverified", "nobody-reachable"))

    def test_says_what_no_relay_has(self):
        self.relay.kill()
        folder = self.laptop.dir / "notes"
        folder.mkdir()
        (folder / "a.txt").write_text("only here")
        self.laptop.run("sync", folder, "--once").expect(10)
        self.laptop.run("verify", "--json").expect(10)
        self.started(self.relay.again())
        self.laptop.run("sync", folder, "--once").ok()
        self.assertEqual(self.laptop.json("verify")["result"], "relay-only")


class Doctor(Carried):
    def relay_check(self, code=0):
        checks = self.laptop.run("doctor", "--json").expect(code).document()["checks"]
        found = [each for each in checks if each["id"] == "relay"]
        self.assertEqual(len(found), 1, checks)
        return found[0]

    def test_asks_each_relay(self):
        found = self.relay_check()
        self.assertEqual(found["result"], "ok", found)
        self.assertRegex(found["message"], rf"^{self.relay.url} answers in \d+ ms, with the key that the group knows$")
        self.relay.kill()
        found = self.relay_check()
        self.assertEqual(found["result"], "warn", found)
        self.assertIn("kith relay test", [each["command"] for each in found["remedy"]])
        other = self.phone.dir / "other"
        other.mkdir()
        self.started(Relay(other, self.relay.port))  # at the same address, and with a key of its own
        found = self.relay_check(1)
        self.assertEqual(found["result"], "fail", found)
        self.assertIn("has another key", found["message"])
        tested = self.laptop.run("relay", "test", "--json").expect(13)
        self.assertEqual([(each["reached"], each["error_code"]) for each in tested.document()["relays"]],
                         [(False, "relay-key-changed")])
        follower = self.laptop.follow()
        found = wait_until("the problem", lambda: (now := self.laptop.json("status"))["state"] == "failed" and now)
        self.assertEqual([each["code"] for each in found["problems"]], ["relay-key-changed"])
        self.assertEqual(follower.stop(signal.SIGTERM), 0, follower)


class Pause(Carried):
    def test_a_paused_device_is_served_by_no_relay(self):
        self.assertEqual(self.laptop.run("devices", "pause", "laptop", "--json").expect(2).error()["code"], "usage")
        run = self.laptop.run("devices", "pause", "phone").ok()
        self.assertRegex(run.out, r'"phone" \([0-9a-f]{8}\) is paused: relays serve it no more until kith devices resume id:')
        self.assertIn("devices that meet it directly still exchange everything with it", run.err)
        self.assertIn("was paused already; nothing was changed", self.laptop.run("devices", "pause", "phone").ok().out)
        states = {each["name"]: each["state"] for each in self.laptop.json("devices", "ls")["devices"]}
        self.assertEqual(states, {"laptop": "active", "phone": "paused"})

        self.laptop.run("push", "not by the relay", "--wait", "safe").ok()
        self.assertEqual(self.phone.texts(expect=(0, 10)), [])
        follower = self.phone.follow()
        found = wait_until("told", lambda: (now := self.phone.json("status"))["problems"] and now)
        self.assertEqual([each["code"] for each in found["problems"]], ["relay-not-allowed"])
        self.assertEqual(follower.stop(), 0, follower)

        found = self.laptop.json("devices", "resume", "phone")
        self.assertEqual({each["name"]: each["state"] for each in found["devices"]}, {"laptop": "active", "phone": "active"})
        self.assertIn("is not paused; nothing was changed", self.laptop.run("devices", "resume", "phone").ok().out)
        texts = wait_until("what waited", lambda: self.phone.texts(expect=(0, 10)))
        self.assertEqual(texts, ["not by the relay"])

    def test_direct_meetings_go_on(self):
        self.laptop.run("devices", "pause", "phone").ok()
        follower = self.phone.follow()
        self.laptop.run("push", "face to face", "--wait", "seen").ok()
        follower.wait_line("face to face")
        self.assertEqual(follower.stop(), 0, follower)


if __name__ == "__main__":
    unittest.main()
