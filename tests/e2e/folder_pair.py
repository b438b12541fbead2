"""What tests about folders share: two paired homes, folders that both keep in step, and a look at what is in them."""

import contextlib
import hashlib
import os
import pathlib
import signal
import stat

from kith_e2e import PATIENCE_S, Home, check_schema, free_port, json_lines, wait_until

INTERNAL = b".kith"


def tree(root, modes=True):
    """What a folder holds that travels: path -> what it is. None while it changes under the walk."""
    root = os.fsencode(str(root))
    found = {}
    try:
        for directory, directories, files in os.walk(root, onerror=_again):
            if directory == root and INTERNAL in directories:
                directories.remove(INTERNAL)
            for name in directories + files:
                path = os.path.join(directory, name)
                facts = os.lstat(path)
                if stat.S_ISDIR(facts.st_mode):
                    found[os.path.relpath(path, root)] = "directory"
                elif stat.S_ISREG(facts.st_mode):
                    with open(path, "rb") as opened:
                        digest = hashlib.file_digest(opened, "sha256").hexdigest() if facts.st_size > 1 << 20 else \
                            hashlib.sha256(opened.read()).hexdigest()
                    found[os.path.relpath(path, root)] = (facts.st_size, digest, oct(facts.st_mode & 0o777) if modes else None)
    except OSError:
        return None
    return found


def _again(error):
    raise error


def trash_of(root):
    """The contents in a folder's trash: [(path below the time stamp, bytes)]."""
    trash = pathlib.Path(root) / ".kith" / "trash"
    found = []
    for path in sorted(trash.rglob("*")) if trash.is_dir() else []:
        if path.is_file():
            found.append((str(path.relative_to(trash).relative_to(path.relative_to(trash).parts[0])), path.read_bytes()))
    return found


def temp_files(root):
    """Names of what is half received."""
    directory = pathlib.Path(root) / ".kith" / "tmp"
    return sorted(os.listdir(directory)) if directory.is_dir() else []


def all_contents(root):
    """Every content that a folder holds, at a path, in a conflict copy or in the trash."""
    return {path.read_bytes() for path in pathlib.Path(root).rglob("*")
            if path.is_file() and not path.is_symlink() and "tmp" not in path.relative_to(root).parts[:2]}


class Device(Home):
    """One of the homes, with a directory for its folders."""

    def __init__(self, name, **variables):
        super().__init__(name, KITH_NETWORK__LISTEN=f"127.0.0.1:{free_port()}", **variables)
        self.name = name
        self.files = self.dir / "files"
        self.files.mkdir()

    def folder(self, name):
        return self.files / name

    def sync(self, name, *more):
        """Starts `kith sync` of a folder in the background."""
        return self.start("sync", self.folder(name), "--json", *more)

    def once(self, name, *more, timeout="60s", program_timeout=PATIENCE_S * 2):
        """Runs `kith sync --once` of a folder to its end."""
        return self.run("sync", self.folder(name), "--once", "--json", "--timeout", timeout, *more, timeout=program_timeout)

    def status(self, name):
        """The folder's part of `kith status`; None where the device does not know it."""
        done = self.run("status", "--json")
        return next((each for each in done.document()["folders"] if each["name"] == name), None)

    def knows(self, name):
        self.run("pull", "--json", "--timeout", "5s")
        return self.status(name) is not None


class Pair:
    """Two devices of one group. Ended by close()."""

    def __init__(self):
        self.laptop, self.desktop = Device("laptop"), Device("desktop")
        try:
            self._pair()
        except BaseException:
            self.close()
            raise

    def _pair(self):
        self.laptop.run("init", "--name", "laptop", "--recovery-file", self.laptop.dir / "words").ok()
        inviter = self.laptop.start("pair", "--create", "--yes", "--json")
        invite = inviter.wait_json("invite")
        self.desktop.run("pair", "--join", invite["code"], "--peer", invite["addresses"][0], "--name", "desktop").ok()
        if inviter.wait() != 0:
            raise AssertionError(f"pairing: {inviter!r}")

    def close(self):
        self.desktop.close()
        self.laptop.close()

    def folders(self, name):
        return self.laptop.folder(name), self.desktop.folder(name)

    def make(self, name):
        """Empty directories of that name on both devices. @return both"""
        for each in self.folders(name):
            each.mkdir()
        return self.folders(name)

    def same(self, name, modes=True):
        """The tree that both hold, or None while they differ. An empty one is {}."""
        first, second = (tree(each, modes) for each in self.folders(name))
        return first if first is not None and first == second else None

    def wait_same(self, name, what="both alike", timeout=PATIENCE_S, **more):
        wait_until(what, lambda: self.same(name, **more) is not None, timeout, 0.05)
        return self.same(name, **more)

    @contextlib.contextmanager
    def live(self, name):
        """`kith sync` on both devices while the block runs; both must then end well. Yields both processes."""
        both = [self.laptop.sync(name), self.desktop.sync(name)]
        try:
            wait_until("both to be connected", lambda: self.connected(name, both), PATIENCE_S, 0.05)
            yield both
            for each in both:
                code = each.stop()
                if code != 0:
                    raise AssertionError(f"sync ended with {code}: {each!r}")
        finally:
            for each in both:
                each.kill()

    def connected(self, name, processes):
        for each in processes:
            if each.process.poll() is not None:
                raise AssertionError(f"ended by itself: {each!r}")
        return all(self.in_step(device, name) for device in (self.laptop, self.desktop))

    @staticmethod
    def in_step(device, name):
        document = device.run("status", "--json").document()
        folder = next((each for each in document["folders"] if each["name"] == name), None)
        return folder is not None and folder["state"] == "in-step" and \
            all(each["path"] == "direct" for each in document["devices"])

    def step(self, name, *more):
        """One `--once` on each device at the same time. @return the summaries of laptop and desktop"""
        devices = [self.laptop, self.desktop]
        processes = [each.start("sync", each.folder(name), "--once", "--json", "--timeout", "60s", *more) for each in devices]
        return [(each.wait(PATIENCE_S * 2), summary_of(each)) for each in processes]


def summary_of(process):
    """The summary that a sync printed at its end."""
    found = [each for each in json_lines("\n".join(process.out)) if each["type"] == "summary"]
    if len(found) != 1:
        raise AssertionError(f"expected one summary: {process!r}")
    return check_schema(found[0])


def kill(process):
    """kill -9, at once."""
    process.process.send_signal(signal.SIGKILL)
    process.wait()
