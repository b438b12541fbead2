"""Where a folder may be, and how it is named: what `sync` takes up and what it refuses."""

import os
import shlex
import shutil
import subprocess
import time
import unittest

from folder_pair import Pair
from kith_e2e import mode_of, wait_until


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pair = Pair()
        cls.addClassCleanup(cls.pair.close)
        cls.laptop, cls.desktop = cls.pair.laptop, cls.pair.desktop

    def refused(self, *args, code=2):
        """With and without --dry-run."""
        dry = self.laptop.run("sync", *args, "--dry-run", "--json").expect(code).error()
        done = self.laptop.run("sync", *args, "--once", "--timeout", "1s", "--json").expect(code)
        error = done.error()
        self.assertTrue(error["safe"])
        self.assertTrue(error["remedy"])
        self.assertEqual(dry, error)
        return error

    def test_names(self):
        here, there = self.pair.make("names")
        elsewhere = self.desktop.folder("somewhere else")
        elsewhere.mkdir()
        (here / "file").write_text("file")
        self.laptop.once("names", timeout="1s").expect(10)
        running = self.laptop.sync("names")
        self.desktop.run("sync", elsewhere, "--folder", "names", "--once", "--json").ok()
        self.assertEqual((elsewhere / "file").read_text(), "file")
        # The folder is in one place on a device, and the name of another directory does not bring it to a second one.
        self.assertEqual(self.desktop.run("sync", there, "--once", "--json").expect(2).error()["code"], "folder-elsewhere")
        fresh = self.desktop.run("sync", there, "--new", "--once", "--json")
        self.assertEqual(fresh.expect(3).lines()[-1]["folder"]["name"], "names-2")  # which nobody else keeps
        self.assertEqual(sorted(os.listdir(there)), [".kith"])
        self.assertEqual(running.stop(), 0)
        self.desktop.run("sync", there, "--folder", "names", "--once", "--json", "--timeout", "1s").expect(2)

    def test_made_only_for_what_the_group_has(self):
        here, there = self.pair.folders("made")
        error = self.refused(self.laptop.folder("mistyped"))
        self.assertEqual((error["code"], error["remedy"][0]["command"]),
                         ("no-such-path", f"mkdir -p {self.laptop.folder('mistyped')}"))
        self.assertFalse(self.laptop.folder("mistyped").exists())
        here.mkdir()
        (here / "file").write_text("file")
        running = self.laptop.sync("made")
        wait_until("the folder is known", lambda: self.desktop.knows("made"))
        self.desktop.once("made").ok()
        self.assertEqual((there / "file").read_text(), "file")
        self.assertEqual(running.stop(), 0)

    def test_what_is_above_is_made_too(self):
        """Also where nothing of a relative path is there."""
        there = self.laptop.dir / "new" / "deep"
        done = self.laptop.run("sync", "new/deep", "--once", "--timeout", "1s", "--json").expect(2).error()
        self.assertIn(f"{there} is not there", done["message"])
        self.assertEqual(done["remedy"][0]["command"], f"mkdir -p {there}")
        self.assertFalse(there.parent.exists())
        made = self.laptop.run("sync", "new/deep", "--new", "--once", "--timeout", "1s", "--json", umask=0o022).expect(10).lines()[-1]
        self.assertEqual((made["folder"]["path"], mode_of(there), mode_of(there.parent)), (str(there), 0o755, 0o755))
        # For a folder that the group has, the directory is made; where that cannot be, nothing is left of it.
        self.assertEqual(self.refused("b/c", "--folder", "deep")["code"], "folder-elsewhere")
        self.assertFalse((self.laptop.dir / "b").exists())
        there.rename(self.laptop.dir / "away")
        moved = self.laptop.run("sync", "b/c", "--folder", "deep", "--once", "--timeout", "1s", "--json").expect(10).lines()[-1]
        self.assertEqual(moved["folder"]["path"], str(self.laptop.dir / "b" / "c"))
        (self.laptop.dir / "dangling").symlink_to("nowhere")
        self.assertEqual(self.refused(self.laptop.dir / "dangling")["code"], "not-a-directory")

    def test_what_is_made_is_as_open_as_the_user_makes_things(self):
        for umask, mode in ((0o077, 0o700), (0o022, 0o755), (0o002, 0o775)):
            there = self.laptop.dir / f"umask-{umask:03o}" / f"made-{umask:03o}"
            self.laptop.run("sync", there, "--new", "--once", "--timeout", "1s", umask=umask).expect(10)
            self.assertEqual((oct(mode_of(there)), oct(mode_of(there.parent))), (oct(mode), oct(mode)))
            self.assertEqual(oct(mode_of(there / ".kith")), oct(0o700))

    def test_a_folder_that_is_heard_of_only_now(self):
        here, there = self.pair.make("heard")[0], self.desktop.folder("heard")
        if there.exists():
            there.rmdir()
        (here / "file").write_text("file")
        running = self.laptop.sync("heard")
        self.assertIsNone(self.desktop.status("heard"))
        self.desktop.once("heard").ok()
        self.assertEqual((there / "file").read_text(), "file")
        self.assertEqual(running.stop(), 0)

    def test_waiting_for_a_folder_ends_as_following_it_does(self):
        for once, code in (((), 0), (("--once",), 130)):
            waiting = self.laptop.start("sync", self.laptop.folder("nobody has it"), *once)
            waiting.wait_line("asking other devices", stream="err")
            self.assertEqual(waiting.stop(), code)

    def test_a_folder_that_was_moved(self):
        old, new = self.laptop.folder("moved"), self.laptop.folder("moved away")
        old.mkdir()
        (old / "file").write_text("file")
        self.laptop.once("moved", timeout="1s").expect(10)
        old.rename(new)
        error = self.refused(new)
        self.assertEqual(error["code"], "folder-foreign")
        self.assertEqual(error["remedy"][0]["command"], f"kith sync '{new}' --folder moved")
        self.laptop.run("sync", new, "--folder", "moved", "--dry-run").ok()
        again = self.laptop.run("sync", new, "--folder", "moved", "--once", "--timeout", "1s", "--json").expect(10)
        self.assertEqual(again.lines()[-1]["folder"]["path"], str(new))
        self.assertEqual((new / "file").read_text(), "file")

    def test_a_copy_that_is_away_is_none(self):
        """The other device knows all that there is, and its disk is away."""
        here, there = self.pair.make("copy")
        (here / "file").write_text("file")
        self.assertEqual([code for code, _ in self.pair.step("copy")], [0, 0])
        (there / ".kith").rename(there / "kith")
        follower = self.desktop.start("pull", "--follow")
        done = self.laptop.once("copy").expect(3)
        self.assertFalse(done.lines()[-1]["in_sync"])
        self.assertIn("copy: no device that was reached keeps it", self.laptop.run("verify", "copy").expect(3).out)
        (there / "kith").rename(there / ".kith")
        self.assertEqual(follower.stop(), 0)
        self.assertEqual([code for code, _ in self.pair.step("copy")], [0, 0])
        running = self.desktop.sync("copy")
        self.assertEqual(self.laptop.run("verify", "copy", "--json").ok().document()["result"], "identical")
        self.assertEqual(running.stop(), 0)

    def test_a_folder_that_lost_its_marker(self):
        here = self.laptop.folder("unmarked")
        here.mkdir()
        (here / "file").write_text("file")
        self.laptop.once("unmarked", timeout="1s").expect(10)
        shutil.rmtree(here / ".kith")
        error = self.refused(here, code=15)
        self.assertIn(f"kith sync {here} --folder unmarked", [each["command"] for each in error["remedy"]])
        told = self.laptop.run("sync", here, "--folder", "unmarked", "--dry-run", "--json").ok().document()
        self.assertEqual((told["sent"]["files"], told["deleted"]["there"]), (1, 0))
        # Moved as well: neither place has the marker.
        there = self.laptop.dir / "elsewhere"
        there.mkdir()
        here.rename(there / "unmarked")
        error = self.refused(there / "unmarked")
        self.assertEqual(error["code"], "folder-elsewhere")
        self.assertEqual(error["remedy"][0]["command"], f"kith sync {there / 'unmarked'} --folder unmarked")

    def test_refused(self):
        outer = self.laptop.folder("outer")
        (outer / "inner").mkdir(parents=True)
        self.laptop.once("outer", timeout="1s").expect(10)
        for directory in (outer / "inner", outer.parent):
            error = self.refused(directory)
            self.assertIn("one inside the other", error["message"] + (error["cause"] or ""))
            self.assertEqual(error["remedy"][0]["command"], "kith sync DIR")
        self.assertFalse((outer / "inner" / ".kith").exists())
        error = self.refused(self.laptop.dir, "--folder", "everything")
        self.assertIn("home is inside", error["message"] + (error["cause"] or ""))
        self.assertEqual(self.refused(self.laptop.home)["code"], "usage")
        file = self.laptop.folder("a-file")
        file.write_text("no directory")
        self.assertEqual(self.refused(file)["code"], "not-a-directory")
        self.assertIn(self.refused(file / "below")["code"], ("not-a-directory", "no-such-path"))
        self.assertEqual(self.refused("")["exit"], 2)
        os.symlink(outer, self.laptop.folder("link"))  # a link to the folder is the folder
        again = self.laptop.run("sync", self.laptop.folder("link"), "--once", "--timeout", "1s", "--json").expect(10)
        self.assertEqual(again.lines()[-1]["folder"]["name"], "outer")

    def test_a_directory_of_another_group(self):
        foreign, _ = self.pair.make("foreign")
        self.laptop.once("foreign", timeout="1s").expect(10)
        other = Pair()
        try:
            inner = foreign / "deep" / "inner"
            inner.mkdir(parents=True)
            for how in (("--dry-run",), ("--once", "--timeout", "1s")):
                done = other.laptop.run("sync", foreign, "--json", *how).expect(2)
                self.assertEqual(done.error()["code"], "folder-foreign")
                # That home would carry what is below as well.
                error = other.laptop.run("sync", inner, "--json", *how).expect(2).error()
                self.assertEqual((error["code"], error["message"].split(";")[0]),
                                 ("usage", f"{inner} is inside {foreign}, which another home keeps as a folder"))
                self.assertEqual(error["remedy"][-1]["command"], done.error()["remedy"][-1]["command"])
                self.assertFalse((inner / ".kith").exists())
            # Its home is gone: what the remedy says lets the other home take the files over.
            (foreign / "file").write_text("kept")
            kept = foreign / ".kith" / "trash" / "kept"
            kept.parent.mkdir(exist_ok=True)
            kept.write_text("kept too")
            command = shlex.split(done.error()["remedy"][-1]["command"])
            self.assertEqual(command, ["rm", str(foreign / ".kith" / "folder")])
            subprocess.run(command, check=True)
            other.laptop.run("sync", inner, "--dry-run").ok()
            other.laptop.run("sync", foreign, "--once", "--json", "--timeout", "1s").expect(10)
            other.desktop.folder("foreign").mkdir()
            follower = other.laptop.start("sync", foreign, "--json")
            other.desktop.once("foreign").ok()
            self.assertEqual(follower.stop(), 0)
            self.assertEqual((other.desktop.folder("foreign") / "file").read_text(), "kept")
            self.assertEqual(kept.read_text(), "kept too")
        finally:
            other.close()


class Told(unittest.TestCase):
    """What `sync --once`, `status` and `verify` say of folders and devices where not all is well."""

    @classmethod
    def setUpClass(cls):
        cls.pair = Pair()
        cls.addClassCleanup(cls.pair.close)
        cls.laptop, cls.desktop = cls.pair.laptop, cls.pair.desktop

    def test_what_is_only_recorded_is_not_called_sent(self):
        here, _ = self.pair.make("queued")
        (here / "file").write_text("file")
        shown = self.laptop.run("sync", here, "--once", "--timeout", "1s").expect(10).out
        self.assertRegex(shown, r"^! queued: recorded 1 file \(4 B\)\. Queued here, nobody reached in ")
        running = self.desktop.start("pull", "--follow")
        (here / "other").write_text("other")
        # Nobody there keeps the folder: what the other device has heard of is no copy.
        run = self.laptop.run("sync", here, "--once").expect(3)
        self.assertIn("queued: recorded 1 file (5 B). Not in step in ", run.out)
        self.assertIn("no device that was reached keeps queued", run.err)
        run = self.laptop.run("verify", "queued").expect(3)
        self.assertIn("queued: no device that was reached keeps it", run.out)
        self.assertEqual(running.stop(), 0)
        shown = self.laptop.run("status").ok()
        self.assertRegex(shown.out, r"desktop .* keeps (no folder|\d of \d folders) of this device")
        self.assertRegex(shown.err, r"Edits in \d+ folders are not seen now \(/.*, /.*\)\. Run for each: kith sync DIR")

    def test_files_are_counted_where_all_have_come(self):
        for number, each in enumerate(self.pair.make("many")):
            for file in range(40):
                (each / f"{number}-{file}").write_text("some")
        with self.pair.live("many"):
            self.assertEqual(len(self.pair.wait_same("many")), 80)
            for device in (self.laptop, self.desktop):
                wait_until("all are counted", lambda: device.status("many")["files"] == 80, timeout=5)

    def test_behind_is_not_different(self):
        """A device that follows messages only takes in that there are files, and not what is in them."""
        here, there = self.pair.make("behind")
        running = self.laptop.sync("behind")
        self.desktop.once("behind").ok()
        (here / "late").write_text("late")
        follower = self.desktop.start("pull", "--follow")
        wait_until("the file on record there", lambda: self.desktop.status("behind")["pending_files"] or
                   self.desktop.run("verify", "behind", "--json", "--timeout", "1s").document()["pending"]["files"])
        found = self.laptop.run("verify", "behind", "--json", "--timeout", "1s").expect(3).document()
        self.assertEqual((found["result"], [(each["result"], each["differs"]) for each in found["devices"]]),
                         ("unverified", [("behind", ["contents"])]))
        shown = self.laptop.run("verify", "behind", "--timeout", "1s").expect(3).out
        self.assertIn("desktop has still to fetch", shown)
        self.assertNotIn("different", shown)
        found = self.desktop.run("verify", "behind", "--json", "--timeout", "1s").expect(3).document()
        self.assertEqual((found["result"], found["pending"]), ("unverified", {"files": 1, "size_bytes": 4}))
        self.assertIn("behind: 1 file (4 B) still to come to this device, kept by laptop",
                      self.desktop.run("verify", "behind", "--timeout", "1s").expect(3).out)
        self.assertEqual((running.stop(), follower.stop()), (0, 0))
        self.assertEqual([code for code, _ in self.pair.step("behind")], [0, 0])  # or others would wait for what it lacks

    def test_nobody_waits_for_what_is_left_alone(self):
        """What a device leaves alone does not come by waiting for it, and all else has come when the wait ends."""
        here, there = self.pair.make("left")
        (here / "file").write_text("file")
        (there / "file").symlink_to("nowhere")
        running = self.desktop.sync("left")
        words = "desktop leaves 1 path of this group's folders alone: kith status there says why"
        for size in (4, 5_000_000):
            (here / "other").write_bytes(os.urandom(size))
            begun = time.monotonic()
            run = self.laptop.run("sync", here, "--once").expect(3)
            self.assertLess(time.monotonic() - begun, 10)
            self.assertIn(f"warning: {words}\n", run.err)
            self.assertIn("Not in step in ", run.out)
            self.assertEqual((there / "other").read_bytes(), (here / "other").read_bytes())
        self.assertIn("symbolic link", self.laptop.run("help", "held-back").ok().out)
        self.assertRegex(self.laptop.run("status").ok().out, r"desktop .* leaves 1 path alone")
        begun = time.monotonic()
        run = self.laptop.run("verify", "left", "--json").expect(3)
        self.assertLess(time.monotonic() - begun, 8)
        self.assertEqual([(each["result"], each["differs"]) for each in run.document()["devices"]], [("behind", ["contents"])])
        self.assertIn("  desktop leaves 1 path alone: kith status there says why\n",
                      self.laptop.run("verify", "left").expect(3).out)
        (there / "file").unlink()
        wait_until("the way to be free", lambda: self.desktop.status("left")["skipped"]["total"] == 0)
        summary = self.laptop.once("left").ok().lines()[-1]
        self.assertEqual((summary["in_sync"], summary["devices"][0]["held"]), (True, 0))
        self.assertEqual((there / "file").read_text(), "file")
        self.assertEqual(running.stop(), 0)

    def test_a_disk_that_is_away_keeps_nobody_from_comparing_the_rest(self):
        away, here = self.pair.make("away")[0], self.pair.make("here")[0]
        for each in (away, here):
            (each / "file").write_text("file")
            self.laptop.once(each.name, timeout="1s").expect(10)
        (away / ".kith").rename(away / "kith")
        follower = self.desktop.start("pull", "--follow")
        run = self.laptop.run("verify", "--json", "--timeout", "5s").expect(3)
        found = run.document()
        self.assertEqual([(each["name"], each["code"]) for each in found["folders_unread"]], [("away", "folder-unmounted")])
        self.assertEqual([each["code"] for each in run.warnings()], ["unread"])
        self.assertGreaterEqual(found["files_checked"], 1)
        self.assertEqual([each["result"] for each in found["devices"]], ["identical"])
        self.assertRegex(self.laptop.run("status").ok().out, r"desktop .* in step, keeps no folder of this device\n")
        self.assertEqual([each["folders"] for each in self.laptop.run("status", "--json").document()["devices"]], [[]])
        self.assertEqual(self.laptop.run("verify", "away", "--json").expect(15).error()["code"], "folder-unmounted")
        (away / "kith").rename(away / ".kith")
        self.assertEqual(follower.stop(), 0)
        # Damage counts, whoever is there.
        before = (here / "file").stat()
        (here / "file").write_text("FILE")
        os.utime(here / "file", ns=(before.st_atime_ns, before.st_mtime_ns))
        found = self.laptop.run("verify", "--json", "--timeout", "1s").expect(1).document()
        self.assertEqual((found["result"], found["files_mismatched"]), ("different", ["here/file"]))


class Loose(unittest.TestCase):
    def test_a_disk_that_comes_and_goes_is_told_of(self):
        """Also while nobody looks after the folder."""
        pair = Pair()
        self.addCleanup(pair.close)
        here, there = pair.make("loose")
        (here / "file").write_text("file")
        self.assertEqual([code for code, _ in pair.step("loose")], [0, 0])
        followers = [each.start("pull", "--follow") for each in (pair.laptop, pair.desktop)]

        def kept():
            found = pair.laptop.run("status", "--json").ok().document()
            ours = next(each["id"] for each in found["folders"] if each["name"] == "loose")
            return found["devices"][0]["path"] == "direct" and ours in found["devices"][0]["folders"]

        wait_until("the desktop keeps it", kept)
        for _ in range(2):
            (there / ".kith").rename(there / "kith")
            wait_until("the desktop does not keep it", lambda: not kept())
            (there / "kith").rename(there / ".kith")
            wait_until("the desktop keeps it again", kept)
        self.assertEqual([each.stop() for each in followers], [0, 0])


if __name__ == "__main__":
    unittest.main()
