"""Nothing is lost: missing disks, mass deletions, what is replaced or deleted, files in the middle of being written."""

import os
import shlex
import shutil
import subprocess
import threading
import time
import unittest

from folder_pair import Pair, all_contents, temp_files, trash_of, tree
from kith_e2e import PATIENCE_S, check_schema, wait_until


class Guards(unittest.TestCase):
    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)
        self.laptop, self.desktop = self.pair.laptop, self.pair.desktop

    def filled(self, name, files):
        """A folder of so many files, alike on both devices. @return both directories"""
        here, there = self.pair.make(name)
        for number in range(files):
            path = here / f"d{number % 3}" / f"file {number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"content {number}")
        self.both(name)
        return here, there

    def both(self, name):
        self.assertEqual([code for code, _ in self.pair.step(name)], [0, 0])
        self.assertIsNotNone(self.pair.same(name))

    def stopped(self, run, code):
        error = run.expect(15).error()
        self.assertEqual(error["code"], code)
        self.assertTrue(error["safe"])
        self.assertTrue(error["remedy"])
        return error


class Unmounted(Guards):
    def test_no_marker_stops_and_deletes_nothing(self):
        here, there = self.filled("usb", 20)
        before = tree(there)
        self.assertEqual(self.laptop.status("usb")["state"], "idle")
        shutil.rmtree(here / ".kith")
        self.assertEqual(self.laptop.status("usb")["state"], "stopped")  # while nothing runs
        problems = self.laptop.run("status", "--json").document()["problems"]
        self.assertEqual([each["code"] for each in problems], ["folder-unmounted"])
        with_files = tree(here)
        running = self.desktop.sync("usb")
        self.stopped(self.laptop.once("usb"), "folder-unmounted")
        self.assertEqual(tree(here), with_files)
        self.assertFalse((here / ".kith").exists())
        for path in list(here.iterdir()):  # an empty mount point
            shutil.rmtree(path)
        self.stopped(self.laptop.once("usb"), "folder-unmounted")
        self.assertEqual(os.listdir(here), [])
        here.rmdir()
        error = self.stopped(self.laptop.once("usb"), "folder-unmounted")
        self.assertFalse(here.exists())
        made, again = (shlex.split(each["command"]) for each in error["remedy"][1:])
        subprocess.run(made, check=True)
        self.assertEqual(again[0], "kith")
        self.laptop.run(*again[1:], "--once").ok()
        self.assertEqual(tree(here), before)
        self.assertEqual(running.stop(), 0)
        self.assertEqual(tree(there), before)
        self.assertEqual(trash_of(there), [])

    def test_a_disk_that_goes_while_sync_runs(self):
        here, there = self.filled("pulled", 20)
        before = tree(there)
        running = self.laptop.sync("pulled")
        other = self.desktop.sync("pulled")
        wait_until("both in step", lambda: self.pair.connected("pulled", [running, other]))
        away = here.with_name("away")
        here.rename(away)
        here.mkdir()
        self.assertEqual(running.wait(), 15)
        self.assertIn('"folder-unmounted"', "\n".join(running.err))
        self.assertEqual(os.listdir(here), [])
        self.assertEqual(tree(there), before)
        (there / "meanwhile").write_text("written meanwhile")
        here.rmdir()
        away.rename(here)
        self.laptop.once("pulled").ok()
        self.assertEqual((here / "meanwhile").read_text(), "written meanwhile")
        self.assertEqual(other.stop(), 0)
        self.assertIsNotNone(self.pair.same("pulled"))


class MassDelete(Guards):
    def test_stops_until_it_is_wanted(self):
        here, there = self.filled("many", 100)
        before = tree(there)
        other = self.desktop.sync("many")
        for number in range(60):
            (here / f"d{number % 3}" / f"file {number}").unlink()
        (here / "new").write_text("an edit beside the deletions")
        dry = self.laptop.run("sync", here, "--dry-run", "--json").expect(15)
        self.assertEqual(check_schema(dry.document())["deleted"]["there"], 60)
        # People are shown what would be done, what stops it, and what to type if it is meant; and so says the help.
        shown = self.laptop.run("sync", here, "--dry-run").expect(15)
        self.assertRegex(shown.out, r"^many would send 1 file \(28 B\), delete 60 on other devices, and receive 0 files .*"
                                    r"Nothing was changed\.\n! It would stop before that")
        self.assertIn(f"kith sync {here} --max-delete none", shown.err)
        self.assertNotIn("--dry-run", shown.err)
        self.laptop.run("sync", here, "--dry-run", "--max-delete", "none").ok()
        self.assertIn("exit code 15", " ".join(self.laptop.run("help", "sync").ok().out.split()))
        error = self.stopped(self.laptop.once("many"), "mass-delete")
        self.assertIn("60", error["message"] + str(error["cause"]))
        self.assertEqual([each["command"] for each in error["remedy"]],
                         [f"kith sync {here} --max-delete none", f"kith sync {here} --dry-run"])
        self.assertEqual(self.laptop.status("many")["state"], "stopped")
        # What stopped it is no news where the disk is away meanwhile and nobody looks.
        here.rename(here.with_name("away"))
        problems = self.laptop.run("status", "--json").document()["problems"]
        self.assertEqual([each["code"] for each in problems], ["folder-unmounted"])
        here.with_name("away").rename(here)
        problems = self.laptop.run("status", "--json").document()["problems"]
        self.assertEqual([each["code"] for each in problems], ["mass-delete"])
        self.stopped(self.laptop.once("many", "--max-delete", "59"), "mass-delete")
        self.assertEqual(tree(there), before)
        self.assertEqual(trash_of(there), [])
        # Live, it ends with the same words.
        live = self.laptop.sync("many")
        self.assertEqual(live.wait(), 15)
        self.assertEqual(tree(there), before)

        summary = self.laptop.once("many", "--max-delete", "none").ok().lines()[-1]
        self.assertEqual(summary["deleted"]["there"], 60)
        self.pair.wait_same("many")
        self.assertEqual(len([each for each in tree(there).values() if each != "directory"]), 41)
        self.assertEqual(sorted(content for _, content in trash_of(there)), sorted(b"content %d" % each for each in range(60)))
        self.assertEqual(other.stop(), 0)

    def test_what_vanished_can_come_back(self):
        here, there = self.filled("back", 80)
        before = tree(there)
        kept = here.with_name("kept")
        shutil.copytree(here, kept, ignore=shutil.ignore_patterns(".kith"))
        for each in here.iterdir():
            if each.name != ".kith":
                shutil.rmtree(each)
        self.stopped(self.laptop.once("back"), "mass-delete")
        shutil.copytree(kept, here, dirs_exist_ok=True)
        self.both("back")
        self.assertEqual(tree(there), before)
        self.assertEqual(trash_of(there), [])

    def test_a_directory_of_many_in_a_larger_folder(self):
        """What counts is the part of the whole folder, however the change was noticed."""
        here, there = self.pair.make("part")
        for number in range(300):
            path = here / ("gone" if number < 60 else "kept") / f"{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"content {number}")
        self.both("part")
        with self.pair.live("part"):
            shutil.rmtree(here / "gone")
            wait_until("the deletion", lambda: not (there / "gone").exists())
        self.assertIsNotNone(self.pair.same("part"))
        self.assertEqual(len(trash_of(there)), 60)

    def test_few_need_no_question(self):
        here, there = self.filled("few", 30)
        for path in here.glob("d*/*"):
            path.unlink()
        self.both("few")
        self.assertEqual(len(trash_of(there)), 30)


class NeverOverwrites(Guards):
    def test_replaced_and_deleted_are_in_the_trash(self):
        here, there = self.pair.make("trash")
        (here / "dir").mkdir()
        for name in ("dir/replaced", "dir/deleted"):
            (here / name).write_text(f"first {name}")
        self.both("trash")
        for version in ("second", "third"):
            (here / "dir" / "replaced").write_text(version)
            self.both("trash")
        (here / "dir" / "deleted").unlink()
        self.both("trash")
        self.assertEqual((there / "dir" / "replaced").read_text(), "third")
        self.assertEqual(sorted(trash_of(there)), [("dir/deleted", b"first dir/deleted"), ("dir/replaced", b"first dir/replaced"),
                                                   ("dir/replaced", b"second")])
        self.assertEqual(trash_of(here), [])

    def test_a_file_that_is_written_all_the_time(self):
        """Blocks of one version each; what arrives must never mix versions, and the last must arrive."""
        here, there = self.pair.make("busy")
        path, blocks, size = here / "log", 64, 16384
        ended = threading.Event()
        last = []

        def write():
            version = 0
            with open(path, "wb", buffering=0) as file:
                while not ended.is_set():
                    version += 1
                    for block in range(blocks):
                        os.pwrite(file.fileno(), version.to_bytes(8, "big") * (size // 8), block * size)
                        time.sleep(0.0005)
            last.append(version)

        seen = set()

        def versions():
            arrived = there / "log"
            if not arrived.exists():
                return set()
            data = arrived.read_bytes()
            found = {data[at:at + 8] for at in range(0, len(data), size)}
            # An installed file is whole at once; only its writer's own versions may be in it, and no block may be torn.
            self.assertEqual(len(data) % size, 0)
            for at in range(0, len(data), size):
                self.assertEqual(data[at:at + size], data[at:at + 8] * (size // 8))
            return found

        with self.pair.live("busy"):
            writer = threading.Thread(target=write)
            writer.start()
            try:
                until = time.monotonic() + 3
                while time.monotonic() < until:
                    (here / "beside").write_text(str(time.monotonic()))  # other files are not held up
                    seen.add(len(versions()))
                    time.sleep(0.05)
            finally:
                ended.set()
                writer.join()
            wait_until("the last version", lambda: versions() == {last[0].to_bytes(8, "big")})
            self.pair.wait_same("busy")
        self.assertLessEqual(max(seen), 1, "versions were mixed in a file that arrived")
        self.assertEqual(temp_files(there), [])

    def test_an_edit_at_the_moment_a_remote_version_arrives(self):
        here, there = self.pair.make("race")
        rounds = 30
        for number in range(rounds):
            (here / f"{number}").write_text(f"{number}: common")
        written = set()
        with self.pair.live("race"):
            self.pair.wait_same("race")
            for number in range(rounds):
                theirs, ours = f"{number}: from the laptop", f"{number}: from the desktop"
                (here / f"{number}").write_text(theirs)
                # Spread over the time that a change needs to come here, around the moment of its arrival.
                time.sleep(number * 0.008)
                (there / f"{number}").write_text(ours)
                written |= {theirs.encode(), ours.encode()}
            self.pair.wait_same("race")
        wait_until("all settled", lambda: [code for code, _ in self.pair.step("race")] == [0, 0], PATIENCE_S * 2)
        self.assertIsNotNone(self.pair.same("race"))
        for root in (here, there):
            others = all_contents(there if root == here else here)
            missing = {each for each in written if each not in all_contents(root) | others}
            self.assertEqual(missing, set())
        # The desktop wrote last on every file: its content stands at the path or in a copy, on both.
        shown = {path.read_bytes() for path in here.iterdir() if path.is_file()}
        self.assertEqual({each for each in written if b"desktop" in each} - shown, set())
        copies = [path for path in here.iterdir() if path.is_file() and not path.name.isdigit()]
        print(f"edits at the same moment: {rounds} rounds, {len(copies)} conflict copies, nothing lost")
        # What gave way is in the trash of the device that held it, or still shown.
        self.assertLessEqual(written, all_contents(here) | all_contents(there))


if __name__ == "__main__":
    unittest.main()
