"""Which device a command means: names are anybody's to give, so none hides an id, and none may pass for one."""

import re
import unittest

from kith_e2e import wait_until
from people import let_in
from three_devices import Three as _Three  # not by its own name, or it would be collected here


class Names(_Three):
    def devices_of(self, device):
        return {each["name"]: each["id"] for each in device.json("devices", "ls")["devices"]}

    def test_that_fit_nobody_or_several(self):
        self.assertEqual(self.a.run("devices", "rename", "nobody", "x", "--json").expect(2).error()["code"], "no-such-device")
        self.assertEqual(self.a.run("devices", "rename", "desktop", "", "--json").expect(2).error()["code"], "usage")
        coloured = self.a.run("devices", "rename", "desktop", "x\x1b[31m", "--json").expect(2).error()
        self.assertTrue(coloured["message"].endswith("; it takes a name without control characters"), coloured)
        taken = self.a.run("devices", "rename", "desktop", "laptop", "--json").expect(2).error()
        self.assertEqual(taken["message"], 'another device is called "laptop" already')
        # Two that have not heard of each other take the same name.
        self.a.run("devices", "rename", "laptop", "twin").ok()
        self.b.run("devices", "rename", "desktop", "twin").ok()
        followers = self.online(self.a, self.b)
        wait_until("both names on the first", lambda: self.a.names() == ["phone", "twin", "twin"])
        for follower in followers:
            follower.stop()
        several = self.a.run("devices", "rename", "twin", "x", "--json").expect(2).error()
        self.assertEqual(several["code"], "ambiguous-device")
        listed = re.findall(r"twin ([0-9a-f]{8})(?:, |$)", several["cause"])
        others = {each["id"] for each in self.a.json("devices", "ls")["devices"] if not each["self"] and each["name"] == "twin"}
        self.assertTrue(len(listed) == 2 and others.pop()[:8] in listed, several)
        own = self.a.json("status")["self"]["id"][:8]
        listed.remove(own)
        self.a.run("devices", "rename", f"id:{listed[0]}", "desktop").ok()
        self.assertEqual(self.a.names(), ["desktop", "phone", "twin"])

    def test_that_pass_for_ids_are_not_taken(self):
        thief = self.devices_of(self.c)["laptop"]
        for name in (thief[:8], thief[:8].upper(), thief, "00000000", "id:", f"id:{thief[:8]}", "Id:phone"):
            error = self.c.run("devices", "rename", "desktop", name, "--json").expect(2).error()
            self.assertEqual(error["code"], "usage")
            self.assertIn("could be taken for a device's id", error["message"])
        self.assertEqual(self.c.names(), ["desktop", "laptop", "phone"])
        founder = self.device("founder")
        error = founder.run("init", "--name", thief[:8], "--recovery-file", founder.words, "--json").expect(2).error()
        self.assertEqual(error["code"], "usage")
        # Who joins gets another name instead.
        joiner = self.device(thief[:8])
        let_in(self.b, joiner)
        self.assertEqual(self.b.names(), sorted(["desktop", "laptop", "phone", f"device-{thief[:8]}"]))

    def test_like_the_beginning_of_an_id_do_not_hide_it(self):
        ids = self.devices_of(self.c)
        short = ids["laptop"][:7]  # too short to be refused as a name
        self.c.run("devices", "rename", "desktop", short).ok()
        for command in (("devices", "revoke", short, "--yes"), ("devices", "rename", short, "x"),
                        ("devices", "revoke", short, "--yes", "--recovery-file", self.a.words)):
            error = self.c.run(*command, "--json").expect(2).error()
            self.assertEqual(error["code"], "ambiguous-device", error)
            self.assertIn(f"laptop {ids['laptop'][:8]}", error["cause"])
            self.assertIn(f"{short} {ids['desktop'][:8]}", error["cause"])
        self.assertEqual(self.c.names("revoked"), [])
        for text in ("id:", "id:laptop", f"id:{short}"):
            self.assertEqual(self.c.run("devices", "revoke", text, "--yes", "--json").expect(2).error()["code"], "usage")
        # What is printed and asked means the device itself, whatever others are called.
        run = self.c.run("devices", "revoke", f"id:{ids['laptop'][:8]}", "--json").expect(2).error()
        self.assertEqual((run["code"], run["remedy"][0]["command"]),
                         ("no-terminal", f"kith devices revoke id:{ids['laptop'][:8]} --yes"))
        terminal = self.c.terminal("devices", "revoke", "laptop")
        terminal.expect(re.escape(f'Remove "laptop" ({ids["laptop"][:8]}) for good?'))
        terminal.send("y\n")
        advice = terminal.expect(r"kith devices revoke (\S+) --recovery-file FILE")[1]
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertEqual(advice, f"id:{ids['laptop'][:8]}")
        self.c.run("devices", "revoke", advice, "--recovery-file", self.a.words, "--yes").ok()
        self.assertEqual((self.c.names(), self.c.names("revoked")), (sorted([short, "phone"]), ["laptop"]))

    def test_of_an_old_device_and_a_new_one(self):
        """The old phone was removed without the words, and a new one has its name: which is made final must be said."""
        old = self.devices_of(self.b)["phone"]
        self.b.run("devices", "revoke", "phone", "--yes").ok()
        fresh = self.device("phone")
        let_in(self.b, fresh)
        new = fresh.json("status")["self"]["id"]
        error = self.b.run("devices", "revoke", "phone", "--yes", "--recovery-file", self.a.words, "--json").expect(2).error()
        self.assertEqual(error["code"], "ambiguous-device")
        self.assertIn(f"phone {old[:8]} (revoked)", error["cause"])
        self.assertRegex(error["cause"], f"phone {new[:8]}(,|$)")
        self.assertEqual(self.b.names(), ["desktop", "laptop", "phone"])
        final = self.b.run("devices", "revoke", f"id:{old[:8]}", "--yes", "--recovery-file", self.a.words).ok()
        self.assertIn(f'The removal of "phone" ({old[:8]}) is final now', final.out)
        self.assertEqual((self.b.names(), self.b.names("revoked")), (["desktop", "laptop", "phone"], ["phone"]))
        # Without the words only the one that is still in can be meant.
        self.b.run("devices", "revoke", "phone", "--yes").ok()
        self.assertEqual((self.b.names(), self.b.names("revoked")), (["desktop", "laptop"], ["phone", "phone"]))


if __name__ == "__main__":
    unittest.main()
