"""Folders between two devices: what travels and what does not, renames, deletions, live edits, exit codes of `--once`."""

import hashlib
import os
import shutil
import signal
import socket
import time
import unicodedata
import unittest

from folder_pair import Pair, trash_of, tree
from kith_e2e import from_b64, mode_of, wait_until

LIVE_S = 1.0   # the product's promise for an edit on an idle machine
SLACK_S = 3.0  # what a loaded one is given on top


class Folders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pair = Pair()
        cls.addClassCleanup(cls.pair.close)
        cls.laptop, cls.desktop = cls.pair.laptop, cls.pair.desktop

    def step(self, name, codes=(0, 0)):
        """One round on both devices; the exit codes must be these. @return the summaries"""
        (code_a, a), (code_b, b) = self.pair.step(name)
        self.assertEqual((code_a, code_b), codes, (a, b))
        return a, b

    def assert_same(self, name):
        first, second = (tree(each) for each in self.pair.folders(name))
        self.assertEqual(first, second)
        return first


class FirstSync(Folders):
    def test_everything_that_travels(self):
        here, there = self.pair.make("all")
        (here / "empty" / "in" / "empty").mkdir(parents=True)
        (here / "bin").mkdir()
        for name, mode in (("run.sh", 0o755), ("private", 0o600), ("read-only", 0o444)):
            (here / "bin" / name).write_text(f"#!/bin/sh\n# {name}\n")
            (here / "bin" / name).chmod(mode)
        (here / "nothing").touch()
        (here / "large.bin").write_bytes(os.urandom(5 << 20))
        (here / "zeros.bin").write_bytes(bytes(3 << 20))
        for form in ("NFC", "NFD"):
            (here / form).mkdir()
            (here / form / unicodedata.normalize(form, "Üñïcödé 漢字 한글.txt")).write_text(form)
        (here / ("x" * 255)).write_text("255 bytes")
        (here / ("é" * 127 + "y")).write_text("255 bytes too")
        for name in ("readme", "README", "ReadMe"):
            (here / name).write_text(name)
        for name in (" leading and trailing ", "tab\tand\nnewline", "-rf", "~", "'quoted\"", "..hidden", "con", "a\\b", "*?<>|:"):
            (here / name).write_text(name)
        deep = here
        for level in range(30):
            deep = deep / f"level {level}"
        deep.mkdir(parents=True)
        (deep / "deep").write_text("deep")
        os.utime(here / "nothing", ns=(0, 1_234_567_890_123_456_789))

        sent, received = self.step("all")
        held = self.assert_same("all")
        self.assertEqual(len([each for each in held.values() if each != "directory"]), sent["sent"]["files"])
        self.assertEqual(sent["sent"], received["received"])
        self.assertEqual(mode_of(there / "bin" / "run.sh"), 0o755)
        self.assertEqual((there / "nothing").stat().st_mtime_ns, 1_234_567_890_123_456_789)
        self.assertTrue((there / "empty" / "in" / "empty").is_dir())
        self.assertEqual(received["skipped"], [])
        self.assertEqual(self.laptop.run("verify", "all", "--json").code, 10)  # nobody is there now

    def test_what_is_left_alone_is_said(self):
        here, there = self.pair.make("skipped")
        (here / "plain").write_text("plain")
        (here / "link").symlink_to("plain")
        (here / "dir-link").symlink_to("/etc")
        (here / "dangling").symlink_to("nowhere")
        os.mkfifo(here / "pipe")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(here / "socket"))
        raw = os.fsencode(str(here)) + b"/caf\xe9"
        with open(raw, "wb") as file:
            file.write(b"not UTF-8")
        for form in ("NFC", "NFD"):
            (here / unicodedata.normalize(form, "clash é")).write_text(form)
        wanted = {"link": "symlink", "dir-link": "symlink", "dangling": "symlink", "pipe": "special-file",
                  "socket": "special-file"}

        summary, _ = self.step("skipped", (3, 0))
        codes = {each["path"]: each["code"] for each in summary["skipped"]}
        self.assertEqual(summary["skipped_total"], len(summary["skipped"]))
        self.assertLessEqual(wanted.items(), codes.items())
        other = [each for each in summary["skipped"] if "path_b64" in each]
        self.assertEqual([(from_b64(each["path_b64"]), each["code"]) for each in other], [(b"caf\xe9", "not-utf8")])
        clashes = [path for path, code in codes.items() if code == "name-clash"]
        self.assertEqual(len(clashes), 1)
        self.assertEqual(len(codes), len(wanted) + 2)
        kept = next(name for form in ("NFC", "NFD") if (name := unicodedata.normalize(form, "clash é")) not in clashes)
        self.assertEqual(sorted(os.listdir(there)), sorted([".kith", "plain", kept]))

        # What lies there of another kind is not covered by what arrives, and goes on being said.
        people = self.laptop.run("sync", here, "--once", "--timeout", "1s", env={"LANG": "C.UTF-8"})
        self.assertIn("skipped: link was left alone (symlink)", people.err)
        self.assertEqual(open(raw, "rb").read(), b"not UTF-8")
        self.assertEqual(os.readlink(here / "link"), "plain")

    def test_what_is_left_alone_is_said_while_it_runs(self):
        here, there = self.pair.make("told")
        (here / "plain").write_text("plain")
        with self.pair.live("told"):
            pass
        people = self.laptop.start("sync", here, env={"LANG": "C.UTF-8"})
        wait_until("it runs", lambda: self.laptop.status("told")["watched"])

        def said(text):
            return [line for line in people.err if text in line]
        (here / "link").symlink_to("plain")
        wait_until("a link", lambda: said("told: link was left alone (symlink)"))
        with open(os.fsencode(str(here)) + b"/caf\xe9", "wb") as file:
            file.write(b"not UTF-8")
        wait_until("a name", lambda: said("was left alone (not-utf8)"))
        folder = self.laptop.status("told")["skipped"]
        self.assertEqual((folder["total"], folder["codes"]),
                         (2, [{"code": "symlink", "files": 1}, {"code": "not-utf8", "files": 1}]))
        self.assertEqual({each["code"] for each in folder["items"]}, {"symlink", "not-utf8"})
        text = self.laptop.run("status", env={"LANG": "C.UTF-8"}).ok().out
        self.assertIn("told: 2 left alone (1 symlink, 1 not-utf8): kith help skipped", text)
        (here / "link").unlink()
        os.unlink(os.fsencode(str(here)) + b"/caf\xe9")
        wait_until("nothing", lambda: self.laptop.status("told")["skipped"]["total"] == 0)
        # What arrives and cannot come is said as well, once.
        os.mkfifo(here / "pipe")
        (there / "pipe").write_text("a file here")
        other = self.desktop.sync("told")
        wait_until("a blocked one", lambda: said("told: pipe was left alone (blocked)"))
        (here / "more").write_text("more")
        wait_until("both", lambda: self.laptop.status("told")["skipped"]["total"] == 2)
        os.unlink(here / "pipe")
        wait_until("it comes", lambda: (here / "pipe").is_file())
        wait_until("nothing again", lambda: self.laptop.status("told")["skipped"]["total"] == 0)
        self.assertEqual((people.stop(), other.stop()), (0, 0))
        self.assertEqual([len(said(code)) for code in ("(symlink)", "(not-utf8)", "(special-file)", "(blocked)")], [1] * 4)

    def test_what_both_have_already_is_not_sent(self):
        here, there = self.pair.make("same")
        content = os.urandom(2 << 20)
        for each in (here, there):
            (each / "same.bin").write_bytes(content)
            (each / "only here" if each == here else each / "only there").write_text(each.parent.parent.name)
        a, b = self.step("same")
        for _ in range(2):  # a round ends when all that was known then is there
            self.step("same")
        self.assertEqual(len(self.assert_same("same")), 3)
        self.assertLess(a["received"]["size_bytes"] + b["received"]["size_bytes"], 1 << 20)
        self.assertEqual((a["conflicts"], b["conflicts"]), ([], []))


class Changes(Folders):
    def test_kinds(self):
        here, there = self.pair.make("kinds")
        (here / "file").write_text("a file")
        (here / "directory").mkdir()
        (here / "directory" / "inner").write_text("inner")
        (here / "to-link").write_text("was a file")
        (here / "from-link").symlink_to("file")
        self.step("kinds", (3, 0))
        (here / "file").unlink()
        (here / "file").mkdir()
        (here / "file" / "inside").write_text("inside")
        (here / "directory" / "inner").unlink()
        (here / "directory").rmdir()
        (here / "directory").write_text("a file now")
        (here / "to-link").unlink()
        (here / "to-link").symlink_to("file")
        (here / "from-link").unlink()
        (here / "from-link").write_text("a file now too")
        summary, _ = self.step("kinds", (3, 0))
        self.assertEqual([each["path"] for each in summary["skipped"]], ["to-link"])
        self.assertEqual((there / "file" / "inside").read_text(), "inside")
        self.assertEqual((there / "directory").read_text(), "a file now")
        self.assertEqual((there / "from-link").read_text(), "a file now too")
        self.assertEqual((there / "to-link").read_text(), "was a file")  # a link in its place deletes nothing
        self.assertEqual(sorted(trash_of(there)), [("directory/inner", b"inner"), ("file", b"a file")])
        (here / "to-link").unlink()  # and with the link goes what it stood for
        (here / "file" / "inside").unlink()
        (here / "file").rmdir()
        (here / "file").write_text("a file again")
        (there / "directory").chmod(0o755)
        self.step("kinds")
        self.step("kinds")
        self.assertFalse((there / "to-link").exists())
        self.assertEqual((there / "file").read_text(), "a file again")
        self.assertEqual(mode_of(here / "directory"), 0o755)
        self.assert_same("kinds")

    def test_what_a_link_holds_back_is_named_and_nothing_to_come(self):
        here, there = self.pair.make("held")
        (here / "file").write_text("first")
        self.step("held")
        (there / "file").rename(there.parent / "elsewhere")
        (there / "file").symlink_to(there.parent / "elsewhere")
        (here / "file").write_text("second")
        sender = self.laptop.sync("held")
        summary = self.desktop.once("held").expect(3).lines()[-1]
        self.assertTrue(summary["in_sync"])
        self.assertEqual(summary["pending"], {"files": 0, "size_bytes": 0})
        self.assertEqual({(each["path"], each["code"]) for each in summary["skipped"]},
                         {("file", "symlink"), ("file", "blocked")})
        self.assertEqual((there / "file").read_text(), "first")
        self.assertEqual(sender.stop(), 0)
        # The other device knows that this one does not have it.
        receiver = self.desktop.sync("held")
        wait_until("in step", lambda: self.desktop.status("held")["state"] == "in-step")
        told = self.laptop.once("held").expect(3)
        self.assertEqual(([each["code"] for each in told.warnings()], told.lines()[-1]["devices"][0]["held"]), (["held-back"], 1))
        sender = self.laptop.sync("held")
        found = self.desktop.run("verify", "held", "--json", "--timeout", "2s").expect(3).document()
        self.assertEqual((found["result"], found["pending"]["files"]), ("unverified", 0))
        self.assertIn("held: 1 path is left alone on this device",
                      self.desktop.run("verify", "held", "--timeout", "2s").expect(3).out)
        (there / "file").unlink()
        (there.parent / "elsewhere").rename(there / "file")
        wait_until("the edit", lambda: (there / "file").read_text() == "second")
        self.assertEqual(receiver.stop(), 0)
        self.assertEqual(sender.stop(), 0)

    def test_renames_send_no_content(self):
        self.rename_directory("renames", 45)

    def test_a_rename_of_many_is_no_mass_deletion(self):
        self.rename_directory("many-renames", 100)

    def rename_directory(self, name, files):
        here, there = self.pair.make(name)
        (here / "old").mkdir()
        for number in range(files):
            (here / "old" / f"photo {number}.jpg").write_bytes(os.urandom(40_000))
        (here / "single").write_bytes(os.urandom(300_000))
        self.step(name)
        before = self.assert_same(name)
        inodes = {path.name: path.stat().st_ino for path in (there / "old").iterdir()}
        (here / "old").rename(here / "new")
        (here / "single").rename(here / "new" / "moved")
        _, received = self.step(name)
        after = self.assert_same(name)
        self.assertEqual(sorted(map(str, before.values())), sorted(map(str, after.values())))
        self.assertEqual(received["received"]["size_bytes"], 0)
        self.assertFalse((there / "old").exists())
        kept = {path.name: path.stat().st_ino for path in (there / "new").iterdir()}
        self.assertLessEqual(inodes.items(), kept.items())
        self.assertEqual(trash_of(there), [])

    def test_deleted_trees_go_to_the_trash(self):
        here, there = self.pair.make("deleted")
        for number in range(40):
            path = here / "tree" / str(number % 4) / f"{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content {number}")
        (here / "stays").write_text("stays")
        self.step("deleted")
        os.symlink("/", there / "tree" / "own-link")  # what does not travel is nobody else's to delete
        for path in sorted((here / "tree").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (here / "tree").rmdir()
        sent, received = self.step("deleted", (0, 3))
        self.assertEqual((sent["deleted"]["there"], received["deleted"]["here"]), (40, 40))
        self.assertEqual(sorted(content for _, content in trash_of(there)), sorted(b"content %d" % each for each in range(40)))
        self.assertEqual(os.listdir(there / "tree"), ["own-link"])
        (there / "tree" / "own-link").unlink()
        (there / "tree").rmdir()
        self.step("deleted")
        self.assertEqual(self.assert_same("deleted").keys(), {b"stays"})


class Live(Folders):
    def test_edits_arrive_at_once_both_ways(self):
        here, there = self.pair.make("live")
        (here / "seed").write_text("seed")
        took = []
        with self.pair.live("live"):
            for number in range(8):
                source, target = (here, there) if number % 2 == 0 else (there, here)
                for name in (f"new-{number}", "edited"):
                    text = f"{name} in round {number}\n"
                    begin = time.monotonic()
                    (source / name).write_text(text)
                    wait_until(text, lambda: (target / name).is_file() and (target / name).read_text() == text, step=0.005)
                    took.append(time.monotonic() - begin)
            begin = time.monotonic()
            (there / "directory" / "new").mkdir(parents=True)
            (there / "directory" / "new" / "file").write_text("in a new directory")
            wait_until("a new directory", lambda: (here / "directory" / "new" / "file").is_file(), step=0.005)
            (here / "seed").unlink()
            wait_until("a deletion", lambda: not (there / "seed").exists(), step=0.005)
            took.append((time.monotonic() - begin) / 2)
            self.pair.wait_same("live")
        took.sort()
        print(f"an edit, on the other device: median {took[len(took) // 2] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms")
        self.assertLess(took[-1], LIVE_S + SLACK_S)


    def test_a_tree_that_arrives_at_once_is_taken_once(self):
        """A directory and what is in it are noticed together, and each file has one version to go on from."""
        here, there = self.pair.make("trees")
        (here / "seed").write_text("seed")
        with self.pair.live("trees"):
            self.pair.wait_same("trees")
            for number in range(20):
                path = here / "first" / "deep" / f"file {number}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"content {number}")
            self.pair.wait_same("trees", "the tree on both")
            shutil.copytree(here / "first", here / "copied")
            wait_until("the copied tree", lambda: len(list(there.glob("copied/deep/*"))) == 20)
            (here / "copied" / "deep" / "file 1").write_text("edited")
            (here / "copied" / "deep" / "file 2").unlink()
            (here / "copied" / "deep" / "file 3").rename(here / "copied" / "deep" / "renamed")
            (here / "first").rename(here / "second")
            wait_until("the edits", lambda: not (there / "first").exists() and
                       (there / "copied" / "deep" / "file 1").read_text() == "edited" and
                       not (there / "copied" / "deep" / "file 2").exists() and
                       (there / "copied" / "deep" / "renamed").exists() and len(list(there.glob("second/deep/*"))) == 20)
            time.sleep(1)  # in which something could come back
            self.pair.wait_same("trees")
            found = sorted(str(path.relative_to(there)) for path in there.glob("[!.]*/**/*") if path.is_file())
        wanted = [f"second/deep/file {number}" for number in range(20)]
        wanted += [f"copied/deep/file {number}" for number in range(20) if number not in (2, 3)] + ["copied/deep/renamed"]
        self.assertEqual(found, sorted(wanted))
        self.assertEqual(self.laptop.status("trees")["conflicts"], 0)


class CutShort(Folders):
    def test_a_scan_that_is_stopped_deletes_nothing(self):
        here, there = self.pair.make("short")
        for number in range(12):
            (here / f"z {number}").write_text(f"small {number}")
        self.step("short")
        before = self.assert_same("short").keys()
        (here / "a large one").write_bytes(os.urandom(60 << 20))  # read before the others are met
        for delay in (0.03, 0.05, 0.08, 0.12, 0.2):
            process = self.laptop.start("sync", here, "--once", "--json")
            time.sleep(delay)
            process.stop(signal.SIGINT)
        self.laptop.run("sync", here, "--once", "--json", "--peer", "127.0.0.1:1", "--timeout", "1s").expect(10)
        follower = self.desktop.start("sync", there, "--json")
        self.laptop.run("pull", "--json", "--timeout", "20s")
        time.sleep(1)
        self.assertEqual(follower.stop(), 0)
        self.assertLessEqual(before, tree(there).keys())
        self.assertEqual(trash_of(there), [])
        self.step("short")
        self.assertEqual(len(self.assert_same("short")), 13)


class Once(Folders):
    def test_exit_codes(self):
        here, there = self.pair.make("codes")
        (here / "file").write_text("first")
        alone = self.laptop.once("codes", timeout="2s").expect(10)
        self.assertEqual(alone.error()["code"], "nobody-reachable")
        self.assertTrue(alone.error()["safe"])
        self.step("codes")
        (here / "file").write_text("changed here")
        (there / "file").write_text("changed there")
        results = self.pair.step("codes")
        copies = [copy for _, summary in results for copy in summary["conflicts"]]
        self.assertEqual({code for code, summary in results if summary["conflicts"]}, {4}, results)
        self.assertEqual({each["path"] for each in copies}, {"file"})
        wait_until("no more to do", lambda: [code for code, _ in self.pair.step("codes")] == [0, 0])
        self.assert_same("codes")
        self.assertEqual({path.read_text() for path in here.glob("file*")}, {"changed here", "changed there"})
        self.assertEqual(self.laptop.status("codes")["conflicts"], 1)
        (here / copies[0]["copy"]).unlink()  # the user has decided
        self.step("codes")
        self.assertEqual(self.assert_same("codes").keys(), {b"file"})
        self.assertEqual(self.laptop.status("codes")["conflicts"], 0)

    def test_times_out_where_nothing_moves(self):
        # The other device has taken up the folder, is connected, and does not get on with it: it cannot be read.
        here, there = self.pair.make("stuck")
        (here / "file").write_text("x")
        self.step("stuck")
        (here / "more").write_text("never applied")
        follower = self.desktop.start("pull", "--follow", "--json")  # on the network, without looking after folders
        wait_until("the follower", lambda: self.desktop.run("status", "--json").document()["running"])
        begin = time.monotonic()
        done = self.laptop.once("stuck", timeout="3s").expect(5)
        self.assertEqual(done.error()["code"], "timed-out")
        self.assertGreater(time.monotonic() - begin, 2.9)
        self.assertFalse(done.lines()[-1]["in_sync"])
        # It knows of the file and has not got it: that is no second copy.
        (other,) = self.laptop.run("status", "--json").document()["devices"]
        self.assertIs(other["in_sync"], False)
        self.assertEqual(follower.stop(), 0)
        self.step("stuck")
        self.assertEqual((there / "more").read_text(), "never applied")
        (other,) = self.laptop.run("status", "--json").document()["devices"]
        self.assertIs(other["in_sync"], True)

    def test_waits_while_the_other_device_is_reading(self):
        # What the other one's disk holds is in nobody's log yet: until it has been read, nobody can say "in step".
        here, there = self.pair.make("reading")
        self.step("reading")
        with open(here / "large", "wb") as file:
            file.truncate(384 << 20)
        sender = self.laptop.sync("reading")
        self.assertEqual(self.desktop.once("reading").ok().lines()[-1]["received"]["files"], 1)
        self.assertEqual((there / "large").stat().st_size, 384 << 20)
        self.assertEqual(sender.stop(), 0)

    def test_dry_run_changes_nothing(self):
        here, there = self.pair.make("dry")
        (here / "kept").write_text("kept")
        (here / "gone").write_text("gone")
        self.step("dry")
        (there / "theirs").write_text("theirs")
        (here / "gone").unlink()
        (here / "new").write_text("12345")
        os.mkfifo(here / "pipe")

        def picture(device):
            return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None, os.lstat(path).st_mtime_ns)
                    for path in sorted(device.dir.rglob("*")) if not path.is_fifo() and "bell" not in path.parts}
        before = picture(self.laptop), picture(self.desktop)
        told = self.laptop.run("sync", here, "--dry-run", "--json").ok().document()
        self.assertTrue(told["dry_run"])
        self.assertEqual(told["sent"], {"files": 1, "size_bytes": 5})
        self.assertEqual(told["deleted"]["there"], 1)
        self.assertEqual([(each["path"], each["code"]) for each in told["skipped"]], [("pipe", "special-file")])
        fresh = self.laptop.folder("fresh")
        fresh.mkdir()
        (fresh / "a").write_text("abc")
        again = self.laptop.run("sync", fresh, "--dry-run", "--json").ok().document()
        self.assertEqual(again["sent"], {"files": 1, "size_bytes": 3})
        self.assertEqual(os.listdir(fresh), ["a"])
        (fresh / "a").unlink()
        fresh.rmdir()
        changed = {path: (before[0].get(path), after) for path, after in picture(self.laptop).items()
                   if before[0].get(path) != after and not os.path.isdir(path)}
        self.assertEqual(changed, {})
        self.assertEqual(picture(self.desktop), before[1])


if __name__ == "__main__":
    unittest.main()
