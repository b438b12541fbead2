"""Bringing a device in through a relay: two homes that listen nowhere and share nothing but a code or a link."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from kith_e2e import PATIENCE_S, clean_environment, free_port, wait_until
from people import Device, last_json, only_error

RELAY_BIN = pathlib.Path(os.environ.get("KITH_RELAY_BIN", "build/bin/kith-relay")).resolve()

# A relay's own limits are for the clients of many people; here they all are one.
EASY = """
[server]
hashcash_bits = 4
[invites]
creates_per_minute = 1000
claims_per_minute = {claims}
misses_per_minute = 1000
[monitoring]
listen = ""
"""


class Relay:
    """A running relay, and the address that it prints."""

    def __init__(self, claims=1000):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kith-e2e-relay-"))
        (self.dir / "relay.toml").write_text(EASY.format(claims=claims))
        self.data = self.dir / "data"
        self.log = open(self.dir / "log", "w")
        self.process = subprocess.Popen(
            [RELAY_BIN, "serve", "--data", self.data, "--config", self.dir / "relay.toml", "--listen",
             f"127.0.0.1:{free_port()}"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=clean_environment(self.dir))
        self.process.stdout.readline()
        self.url = self.process.stdout.readline().split("'")[1]
        self.place = self.url.split("/")[2]

    def open_invites(self):
        shown = subprocess.run([RELAY_BIN, "invites", "--data", self.data], capture_output=True, text=True, check=True)
        return int(re.search(r"(\d+) open", shown.stdout)[1])

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class ThroughARelay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = Relay()
        cls.addClassCleanup(cls.relay.close)

    def device(self, name, listens=False):
        device = Device(name)
        self.addCleanup(device.close)
        if not listens:
            device.variables["KITH_NETWORK__LISTEN"] = ""
        return device

    def setUp(self):
        self.laptop = self.device("laptop").init("--relay", self.relay.url)
        self.phone = self.device("phone")

    def join(self, text, *args):
        return self.phone.run("pair", "--join", text, "--json", *args)

    def refused(self, run, exit_code, code):
        self.assertEqual(run.expect(exit_code).error()["code"], code, run)
        self.phone.run("status", "--json").expect(6)
        return run.error()

    def ends_well(self, inviter):
        self.assertEqual(inviter.wait(), 0, inviter)
        self.assertEqual(last_json(inviter)["type"], "joined")


class Joining(ThroughARelay):
    def exchange_messages(self):
        """Never both at once."""
        self.laptop.run("push", "from the laptop", "--wait", "safe").ok()
        self.assertEqual(self.phone.texts(), ["from the laptop"])
        self.phone.run("push", "from the phone", "--wait", "safe").ok()
        self.assertEqual(self.laptop.texts(), ["from the phone"])

    def test_by_code(self):
        inviter, invite = self.laptop.invite()
        self.assertEqual((invite["addresses"], invite["relays"]), ([], [self.relay.url]))
        joined = self.join(invite["code"], "--relay", "ws://" + self.relay.place).ok().lines()[-1]
        self.assertEqual((joined["type"], joined["device"]["name"], joined["inviter"]["name"]), ("joined", "phone", "laptop"))
        self.assertEqual(joined["relays"], ["ws://" + self.relay.place])
        self.ends_well(inviter)
        for device in (self.laptop, self.phone):
            self.assertEqual(device.names(), ["laptop", "phone"])
        self.exchange_messages()

    def test_by_link(self):
        for scheme in ("kith", "http"):
            with self.subTest(scheme=scheme):
                self.phone = self.device("phone")
                inviter, invite = self.laptop.invite()
                self.assertTrue(invite["link"].startswith(f"kith://{self.relay.place}/join#"), invite["link"])
                self.join(invite["link"].replace("kith", scheme, 1)).ok()
                self.ends_well(inviter)

    def test_with_the_relay_of_the_environment(self):
        inviter, invite = self.laptop.invite()
        self.phone.variables["KITH_RELAY"] = self.relay.url
        self.join(invite["code"]).ok()
        self.ends_well(inviter)

    def test_what_was_written_before_is_there_although_the_inviter_has_gone(self):
        for number in range(40):
            self.laptop.run("push", f"{number}").ok()
        inviter, invite = self.laptop.invite()
        joiner = self.phone.start("pair", "--join", invite["link"], "--json")
        self.ends_well(inviter)
        inviter.kill()
        self.assertEqual(joiner.wait(), 0, joiner)
        self.assertEqual(self.phone.texts(), [f"{number}" for number in range(40)])

    def test_the_user_is_asked(self):
        for answer, code in (("n\n", 13), ("y\n", 0)):
            with self.subTest(answer=answer):
                terminal = self.laptop.terminal("pair", columns=200)
                code_line = terminal.expect(r"anywhere:\s+kith pair --join (\S+) --relay (\S+)")
                joiner = self.phone.start("pair", "--join", code_line[1], "--relay", code_line[2], "--json")
                self.assertEqual(joiner.wait_json("waiting")["inviter"]["name"], "laptop")
                terminal.expect(rf'"phone" \(through the relay {self.relay.place}\) wants to join\. Is this yours\? ')
                terminal.send(answer)
                self.assertEqual(joiner.wait(), code, joiner)
                self.assertEqual(terminal.wait(), code, terminal)

    def test_the_direct_way_is_taken_where_there_is_one(self):
        self.laptop = self.device("laptop", listens=True).init("--relay", self.relay.url)
        terminal = self.laptop.terminal("pair", "--no-qr", columns=400)
        link = terminal.expect(r"anywhere:\s+kith pair --join '(kith://\S+)'")[1]
        joiner = self.phone.start("pair", "--join", link, "--json")
        terminal.expect(r'"phone" \(127\.0\.0\.1:\d+\) wants to join')
        terminal.send("y\n")
        self.assertEqual(joiner.wait(), 0, joiner)
        self.assertEqual(terminal.wait(), 0, terminal)

    def test_a_relay_helps_where_no_address_answers(self):
        inviter, invite = self.laptop.invite()
        self.join(invite["code"], "--peer", f"127.0.0.1:{free_port()}", "--relay", self.relay.url).ok()
        self.ends_well(inviter)


class NotJoining(ThroughARelay):
    def test_three_wrong_codes_burn_the_invite(self):
        inviter, invite = self.laptop.invite()
        code = invite["code"]
        wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
        for left in ("2 tries left", "1 try left", "void now"):
            error = self.refused(self.join(wrong, "--relay", self.relay.url), 12, "code-wrong")
            self.assertIn(left, error["message"])
        self.assertEqual(inviter.wait(), 12, inviter)
        self.assertEqual(only_error(inviter)["code"], "code-void")
        self.refused(self.join(code, "--relay", self.relay.url), 12, "code-unanswered")

    def test_a_code_that_nobody_gave_out(self):
        error = self.refused(self.join("7F3K-9QDM-2XHB-T6WP", "--relay", self.relay.url), 12, "code-unanswered")
        self.assertIn(self.relay.place, error["message"])
        self.assertTrue(any("--relay" in each["command"] for each in error["remedy"]), error)

    def test_expired(self):
        inviter, invite = self.laptop.invite("--expires", "2s")
        self.assertEqual(inviter.wait(), 5, inviter)
        self.refused(self.join(invite["code"], "--relay", self.relay.url), 12, "code-unanswered")

    def test_taken_back(self):
        inviter, invite = self.laptop.invite()
        self.assertEqual(self.relay.open_invites(), 2)
        self.assertEqual(inviter.stop(), 130, inviter)
        wait_until("the relay has forgotten it", lambda: self.relay.open_invites() == 0, timeout=5)
        self.refused(self.join(invite["link"]), 12, "code-unanswered")

    def test_taken_back_while_a_device_waits(self):
        terminal = self.laptop.terminal("pair", columns=200)
        line = terminal.expect(r"anywhere:\s+kith pair --join (\S+) --relay (\S+)")
        joiner = self.phone.start("pair", "--join", line[1], "--relay", line[2], "--json")
        terminal.expect("Is this yours")
        terminal.send("\x03")
        self.assertEqual(joiner.wait(), 12, joiner)
        self.assertEqual(only_error(joiner)["code"], "code-cancelled")
        self.assertEqual(terminal.wait(), 130, terminal)

    def test_the_joiner_gives_up(self):
        terminal = self.laptop.terminal("pair", columns=200)
        line = terminal.expect(r"anywhere:\s+kith pair --join (\S+) --relay (\S+)")
        joiner = self.phone.start("pair", "--join", line[1], "--relay", line[2], "--json")
        terminal.expect("Is this yours")
        begin = time.monotonic()
        self.assertEqual(joiner.stop(), 130, joiner)
        self.assertLess(time.monotonic() - begin, PATIENCE_S / 4)
        terminal.expect(r'"phone" \(.*\) is not waiting any more')
        self.join(line[1], "--relay", "ws://127.0.0.1:1").expect(10)

    def test_a_relay_that_is_not_there(self):
        error = self.refused(self.join("7F3K-9QDM-2XHB-T6WP", "--relay", f"ws://127.0.0.1:{free_port()}"), 10,
                             "relay-unreachable")
        self.assertTrue(error["remedy"])

    def test_a_relay_that_has_enough(self):
        busy = Relay(claims=1)
        self.addCleanup(busy.close)
        self.refused(self.join("7F3K-9QDM-2XHB-T6WP", "--relay", busy.url), 12, "code-unanswered")
        self.refused(self.join("7F3K-9QDM-2XHB-T6WP", "--relay", busy.url), 10, "relay-busy")

    def test_an_address_that_is_none(self):
        self.refused(self.join("7F3K-9QDM-2XHB-T6WP", "--relay", "ftp://there"), 2, "bad-relay-address")
        self.laptop.run("pair", "--relay", self.relay.url, "--yes", "--json").expect(2)

    def test_without_relay_and_without_address_nobody_can_come(self):
        alone = self.device("alone").init()
        error = alone.run("pair", "--yes", "--json").expect(2).error()
        self.assertTrue(any("relay add" in each["command"] for each in error["remedy"]), error)

    def test_an_inviter_whose_relay_has_gone_says_so(self):
        gone = Relay()
        laptop = self.device("laptop", listens=True).init("--relay", gone.url)
        gone.close()
        inviter, invite = laptop.invite()
        self.assertEqual(invite["relays"], [])
        inviter.wait_line("relay-without-invite", stream="err")
        self.join(invite["code"], "--peer", invite["addresses"][0]).ok()


class Starting(ThroughARelay):
    def test_a_group_is_not_made_where_its_relay_does_not_answer(self):
        fresh = self.device("fresh")
        run = fresh.run("init", "--recovery-file", fresh.words, "--relay", f"ws://127.0.0.1:{free_port()}", "--json")
        self.assertEqual(run.expect(10).error()["exit"], 10)
        fresh.run("status", "--json").expect(6)
        self.assertFalse(fresh.words.exists())


if __name__ == "__main__":
    unittest.main()
