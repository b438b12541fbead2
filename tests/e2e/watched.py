"""Runs a program, and keeps what is in its memory when it ends: `watched.py DUMP COMMAND...`, with the program's exit code.

On SIGUSR1 the memory as it is then goes to DUMP.now, and the program goes on. SIGINT and SIGTERM are passed on to it.

The program is traced from its first moment, so that this needs no rights over programs that let nobody trace them later
(PR_SET_DUMPABLE): the files of its memory are opened before it says so.
"""

import ctypes
import os
import pathlib
import signal
import sys

TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
EXITKILL, TRACEEXIT = 0x100000, 0x40
EVENT_EXIT = 6

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=0):
    if LIBC.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


class Memory:
    def __init__(self, pid):
        self._maps, self._mem = open(f"/proc/{pid}/maps", "rb", 0), open(f"/proc/{pid}/mem", "rb", 0)

    def keep(self, path):
        """All that is mapped and can be read, one piece after the other; "PIECE" and where it is before each of them."""
        self._maps.seek(0)
        with open(f"{path}.new", "wb") as out:
            for line in b"".join(iter(lambda: self._maps.read(1 << 16), b"")).splitlines():
                span, rights, *rest = line.split(maxsplit=5)
                name = rest[-1] if len(rest) == 4 else b""
                begin, end = (int(each, 16) for each in span.split(b"-"))
                if b"r" not in rights or name.startswith(b"[v"):
                    continue
                out.write(b"\nPIECE %s %s\n" % (span, name))
                while begin < end:
                    self._mem.seek(begin)
                    try:
                        got = self._mem.read(min(end - begin, 1 << 24))
                    except OSError:  # a file that is shorter than its mapping
                        break
                    begin += len(got)
                    if got.strip(b"\0"):
                        out.write(got)
        os.rename(f"{path}.new", path)


def main(dump, command):
    child = os.fork()
    if child == 0:
        ptrace(TRACEME, 0)
        os.execv(command[0], command)
    asked = []
    signal.signal(signal.SIGUSR1, lambda *_: (asked.append(True), os.kill(child, signal.SIGSTOP)))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(child, number))
    if os.isatty(0):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal goes to both
    _, status = os.waitpid(child, 0)  # it has begun
    if not os.WIFSTOPPED(status):
        return os.waitstatus_to_exitcode(status)
    ptrace(SETOPTIONS, child, TRACEEXIT | EXITKILL)
    memory = Memory(child)
    passed_on = 0
    while True:
        ptrace(CONT, child, passed_on)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        passed_on = os.WSTOPSIG(status)
        if status >> 16 == EVENT_EXIT:
            memory.keep(dump)
            passed_on = 0
        elif passed_on == signal.SIGSTOP and asked:
            asked.pop()
            memory.keep(dump + ".now")
            passed_on = 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
