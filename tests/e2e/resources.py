"""Full disks, read-only homes, two homes side by side, and how much memory a large file takes."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import people
from folder_pair import Device, Pair, temp_files, tree
from kith_e2e import BIN, PATIENCE_S, json_lines, wait_until

MIB = 1 << 20
MEMORY_MIB = 64       # the product's promise, whatever a file's size
LARGE_BYTES = 2 << 30
SANITIZED = any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"))


@contextlib.contextmanager
def small_disk(directory, mebibytes):
    """A file system of its own at a directory. Skips the test where this user may not mount one."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0755", "kith-e2e", str(directory)],
                          capture_output=True, text=True, check=False) if shutil.which("mount") else None
    if done is None or done.returncode != 0:
        raise unittest.SkipTest(f"needs to mount a tmpfs: {done.stderr.strip() if done else 'there is no mount'}")
    try:
        yield lambda more: subprocess.run(["mount", "-o", f"remount,size={more}m", str(directory)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


class FullFolder(unittest.TestCase):
    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)

    def test_says_so_and_goes_on(self):
        here, there = self.pair.make("full")
        (here / "small").write_text("small")
        with small_disk(there, 96) as grow:
            self.assertEqual([code for code, _ in self.pair.step("full")], [0, 0])
            for number in range(4):
                (here / f"{number}.bin").write_bytes(os.urandom(30 * MIB))
            whole = tree(here)
            sender = self.pair.laptop.sync("full")
            done = self.pair.desktop.once("full").expect(14)
            error = done.error()
            self.assertEqual(error["code"], "disk-full")
            self.assertTrue(error["safe"])
            self.assertTrue(error["remedy"])
            self.assertFalse(done.lines()[-1]["in_sync"])
            self.assertGreater(done.lines()[-1]["pending"]["files"], 0)
            for path, what in tree(there).items():
                self.assertEqual(what, whole[path])
            self.assertEqual((there / "small").read_text(), "small")
            status = self.pair.desktop.run("status", "--json").ok().document()
            self.assertIn("disk-full", [each["code"] for each in status["problems"]])

            # Live, the folder waits for space and goes on by itself, and edits from here still go out.
            receiver = self.pair.desktop.sync("full")
            wait_until("stopped", lambda: self.pair.desktop.status("full")["state"] == "stopped")
            begin = time.monotonic()
            (there / "from-there").write_text("goes out, full or not")
            wait_until("an edit", lambda: (here / "from-there").exists(), 15)
            (here / "small").write_text("what fits comes in")
            wait_until("a small file", lambda: (there / "small").read_text() == "what fits comes in", 15)
            self.assertLess(time.monotonic() - begin, 20)  # before anything that does not fit is tried again
            self.assertEqual(self.pair.desktop.status("full")["state"], "stopped")
            whole = tree(here)
            grow(256)
            wait_until("the rest", lambda: tree(there) == whole, PATIENCE_S + 40)
            self.assertEqual(tree(here), whole)
            self.assertEqual(receiver.stop(), 0)
            self.assertEqual(sender.stop(), 0)
            self.assertEqual(temp_files(there), [])

    def test_leaves_room_and_takes_what_fits(self):
        here, there = self.pair.make("room")
        with small_disk(there, 160):
            self.assertEqual([code for code, _ in self.pair.step("room")], [0, 0])
            for number in range(8):
                (here / f"{number}.bin").write_bytes(os.urandom(30 * MIB))
            sender = self.pair.laptop.sync("room")
            self.pair.desktop.once("room").expect(14)
            self.assertGreater(shutil.disk_usage(there).free, 16 * MIB)
            self.assertGreaterEqual(len([path for path in there.iterdir() if path.suffix == ".bin"]), 3)
            self.assertEqual(temp_files(there), [])
            self.assertEqual(sender.stop(), 0)

    def test_a_disk_that_somebody_else_fills(self):
        here, there = self.pair.make("filled")
        with small_disk(there, 160):
            self.assertEqual([code for code, _ in self.pair.step("filled")], [0, 0])
            (here / "large.bin").write_bytes(os.urandom(100 * MIB))
            sender = self.pair.laptop.sync("filled")
            receiver = self.pair.desktop.sync("filled")
            wait_until("the transfer has begun", lambda: temp_files(there))
            with open(there / ".kith" / "filler", "wb", buffering=0) as filler:
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(bytes(MIB))
            wait_until("stopped, or quicker than the filler", lambda: (there / "large.bin").exists() or
                       self.pair.desktop.status("filled")["state"] == "stopped")
            os.truncate(there / ".kith" / "filler", 0)
            self.assertEqual(receiver.stop(), 0)
            receiver = self.pair.desktop.sync("filled")
            wait_until("the rest", lambda: tree(there) == tree(here))
            self.assertEqual(receiver.stop(), 0)
            self.assertEqual(sender.stop(), 0)
            self.assertEqual(temp_files(there), [])


class FullHome(unittest.TestCase):
    def test_says_so_and_goes_on(self):
        with contextlib.ExitStack() as stack:
            device = stack.enter_context(Device("full"))
            device.home.mkdir(mode=0o700)
            stack.enter_context(small_disk(device.home, 48))
            device.home.chmod(0o700)
            device.run("init", "--recovery-file", device.dir / "words").ok()
            device.run("push", "before").ok()
            filler = device.home / "filler"
            with open(filler, "wb", buffering=0) as opened:
                with contextlib.suppress(OSError):
                    while True:
                        opened.write(bytes(4096))
            acknowledged, refused = ["before"], None
            for number in range(2000):  # what lies in the database's own free pages still takes a few
                done = device.run("push", f"message {number}", "--json")
                if done.code != 0:
                    refused = done
                    break
                acknowledged.append(f"message {number}")
            self.assertIsNotNone(refused, "never full")
            error = refused.expect(14).error()
            self.assertEqual(error["code"], "disk-full")
            self.assertTrue(error["remedy"])
            again = device.run("sync", device.files, "--folder", "files", "--once", "--timeout", "2s", "--json")
            self.assertEqual(again.code, 14, again)
            filler.unlink()
            device.run("push", "after").ok()
            pulled = device.run("pull", "--own", "--after-cursor", "0", "--json").lines()
            self.assertEqual([each["text"] for each in pulled if each["type"] == "item"], acknowledged + ["after"])


class FullFromTheStart(unittest.TestCase):
    """A disk that has a little more room with each step: whatever does not fit says so and leaves nothing half made."""

    STEPS_KIB = (0, 4, 12, 40, 80, 160, 240, 320, 480, 640, 960)

    def device(self, name):
        device = people.Device(name)
        self.addCleanup(device.close)
        device.home.mkdir(mode=0o700)
        return device

    def rooms(self, device):
        """Leaves this much free on the disk of the home, step by step, and in the end all of it."""
        filler = device.home / "filler"
        for kib in self.STEPS_KIB:
            filler.unlink(missing_ok=True)
            filler.write_bytes(bytes(max(0, shutil.disk_usage(device.home).free - kib * 1024)))
            yield kib
        filler.unlink()
        yield None

    def refused(self, run):
        error = run.expect(14).error()
        self.assertEqual(error["code"], "disk-full", run)
        self.assertTrue(error["safe"] and error["remedy"], run)

    def test_init(self):
        device, refusals = self.device("full"), 0
        with small_disk(device.home, 2):
            device.home.chmod(0o700)
            for _ in self.rooms(device):
                run = device.run("init", "--recovery-file", device.words, "--json")
                if run.code == 0:
                    break
                self.refused(run)
                refusals += 1
                self.assertFalse(device.words.exists())
                self.assertEqual(set(os.listdir(device.home)) - {"filler", "run", "kith.db.lock"}, set())
            run.ok()
            self.assertGreater(refusals, 2)
            self.assertEqual(len(device.words.read_text().split()), 24)
            (device.home / "filler").unlink(missing_ok=True)
            self.assertEqual(device.names(), ["full"])

    def test_a_full_disk_for_the_words(self):
        device = people.Device("words")
        self.addCleanup(device.close)
        stick = device.dir / "stick"
        stick.mkdir()
        with small_disk(stick, 1):
            (stick / "filler").write_bytes(bytes(shutil.disk_usage(stick).free))
            self.refused(device.run("init", "--recovery-file", stick / "words", "--json"))
            self.assertEqual(os.listdir(stick), ["filler"])
            self.assertEqual(set(os.listdir(device.home)) - {"run", "kith.db.lock"}, set())
            (stick / "filler").unlink()
            device.run("init", "--recovery-file", stick / "words").ok()

    def test_joining(self):
        laptop = people.Device("laptop").init()
        self.addCleanup(laptop.close)
        phone, refusals = self.device("phone"), 0
        inviter, invite = laptop.invite()
        with small_disk(phone.home, 2):
            phone.home.chmod(0o700)
            for _ in self.rooms(phone):
                run = phone.join(invite)
                if run.code == 0:
                    break
                self.refused(run)
                refusals += 1
            run.ok()
            self.assertGreater(refusals, 2)
            self.assertEqual(inviter.wait(), 0, inviter)
            (phone.home / "filler").unlink(missing_ok=True)
            self.assertEqual(laptop.names(), ["laptop", "phone"])
            self.assertEqual(phone.names(), ["laptop", "phone"])

    def test_inviting(self):
        laptop = self.device("laptop")
        with small_disk(laptop.home, 4):
            laptop.home.chmod(0o700)
            laptop.init()
            inviter, invite = laptop.invite()
            filler = laptop.home / "filler"
            filler.write_bytes(bytes(shutil.disk_usage(laptop.home).free))
            self.refused(laptop.run("pair", "--yes", "--json"))
            phone = people.Device("phone")
            self.addCleanup(phone.close)
            run = phone.join(invite)
            self.assertNotEqual(run.code, 0, run)
            phone.run("status", "--json").expect(6)
            self.assertEqual(inviter.wait(), 14, inviter)
            self.assertEqual(people.only_error(inviter)["code"], "disk-full")
            filler.unlink()
            self.assertEqual(laptop.names(), ["laptop"])
            people.let_in(laptop, phone)
            self.assertEqual(phone.names(), ["laptop", "phone"])


class Homes(unittest.TestCase):
    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_a_home_that_may_only_be_read(self):
        with Device("read-only") as device:
            device.run("init", "--recovery-file", device.dir / "words").ok()
            program = pathlib.Path(shutil.copy2(BIN, device.dir / "kith-program"))
            for directory in [device.dir, *device.dir.rglob("*")]:
                os.chown(directory, 65534, 65534)
            folder = device.files / "notes"
            folder.mkdir()

            def as_nobody(*args):
                done = subprocess.run([str(program), *map(str, args), "--json"], env=device.environment(), capture_output=True,
                                      user=65534, group=65534, extra_groups=[], cwd=device.dir, timeout=PATIENCE_S,
                                      stdin=subprocess.DEVNULL, check=False, text=True)
                return done.returncode, json_lines(done.stderr), done

            self.assertEqual(as_nobody("status")[0], 0)
            for path in device.home.rglob("*"):
                path.chmod(0o500 if path.is_dir() else 0o400)
            device.home.chmod(0o500)
            for args in (("push", "text"), ("sync", folder, "--once", "--timeout", "1s"), ("status",), ("key", "rotate")):
                code, errors, done = as_nobody(*args)
                if code == 0 and args == ("status",):
                    continue  # it only reads
                self.assertIn(code, (1, 2), done)
                self.assertEqual(len([each for each in errors if each["type"] == "error"]), 1, done)
                self.assertTrue(errors[-1]["remedy"], done)
                self.assertNotIn("terminate", done.stderr)
            fresh = device.home / "below"
            done = as_nobody("init", "--home", fresh, "--recovery-file", device.dir / "more-words")
            self.assertIn(done[0], (1, 2), done)
            self.assertTrue(done[1][-1]["remedy"], done)
            self.assertFalse(fresh.exists())

    def test_two_in_one_directory(self):
        with Device("twins") as device:
            names = ("one", "two")
            for name in names:
                device.run("--home", device.dir / name, "init", "--name", name, "--recovery-file", device.dir / f"{name}.words").ok()
            folder = device.folder("shared")
            folder.mkdir()
            (folder / "file").write_text("one's")
            running = [device.start("--home", device.dir / name, "pull", "--follow", "--json") for name in names]
            for name in names:  # the same port is configured for both: the second takes another
                wait_until(f"{name} on the network",
                           lambda: device.run("--home", device.dir / name, "status", "--json").document()["running"])
                device.run("--home", device.dir / name, "push", f"from {name}").ok()
            for name in names:
                lines = device.run("--home", device.dir / name, "pull", "--own", "--after-cursor", "0", "--json").lines()
                self.assertEqual([each["text"] for each in lines if each["type"] == "item"], [f"from {name}"])
            device.run("--home", device.dir / "one", "sync", folder, "--once", "--json").ok()
            other = device.run("--home", device.dir / "two", "sync", folder, "--once", "--json").expect(2)
            self.assertEqual(other.error()["code"], "folder-foreign")
            inside = device.run("--home", device.dir / "one", "sync", device.dir, "--folder", "all", "--once", "--json").expect(2)
            self.assertEqual(inside.error()["code"], "usage")
            for each in running:
                self.assertEqual(each.stop(), 0)


class LargeFile(unittest.TestCase):
    def test_arrives_whole_in_little_memory(self):
        if shutil.disk_usage(tempfile.gettempdir()).free < 6 << 30:
            self.skipTest("needs 6 GiB of free space")
        pair = Pair()
        self.addCleanup(pair.close)
        here, there = pair.make("large")
        self.write_large(here / "large.bin")
        begin = time.monotonic()
        running = [each.sync("large") for each in (pair.laptop, pair.desktop)]
        arrived = there / "large.bin"
        wait_until("the large file", lambda: arrived.exists() or any(each.process.poll() is not None for each in running), 600)
        seconds = time.monotonic() - begin
        self.assertTrue(arrived.exists(), running)
        peaks = [self.peak_mib(each.process.pid) for each in running]
        print(f"{LARGE_BYTES >> 20} MiB: {seconds:.0f} s with hashing, {LARGE_BYTES / seconds / 1e6:.0f} MB/s; "
              f"peak memory {peaks[0]:.0f} MiB sending, {peaks[1]:.0f} MiB receiving")
        for each in running:
            self.assertEqual(each.stop(), 0)
        self.assertEqual(subprocess.run(["cmp", here / "large.bin", arrived], check=False).returncode, 0)
        if not SANITIZED:
            self.assertLess(max(peaks), MEMORY_MIB)

    @staticmethod
    def write_large(path):
        """Random blocks, each in the file many times but never twice with the same bytes around: nothing is found twice."""
        pool = os.urandom(64 * MIB)
        with open(path, "wb", buffering=0) as file:
            for number in range(LARGE_BYTES // len(pool)):
                block = bytearray(pool)
                for at in range(0, len(pool), 4096):
                    block[at:at + 8] = (number << 32 | at).to_bytes(8, "big")
                file.write(block)

    @staticmethod
    def peak_mib(pid):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmHWM")


if __name__ == "__main__":
    unittest.main()
