"""What end-to-end tests share: homes, runs of the real program, terminals, processes that go on, and JSON schemas.

KITH_BIN names the program. Nothing here needs the internet; every process started here is ended here.
"""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

try:
    import jsonschema
except ImportError as missing:
    raise SystemExit("these tests need python3-jsonschema (apt-get install python3-jsonschema)") from missing

BIN = pathlib.Path(os.environ.get("KITH_BIN", "build/bin/kith")).resolve()
SCHEMA_DIR = pathlib.Path(__file__).resolve().parents[2] / "schema"

# A sanitized program on a slow machine takes its time; a test that waits this long has failed.
PATIENCE_S = float(os.environ.get("KITH_E2E_PATIENCE", "60"))

# A shell starts background jobs that ignore Ctrl-C, and so would all that they start; here it is what ends them.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Schemas

def _load_schemas():
    files = {path.name: json.loads(path.read_text()) for path in sorted(SCHEMA_DIR.glob("*.json"))}
    base = SCHEMA_DIR.as_uri() + "/"
    store = {base + name: schema for name, schema in files.items()}
    validators = {}
    for name, schema in files.items():
        resolver = jsonschema.RefResolver(base_uri=base + name, referrer=schema, store=store)
        validators[schema["title"]] = jsonschema.Draft202012Validator(schema, resolver=resolver)
    return validators


VALIDATORS = _load_schemas()


def check_schema(document):
    """Fails unless the document is what its own `schema` says. Returns it."""
    name = document.get("schema") if isinstance(document, dict) else None
    if name not in VALIDATORS or name == "common":
        raise AssertionError(f"no such schema: {name!r} in {document!r}")
    faults = [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in
              VALIDATORS[name].iter_errors(document)]
    if faults:
        raise AssertionError(f"{json.dumps(document)} is no {name}: " + "; ".join(faults))
    return document


def json_lines(text):
    """The JSON objects of an output, each checked against its schema."""
    return [check_schema(json.loads(line)) for line in text.splitlines()]


# Runs

class Run:
    """What came of one run."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.raw_out, self.raw_err = args, code, out, err
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def __repr__(self):
        return f"kith {' '.join(map(str, self.args))} -> {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}---"

    def ok(self):
        return self.expect(0)

    def expect(self, code):
        """Fails unless this was the exit code. Returns the run."""
        if self.code != code:
            raise AssertionError(f"expected exit code {code}: {self!r}")
        return self

    def lines(self):
        """Standard output as JSON lines, checked."""
        return json_lines(self.out)

    def document(self):
        """Standard output as the one JSON object that it must be, checked."""
        found = self.lines()
        if len(found) != 1:
            raise AssertionError(f"expected one object: {self!r}")
        return found[0]

    def error(self):
        """The one error among the JSON lines on standard error, checked; its exit code must be the program's."""
        found = [each for each in json_lines(self.err) if each["type"] == "error"]
        if len(found) != 1 or found[0]["exit"] != self.code:
            raise AssertionError(f"expected one error with the program's exit code: {self!r}")
        return found[0]

    def warnings(self):
        return [each for each in json_lines(self.err) if each["type"] == "warning"]


def clean_environment(user_dir, **variables):
    """An environment without what this test's own user has set; a variable that is None is left out."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": str(user_dir), "TERM": "dumb"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update(variables)
    return {name: str(value) for name, value in environment.items() if value is not None}


class Home:
    """A user's directory with one kith home in it, and the processes that were started there.

        with Home() as home:
            home.run("version").ok()
    """

    def __init__(self, name="home", **variables):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"kith-e2e-{name}-"))
        self.home = self.dir / "kith"
        self.variables = {"KITH_HOME": str(self.home), **variables}
        self._open = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for each in reversed(self._open):
            each.kill()
        self._open.clear()
        shutil.rmtree(self.dir, ignore_errors=True)

    def environment(self, variables=None):
        return clean_environment(self.dir, **{**self.variables, **(variables or {})})

    def run(self, *args, stdin=b"", env=None, timeout=PATIENCE_S, umask=-1, program=None, cwd=None):
        """Runs the program to its end, without a terminal."""
        command = [str(program or BIN), *map(str, args)]
        done = subprocess.run(command, input=stdin if isinstance(stdin, bytes) else stdin.encode(), capture_output=True,
                              env=self.environment(env), timeout=timeout, umask=umask, cwd=cwd or self.dir,
                              start_new_session=True, check=False)
        return Run(args, done.returncode, done.stdout, done.stderr)

    def start(self, *args, env=None, cwd=None):
        """Starts the program and lets it go on; close() ends it."""
        return self._keep(Background([str(BIN), *map(str, args)], self.environment(env), cwd or self.dir))

    def terminal(self, *args, env=None, columns=100, cwd=None):
        """Starts the program in a terminal of its own; close() ends it."""
        return self._keep(Terminal([str(BIN), *map(str, args)], self.environment({"TERM": "xterm-256color", **(env or {})}),
                                   columns, cwd or self.dir))

    def _keep(self, process):
        self._open.append(process)
        return process


# Processes that go on

class Background:
    """A process whose lines are read as they come."""

    def __init__(self, command, environment, cwd):
        self.command = command
        self.process = subprocess.Popen(command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.out, self.err = [], []
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in
                         ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe, lines):
        for line in pipe:
            with self._changed:
                lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def __repr__(self):
        return f"{' '.join(self.command)} (exit {self.process.poll()})\n--- stdout\n" + "\n".join(self.out) + \
            "\n--- stderr\n" + "\n".join(self.err) + "\n---"

    def wait_line(self, wanted, timeout=PATIENCE_S, stream="out"):
        """The first line that fits, from the start of the output on. @param wanted  a pattern, or a test of a line"""
        fits = wanted if callable(wanted) else re.compile(wanted).search
        lines = self.out if stream == "out" else self.err
        seen, deadline = 0, time.monotonic() + timeout
        with self._changed:
            while True:
                while seen < len(lines):
                    if fits(lines[seen]):
                        return lines[seen]
                    seen += 1
                left = deadline - time.monotonic()
                ended = not any(reader.is_alive() for reader in self._readers)
                if left <= 0 or ended:
                    raise AssertionError(f"no line fits {wanted!r} {'before the end' if ended else 'in time'}: {self!r}")
                self._changed.wait(min(left, 0.2))

    def wait_json(self, type_, timeout=PATIENCE_S):
        """The first JSON line of this type, checked against its schema."""
        return check_schema(json.loads(self.wait_line(lambda line: json.loads(line).get("type") == type_, timeout)))

    def wait(self, timeout=PATIENCE_S):
        """The exit code, once the process has ended and all its lines are here."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end: {self!r}") from None
        for reader in self._readers:
            reader.join(timeout)
        return code

    def stop(self, number=signal.SIGINT, timeout=PATIENCE_S):
        """Sends the signal and waits. Returns the exit code."""
        self.process.send_signal(number)
        return self.wait(timeout)

    def kill(self):
        """Ends it, and what it started, whatever it does."""
        _kill_session(self.process)
        for reader in self._readers:
            reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()


class Terminal:
    """A process in a terminal of its own, so that it asks questions and shows colours; both its outputs are on screen."""

    def __init__(self, command, environment, columns, cwd):
        self.command = command
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        # After setsid(), the slave becomes the controlling terminal, which is what /dev/tty means.
        self.process = subprocess.Popen(command, env=environment, cwd=cwd, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.screen = ""
        self._read_to = 0

    def __repr__(self):
        return f"{' '.join(self.command)} (exit {self.process.poll()})\n--- screen\n{self.screen}\n---"

    def _more(self, seconds):
        """Reads what is there. @return whether the other side is still open"""
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self._master, 65536)
        except OSError:  # EIO: every process has closed it
            return False
        self.screen += got.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(got)

    def expect(self, pattern, timeout=PATIENCE_S):
        """Waits until the pattern stands behind what was expected last. Returns the match."""
        deadline = time.monotonic() + timeout
        is_open = True
        while True:
            found = re.compile(pattern).search(self.screen, self._read_to)
            if found:
                self._read_to = found.end()
                return found
            if not is_open or time.monotonic() > deadline:
                raise AssertionError(f"never shows {pattern!r}: {self!r}")
            is_open = self._more(0.1)

    def send(self, text):
        """Types; the line's end is the caller's."""
        os.write(self._master, text.encode())

    def echoes(self):
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def wait(self, timeout=PATIENCE_S):
        """Reads to the end. Returns the exit code."""
        deadline = time.monotonic() + timeout
        while self._more(0.1):
            if time.monotonic() > deadline:
                raise AssertionError(f"does not end: {self!r}")
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def kill(self):
        _kill_session(self.process)
        with contextlib.suppress(OSError):
            os.close(self._master)


def _kill_session(process):
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its leader: start_new_session
    process.wait()


# Odds and ends

def free_port():
    """A TCP port that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition, timeout=PATIENCE_S, step=0.1):
    """Waits until the condition returns something true. Returns that."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {timeout} s: {what}")
        time.sleep(step)


def bytes_below(folder):
    """How much all files below a directory hold. They come and go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def mode_of(path):
    """The permission bits, without following a link."""
    return os.lstat(path).st_mode & 0o7777


def from_b64(text):
    return base64.b64decode(text, validate=True)
