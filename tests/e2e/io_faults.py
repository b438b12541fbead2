"""The test's side of tests/faults/io_faults.cpp: which call of a program to its disk fails, and how many there were."""

import mmap
import os
import pathlib
import struct

from kith_e2e import BIN

LIBRARY = pathlib.Path(os.environ.get("KITH_IO_FAULTS", BIN.parents[1] / "lib" / "libkith_io_faults.so")).resolve()

KINDS = ("open", "write", "truncate", "sync", "rename", "unlink", "mkdir")
BROKEN, NO_ROOM, FULL, SHORT, SHORT_FULL, BROKEN_ON = range(6)
# Those that scenarios try at each call. BROKEN_ON, a disk that is gone, is for tests that say for which file.
MODES = ("EIO once", "ENOSPC or EMFILE once", "full from there on", "short writes from there on", "a short write, then full")
_NUMBERS = 5 + len(KINDS)
_BYTES = _NUMBERS * 8 + 512


class Faults:
    """One file that programs and this test share. While nothing is armed, calls are only counted."""

    def __init__(self, at):
        self.path = pathlib.Path(at)
        self.path.write_bytes(bytes(_BYTES))
        with open(self.path, "r+b") as file:
            self._state = mmap.mmap(file.fileno(), _BYTES)

    def close(self):
        self._state.close()

    def env(self, *below):
        """What a program's environment needs for its calls below these directories to count."""
        return {"LD_PRELOAD": str(LIBRARY), "KITH_FAULTS_STATE": str(self.path), "KITH_FAULTS_BELOW": ":".join(map(str, below))}

    def arm(self, number, mode):
        """Makes the call of this number from now on fail, the first being 1; with 0 they are counted only."""
        self.disarm()
        self._state[:] = struct.pack(f"<{_NUMBERS}Q512s", 0, 0, mode, 0, 0, *[0] * len(KINDS), b"")
        self._put(1, number)

    def disarm(self):
        self._put(1, 0)

    def _put(self, index, number):
        self._state[index * 8:index * 8 + 8] = struct.pack("<Q", number)

    def _number(self, index):
        return struct.unpack_from("<Q", self._state, index * 8)[0]

    @property
    def calls(self):
        return self._number(0)

    @property
    def hits(self):
        """How many calls failed."""
        return self._number(3)

    @property
    def of_kind(self):
        return {kind: self._number(5 + index) for index, kind in enumerate(KINDS)}

    def hit(self):
        """The first call that failed, in words."""
        path = self._state[_NUMBERS * 8:].split(b"\0", 1)[0].decode("utf-8", "replace")
        return f"{KINDS[self._number(4)]} {path}" if self.hits else "nothing"
