"""Secrets are not where the system shows processes, not in what programs say at their most talkative, and not in core files; and
whatever programs make is their user's alone.
"""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

from kith_e2e import BIN, free_port, mode_of, wait_until
from people import let_in
from relay import RELAY
from secrets_gone import PASSPHRASE, Secrets, of_invite, of_keys, of_passphrase, of_words, proof


class Shown(Secrets):
    def assert_not_in(self, texts, needles, what):
        for name, needle in needles.items():
            for spelled in (needle, needle.hex().encode()):
                self.assertFalse(any(spelled in text for text in texts), f"{name} in {what}")
        proof.count("canaries", len(needles))

    def test_processes_and_what_they_start(self):
        laptop, phone = self.device("laptop"), self.device("phone")
        spy, seen = laptop.dir / "spy", laptop.dir / "seen"
        seen.mkdir()
        spy.write_text(f"#!/bin/sh\ncat /proc/self/environ /proc/$$/cmdline /proc/$PPID/cmdline > {seen}/$$\nprintf '%s\\n' '{PASSPHRASE}'\n")
        spy.chmod(0o700)
        variables = {"KITH_PASSPHRASE_COMMAND": str(spy)}
        laptop.run("init", "--recovery-file", laptop.words, env=variables).ok()
        inviter = laptop.start("pair", "--yes", "--json", env=variables)
        invite = inviter.wait_json("invite")
        texts = [pathlib.Path(f"/proc/{inviter.process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        phone.run("pair", "--join", "--peer", invite["addresses"][0], env={**variables, "KITH_CODE": invite["code"]}).ok()
        self.assertEqual(inviter.wait(), 0, inviter)
        texts += [path.read_bytes() for path in seen.iterdir()]
        self.assertGreaterEqual(len(texts), 5)
        self.assertTrue(all(b"kith" in text for text in texts))
        keys, wrapping = of_keys(phone.home / "keys", PASSPHRASE)
        needles = of_invite(invite) | of_passphrase() | keys | wrapping | of_words(laptop.words.read_text().split())
        self.assert_not_in(texts, needles, "processes")

    def test_what_programs_say_at_their_most_talkative(self):
        """Results, errors and logs; the code of an invite is in its own line of JSON and nowhere else."""
        relay = self.relay('[log]\nlevel = "debug"\n')
        laptop, phone, fresh = self.device("laptop", True), self.device("phone"), self.device("fresh")
        said = []

        def run(device, *args, expect=0, stdin="", env=None):
            done = device.run(*args, "-vv", "--json", stdin=stdin, env={"KITH_LOG": "debug", **(env or {})}).expect(expect)
            said.extend((done.raw_out, done.raw_err))

        run(laptop, "init", "--recovery-file", laptop.words, "--relay", relay.url)
        words = laptop.words.read_text().split()
        inviter = laptop.start("pair", "--yes", "--json", "-vv")
        invite = inviter.wait_json("invite")
        wrong = laptop.dir / "wrong"
        for text in (invite["code"][:10] + "0000-0001", invite["link"][:-8] + "AAAAAAAA", invite["code"][:14], invite["link"][:-30]):
            done = phone.run("pair", "--join", "-", "--peer", invite["addresses"][0], "-vv", "--json", stdin=text + "\n")
            self.assertNotEqual(done.code, 0, done)
            self.assertNotIn(text, done.out + done.err)
            said.extend((done.raw_out, done.raw_err))
        inviter.stop()
        said.extend(line.encode() for line in [*inviter.err, *inviter.out] if '"type":"invite"' not in line)
        needles = of_invite(invite)
        inviter = laptop.start("pair", "--yes", "--json", "-vv")
        invite = inviter.wait_json("invite")
        run(phone, "pair", "--join", "-", stdin=invite["link"] + "\n")
        self.assertEqual(inviter.wait(), 0, inviter)
        said.extend(line.encode() for line in [*inviter.err, *inviter.out] if '"type":"invite"' not in line)
        folder = laptop.dir / "notes"
        folder.mkdir()
        (folder / "one.txt").write_text("one")
        run(laptop, "sync", folder, "--once")
        run(laptop, "push", "text")
        run(phone, "pull")
        for command in (["status"], ["verify", "--timeout", "5s"], ["key", "rotate"], ["key", "show-recovery"], ["doctor"], ["config", "show"]):
            done = laptop.run(*command, "-vv", "--json")
            said.extend((done.raw_out, done.raw_err))
        wrong.write_text(PASSPHRASE[:-4] + "dusk\n")
        wrong.chmod(0o600)
        run(laptop, "status", expect=12, env={"KITH_PASSPHRASE_FILE": str(wrong)})
        for others in ([*words[:23], "zzzzz"], [*words[:22], words[23], words[22]], words[:20]):
            wrong.write_text(" ".join(others) + "\n")
            done = fresh.run("init", "--recover", "--relay", relay.url, "--recovery-file", wrong, "-vv", "--json")
            self.assertNotEqual(done.code, 0, done)
            said.extend((done.raw_out, done.raw_err))
        run(fresh, "init", "--recover", "--relay", relay.url, "--recovery-file", laptop.words, "--yes")
        said.append(relay.logged().encode())
        for device in (laptop, phone, fresh):
            keys, wrapping = of_keys(device.home / "keys", PASSPHRASE)
            needles |= {f"{name} of {device.name}": each for name, each in (keys | wrapping).items()}
        needles |= {"the other " + name: each for name, each in of_invite(invite).items()}
        self.assertTrue(all(any(event in each for each in said) for event in (b"relay.up", b"socket.open")), "nothing was logged")
        self.assert_not_in(said, needles | of_passphrase() | of_words(words), "what was said")


class Cores(Secrets):
    """A process that dies of a fault leaves no core, whatever the limit was when it began; and its own user cannot look in."""

    def folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-core-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def start(self, *command, variables=None, user=None):
        """A process that may leave a core of any size. @return its id and its working directory"""
        folder = self.folder()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
            os.chdir(folder)
            os.setsid()
            null = os.open("/dev/null", os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            os.execve(command[0], [str(each) for each in command], variables or {})
        return child, folder

    def dies(self, child, folder, number):
        """@return whether there was a core"""
        os.kill(child, number)
        _, status = os.waitpid(child, 0)
        self.assertEqual(status & 0x7F, number)
        return os.WCOREDUMP(status) or any(folder.iterdir())

    def setUp(self):
        child, folder = self.start("/bin/sleep", "60")
        wait_until("sleep", lambda: b"sleep" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes() and
                   pathlib.Path(f"/proc/{child}/comm").read_text() == "sleep\n")
        if not self.dies(child, folder, signal.SIGSEGV):
            self.skipTest("this machine writes no cores")

    def each_way(self, start, ready):
        for number in (signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(signal=number.name):
                child, folder = start()
                wait_until("it runs", ready)
                self.assertFalse(self.dies(child, folder, number))

    def test_other_programs_of_its_user_cannot_look_into_it(self):
        nobody = 65534 if os.geteuid() == 0 else None  # root sees everything
        for name in ("kith", "kith-relay", "sleep"):
            with self.subTest(program=name):
                data = self.folder()
                if nobody:
                    os.chown(data, nobody, nobody)
                variables = {"KITH_HOME": str(data / "home"), "KITH_NETWORK__LISTEN": f"127.0.0.1:{free_port()}"}
                command, made = ["/bin/sleep", "60"], lambda: True
                if name == "kith":
                    child, _ = self.start(BIN, "init", "--recovery-file", data / "words", variables=variables, user=nobody)
                    self.assertEqual(os.waitpid(child, 0)[1], 0)
                    command, made = [BIN, "pull", "--follow"], lambda: any((data / "home" / "run").glob(f"{child}-*.bell"))
                if name == "kith-relay":
                    command = [RELAY, "serve", "--data", data / "data", "--listen", f"127.0.0.1:{free_port()}"]
                    made = (data / "data" / "relay.db").exists
                child, _ = self.start(*command, variables=variables, user=nobody)
                self.addCleanup(os.waitpid, child, 0)
                self.addCleanup(os.kill, child, signal.SIGKILL)
                wait_until("it runs", made)
                look = f"import os; os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})\n" if nobody else ""
                done = subprocess.run([sys.executable, "-c", look + f"open('/proc/{child}/mem', 'rb')"], capture_output=True, check=False)
                self.assertEqual(b"PermissionError" in done.stderr, name != "sleep", done)

    def test_a_client(self):
        laptop = self.device("laptop", passphrase=True)
        laptop.init()
        self.each_way(lambda: self.start(BIN, "pull", "--follow", variables=laptop.environment()), laptop.owner)

    def test_a_relay(self):
        data, port = pathlib.Path(tempfile.mkdtemp(prefix="kith-relay-")), free_port()
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)

        def answers():
            done = subprocess.run([RELAY, "quota", "--data", str(data)], capture_output=True, check=False)
            return done.returncode == 0

        self.each_way(lambda: self.start(RELAY, "serve", "--data", data, "--listen", f"127.0.0.1:{port}"), answers)


class Permissions(Secrets):
    def test_whatever_programs_make_is_their_users_alone(self):
        for umask in (0o000, 0o077):
            with self.subTest(umask=oct(umask)):
                before = os.umask(umask)
                try:
                    self.everything_is_made()
                finally:
                    os.umask(before)

    def everything_is_made(self):
        relay = self.relay()
        laptop, phone, fresh = self.device("laptop"), self.device("phone"), self.device("fresh")
        laptop.init("--relay", relay.url)
        laptop.run("config", "set", "log.level", "debug").ok()
        folder, there = laptop.dir / "notes", phone.dir / "notes"
        for each in (folder, there):
            each.mkdir()
        (folder / "large.bin").write_bytes(os.urandom(300_000))
        (folder / "gone.txt").write_text("gone")
        let_in(laptop, phone)
        laptop.run("push", self.large(laptop)).ok()
        laptop.run("sync", folder, "--once").ok()  # contents wait at the relay
        self.assertTrue(any(path.is_file() for path in (relay.data / "relay.objects").rglob("*")))
        phone.run("sync", there, "--folder", "notes", "--once").ok()
        (folder / "gone.txt").unlink()
        (folder / "large.bin").write_bytes(os.urandom(300_000))
        laptop.run("sync", folder, "--once").ok()
        phone.run("sync", there, "--once").ok()
        self.assertTrue(any((there / ".kith" / "trash").rglob("gone.txt")))
        self.assertEqual(relay.say("backup", str(relay.data.parent / "copy.db")).returncode, 0)
        fresh.run("init", "--recover", "--relay", relay.url, "--recovery-file", laptop.words, "--yes").ok()
        running = [laptop.start("sync", folder), laptop.start("pair", "--yes")]
        laptop.until_owned()
        running[1].wait_line("kith pair --join")
        seen = 0
        for top in (laptop.home, phone.home, fresh.home, folder / ".kith", there / ".kith", relay.data):
            self.assertGreater(sum(1 for _ in top.rglob("*")), 1, top)
            for path in (top, *top.rglob("*")):
                if path.is_file() and "trash" in path.parts:
                    continue  # the user's own file, as it was, in a directory that nobody else enters
                with contextlib.suppress(FileNotFoundError):
                    wanted = 0o700 if stat.S_ISDIR(path.lstat().st_mode) else 0o600
                    self.assertEqual(oct(mode_of(path)), oct(wanted), path)
                    seen += 1
        for path in (laptop.words, relay.data.parent / "copy.db"):
            self.assertEqual(oct(mode_of(path)), oct(0o600), path)
        self.assertGreater(seen, 40)
        for each in running:
            each.stop()

    @staticmethod
    def large(device):
        path = device.dir / "large"
        path.write_bytes(os.urandom(50_000))
        return path


if __name__ == "__main__":
    unittest.main()
