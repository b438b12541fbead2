"""Keys at rest: under a passphrase no file of a home holds a secret in the clear, and nothing works without it."""

import os
import stat
import subprocess
import unittest

from kith_e2e import BIN, PATIENCE_S, mode_of, wait_until
from people import Device, let_in

PASSPHRASE = "correct horse battery staple\n"
FIND_KEYS = BIN.with_name("kith_find_keys")


class Protected(unittest.TestCase):
    def setUp(self):
        self.laptop = self.device("laptop").init()
        self.phone = self.device("phone")

    def device(self, name, text=PASSPHRASE):
        """A device whose passphrase is in a file that KITH_PASSPHRASE_FILE names."""
        device = Device(name)
        self.addCleanup(device.close)
        device.passphrase = device.dir / "passphrase"
        device.passphrase.write_text(text)
        device.passphrase.chmod(0o600)
        device.variables["KITH_PASSPHRASE_FILE"] = str(device.passphrase)
        return device

    def find_keys(self, device, *args):
        done = subprocess.run([FIND_KEYS, device.home, *args], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertIn(done.returncode, (0, 3), done)
        return done

    def test_a_wrong_one_and_none(self):
        for command in (["status"], ["push", "x"], ["pull"], ["devices", "ls"], ["pair", "--yes"], ["verify"]):
            with self.subTest(command=command):
                locked = self.laptop.run(*command, "--json", env={"KITH_PASSPHRASE_FILE": None}).expect(11)
                self.assertEqual((locked.error()["code"], locked.out), ("locked", ""))
        wrong = self.laptop.dir / "wrong"
        wrong.write_text("correct horse battery stable\n")
        wrong.chmod(0o600)
        run = self.laptop.run("status", "--json", env={"KITH_PASSPHRASE_FILE": wrong}).expect(12)
        self.assertEqual((run.error()["code"], run.out), ("passphrase-wrong", ""))
        missing = self.laptop.run("status", "--json", env={"KITH_PASSPHRASE_FILE": self.laptop.dir / "nowhere"}).expect(11)
        self.assertEqual(missing.error()["code"], "passphrase-unavailable")
        self.laptop.run("status").ok()

    def test_at_a_terminal_it_is_asked_for_and_not_shown(self):
        terminal = self.laptop.terminal("status", env={"KITH_PASSPHRASE_FILE": None})
        for typed in ("correct horse battery stable\n", PASSPHRASE):
            terminal.expect("Passphrase: ")
            wait_until("no echo", lambda: not terminal.echoes(), step=0.01)
            terminal.send(typed)
        self.assertEqual(terminal.wait(), 0, terminal)
        self.assertIn("That was not it", terminal.screen)
        self.assertNotIn("correct horse", terminal.screen)
        # And Ctrl-C gives the echo back.
        terminal = self.laptop.terminal("status", env={"KITH_PASSPHRASE_FILE": None})
        terminal.expect("Passphrase: ")
        wait_until("no echo", lambda: not terminal.echoes(), step=0.01)
        terminal.send("\x03")
        wait_until("the echo", terminal.echoes, step=0.01)
        self.assertEqual(terminal.wait(), 130, terminal)

    def test_a_bad_place_for_a_new_one_is_noticed_before_anything_is_made(self):
        with Device("new") as new:
            empty, open_to_all = new.dir / "empty", new.dir / "open"
            for path, mode in ((empty, 0o600), (open_to_all, 0o644)):
                path.touch()
                path.chmod(mode)
            open_to_all.write_text("secret\n")
            for file, code in ((new.dir / "nowhere", "passphrase-unavailable"), (empty, "passphrase-empty"),
                               (open_to_all, "passphrase-unavailable"), (new.dir, "passphrase-unavailable")):
                terminal = new.terminal("init", "--passphrase-file", file)
                self.assertNotEqual(terminal.wait(), 0, terminal)
                self.assertIn(code, terminal.screen)
                self.assertNotIn("Recovery key", terminal.screen)
                self.assertFalse(new.home.exists())

    def test_at_a_terminal_init_offers_one(self):
        with Device("new") as new:
            terminal = new.terminal("init", "--recovery-file", new.words)
            for question, typed in ((r"keys \(Enter for none\): ", "one"), ("again: ", "other"), (r"differ.*none\): ", "one"),
                                    ("again: ", "one")):
                terminal.expect(question)
                terminal.send(typed + "\n")
            self.assertEqual(terminal.wait(), 0, terminal)
            self.assertEqual(new.run("status", "--json").expect(11).error()["code"], "locked")
        for args, typed in (((), "\n"), (("--yes",), None)):
            with self.subTest(args=args), Device("plain") as new:
                terminal = new.terminal("init", "--recovery-file", new.words, *args)
                if typed:
                    terminal.expect("Enter for none")
                    terminal.send(typed)
                self.assertEqual(terminal.wait(), 0, terminal)
                new.run("status").ok()

    def test_joining_offers_one_too(self):
        for args, typed, locked in (((), ("one\n", "one\n"), True), ((), ("\n",), False), (("--yes",), (), False)):
            with self.subTest(args=args, typed=typed), Device("new") as new:
                inviter, invite = self.laptop.invite()
                begun = ("pair", "--join", invite["code"], "--peer", invite["addresses"][0])
                terminal = new.terminal(*begun)
                terminal.expect(r"keys \(Enter for none\): ")
                terminal.send("\x03")
                self.assertEqual(terminal.wait(), 130, terminal)
                self.assertIn("nothing was changed", terminal.screen)
                self.assertFalse(new.home.exists())
                terminal = new.terminal(*begun, *args)
                for question, answer in zip((r"keys \(Enter for none\): ", "again: "), typed):
                    terminal.expect(question)
                    terminal.send(answer)
                self.assertEqual(terminal.wait(), 0, terminal)
                self.assertEqual("Enter for none" in terminal.screen, bool(typed))
                self.assertEqual(inviter.wait(), 0, inviter)
                self.assertEqual(new.run("status", "--json").expect(11 if locked else 0).code, 11 if locked else 0)
        with Device("new") as new:
            inviter, invite = self.laptop.invite()
            new.join(invite, "--passphrase-file", new.dir / "nowhere").expect(11)
            self.assertFalse(new.home.exists())
            new.join(invite, "--passphrase-file", self.laptop.passphrase).ok()
            self.assertEqual(new.run("status", "--json").expect(11).error()["code"], "locked")
            new.run("status", env={"KITH_PASSPHRASE_FILE": self.laptop.passphrase}).ok()
            self.assertEqual(inviter.wait(), 0, inviter)
        error = self.laptop.run("pair", "--passphrase-file", self.laptop.passphrase, "--json").expect(2).error()
        self.assertIn("goes with --join", error["message"])

    def test_no_secret_lies_in_the_clear(self):
        let_in(self.laptop, self.phone)
        roots = {}
        for device in (self.laptop, self.phone):
            root = roots[device] = device.dir / "notes"
            root.mkdir()
            (root / f"from-{device.name}.txt").write_text(f"by {device.name}\n" * 1000)
        runs = [device.start("sync", roots[device], "--json", *(["--folder", "notes"] if device is self.phone else []))
                for device in (self.laptop, self.phone) if device is self.laptop or self.knows_the_folder()]
        wait_until("both files on both", lambda: all((roots[device] / f"from-{name}.txt").exists() for device in roots
                                                     for name in ("laptop", "phone")))
        self.laptop.run("push", "a private message", "--wait", "safe").ok()
        self.laptop.run("key", "rotate").ok()
        self.assertEqual(self.phone.texts(), ["a private message"])
        for device in roots:  # while the program runs: the journal of the database counts as well
            found = self.find_keys(device, device.passphrase)
            self.assertEqual(found.returncode, 0, found.stdout)
            self.assertRegex(found.stdout, r"^[1-9]\d* secrets, [1-9]\d* files")
            self.only_its_users(device, roots[device])
        for run in runs:
            self.assertEqual(run.stop(), 0, run)
        for device in roots:
            self.assertEqual(self.find_keys(device, device.passphrase).returncode, 0)

    def knows_the_folder(self):
        return wait_until("the folder on the phone", lambda: self.phone.run("pull", "--json") and
                          self.phone.json("status")["folders"])

    def test_the_search_finds_what_is_there(self):
        plain = Device("plain")
        self.addCleanup(plain.close)
        plain.init()
        self.assertEqual(self.find_keys(plain).returncode, 3)

    def only_its_users(self, device, root):
        """Whatever the program makes, in the home and beside a folder, is for its user alone."""
        seen = 0
        for top in (device.home, root / ".kith"):
            for directory, directories, files in os.walk(top):
                self.assertEqual(oct(mode_of(directory)), oct(0o700), directory)
                for name in files:
                    path = os.path.join(directory, name)
                    if stat.S_ISREG(os.lstat(path).st_mode) or stat.S_ISSOCK(os.lstat(path).st_mode):
                        self.assertEqual(mode_of(path) & 0o077, 0, f"{path} {oct(mode_of(path))}")
                        self.assertEqual(mode_of(path) & 0o600, 0o600, path)
                        seen += 1
        self.assertGreater(seen, 2)

    def test_permissions_whatever_the_umask(self):
        for umask in (0o000, 0o022, 0o077):
            with self.subTest(umask=oct(umask)), Device("umask") as device:
                device.run("init", "--recovery-file", device.words, umask=umask).ok()
                device.run("push", "x", umask=umask, timeout=PATIENCE_S).ok()
                self.assertEqual(oct(mode_of(device.words)), oct(0o600))
                self.only_its_users_home(device)

    def only_its_users_home(self, device):
        for path in [device.home, *device.home.rglob("*")]:
            wanted = 0o700 if path.is_dir() else 0o600
            self.assertEqual(oct(mode_of(path)), oct(wanted), path)

    def test_a_home_that_others_can_read_is_refused(self):
        for path in [self.laptop.home, *(each for each in self.laptop.home.iterdir() if "key" in each.name)]:
            with self.subTest(path=path.name):
                before = mode_of(path)
                path.chmod(before | 0o044)
                self.assertEqual(self.laptop.run("status", "--json").expect(2).error()["code"], "too-open")
                path.chmod(before)
        self.laptop.run("status").ok()


if __name__ == "__main__":
    unittest.main()
