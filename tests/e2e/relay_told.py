"""What people are told of relays: their troubles and addresses, and what is warned of. Devices meet only at a relay."""

import re
import shutil
import signal
import time
import unittest

from kith_e2e import wait_until
from relay_devices import AtARelay


class Told(AtARelay):
    def bare(self, relay):
        return self.url(relay).split("/#")[0]

    def relays(self, device):
        """What `status` says of relays while nothing of this home runs."""
        found = device.json("status")
        self.assertIsNone(found["running"])
        return found["relays"]


class Troubles(Told):
    def test_the_last_one_is_told_when_nothing_runs(self):
        self.push(self.a, "while it is there")
        well = self.relays(self.a)[0]
        self.assertEqual([well[each] for each in ("last_error_code", "last_error_at", "error_since_at")], [None] * 3)
        self.relay.stop()
        self.a.run("push", "while it is away").ok()
        away = self.relays(self.a)[0]
        self.assertEqual(away["last_error_code"], "relay-unreachable")
        self.a.run("push", "still away").ok()
        self.assertEqual(self.relays(self.a)[0]["error_since_at"], away["error_since_at"], "it is one trouble")
        text = self.a.run("status").ok().out
        self.assertRegex(text, rf"{self.bare(self.relay)} +not connected; relay-unreachable when last tried, at 20")
        self.assertIn(f"since {away['error_since_at']}: kith help relay-unreachable", text)
        self.assertIn("relay-unreachable when last tried", self.a.run("relay", "ls").ok().out)
        self.relay = self.restart(self.relay, "one")
        self.push(self.a, "there again")
        self.assertEqual(self.relays(self.a)[0], well)
        self.assertNotIn("last tried", self.a.run("status").ok().out)


class Addresses(Told):
    def test_operator_and_user_see_one_key(self):
        mark = re.search(r", key ([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})$", self.relay.first)[1]
        self.assertRegex(self.a.run("relay", "ls").ok().out, rf"{self.bare(self.relay)} +{mark} ")
        self.assertIn(f"key {mark}, as expected", self.a.run("relay", "test").ok().out)

    def test_one_that_only_this_machine_reaches_is_noted(self):
        other = self.start_relay("two")
        run = self.a.run("relay", "add", self.url(other)).ok()
        self.assertIn(f"Only this machine reaches 127.0.0.1:{other.port}: ", run.err)
        home = self.device("another")
        self.assertIn("Only this machine reaches", home.run("init", "--recovery-file", home.words, "--relay",
                                                            self.url(other)).ok().err)

    def test_another_address_of_a_relay_takes_the_place_of_the_first(self):
        self.push(self.a, "by the first address")
        there = self.url(self.relay).replace("127.0.0.1", "localhost")
        run = self.a.run("relay", "add", there).ok()
        self.assertIn(f"another address now: {self.bare(self.relay)} -> ws://localhost:{self.relay.port}", run.out)
        self.assertIn("nothing was changed", self.a.run("relay", "add", there).ok().out)
        self.push(self.a, "by the second")
        self.assertEqual(self.b.texts(), ["by the first address", "by the second"])
        for device in (self.a, self.b):
            self.assertEqual([each["url"] for each in device.json("relay", "ls")["relays"]],
                             [f"ws://localhost:{self.relay.port}"])
        back = self.a.json("relay", "add", self.url(self.relay))
        self.assertEqual([each["url"] for each in back["relays"]], [self.bare(self.relay)])
        self.push(self.b, "back")
        self.assertEqual(self.a.texts(), ["back"])


class TakenUpAgain(Told):
    def test_who_was_away_is_found_there(self):
        self.push(self.a, "before")
        self.assertEqual(self.b.texts(), ["before"])
        self.relay.stop()
        self.a.run("relay", "rm", self.bare(self.relay), "--yes").ok()
        self.relay = self.restart(self.relay, "one")
        run = self.a.run("relay", "add", self.url(self.relay)).ok()
        self.assertIn("is a relay of this group again, with the mailbox that it had there", run.out)
        self.push(self.a, "after")
        self.assertEqual(self.b.texts(), ["after"])
        self.push(self.b, "and back")
        self.assertEqual(self.a.texts(), ["and back"])


class Twins(Told):
    def test_two_of_one_address_are_told_apart_by_their_keys(self):
        """A relay that was set up anew stands beside the one that it was."""
        self.relay.process.send_signal(signal.SIGTERM)
        self.relay.wait()
        shutil.rmtree(self.relay.data)
        before = self.a.json("relay", "ls")["relays"][0]
        self.relay = self.restart(self.relay, "one")
        self.a.run("relay", "add", self.url(self.relay)).ok()
        marks = [line.split()[1] for line in self.a.run("relay", "ls").ok().out.splitlines() if "ws://" in line]
        error = self.a.run("relay", "rm", self.bare(self.relay), "--yes", "--json").expect(2).error()
        for mark in marks:
            self.assertIn(f"(key {mark})", error["message"] + (error["cause"] or ""))
        self.assertIn(before["address"], error["message"] + (error["cause"] or ""))
        self.a.run("relay", "rm", before["address"], "--yes").ok()
        self.assertEqual([each["address"] for each in self.a.json("relay", "ls")["relays"]], [self.url(self.relay)])

    def test_what_another_device_removed_is_not_removed_again(self):
        other = self.start_relay("two")
        self.a.run("relay", "add", self.url(other)).ok()
        wait_until("the other device knows it too", lambda: self.b.run("pull", "--quiet") and
                   len(self.b.json("relay", "ls")["relays"]) == 2)
        self.b.run("relay", "rm", self.bare(other)).ok()
        run = self.a.run("relay", "rm", self.bare(other)).ok()
        self.assertEqual(run.out, f"{self.bare(other)} is used no more already; nothing was changed.\n")


class Positions(Told):
    def position(self):
        return self.b.json("status")["messages"]["read_cursor"]

    def test_a_pull_from_a_number_moves_the_position_forward_only(self):
        sent = [f"message {number}" for number in range(5)]
        for text in sent:
            self.push(self.a, text)
        before = self.position()
        self.assertEqual(self.b.texts("--after-cursor", "50"), [], "there are not so many")
        self.assertEqual(self.position(), before)
        self.assertEqual(self.b.texts("--after-cursor", "3", "--topic", "default"), sent[3:])
        self.assertEqual(self.position(), before, "one topic is not all")
        self.assertEqual(self.b.texts("--after-cursor", "3"), sent[3:])
        self.assertEqual(self.position(), 5)
        self.assertEqual(self.b.texts(), [], "what was stepped over is not new any more")
        self.assertEqual(self.b.texts("--after-cursor", "0"), sent)
        self.assertEqual(self.position(), 5, "it does not go back")
        self.push(self.a, "the next")
        self.assertEqual(self.b.texts(), ["the next"])


class Warnings(Told):
    def test_a_relay_that_is_away_cannot_be_told_that_it_is_used_no_more(self):
        self.relay.stop()
        run = self.a.run("relay", "rm", self.bare(self.relay), "--yes", "--json").ok()
        self.assertEqual([each["code"] for each in run.warnings()], ["relay-untold"])
        self.assertEqual(run.document()["relays"], [])
        self.relay = self.restart(self.relay, "one")
        self.b.run("pull", "--quiet")
        self.assertEqual([each["url"] for each in self.b.json("relay", "ls")["relays"]], [self.bare(self.relay)])

    def test_a_relay_without_room_for_what_the_words_lead_to(self):
        folder = self.folder / "two"
        folder.mkdir()
        (folder / "relay.toml").write_text("[server]\nhashcash_bits = 0\n")
        other = self.start_relay("two", None, "--config", str(folder / "relay.toml"))
        url = self.url(other)
        for number in range(16):  # as many records as a relay keeps for the same words
            run = self.a.run("relay", "add", url, *(["--anew"] if number else []), "--json").ok()
            self.assertEqual((run.document()["words_lead_there"], run.warnings()), (True, []))
        run = self.a.run("relay", "add", url, "--anew", "--json").ok()
        self.assertFalse(run.document()["words_lead_there"])
        self.assertEqual([each["code"] for each in run.warnings()], ["relay-without-words"])
        self.assertIn("had no room for what leads from the recovery words", self.a.run("relay", "add", url, "--anew").ok().err)
        self.push(self.a, "it carries everything all the same")
        found = [each for each in self.a.json("doctor")["checks"] if each["id"] == "words"]
        self.assertEqual([each["result"] for each in found], ["warn"], found)
        self.assertIn("kith relay add URL", [each["command"] for each in found[0]["remedy"]])
        self.assertIn(self.bare(other), found[0]["message"], "the first relay has one")

    def test_a_doctor_that_is_interrupted_waits_for_no_relay(self):
        other = self.start_relay("two")
        self.a.run("relay", "add", self.url(other)).ok()
        for relay in (self.relay, other):
            relay.process.send_signal(signal.SIGSTOP)
            self.addCleanup(relay.process.send_signal, signal.SIGCONT)
        doctor = self.a.terminal("doctor")
        doctor.expect("peers", 60)
        doctor.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        self.assertEqual(doctor.wait(), 130, doctor)
        self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    unittest.main()
