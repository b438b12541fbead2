"""Bringing a device in: by code, link or QR code, with consent; and every way in which that ends without one."""

import os
import re
import signal
import socket
import struct
import threading
import time
import unittest

from kith_e2e import check_schema, free_port, wait_until
from people import Device, last_json, let_in, only_error


def left_of_joining(device):
    """The files of a joining that a home has beside its own database."""
    return sorted(each.name for each in device.home.glob("kith.db.joining*"))


class Pairing(unittest.TestCase):
    def device(self, name, **variables):
        device = Device(name, **variables)
        self.addCleanup(device.close)
        return device

    def setUp(self):
        self.laptop = self.device("laptop").init()
        self.phone = self.device("phone")

    def refused(self, run, exit_code, code):
        """The run failed with this code, and whoever ran it is in no group."""
        self.assertEqual(run.expect(exit_code).error()["code"], code, run)
        return run.error()

    def helps(self, error):
        """What is proposed works in a home that is in no group: on this side only `pair --join`, with an address."""
        here = [each["command"] for each in error["remedy"] if not each["explanation"].startswith("on ")]
        self.assertTrue(here, error)
        for command in here:
            self.assertRegex(command, r"^kith pair --join CODE --peer ")

    def outside(self, device):
        device.run("status", "--json").expect(6)


class Approval(Pairing):
    QUESTION = r'"phone" \(127\.0\.0\.1:\d+\) wants to join\. Is this yours\? '

    def asked(self, *args, columns=100, env=None):
        """A phone that waits while the laptop's user is asked."""
        terminal = self.laptop.terminal("pair", *args, columns=columns, env=env)
        line = terminal.expect(r"kith pair --join (\S+) --peer (\S+)")
        self.invite = {"code": line[1], "addresses": [line[2]]}
        joiner = self.phone.start("pair", "--join", line[1], "--peer", line[2], "--json")
        self.assertEqual(joiner.wait_json("waiting")["inviter"]["name"], "laptop")
        terminal.expect(self.QUESTION)
        return terminal, joiner

    def test_yes(self):
        terminal, joiner = self.asked()
        self.outside(self.phone)
        terminal.send("y\n")
        self.assertEqual(joiner.wait(), 0, joiner)
        terminal.expect(r'"phone" joined "home"\.')
        self.assertEqual(terminal.wait(), 0, terminal)
        joined = last_json(joiner)
        self.assertEqual((joined["type"], joined["device"]["name"], joined["inviter"]["name"]), ("joined", "phone", "laptop"))
        for device in (self.laptop, self.phone):
            self.assertEqual(device.names(), ["laptop", "phone"])
        self.assertEqual(self.laptop.json("devices", "ls")["group"], joined["group"])

    def test_what_was_typed_before_the_question_is_no_answer(self):
        terminal = self.laptop.terminal("pair")
        line = terminal.expect(r"kith pair --join (\S+) --peer (\S+)")
        terminal.expect("takes it back")
        terminal.send("y\ny\n")
        joiner = self.phone.start("pair", "--join", line[1], "--peer", line[2], "--json")
        terminal.expect(self.QUESTION)
        time.sleep(1)
        self.assertEqual(self.laptop.names(), ["laptop"])
        terminal.send("n\n")
        self.assertEqual(joiner.wait(), 13, joiner)
        self.assertEqual(terminal.wait(), 13, terminal)

    def test_no_and_silence_mean_no(self):
        for answer in ("n\n", "\n"):
            with self.subTest(answer=answer):
                terminal, joiner = self.asked()
                terminal.send(answer)
                self.assertEqual(joiner.wait(), 13, joiner)
                self.assertEqual((last_json(joiner)["type"], only_error(joiner)["code"]), ("denied", "approval-denied"))
                self.assertEqual(terminal.wait(), 13, terminal)
                self.assertIn('"phone" was not let in', terminal.screen)
                self.outside(self.phone)
                self.assertEqual(self.laptop.names(), ["laptop"])

    def test_ctrl_d_means_no(self):
        terminal, joiner = self.asked()
        terminal.send("\x04")
        self.assertEqual(joiner.wait(), 13, joiner)
        self.assertEqual(terminal.wait(), 13, terminal)
        self.assertIn('"phone" was not let in', terminal.screen)

    def test_yes_after_the_time_of_the_code(self):
        """Who came in time is let in by a late answer, whole, or not at all."""
        terminal, joiner = self.asked("--expires", "2s")
        time.sleep(3)
        terminal.send("y\n")
        self.assertEqual(joiner.wait(), 0, joiner)
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertEqual(self.laptop.names(), ["laptop", "phone"])
        self.assertEqual(self.phone.names(), ["laptop", "phone"])

    def joins(self, device, *args):
        """A device that dials the invite; the laptop's user has not been asked about it yet."""
        joiner = device.start("pair", "--join", self.invite["code"], "--peer", self.invite["addresses"][0], "--json", *args)
        joiner.wait_json("waiting")
        return joiner

    def test_a_joiner_that_dies_keeps_nobody_out(self):
        terminal, joiner = self.asked()
        joiner.kill()
        terminal.expect(r'"phone" \(.*\) is not waiting any more')
        tablet = self.joins(self.device("tablet"))
        terminal.expect(r'"tablet" \(127\.0\.0\.1:\d+\) wants to join\. Is this yours\? ', timeout=5)
        terminal.send("y\n")
        self.assertEqual(tablet.wait(), 0, tablet)
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertEqual(self.laptop.names(), ["laptop", "tablet"])

    def test_a_joiner_that_is_silent_keeps_nobody_out(self):
        for answered in (False, True):
            with self.subTest(answered=answered):
                laptop, self.laptop = self.laptop, self.device("laptop").init()
                terminal, joiner = self.asked()
                joiner.process.send_signal(signal.SIGSTOP)
                if answered:
                    terminal.send("y\n")
                tablet = self.joins(self.device("tablet"))
                terminal.expect(r'"tablet" \(127\.0\.0\.1:\d+\) wants to join\. Is this yours\? ', timeout=5)
                terminal.send("y\n")
                self.assertEqual(tablet.wait(timeout=15), 0, tablet)
                self.assertEqual(terminal.wait(), 0, terminal)
                self.assertEqual(self.laptop.names(), ["laptop", "tablet"])
                # It wakes up too late, and hears so.
                joiner.process.send_signal(signal.SIGCONT)
                self.assertIn(joiner.wait(), (10, 12), joiner)
                self.outside(self.phone)
                self.laptop = laptop

    def test_the_first_is_asked_about_when_the_second_leaves(self):
        terminal, joiner = self.asked()
        tablet = self.joins(self.device("tablet"))
        terminal.expect(r'"tablet" \(.*\) wants to join')
        tablet.kill()
        terminal.expect(self.QUESTION, timeout=5)
        terminal.send("y\n")
        self.assertEqual(joiner.wait(), 0, joiner)
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertEqual(self.laptop.names(), ["laptop", "phone"])

    def test_a_device_that_comes_again_is_shown_as_it_is_now(self):
        terminal, joiner = self.asked()
        joiner.kill()
        again = self.joins(self.phone, "--name", "mobile")
        terminal.expect(r'"mobile" \(127\.0\.0\.1:\d+\) wants to join\. Is this yours\? ', timeout=5)
        terminal.send("y\n")
        self.assertEqual(again.wait(), 0, again)
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertEqual(self.laptop.names(), ["laptop", "mobile"])

    def test_who_goes_after_the_yes_is_missed(self):
        terminal, joiner = self.asked()
        joiner.process.send_signal(signal.SIGSTOP)
        terminal.send("y\n")
        terminal.expect(r'"phone" is gone, or does not answer', timeout=20)
        joiner.kill()
        again = self.joins(self.phone)
        terminal.expect(self.QUESTION)
        terminal.send("y\n")
        self.assertEqual(again.wait(), 0, again)
        self.assertEqual(terminal.wait(), 0, terminal)

    def test_taken_back_while_a_device_waits(self):
        terminal, joiner = self.asked()
        terminal.send("\x03")
        self.assertEqual(joiner.wait(), 12, joiner)
        self.assertEqual(only_error(joiner)["code"], "code-cancelled")
        self.assertEqual(terminal.wait(), 130, terminal)
        self.assertIn("The code is void now", terminal.screen)
        self.outside(self.phone)
        self.assertEqual(self.laptop.names(), ["laptop"])

    def test_the_joiner_gives_up(self):
        terminal, joiner = self.asked()
        self.assertEqual(joiner.stop(), 130, joiner)
        self.assertEqual(last_json(joiner)["type"], "cancelled")
        self.helps(only_error(joiner))
        terminal.expect(r'"phone" \(.*\) is not waiting any more')
        again = self.phone.start("pair", "--join", self.invite["code"], "--peer", self.invite["addresses"][0], "--json")
        terminal.expect(self.QUESTION)
        terminal.send("y\n")
        self.assertEqual(again.wait(), 0, again)
        self.assertEqual(terminal.wait(), 0, terminal)

    def own(self):
        """What the phone has before it joins: its group, whose words stand above it, and the file that both are in."""
        group, recovery = self.phone.json("devices", "ls")["group"], self.phone.json("key", "show-recovery")
        return group, recovery, (self.phone.home / "kith.db").stat().st_ino

    def stays(self, own):
        self.assertEqual(self.own(), own)
        self.assertEqual(left_of_joining(self.phone), [])

    def test_an_untouched_group_stays_until_the_welcome(self):
        self.phone.init()
        own = self.own()
        terminal, joiner = self.asked()
        self.assertEqual(self.own(), own)
        self.assertEqual(joiner.stop(), 130, joiner)
        self.stays(own)
        terminal.expect(r'"phone" \(.*\) is not waiting any more')
        code = self.invite["code"]
        self.refused(self.phone.join(dict(self.invite, code=code[:-1] + ("2" if code[-1] != "2" else "3"))), 12, "code-wrong")
        self.stays(own)
        self.refused(self.phone.join(dict(self.invite, addresses=["127.0.0.1:9"])), 10, "address-unreachable")
        self.stays(own)
        joiner = self.joins(self.phone)
        terminal.expect(self.QUESTION)
        joiner.kill()
        self.assertEqual(self.own(), own)
        self.assertIn("kith.db.joining", left_of_joining(self.phone))
        joiner = self.joins(self.phone)
        terminal.expect(self.QUESTION)
        terminal.send("n\n")
        self.assertEqual(joiner.wait(), 13, joiner)
        self.assertFalse([line for line in joiner.err if "left behind" in line], joiner)
        self.stays(own)

    def test_what_is_written_meanwhile_keeps_the_own_group(self):
        self.phone.init()
        terminal, joiner = self.asked()
        self.phone.run("push", "mine").ok()
        own = self.own()
        terminal.send("y\n")
        self.assertEqual(joiner.wait(), 2, joiner)
        self.assertEqual(only_error(joiner)["code"], "already-initialised")
        terminal.kill()
        self.stays(own)
        self.assertEqual(self.phone.texts("--own"), ["mine"])

    def test_a_command_that_stays_is_waited_for(self):
        self.phone.init()
        terminal, joiner = self.asked()
        follower = self.phone.start("pull", "--follow")
        files = f"/proc/{follower.process.pid}/fd"
        wait_until("it has the database open", lambda: [each for each in os.listdir(files)
                                                        if os.readlink(f"{files}/{each}").endswith("kith.db")])
        terminal.send("y\n")
        joiner.wait_line("end it now", stream="err")
        self.assertEqual(follower.stop(), 0, follower)
        self.assertEqual(joiner.wait(), 0, joiner)
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertEqual(self.phone.names(), self.laptop.names())

    def test_a_device_that_was_let_in_and_never_came(self):
        inviter, invite = self.laptop.invite()
        lossy = DropsTheWelcome(invite["addresses"][0])
        self.addCleanup(lossy.close)
        self.phone.join(dict(invite, addresses=[lossy.address])).expect(10)
        self.assertEqual(inviter.stop(), 130, inviter)
        self.QUESTION = self.QUESTION.replace("Is this", r"It was let in before and never came\. Is this")
        terminal, joiner = self.asked()
        terminal.send("y\n")
        self.assertEqual(joiner.wait(), 0, joiner)
        self.assertEqual(terminal.wait(), 0, terminal)

    def test_without_a_terminal_nobody_can_be_asked(self):
        begin = time.monotonic()
        self.refused(self.laptop.run("pair", "--json"), 2, "approval-needed")
        self.assertLess(time.monotonic() - begin, 20)


class OnScreen(Pairing):
    """The QR code needs a terminal that is wide enough and can show half blocks."""

    def shows_qr(self, *args, columns=120, env=None):
        terminal = self.laptop.terminal("pair", *args, columns=columns, env=env)
        terminal.expect(r"Ctrl-C takes it back")
        terminal.send("\x03")
        self.assertEqual(terminal.wait(), 130, terminal)
        rows = [line for line in terminal.screen.splitlines() if line.count("█") + line.count("▀") + line.count("▄") > 8]
        for row in rows:
            self.assertLessEqual(len(row), columns)
        return len(rows) > 10

    def test_qr(self):
        self.assertTrue(self.shows_qr())
        self.assertFalse(self.shows_qr("--no-qr"))
        self.assertFalse(self.shows_qr(columns=40))
        self.assertFalse(self.shows_qr(env={"LANG": "C"}))


class Codes(Pairing):
    def join_with(self, typed, invite, **more):
        peer = ["--peer", invite["addresses"][0]] if invite else []
        return self.phone.run("pair", "--join", *typed, *peer, "--json", **more)

    def test_the_link_is_enough(self):
        inviter, invite = self.laptop.invite()
        joined = self.join_with([invite["link"]], None).ok().lines()[-1]
        self.assertEqual(joined["device"]["name"], "phone")
        self.assertEqual(inviter.wait(), 0, inviter)
        self.assertEqual([check_schema(last_json(inviter))["type"]], ["joined"])

    def test_from_standard_input(self):
        for ending in ("\n", ""):
            with self.subTest(ending=ending), Device("pipe") as pipe:
                inviter, invite = self.laptop.invite()
                pipe.run("pair", "--join", "-", "--peer", invite["addresses"][0], "--json", stdin=invite["code"] + ending).ok()
                self.assertEqual(inviter.wait(), 0, inviter)

    def test_out_of_sight_of_the_process_list(self):
        ways = (("first", (), {"KITH_CODE": "{code}"}, ""), ("second", (), {}, "{code}\n"),
                ("third", ("-",), {"KITH_CODE": "not this one"}, "{link}\n"))
        for name, value, env, stdin in ways:
            with self.subTest(name), Device(name) as device:
                inviter, invite = self.laptop.invite()
                device.run("pair", "--join", *value, "--peer", invite["addresses"][0], "--json", stdin=stdin.format(**invite),
                           env={key: text.format(**invite) for key, text in env.items()}).ok()
                self.assertEqual(inviter.wait(), 0, inviter)
        error = self.refused(self.phone.run("pair", "--join", "--json"), 2, "usage")
        self.assertEqual(error["message"], "no code came on standard input")

    def test_as_people_type_it(self):
        for _ in range(30):  # two of three codes hold a symbol that can be mistaken
            inviter, invite = self.laptop.invite()
            if set(invite["code"]) & {"0", "1"}:
                break
            self.assertEqual(inviter.stop(), 130, inviter)
        typed = invite["code"].lower().replace("0", "o").replace("1", "l", 1).replace("1", "i")
        self.join_with(typed.split("-"), invite).ok()
        self.assertEqual(inviter.wait(), 0, inviter)

    def test_what_is_no_code(self):
        for typed in ("xx", "7F3K-9QDM-2XHB", "kith://elsewhere#x", "kith://join#AAAA", "kith://join#a%b"):
            with self.subTest(typed=typed):
                run = self.phone.run("pair", "--join", typed, "--json")
                error = self.refused(run, 2, "usage")
                self.helps(error)
                self.assertIn("kith://join#", error["message"] + (error["cause"] or ""))
                self.assertFalse(self.phone.home.exists(), "nothing is made for a code that is none")

    def test_wrong_three_times_is_void_for_everybody(self):
        self.laptop.follow()  # answers on after the inviter has ended
        inviter, invite = self.laptop.invite()
        code = invite["code"]
        wrong = dict(invite, code=code[:-1] + ("2" if code[-1] != "2" else "3"))
        for left, words in ((2, "2 tries left"), (1, "1 try left"), (0, "it is void now")):
            error = self.refused(self.phone.join(wrong), 12, "code-wrong")
            self.assertIn(words, error["message"])
            if left == 0:
                self.assertEqual([each["command"] for each in error["remedy"]], ["kith pair"])
            inviter.wait_line(f'"tries_left":{left}')
        self.assertEqual(inviter.wait(), 12, inviter)
        self.assertEqual(only_error(inviter)["code"], "code-void")
        self.assertEqual(only_error(inviter)["remedy"], [{"command": "kith pair", "explanation": "make another code"}])
        self.refused(self.phone.join(invite), 12, "code-void")
        self.refused(self.join_with([invite["link"]], None), 12, "code-cancelled")
        self.outside(self.phone)
        self.assertEqual(self.laptop.names(), ["laptop"])

    def test_one_wrong_try_costs_nothing_but_itself(self):
        inviter, invite = self.laptop.invite()
        wrong = dict(invite, code=invite["code"][:-1] + ("2" if invite["code"][-1] != "2" else "3"))
        self.refused(self.phone.join(wrong), 12, "code-wrong")
        self.phone.join(invite).ok()
        self.assertEqual(inviter.wait(), 0, inviter)

    def test_expired(self):
        self.laptop.follow()
        inviter, invite = self.laptop.invite("--expires", "2s")
        self.assertEqual(inviter.wait(), 5, inviter)
        self.assertEqual((last_json(inviter)["type"], only_error(inviter)["code"]), ("expired", "code-expired"))
        self.assertEqual(only_error(inviter)["remedy"], [{"command": "kith pair", "explanation": "make another code"}])
        self.refused(self.phone.join(invite), 5, "code-expired")
        self.outside(self.phone)

    def test_used_by_another(self):
        self.laptop.follow()
        inviter, invite = self.laptop.invite()
        self.phone.join(invite).ok()
        self.assertEqual(inviter.wait(), 0, inviter)
        thief = self.device("thief")
        self.refused(thief.join(invite), 12, "code-used")
        self.refused(thief.run("pair", "--join", invite["link"], "--json"), 12, "code-used")
        self.outside(thief)
        self.assertEqual(self.laptop.names(), ["laptop", "phone"])

    def test_taken_back(self):
        self.laptop.follow()
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=number):
                inviter, invite = self.laptop.invite()
                self.assertEqual(inviter.stop(number), code, inviter)
                self.assertEqual(last_json(inviter)["type"], "cancelled")
                self.refused(self.phone.join(invite), 12, "code-cancelled")

    def test_inviter_killed(self):
        self.laptop.follow()
        inviter, invite = self.laptop.invite()
        inviter.kill()
        self.refused(self.phone.join(invite), 12, "code-cancelled")

    def test_an_address_that_leads_nowhere_else(self):
        inviter, _ = self.laptop.invite()
        inviter.wait_line('"only-this-machine"', stream="err")
        self.assertEqual(inviter.stop(), 130, inviter)

    def test_nobody_there(self):
        error = self.refused(self.phone.join({"code": "7F3K-9QDM-2XHB-T6WP", "addresses": [f"127.0.0.1:{free_port()}"]}), 10,
                             "address-unreachable")
        self.assertTrue(error["safe"])
        self.helps(error)
        self.outside(self.phone)
        shown = self.phone.run("pair", "--join", "7F3K-9QDM-2XHB-T6WP", "--peer", f"127.0.0.1:{free_port()}").expect(10).err
        self.assertIn("your data: safe, nothing was changed", shown)
        self.assertNotIn("queued", shown)
        wrong = self.phone.run("pair", "--join", "7F3K-9QDM-2XHB-T6WP", "--peer", "nowhere", "--json")
        self.helps(self.refused(wrong, 2, "bad-address"))

    def test_nobody_there_knows_it(self):
        self.laptop.follow()
        invite = {"code": "7F3K-9QDM-2XHB-T6WP", "addresses": [f"127.0.0.1:{self.port_of(self.laptop)}"]}
        self.helps(self.refused(self.phone.join(invite), 12, "code-unknown"))
        inviter, real = self.laptop.invite()
        self.assertEqual(real["addresses"], invite["addresses"])
        self.phone.join(real).ok()  # silence was no try
        self.assertEqual(inviter.wait(), 0, inviter)

    def port_of(self, device):
        inviter, invite = device.invite()
        inviter.stop()
        return invite["addresses"][0].rsplit(":", 1)[1]


class Homes(Pairing):
    def test_a_home_in_a_group_stays_there(self):
        let_in(self.laptop, self.phone)
        inviter, invite = self.device("other").init().invite()
        before = self.phone.json("devices", "ls")["group"]
        self.refused(self.phone.join(invite), 2, "already-initialised")
        self.assertEqual(self.phone.json("devices", "ls")["group"], before)
        self.phone.run("push", "still here").ok()
        self.assertIsNone(inviter.process.poll(), "the invite is still good")

    def test_an_untouched_group_is_left_behind(self):
        own = self.phone.init().json("devices", "ls")["group"]
        let_in(self.laptop, self.phone)
        group = self.phone.json("devices", "ls")["group"]
        self.assertEqual(group, self.laptop.json("devices", "ls")["group"])
        self.assertNotEqual(group["id"], own["id"])
        self.assertEqual(left_of_joining(self.phone), [])
        self.phone.run("push", "from the phone").ok()

    def test_a_group_with_a_message_is_not(self):
        self.phone.init().run("push", "mine").ok()
        inviter, invite = self.laptop.invite()
        self.refused(self.phone.join(invite), 2, "already-initialised")
        self.assertEqual(self.phone.texts("--own"), ["mine"])
        self.assertEqual(inviter.stop(), 130, inviter)

    def test_names_that_clash_get_a_number(self):
        let_in(self.laptop, self.phone)
        self.assertEqual(let_in(self.laptop, self.device("second"), "--name", "phone")["device"]["name"], "phone-2")
        self.assertEqual(self.laptop.names(), ["laptop", "phone", "phone-2"])

    def test_joining_again_after_a_broken_connection(self):
        inviter, invite = self.laptop.invite()
        lossy = DropsTheWelcome(invite["addresses"][0])
        self.addCleanup(lossy.close)
        # The laptop has let it in by now, but the phone has heard nothing of that.
        self.phone.join(dict(invite, addresses=[lossy.address])).expect(10)
        self.assertTrue(lossy.dropped.is_set())
        self.outside(self.phone)
        self.refused(self.device("thief").join(invite), 12, "code-used")
        joined = self.phone.join(invite).ok().lines()[-1]
        self.assertEqual(joined["device"]["name"], "phone")
        self.assertEqual(inviter.wait(), 0, inviter)
        self.assertEqual(self.laptop.names(), ["laptop", "phone"])
        self.assertEqual(self.laptop.names("revoked"), [])

    def test_a_fresh_code_after_a_broken_connection(self):
        """The inviter is gone before its welcome arrives, or behind it, before it has handed over the group's log."""
        for arrives in (False, True):
            with self.subTest(arrives=arrives), Device("tablet") as tablet:
                inviter, invite = self.laptop.invite()
                lossy = DropsTheWelcome(invite["addresses"][0], inviter.kill if arrives else None)
                self.addCleanup(lossy.close)
                broken = tablet.join(dict(invite, addresses=[lossy.address]), "--timeout", "1s")
                self.assertTrue(lossy.dropped.is_set())
                self.helps(self.refused(broken, *((5, "timed-out") if arrives else (10, "connection-closed"))))
                if not arrives:
                    self.assertEqual(inviter.stop(), 130, inviter)
                for command in (("sync", tablet.dir, "--once"), ("push", "x"), ("pair", "--yes")) if arrives else ():
                    self.helps(self.refused(tablet.run(*command, "--json"), 6, "not-initialised"))
                if arrives:  # the group's key stays until another welcome is there
                    before = (tablet.home / "kith.db").stat().st_ino
                    self.refused(tablet.join(dict(invite, addresses=["127.0.0.1:9"])), 10, "address-unreachable")
                    self.assertEqual((tablet.home / "kith.db").stat().st_ino, before)
                inviter, invite = self.laptop.invite()
                joined = tablet.join(invite).ok().lines()[-1]
                self.assertEqual(joined["group"], self.laptop.json("devices", "ls")["group"])
                self.assertEqual(inviter.wait(), 0, inviter)
                self.assertIn(joined["device"]["name"], self.laptop.names())
                tablet.run("push", "from the tablet").ok()
        self.assertEqual(self.laptop.names(), ["laptop", "tablet", "tablet-2"])

    def test_init_at_its_words_takes_no_group_away(self):
        """Another terminal joins a group meanwhile, with the keys that an earlier attempt left."""
        self.phone.init()
        for each in self.phone.home.glob("kith.db*"):
            each.unlink()
        terminal = self.phone.terminal("init", columns=120)
        number = int(terminal.expect(r"Type word number (\d+):")[1])
        words = dict(re.findall(r"(\d+)\. ([a-z]+)", terminal.screen))
        let_in(self.laptop, self.phone)
        terminal.send(words[str(number)] + "\n")
        self.assertEqual(terminal.wait(), 2, terminal)
        self.assertIn("No group was made", terminal.screen)
        self.assertIn("phone", self.laptop.names())
        self.assertEqual(self.phone.names(), self.laptop.names())

    def test_a_member_joins_with_no_other_invite(self):
        let_in(self.laptop, self.phone)
        follower = self.laptop.start("pull", "--follow")
        self.phone.run("push", "from the phone", "--wait", "safe").ok()  # so the laptop knows that it came in
        self.assertEqual(follower.stop(), 0)
        for each in self.phone.home.glob("kith.db*"):
            each.unlink()
        inviter, invite = self.laptop.invite()
        self.phone.join(invite).expect(10)  # the phone is in the group
        self.outside(self.phone)
        self.assertEqual(self.device("tablet").join(invite).ok().lines()[-1]["device"]["name"], "tablet")
        self.assertEqual(inviter.wait(), 0, inviter)


class DropsTheWelcome:
    """A relay between a joiner and its inviter, which hangs up on both instead of handing on the inviter's fourth
    message: SHARE, IDENTITY and OFFER come through, WELCOME does not; or only once the inviter is gone."""

    def __init__(self, inviter, kill=None):
        self.kill = kill
        host, port = inviter.rsplit(":", 1)
        self.inviter = (host, int(port))
        self.dropped = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        joiner, _ = self.listener.accept()
        inviter = socket.create_connection(self.inviter)
        threading.Thread(target=self.hand_on, args=(joiner, inviter), daemon=True).start()
        with joiner, inviter, inviter.makefile("rb") as messages:
            for number in range(4):
                head = messages.read(2)
                body = messages.read(struct.unpack(">H", head)[0])
                if number == 3 and self.kill:
                    self.kill()
                if number < 3 or self.kill:
                    joiner.sendall(head + body)
            self.dropped.set()
            if self.kill:
                return
            for each in (joiner, inviter):
                each.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def hand_on(source, target):
        try:
            while data := source.recv(4096):
                target.sendall(data)
        except OSError:
            pass

    def close(self):
        self.listener.close()
        self.thread.join(5)


if __name__ == "__main__":
    unittest.main()
