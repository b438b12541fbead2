"""A relay that was set up anew, and that two devices have added each by itself: two mailboxes, and how they become one."""

import signal
import shutil
import unittest

from kith_e2e import wait_until
from relay_devices import AtARelay


class Twice(AtARelay):
    def setUp(self):
        super().setUp()
        self.listening = {each: each.variables["KITH_NETWORK__LISTEN"] for each in (self.a, self.b)}
        self.listen(False)  # they meet at the relay or not at all
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        shutil.rmtree(self.relay.data)
        self.relay = self.restart(self.relay, "one")

    def listen(self, on):
        for device, address in self.listening.items():
            device.variables["KITH_NETWORK__LISTEN"] = address if on else ""

    def warnings(self, run):
        return [line["code"] for line in run.ok().warnings()]

    def add(self, device, *args):
        return device.run("relay", "add", self.url(self.relay), "--json", *args)

    def test_the_second_hears_of_it_and_once_they_meet_there_is_one_mailbox(self):
        self.assertNotIn("relay-twice", self.warnings(self.add(self.a)))
        self.assertIn("relay-twice", self.warnings(self.add(self.b)))
        self.a.run("push", "by the laptop", "--wait", "safe").ok()
        self.b.run("push", "by the desktop", "--wait", "safe").ok()
        for _ in range(3):  # neither comes to the other one
            self.assertNotIn("by the desktop", self.a.texts("--after-cursor", "0"))
            self.assertNotIn("by the laptop", self.b.texts("--after-cursor", "0"))

        self.listen(True)
        follower = self.a.follow()
        self.b.run("sync", self.b.dir / "docs", "--new", "--once", "--peer", self.listening[self.a]).expect(3)
        follower.stop()
        self.listen(False)
        self.push(self.a, "again by the laptop")
        wait_until("at the relay alone", lambda: self.a.run("pull", "--quiet") and
                   "again by the laptop" in self.b.texts("--after-cursor", "0"), 60)
        self.push(self.b, "again by the desktop")
        wait_until("and back", lambda: "again by the desktop" in self.a.texts("--after-cursor", "0"), 60)

    def test_a_relay_that_was_given_up_and_is_added_again_by_who_knew_it_is_no_second_one(self):
        self.add(self.a).ok()
        self.a.run("relay", "rm", self.url(self.relay), "--yes").ok()
        self.assertNotIn("relay-twice", self.warnings(self.add(self.a)))


if __name__ == "__main__":
    unittest.main()
