"""Several processes of one home: one is on the network, all write; what happens when one is killed, stopped or not heard."""

import os
import shutil
import signal
import statistics
import subprocess
import threading
import time
import unittest

from kith_e2e import BIN, PATIENCE_S, json_lines, wait_until
from people import Device, last_json, let_in

WRITERS, EACH = 4, 25


class Paired(unittest.TestCase):
    def setUp(self):
        self.laptop = Device("laptop").init()
        self.addCleanup(self.laptop.close)
        self.phone = Device("phone")
        self.addCleanup(self.phone.close)
        let_in(self.laptop, self.phone)

    def connected(self, device):
        return [each["name"] for each in device.json("status")["devices"] if each["path"] == "direct"]

    def until_connected(self):
        for device in (self.laptop, self.phone):
            wait_until(f"a session on {device.name}", lambda: self.connected(device))

    def push_text(self, text):
        self.laptop.run("push", text, "--quiet").ok()


class AtOnce(Paired):
    def test_writers_readers_and_an_invite_in_one_home(self):
        folder = self.laptop.dir / "notes"
        folder.mkdir()
        (folder / "a.txt").write_text("a\n")
        sync = self.laptop.start("sync", folder, "--json")
        self.laptop.until_owned()
        near = self.laptop.follow("--own", "--after-cursor", "0")
        far = self.phone.follow()
        self.until_connected()
        inviter, invite = self.laptop.invite()
        writers = [self.laptop.start("-q", "push", f"warm up {each}") for each in range(WRITERS)]
        for each in writers:
            self.assertEqual(each.wait(), 0, each)

        failures, cursors, lock = [], [], threading.Lock()

        def write(writer):
            for number in range(EACH):
                run = self.laptop.run("push", f"w{writer}-{number}", "--json", timeout=PATIENCE_S * 2)
                with lock:
                    if run.code == 0:
                        cursors.append(run.document()["items"][0]["cursor"])
                    else:
                        failures.append(run)

        threads = [threading.Thread(target=write, args=(each,)) for each in range(WRITERS)]
        for each in threads:
            each.start()
        looks = 0
        while any(each.is_alive() for each in threads):
            self.laptop.json("status")
            looks += 1
        for each in threads:
            each.join()
        self.assertEqual(failures, [])
        self.assertGreater(looks, 0)
        self.assertEqual(len(set(cursors)), WRITERS * EACH)

        texts = sorted([f"w{writer}-{number}" for writer in range(WRITERS) for number in range(EACH)] +
                       [f"warm up {each}" for each in range(WRITERS)])
        for follower in (near, far):
            wait_until("every message", lambda: sum('"item"' in line for line in follower.out) >= len(texts))
            self.assertEqual(sorted(each["text"] for each in json_lines("\n".join(follower.out)) if each["type"] == "item"), texts)
            items = [each["cursor"] for each in json_lines("\n".join(follower.out)) if each["type"] == "item"]
            self.assertEqual(items, sorted(set(items)))
            self.assertEqual(follower.err, [], follower)

        # All the while the invite was open; it still lets a device in.
        with Device("tablet") as tablet:
            tablet.join(invite).ok()
            self.assertEqual(inviter.wait(), 0, inviter)
            self.assertEqual(sorted(tablet.texts("--after-cursor", "0")), texts)
        found = self.laptop.run("verify", "--json").expect(3).document()  # the tablet is gone
        by_name = {each["name"]: each for each in found["devices"]}
        self.assertEqual(by_name["phone"]["result"], "identical", found)
        self.assertEqual(by_name["phone"]["heads"], found["heads"])
        self.assertEqual(sync.stop(), 0, sync)

    def test_a_pull_waits_for_what_the_other_has(self):
        for number in range(4):
            self.push_text(f"while apart {number}")
            follower = self.laptop.follow()
            self.assertEqual(self.phone.texts(), [f"while apart {number}"])
            self.assertEqual(follower.stop(), 0, follower)

    def test_latency(self):
        """From the start of `push` to the line that a follower prints, in the same home and on the other device."""
        near = self.laptop.follow("--own")
        far = self.phone.follow()
        self.until_connected()
        self.push_text("warm up")
        far.wait_line("warm up")
        times = {"start of the program": [], "same home": [], "other device": []}
        for number in range(12):
            begin = time.monotonic()
            self.laptop.run("version").ok()
            times["start of the program"].append(time.monotonic() - begin)
            begin = time.monotonic()
            push = self.laptop.start("push", f"now {number}", "--quiet")
            for where, follower in (("same home", near), ("other device", far)):
                wait_until("the message", lambda: any(f'"now {number}"' in line for line in follower.out), step=0.001)
                times[where].append(time.monotonic() - begin)
            self.assertEqual(push.wait(), 0, push)
        for where, taken in times.items():
            print(f"{where}: p50 {statistics.median(taken) * 1000:.0f} ms, worst {max(taken) * 1000:.0f} ms", flush=True)
        if not any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE")):
            start = statistics.median(times["start of the program"])  # more than its due on a machine that is busy
            for where in ("same home", "other device"):
                self.assertLess(statistics.median(times[where]) - start, 0.25, where)


class Ending(Paired):
    def test_another_process_takes_over_from_a_killed_one(self):
        first = self.laptop.follow("--own")
        second = self.laptop.start("pull", "--follow", "--own", "--json")
        far = self.phone.follow()
        self.until_connected()
        self.assertEqual(self.laptop.owner()["pid"], first.process.pid)
        begin = time.monotonic()
        os.kill(first.process.pid, signal.SIGKILL)
        wait_until("the other on the network", lambda: (self.laptop.owner() or {}).get("pid") == second.process.pid, step=0.02)
        taken = time.monotonic() - begin
        print(f"taken over after {taken * 1000:.0f} ms", flush=True)
        self.assertLess(taken, 2 if "ASAN_OPTIONS" not in os.environ else 10)
        self.push_text("after the takeover")
        far.wait_line("after the takeover")
        second.wait_line("after the takeover")
        os.kill(second.process.pid, signal.SIGKILL)
        wait_until("nobody on the network", lambda: self.laptop.owner() is None)

    def test_signals(self):
        folder = self.laptop.dir / "notes"
        folder.mkdir()
        for number in (signal.SIGINT, signal.SIGTERM):
            for args in (["pull", "--follow", "--json"], ["sync", folder, "--json"]):
                with self.subTest(args=args, signal=number):
                    process = self.laptop.start(*args)
                    self.laptop.until_owned()
                    self.assertEqual(process.stop(number), 0, process)
                    self.assertEqual(last_json(process)["type"], "summary")
                    self.assertIsNone(self.laptop.owner())
            # Finite commands say that they did not come to their end.
            with self.subTest(args="push --wait", signal=number):
                process = self.laptop.start("push", "waits", "--wait", "seen", "--timeout", "300s", "--json")
                self.laptop.until_owned()
                self.assertEqual(process.stop(number), 128 + number, process)
                self.assertIn("waits", self.laptop.texts("--own", "--after-cursor", "0", expect=(0, 10)))

    def test_a_second_signal_ends_it_at_once(self):
        process = self.laptop.start("pull", "--follow", "--json")
        self.laptop.until_owned()
        # The first one finds it asleep; the second comes before it can have answered.
        process.process.send_signal(signal.SIGSTOP)
        process.process.send_signal(signal.SIGINT)
        process.process.send_signal(signal.SIGTERM)
        process.process.send_signal(signal.SIGCONT)
        self.assertIn(process.wait(), (128 + signal.SIGINT, 128 + signal.SIGTERM), process)
        self.assertEqual([line for line in process.out if '"summary"' in line], [])

    def test_what_was_not_printed_was_not_read(self):
        self.laptop.run("push", "precious", "--quiet").ok()
        follower = self.laptop.follow()
        # Another topic is asked for: the message comes here, but is not printed.
        self.assertEqual(self.phone.texts("--topic", "other"), [])
        self.assertEqual(self.phone.json("status")["messages"]["last_cursor"], 1)
        read = self.phone.json("status")["messages"]["read_cursor"]
        for target, code in (("/dev/full", 1), (None, 1)):
            with self.subTest(target=target or "a pipe that nobody reads"):
                done = self.pull_into(target)
                self.assertEqual(done.returncode, code, done.stderr)
                if target:
                    self.assertEqual([each["code"] for each in json_lines(done.stderr.decode())], ["output-failed"])
                else:
                    self.assertEqual(done.stderr, b"")
                self.assertEqual(self.phone.json("status")["messages"]["read_cursor"], read)
        self.assertEqual(self.phone.texts(), ["precious"])
        self.assertGreater(self.phone.json("status")["messages"]["read_cursor"], read)
        self.assertEqual(self.phone.texts(), [])
        self.assertEqual(follower.stop(), 0, follower)

    def pull_into(self, target):
        """`pull` whose standard output is this file, or a pipe whose reader has gone."""
        if target:
            out = os.open(target, os.O_WRONLY)
        else:
            reader, out = os.pipe()
            os.close(reader)
        try:
            return subprocess.run([BIN, "pull", "--json"], stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                  env=self.phone.environment(), timeout=PATIENCE_S, check=False)
        finally:
            os.close(out)


class PutBack(Paired):
    def meets(self):
        follower = self.laptop.follow()
        self.phone.run("pull").ok()
        self.phone.run("verify").ok()
        self.assertEqual(follower.stop(), 0, follower)

    def problems(self, device):
        status = device.json("status")
        self.assertNotEqual(status["state"], "failed")
        return [(each["code"], each["message"]) for each in status["problems"]]

    def test_a_home_from_a_backup_writes_on(self):
        """Whether its numbers are used again or not, both ways to write are kept, and nobody is told that he is cloned."""
        self.meets()
        kept = (self.phone.home / "kith.db").read_bytes()
        self.phone.run("push", "lost with the disk").ok()
        self.meets()
        with open(self.phone.home / "kith.db", "r+b") as file:  # the same inode: nothing shows that it is an old state
            file.truncate(0)
            file.write(kept)
        self.phone.run("push", "after the backup").ok()
        self.meets()
        self.assertEqual(sorted(self.laptop.texts("--after-cursor", "0")), ["after the backup", "lost with the disk"])
        for device, name in ((self.laptop, "phone"), (self.phone, "this device")):
            (code, message), = self.problems(device)
            self.assertEqual(code, "forked")
            self.assertTrue(message.startswith(name + " was put back from a backup, or copied"), message)

    def test_a_home_that_is_copied_back_goes_on_under_a_new_number(self):
        self.meets()
        shutil.copytree(self.phone.home, self.phone.dir / "kept", ignore=shutil.ignore_patterns("run"))
        self.phone.run("push", "lost with the disk").ok()
        self.meets()
        shutil.rmtree(self.phone.home)
        shutil.copytree(self.phone.dir / "kept", self.phone.home)
        self.phone.run("push", "after the backup").ok()
        self.meets()
        self.assertEqual(sorted(self.laptop.texts("--after-cursor", "0")), ["after the backup", "lost with the disk"])
        for device in (self.laptop, self.phone):
            self.assertEqual(self.problems(device), [])


if __name__ == "__main__":
    unittest.main()
