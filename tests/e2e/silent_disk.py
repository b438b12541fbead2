"""A disk that does not answer, as a network drive whose server is gone: it holds up nobody but those who ask it.

The disk is a FUSE mount that nobody serves. It needs root and /dev/fuse; without them the tests are skipped.
"""

import ctypes
import json
import os
import time
import unittest

from folder_pair import Pair
from kith_e2e import wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2


class SilentDisk:
    """Covers a directory with a disk on which every call waits, until close()."""

    def __init__(self, directory):
        self._directory = os.fsencode(directory)
        self._device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0".encode()
        if LIBC.mount(b"kith-test", self._directory, b"fuse", 0, options) != 0:
            number = ctypes.get_errno()
            os.close(self._device)
            raise OSError(number, os.strerror(number))
        self._open = True

    def close(self):
        """The directory itself is there again, and whoever waited hears an error."""
        if self._open:
            self._open = False
            LIBC.umount2(self._directory, MNT_DETACH)
            os.close(self._device)


def can_be_silent():
    return os.geteuid() == 0 and os.path.exists("/dev/fuse")


@unittest.skipUnless(can_be_silent(), "needs the right to mount a FUSE disk (root)")
class Silent(unittest.TestCase):
    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)
        self.laptop, self.desktop = self.pair.laptop, self.pair.desktop

    def in_step(self, *names):
        for name in names:
            here, _ = self.pair.make(name)
            (here / "file").write_text(name)
            self.assertEqual([code for code, _ in self.pair.step(name)], [0, 0])

    def cover(self, directory):
        disk = SilentDisk(directory)
        self.addCleanup(disk.close)
        return disk

    def quick(self, *args, most=20):
        """A run on the desktop, which waits for no disk."""
        began = time.monotonic()
        run = self.desktop.run(*args)
        self.assertLess(time.monotonic() - began, most, run)
        return run

    def kept(self):
        """Names of the folders of which the desktop says that it keeps them."""
        found = self.laptop.run("status", "--json").ok().document()
        names = {each["id"]: each["name"] for each in found["folders"]}
        return [sorted(names[each] for each in device["folders"]) for device in found["devices"]]

    def test_holds_up_no_command_that_does_not_need_it(self):
        self.in_step("dead", "well")
        disk = self.cover(self.desktop.folder("dead"))
        found = self.quick("status", "--json").ok().document()
        self.assertEqual([(each["code"], each["message"]) for each in found["problems"]],
                         [("folder-silent", f"a folder's disk does not answer: dead in {self.desktop.folder('dead')}")])
        self.assertEqual({each["name"]: each["state"] for each in found["folders"]}, {"dead": "stopped", "well": "idle"})
        self.assertIn("a folder's disk does not answer: dead in ", self.quick("status").ok().out)
        self.assertIn("does not answer", self.quick("doctor").expect(1).out)
        found = self.quick("verify", "--json", "--timeout", "1s", most=30).expect(10).document()
        self.assertEqual([(each["name"], each["code"]) for each in found["folders_unread"]], [("dead", "folder-silent")])
        self.assertEqual(found["files_checked"], 1)
        reader = self.laptop.start("pull", "--follow", "--json")
        self.quick("push", "--text", "hello", "--timeout", "10s").ok()
        reader.wait_line("hello|" + "aGVsbG8")
        self.quick("pull", "--timeout", "1s")
        # The others are told what is kept, and told again when it is back.
        follower = self.desktop.start("pull", "--follow")
        wait_until("the desktop keeps the other folder", lambda: self.kept() == [["well"]])
        self.assertEqual(reader.stop(), 0)
        self.assertEqual([code for code, _ in self.pair.step("well")], [0, 0])
        reader = self.laptop.start("pull", "--follow", "--json")
        disk.close()
        wait_until("the desktop keeps both", lambda: self.kept() == [["dead", "well"]])
        self.assertEqual((follower.stop(), reader.stop()), (0, 0))
        self.assertEqual(self.quick("status", "--json").ok().document()["problems"], [])

    def test_keeps_no_process_from_ending(self):
        """The one that is on the network looks after the folder for another, and does not come back from its disk."""
        self.in_step("dead")
        follower = self.desktop.start("pull", "--follow", "--json")
        wait_until("somebody on the network", lambda: self.desktop.run("status", "--json").document()["running"])
        running = self.desktop.sync("dead")
        wait_until("in step", lambda: self.desktop.status("dead")["state"] == "in-step")
        directory = os.open(self.desktop.folder("dead"), os.O_PATH)
        self.addCleanup(os.close, directory)
        disk = self.cover(self.desktop.folder("dead"))
        with open(os.open("late", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=directory), "w", encoding="utf-8") as late:
            late.write("late")  # the watch is on what is below, so that it is looked at now
        time.sleep(1)
        self.assertEqual(follower.stop(timeout=20), 0)
        # Who takes over leaves the disk alone, and says so.
        told = json.loads(running.wait_line("folder-silent", stream="err"))
        self.assertEqual((told["code"], told["exit"]), ("folder-silent", 1))
        self.assertEqual([each["code"] for each in self.quick("status", "--json").document()["problems"]], ["folder-silent"])
        disk.close()
        wait_until("it goes on", lambda: (self.desktop.status("dead")["state"], self.desktop.status("dead")["files"]) == ("in-step", 2))
        self.assertEqual(running.stop(), 0)
        self.assertEqual([code for code, _ in self.pair.step("dead")], [0, 0])
        self.assertEqual((self.laptop.folder("dead") / "late").read_text(), "late")


if __name__ == "__main__":
    unittest.main()
