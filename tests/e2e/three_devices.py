"""Three devices: invited in a row, all in step without a server, renamed, and removed from the group while away."""

import json
import re
import time
import unittest

from kith_e2e import wait_until
from people import Device, let_in, only_error


class Three(unittest.TestCase):
    """A invites B, and B invites C while A is away."""

    def setUp(self):
        self.a, self.b, self.c = self.devices = [Device(name) for name in ("laptop", "desktop", "phone")]
        for each in self.devices:
            self.addCleanup(each.close)
        self.a.init()
        let_in(self.a, self.b)
        let_in(self.b, self.c)

    def device(self, name):
        device = Device(name)
        self.addCleanup(device.close)
        return device

    def id_of(self, name):
        """The id of the one device of this name, as the first device knows it."""
        found = [each["id"] for each in self.a.json("devices", "ls")["devices"] if each["name"] == name]
        self.assertEqual(len(found), 1, name)
        return found[0]

    def online(self, *devices):
        """These go on the network and stay there. Returns their followers in the same order."""
        return [each.follow("--after-cursor", "0", "--own") for each in devices]

    @staticmethod
    def connected(device, *names):
        """Whether the device has sessions with all of these."""
        now = {each["name"] for each in device.json("status")["devices"] if each["path"] == "direct"}
        return now >= set(names)

    @staticmethod
    def wait_for(follower, *texts):
        for text in texts:
            follower.wait_line(f'"text":"{text}"')

    def exactly_once(self, device, texts):
        self.assertEqual(sorted(device.texts("--own", "--after-cursor", "0", expect=(0, 10))), sorted(texts))


class InStep(Three):
    def test_all_to_all(self):
        for each in self.devices:  # each on its own, nobody there
            each.run("push", f"offline from {each.name}", "--quiet").ok()
        followers = self.online(*self.devices)
        for each in self.devices:
            each.run("push", f"online from {each.name}").ok()
        texts = [f"{when} from {each.name}" for when in ("offline", "online") for each in self.devices]
        for follower in followers:
            self.wait_for(follower, *texts)
        for each in self.devices:
            self.exactly_once(each, texts)
            self.assertEqual(each.names(), ["desktop", "laptop", "phone"])
        # A and C never met before: B told each where the other is.
        wait_until("a session between the first and the last", lambda: self.connected(self.a, "phone", "desktop"))

        self.b.run("devices", "rename", "phone", "tablet").ok()
        for each in self.devices:
            wait_until(f"the new name on {each.name}", lambda: each.names() == ["desktop", "laptop", "tablet"])
        found = self.a.json("verify")
        self.assertEqual(found["result"], "identical", found)
        self.assertEqual({each["heads"] for each in found["devices"]}, {found["heads"]})
        self.assertEqual(len(found["devices"]), 2)
        for follower in followers:
            self.assertEqual(follower.stop(), 0, follower)

    def test_a_newcomer_needs_no_witness(self):
        """The laptop has not heard of the phone, and the desktop, which let it in, is away."""
        desktop, phone = self.online(self.b, self.c)
        wait_until("the phone with the desktop", lambda: self.connected(self.c, "desktop"))
        time.sleep(1)  # which tells it where the laptop was
        for follower in (desktop, phone):
            follower.stop()
        laptop, phone = self.online(self.a, self.c)
        self.a.run("push", "from the first", "--quiet").ok()
        self.c.run("push", "from the last", "--quiet").ok()
        self.wait_for(phone, "from the first", "from the last")
        self.wait_for(laptop, "from the first", "from the last")
        self.assertIn("phone", self.a.names())


class Removed(Three):
    def test_while_it_was_away(self):
        self.c.run("push", "before", "--wait", "safe", "--timeout", "1s")  # with nobody there
        watcher, middle = self.online(self.a, self.b)
        old = self.c.follow("--own")
        self.wait_for(watcher, "before")
        self.assertEqual(old.stop(), 0, old)
        held = self.c.texts("--own", "--after-cursor", "0")

        # A code from before the removal, which a removed device may have seen.
        inviter, invite = self.b.invite()
        found = self.a.json("devices", "revoke", "phone", "--yes", "--lost")
        self.assertEqual({each["name"]: each["state"] for each in found["devices"]},
                         {"laptop": "active", "desktop": "active", "phone": "revoked"})
        self.a.run("push", "not for the phone").ok()
        self.b.run("push", "nor this").ok()
        self.wait_for(middle, "not for the phone")
        self.wait_for(watcher, "nor this")
        wait_until("the removal on the desktop", lambda: self.b.names("revoked") == ["phone"])

        # It learns by itself, from any other device: nobody has to be believed.
        follower = self.c.start("pull", "--follow", "--json")
        self.assertEqual(only_error_of(follower), "revoked-self")
        self.assertNotIn("not for the phone", "".join(follower.out + follower.err))
        self.assertIn("revoked-self", [each["code"] for each in self.c.json("status")["problems"]])
        run = self.c.run("pull", "--json").expect(13)
        self.assertEqual(run.error()["code"], "revoked-self")
        self.assertTrue(run.error()["safe"])
        self.assertNotIn("not for the phone", run.out + run.err)
        self.assertEqual(only_error_of(self.c.start("pull", "--follow", "--json")), "revoked-self")
        # What it has it keeps.
        self.assertEqual(self.c.run("pull", "--own", "--after-cursor", "0", "--json").expect(13).error()["code"], "revoked-self")
        self.assertIn("before", held)
        status = self.c.json("status")
        self.assertEqual(status["messages"]["last_cursor"], len(held))

        # Under the same keys it never comes back, not even by an invite.
        self.assertEqual(self.c.join(invite).expect(13).error()["code"], "revoked-self")
        for each in self.c.home.iterdir():
            if each.name.startswith("state.db"):
                each.unlink()
        refused = self.c.join(invite)
        self.assertNotEqual(refused.code, 0, refused)
        refused.error()
        self.assertEqual(self.b.names(), ["desktop", "laptop"])
        self.assertEqual(inviter.stop(), 130, inviter)

        # With new keys it does, as another device.
        fresh = self.device("phone")
        let_in(self.b, fresh)
        self.assertEqual(self.b.names(), ["desktop", "laptop", "phone"])
        self.assertIn("not for the phone", fresh.texts("--after-cursor", "0"))

    def test_what_was_written_meanwhile_comes_with_the_proof(self):
        old = self.c.follow("--own")
        watcher, middle = self.online(self.a, self.b)
        wait_until("connected", lambda: self.connected(self.c, "laptop", "desktop"))
        self.assertEqual(old.stop(), 0, old)
        notes = self.c.dir / "notes"
        notes.mkdir()
        (notes / "mine.txt").write_text("mine")
        self.c.run("push", "written alone", "--quiet").ok()
        for number in range(40):
            self.a.run("push", f"message {number}", "--quiet").ok()
        self.a.run("key", "rotate").ok()
        error = self.a.run("devices", "revoke", "phone", "--lost", "--json").expect(2).error()
        self.assertEqual((error["code"], error["remedy"][0]["command"]),
                         ("no-terminal", f"kith devices revoke id:{self.id_of('phone')[:8]} --yes --lost"))
        self.assertEqual(self.a.names("revoked"), [])
        self.a.run("devices", "revoke", "phone", "--yes").ok()
        self.assertIn("was removed already", self.a.run("devices", "revoke", "phone", "--yes").ok().out)
        self.a.run("push", "not for the phone").ok()
        self.wait_for(middle, "not for the phone")
        run = self.c.start("sync", notes, "--json")
        self.assertEqual(only_error_of(run), "revoked-self")
        self.assertEqual((notes / "mine.txt").read_text(), "mine")
        status = self.c.json("status")
        self.assertEqual(status["state"], "failed")
        self.assertEqual([each["code"] for each in status["problems"]], ["revoked-self"])
        self.assertEqual(self.c.run("push", "x", "--json").expect(13).error()["code"], "revoked-self")
        # Its home is of no use any more, and says so.
        self.assertEqual(self.c.run("init", "--recovery-file", self.c.words, "--json").expect(13).error()["code"], "revoked-self")
        inviter, invite = self.b.invite()
        error = self.c.join(invite).expect(13).error()
        self.assertEqual(error["code"], "revoked-self")
        self.assertTrue(any("--home DIR --join" in each["command"] for each in error["remedy"]), error)
        self.assertEqual(inviter.stop(), 130, inviter)
        # All that was written before its removal is here, and nothing of what came later.
        self.assertEqual(status["messages"]["last_cursor"], 41)

    def test_a_junior_can_be_overruled_and_the_words_settle_it(self):
        watcher, middle = self.online(self.a, self.b)
        wait_until("both connected", lambda: self.connected(self.a, "desktop"))
        # A senior device removes its junior although that one removes it at the same time: of two that remove each
        # other the senior stays.
        wrong = self.c.dir / "wrong.txt"
        wrong.write_text("abandon " * 23 + "art\n")
        self.assertEqual(self.c.run("devices", "revoke", "laptop", "--yes", "--recovery-file", wrong, "--json").expect(12).error()["code"],
                         "recovery-words-wrong")
        self.assertEqual(self.c.run("devices", "revoke", "laptop", "--yes", "--recovery-file", self.c.dir / "none", "--json")
                         .expect(2).error()["code"], "usage")
        self.assertEqual(self.c.names(), ["desktop", "laptop", "phone"])
        self.c.run("devices", "revoke", "laptop", "--yes", "--recovery-file", self.a.words, "--json").ok()
        self.assertEqual(watcher.wait(), 13, watcher)
        self.assertEqual(only_error(watcher)["code"], "revoked-self")
        wait_until("the removal on the desktop", lambda: self.b.names("revoked") == ["laptop"])
        self.assertEqual(self.c.names(), ["desktop", "phone"])
        # The removed senior cannot answer in kind.
        self.a.run("devices", "revoke", "phone", "--yes", "--json")
        self.c.run("push", "still here").ok()
        self.wait_for(middle, "still here")
        self.assertEqual(self.b.names(), ["desktop", "phone"])
        self.assertEqual(self.a.run("push", "as if", "--json").code, 13)

    def test_a_junior_removes_a_senior_without_the_words(self):
        run = self.c.run("devices", "revoke", "laptop", "--yes", "--json").ok()
        warnings = {each["code"]: each for each in run.warnings()}
        self.assertIn("senior-device", warnings, run)
        self.assertIn('let in "desktop"', warnings["added-devices"]["message"])
        self.assertEqual(self.c.names("revoked"), ["laptop"])
        # What the warning says to do works then, by name and by id, and settles it.
        again = self.c.run("devices", "revoke", "laptop", "--yes").ok()
        self.assertIn("was removed already", again.out)
        advice = re.search(r"kith devices revoke (id:\w{8}) --recovery-file FILE", str(warnings["senior-device"]))
        self.assertTrue(advice, run)
        wrong = self.c.dir / "wrong.txt"
        wrong.write_text("abandon " * 23 + "art\n")
        self.assertEqual(self.c.run("devices", "revoke", "laptop", "--yes", "--recovery-file", wrong, "--json").expect(12).error()["code"],
                         "recovery-words-wrong")
        final = self.c.run("devices", "revoke", advice[1], "--yes", "--recovery-file", self.a.words).ok()
        self.assertIn("is final now", final.out)
        self.assertNotIn("senior-device", final.err)
        self.assertIn("nothing was changed", self.c.run("devices", "revoke", "laptop", "--yes", "--recovery-file", self.a.words).ok().out)
        watcher, middle = self.online(self.c, self.b)
        self.assertEqual(only_error_of(self.a.start("pull", "--follow", "--json")), "revoked-self")
        for each in (self.b, self.c):
            wait_until(f"the outcome on {each.name}", lambda: (each.names(), each.names("revoked")) ==
                       (["desktop", "phone"], ["laptop"]))
        # Whom else it let in is worth a look, but for the device that this runs on.
        run = self.c.run("devices", "revoke", "desktop", "--yes", "--json").ok()
        self.assertEqual([each["code"] for each in run.warnings()], ["senior-device"])

    def test_one_that_cannot_read_the_proof_is_told_of_the_claim(self):
        """The senior answers in kind while nobody is there: by its own roster it stays, and what would prove the
        contrary is sealed under a key that it never gets. It goes on, and says what it was told."""
        followers = self.online(*self.devices)
        wait_until("a session between the first and the last", lambda: self.connected(self.a, "phone", "desktop"))
        for follower in followers:
            self.assertEqual(follower.stop(), 0, follower)
        self.a.run("devices", "revoke", "phone", "--yes").ok()
        self.c.run("devices", "revoke", "laptop", "--yes").ok()
        self.c.run("devices", "revoke", "laptop", "--yes", "--recovery-file", self.a.words).ok()
        self.assertEqual(self.a.json("status")["problems"], [])
        others = self.online(self.c, self.b)
        wait_until("the outcome on the desktop", lambda: (self.b.names(), self.b.names("revoked")) ==
                   (["desktop", "phone"], ["laptop"]))

        follower = self.a.start("pull", "--follow", "--json")
        warning = json.loads(follower.wait_line('"said-removed"', stream="err"))
        said = "desktop says that this device was removed; it may not be true: ask at desktop, or pair again with a new home"
        self.assertEqual((warning["type"], warning["message"]), ("warning", said))
        self.assertIsNone(follower.process.poll(), follower)
        self.assertEqual(self.a.names(), ["desktop", "laptop"])
        self.told_of_the_claim(said)
        self.assertEqual(follower.stop(), 0, follower)
        self.assertEqual(sum("said-removed" in line for line in follower.err), 1, follower)
        # It is known as long as nothing speaks against it, also while nobody is on the network.
        for each in others:
            self.assertEqual(each.stop(), 0, each)
        self.told_of_the_claim(said)

    def told_of_the_claim(self, said):
        """By each command of the first device, which goes on as before."""
        status = self.a.json("status")
        self.assertEqual([(each["code"], each["message"]) for each in status["problems"]], [("said-removed", said)])
        self.assertNotEqual(status["state"], "failed")
        self.assertIn(said, self.a.run("status").ok().out)
        check = [each for each in self.a.run("doctor", "--json").document()["checks"] if each["id"] == "group"]
        self.assertEqual([(each["result"], each["message"]) for each in check], [("warn", said)])
        self.assertTrue(any("--join" in each["command"] for each in check[0]["remedy"]), check)
        notes = self.a.dir / "notes"
        notes.mkdir(exist_ok=True)
        for command, code in ((("push", "from the one that is out"), 0), (("pull",), 10), (("sync", notes, "--once"), 10), (("verify",), 10)):
            run = self.a.run(*command, "--json").expect(code)
            self.assertEqual([each["message"] for each in run.warnings() if each["code"] == "said-removed"], [said], run)

    def test_of_two_that_remove_each_other_the_senior_stays(self):
        followers = self.online(*self.devices)  # so that each knows where the others are
        wait_until("a session between the first and the last", lambda: self.connected(self.a, "phone", "desktop"))
        for follower in followers:
            self.assertEqual(follower.stop(), 0, follower)
        self.c.run("devices", "revoke", "desktop", "--yes", "--quiet").ok()  # alone: nobody hears of it yet
        self.b.run("devices", "revoke", "phone", "--yes", "--quiet").ok()
        watcher, middle = self.online(self.a, self.b)
        self.assertEqual(only_error_of(self.c.start("pull", "--follow", "--json")), "revoked-self")
        for each in (self.a, self.b):
            wait_until(f"the outcome on {each.name}", lambda: (each.names(), each.names("revoked")) ==
                       (["desktop", "laptop"], ["phone"]))
        self.b.run("push", "the senior stays").ok()
        self.wait_for(watcher, "the senior stays")
        self.assertIsNone(middle.process.poll(), middle)


def only_error_of(process):
    """The code of the error with which it ends."""
    process.wait()
    return only_error(process)["code"]


if __name__ == "__main__":
    unittest.main()
