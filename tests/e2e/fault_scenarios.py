"""What programs do while tests/e2e/faults makes a call of theirs fail, and what must hold afterwards.

A scenario lasts for many points. For each of them prepare() brings something new, act() has the program work at it while
a call fails, and recover() does the same again without, and looks whether everything is there. What an earlier point left
behind is there for the next one, as on a disk that fails now and then.
"""

import contextlib
import os
import pathlib
import random
import re
import shutil
import sqlite3
import tempfile
import time

import folder_pair
from folder_pair import temp_files, tree
from io_faults import Faults
from kith_e2e import Run, free_port, json_lines, wait_until
from people import Device, let_in
from relay import Relay

# `kith help exit-codes`.
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17}
WITHOUT_ERROR = {0, 3, 4, 5, 10}  # these may be told by the summary instead
IN_A_HOME = {"keys", "kith.db", "kith.db-wal", "kith.db-shm", "kith.db.lock", "network.lock", "room.lock", "run", "config.toml"}
LOOK_AGAIN_S = 5
RELAY_CONFIG = '[limits]\nbytes_per_second = "1 GB"\nmessages_per_minute = 1000000\nconnections_per_ip = 1000\n' \
               '[storage]\nmax_group_storage = "4 GiB"\n[monitoring]\nlisten = ""\n'


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def check_run(run):
    """What any command must be like that met a fault: done, or a clear error."""
    check(run.code in DOCUMENTED, "undocumented exit code", run)
    errors = [each for each in json_lines(run.err) if each["type"] == "error"]
    check(len(errors) <= 1, "several errors", run)
    check(errors or run.code in WITHOUT_ERROR, "no error", run)
    for each in errors:
        check(each["exit"] == run.code, "another exit code", run)
        check(each["code"] != "internal-error" and each["message"] and each["remedy"], "no clear error", run)
    return run


def check_database(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = database.execute("PRAGMA integrity_check").fetchall()
    check(found == [("ok",)], "a damaged database", path, found)


def check_home(device):
    left = set(os.listdir(device.home)) - IN_A_HOME
    check(not left, "left behind in the home:", left)
    check_database(device.home / "kith.db")


class Scenario:
    """See above. `below`: where calls count."""

    below = ()

    def __init__(self, seed=7):
        self.stack = contextlib.ExitStack()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kith-faults-"))
        self.stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.faults = Faults(self.dir / "state")
        self.stack.callback(self.faults.close)
        self.number = self.calls = self.ended = 0  # `ended`: programs that go on, and did not
        self.random = random.Random(seed)
        try:
            self.set_up()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.stack.close()

    def set_up(self):
        pass

    def prepare(self):
        pass

    def env(self):
        return self.faults.env(*self.below)

    def device(self, name):
        device = Device(name)
        self.stack.callback(device.close)
        return device

    def point(self, number, mode):
        """One point. @return whether the call came"""
        self.number += 1
        self.prepare()
        self.faults.arm(number, mode)
        try:
            run = self.act()
        finally:
            self.faults.disarm()
            self.calls = self.faults.calls
        hit = self.faults.hits > 0
        try:
            if isinstance(run, Run):
                check_run(run)
            self.recover(run)
        except Exception as fault:
            raise AssertionError(f"after {self.faults.hit()}, first {run!r}: {fault}") from fault
        return hit


class Init(Scenario):
    def prepare(self):
        self.a = Device("fresh")
        self.below = (self.a.dir,)

    def act(self):
        return self.a.run("init", "--recovery-file", self.a.words, "--json", env=self.env())

    def recover(self, run):
        if run.code == 0:
            self.a.run("devices", "ls", "--json").ok()
        else:
            run = self.a.run("init", "--recovery-file", self.a.words, "--json")
            if run.code != 0:  # it was done but for its last step, and says so
                check(run.error()["code"] in ("already-in-group", "exists"), "cannot be done again", run)
        check(len(self.a.words.read_text().split()) == 24, "no words")
        check(self.a.names() == ["fresh"], "no device")
        self.a.run("push", "it works", "--json").ok()
        check_home(self.a)
        self.a.close()


class Push(Scenario):
    """Into a home that is alone."""

    def set_up(self):
        self.a = self.device("laptop").init()
        self.below = (self.a.home,)
        self.acknowledged = []

    def push(self, text, **more):
        run = self.a.run("push", text, "--json", **more)
        if run.code == 0:
            self.acknowledged.append(text)
        return run

    def act(self):
        return self.push(f"first {self.number}", env=self.env())

    def recover(self, _run):
        self.push(f"again {self.number}").ok()
        texts = self.a.texts("--own", "--after-cursor", "0")
        check(len(texts) == len(set(texts)), "doubled")
        check([each for each in texts if each in set(self.acknowledged)] == self.acknowledged, "lost or out of order")
        check_home(self.a)


class Rename(Scenario):
    """An op of the roster."""

    def set_up(self):
        self.a = self.device("laptop").init()
        self.below = (self.a.home,)

    def act(self):
        return self.a.run("devices", "rename", self.a.names()[0], f"name {self.number}", "--json", env=self.env())

    def recover(self, run):
        if run.code == 0:
            check(self.a.names() == [f"name {self.number}"], "renamed, and not")
        self.a.run("devices", "rename", self.a.names()[0], f"again {self.number}", "--json").ok()
        check(self.a.names() == [f"again {self.number}"], "not renamed")
        check_home(self.a)


class Rotate(Scenario):
    """A new key for the group."""

    def set_up(self):
        self.a = self.device("laptop").init()
        self.a.run("push", "before").ok()
        self.below = (self.a.home,)

    def act(self):
        return self.a.run("key", "rotate", "--yes", "--json", env=self.env())

    def recover(self, run):
        self.a.run("key", "rotate", "--yes", "--json").ok()
        check("before" in self.a.texts("--own", "--after-cursor", "0"), "lost")
        check_home(self.a)


class Config(Scenario):
    """The file of settings."""

    def set_up(self):
        self.a = self.device("laptop").init()
        self.below = (self.a.dir,)

    def act(self):
        return self.a.run("config", "set", "defaults.max_delete", str(self.number), "--json", env=self.env())

    def recover(self, run):
        found = self.a.run("config", "get", "defaults.max_delete", "--json").ok()
        if run.code == 0:
            check(f'{self.number}' in found.out, "set, and not", found)
        self.a.run("config", "set", "defaults.max_delete", str(self.number + 1000), "--json").ok()
        check(str(self.number + 1000) in self.a.run("config", "get", "defaults.max_delete", "--json").ok().out, "not set")
        self.a.run("config", "check").ok()
        left = [each for each in self.a.dir.rglob("*") if "config" in each.name and each.name != "config.toml" and each.is_file()]
        check(not left, "left behind:", left)


class Join(Scenario):
    """A device that comes into a group."""

    def prepare(self):
        self.a, self.b = Device("laptop").init(), Device("desktop")
        self.below = (self.b.dir,)

    def act(self):
        inviter, invite = self.a.invite()
        run = self.b.join(invite, "--timeout", "5s", env=self.env(), timeout=60)
        if run.code != 0:
            inviter.stop()
        else:
            inviter.wait()
        inviter.kill()
        return run

    def recover(self, run):
        with contextlib.closing(self.a), contextlib.closing(self.b):
            if run.code != 0:
                inviter, invite = self.a.invite()
                again = self.b.join(invite, "--timeout", "10s")
                if again.code == 0:
                    inviter.wait()
                else:  # it is in already, and says so
                    check(again.error()["code"] in ("already-in-group", "exists"), "cannot be done again", again)
                    inviter.stop()
                inviter.kill()
            follower = self.a.follow()
            self.b.run("push", "from the new one", "--wait", "seen", "--timeout", "20s", "--json").ok()
            follower.stop()
            check("from the new one" in self.a.texts("--after-cursor", "0"), "not heard")
            check_home(self.a)
            check_home(self.b)


class FolderAdd(Scenario):
    def set_up(self):
        self.a = self.device("laptop").init()

    def prepare(self):
        self.folder = self.a.dir / f"folder {self.number}"
        self.folder.mkdir()
        (self.folder / "file").write_text("content")
        self.below = (self.a.home, self.folder)

    def once(self, **more):
        return self.a.run("sync", self.folder, "--once", "--new", "--json", "--timeout", "2s", **more)

    def act(self):
        return self.once(env=self.env())

    def recover(self, run):
        run = self.once()
        if run.code != 0:  # it is a folder already
            run = self.a.run("sync", self.folder, "--once", "--json", "--timeout", "2s").ok()
        check(run.lines()[-1]["in_sync"], "not in step", run)
        names = [each["name"] for each in self.a.json("status")["folders"]]
        check(names.count(self.folder.name) == 1, "not once:", names)
        check((self.folder / "file").read_text() == "content", "changed")
        check_home(self.a)
        shutil.rmtree(self.folder)


class Folders(Scenario):
    """Two devices whose folders both change before each point: new, changed, renamed and deleted files on either side."""

    def change(self, root, other):
        tag = f"{self.number} {other}"
        (root / "new").mkdir(exist_ok=True)
        (root / "new" / f"file {tag}").write_bytes(self.random.randbytes(self.random.randrange(1, 30000)))
        mine = sorted(each for each in root.rglob(f"file * {other}") if each.is_file())
        if len(mine) > 4:
            mine[0].unlink()
            mine[1].rename(root / f"file moved {self.number} {other}")
            mine[2].write_bytes(self.random.randbytes(2000))

    def same(self):
        """Both alike, and what either had brought is there, in the folder or in the trash, where it was replaced."""
        one, two = tree(self.one), tree(self.two)
        check(one is not None and one == two, "not alike:", set((one or {}).items()) ^ set((two or {}).items()))
        check(not [each for each in one if b"conflict" in each], "a conflict copy", sorted(one))
        check(one == self.wanted, "not what was written:", set(one.items()) ^ set(self.wanted.items()))
        for root in (self.one, self.two):
            check(temp_files(root) == [], "left behind", temp_files(root))

    def prepare(self):
        self.change(self.one, "one")
        self.change(self.two, "two")
        mine = {path: what for path, what in tree(self.one).items() if not path.endswith(b" two")}
        self.wanted = {**mine, **{path: what for path, what in tree(self.two).items() if path.endswith(b" two")}}


class Direct(Folders):
    """`sync --once` of one of them, while the other one keeps the folder in step and answers."""

    def set_up(self):
        self.pair = folder_pair.Pair()
        self.stack.callback(self.pair.close)
        self.one, self.two = self.pair.make("docs")
        self.change(self.one, "one")
        check([code for code, _ in self.pair.step("docs")] == [0, 0], "no first step")
        self.below = (self.pair.laptop.home, self.one)
        self.other = None

    def prepare(self):
        super().prepare()
        self.other = self.pair.desktop.sync("docs")
        self.stack.callback(self.other.kill)
        self.pair.desktop.run("status")
        wait_until("the other one", lambda: self.pair.desktop.run("status", "--json").document()["running"], 20, 0.02)

    def act(self):
        return self.pair.laptop.run("sync", self.one, "--once", "--json", "--timeout", "10s", env=self.env())

    def recover(self, run):
        try:
            if run.code == 0:
                self.same()
            self.pair.laptop.once("docs").ok()
            self.same()
            check_home(self.pair.laptop)
            check(self.other.stop() == 0, "the other one", self.other)
        finally:
            self.other.kill()


class AtRelay(Scenario):
    """Two devices that meet at a relay only."""

    def set_up(self):
        (self.dir / "relay.toml").write_text(RELAY_CONFIG)
        self.port = free_port()
        self.relay = None
        self.start_relay()
        self.stack.callback(lambda: self.relay.stop())
        self.a, self.b = self.device("laptop").init(), self.device("desktop")
        self.a.run("relay", "add", re.search(r"'(ws://[^']*)'", self.relay.line)[1]).ok()
        let_in(self.a, self.b)
        wait_until("the other one is served", self.served, 60)
        for device in (self.a, self.b):
            device.variables["KITH_NETWORK__LISTEN"] = ""
        self.acknowledged = []

    def start_relay(self, env=None):
        self.relay = Relay(self.dir, "--config", str(self.dir / "relay.toml"), "--listen", f"127.0.0.1:{self.port}",
                           listen=False, env=env)
        self.relay.port = self.port
        return self.relay

    def served(self):
        self.a.run("pull", "--quiet")
        summary = [each for each in self.b.run("pull", "--json", "--topic", "nothing").lines() if each["type"] == "summary"]
        return summary and any(each.startswith("relay:") for each in summary[0]["reached"])

    def push(self, text, **more):
        run = self.a.run("push", text, "--wait", "safe", "--timeout", "10s", "--json", **more)
        if run.code == 0:
            self.acknowledged.append(text)
        return run

    def check_arrived(self):
        texts = self.b.texts("--after-cursor", "0")
        check(len(texts) == len(set(texts)), "doubled")
        check([each for each in texts if each in set(self.acknowledged)] == self.acknowledged, "lost or out of order")

    def check_relay(self):
        check(self.relay.process.poll() is None, "the relay ended", self.relay.logged()[-2000:])
        check(self.relay.get("/health")[0] == 200, "the relay is not well")


class PushToRelay(AtRelay):
    def set_up(self):
        super().set_up()
        self.below = (self.a.home,)

    def act(self):
        return self.push(f"first {self.number}", env=self.env())

    def recover(self, _run):
        self.push(f"again {self.number}").ok()
        self.check_arrived()
        check_home(self.a)


class PullFromRelay(AtRelay):
    def set_up(self):
        super().set_up()
        self.below = (self.b.home,)
        self.printed = []

    def prepare(self):
        self.push(f"text {self.number}").ok()

    def act(self):
        run = self.b.run("pull", "--json", "--timeout", "5s", env=self.env())
        self.printed += [each["text"] for each in run.lines() if each["type"] == "item"]
        return run

    def recover(self, run):
        self.printed += self.b.texts()
        check(set(self.acknowledged) <= set(self.printed), "never printed")
        if run.code == 0:
            check(self.printed.count(f"text {self.number}") == 1, "printed again after it was done")
        self.check_arrived()
        check_home(self.b)


class FoldersAtRelay(Folders, AtRelay):
    """`sync --once` of one device, then of the other one, never at a time."""

    def set_up(self):
        AtRelay.set_up(self)
        self.one, self.two = self.a.dir / "docs", self.b.dir / "docs"
        self.one.mkdir()
        self.change(self.one, "one")
        self.once(self.a).ok()
        self.b.run("sync", self.two, "--folder", "docs", "--once", "--json", "--timeout", "20s").ok()
        self.below = (self.a.home, self.one)

    def prepare(self):
        Folders.prepare(self)
        self.once(self.b)

    def once(self, device, **more):
        return device.run("sync", device.dir / "docs", "--once", "--json", "--timeout", "20s", **more)

    def act(self):
        return self.once(self.a, env=self.env())

    def recover(self, _run):
        self.once(self.a).ok()
        self.once(self.b).ok()
        self.once(self.a).ok()
        self.same()
        check_home(self.a)


class ServingRelay(AtRelay):
    """The relay itself, while a device pushes and another one pulls."""

    def set_up(self):
        super().set_up()
        self.relay.process.terminate()
        self.relay.wait()
        self.below = (self.relay.data,)
        self.start_relay(self.env())
        self.push("it is back").ok()

    def act(self):
        run = self.push(f"first {self.number}")
        self.b.run("pull", "--quiet", "--timeout", "5s")
        return run

    def recover(self, _run):
        self.check_relay()
        self.push(f"again {self.number}").ok()
        self.check_arrived()
        self.check_relay()
        left = [each for each in self.relay.data.rglob("*.new")]
        check(not left, "left behind", left)


class RelayObjects(FoldersAtRelay):
    """The relay, while a device leaves contents and another one takes them."""

    def set_up(self):
        super().set_up()
        self.relay.process.terminate()
        self.relay.wait()
        self.below = (self.relay.data,)
        self.start_relay(self.env())
        self.push("it is back").ok()

    def act(self):
        run = self.once(self.a)
        check_run(self.once(self.b))
        return run

    def recover(self, run):
        self.check_relay()
        super().recover(run)


class RelayStart(AtRelay):
    def set_up(self):
        super().set_up()
        self.below = (self.relay.data,)
        self.line = self.relay.line

    def prepare(self):
        self.push(f"text {self.number}").ok()
        if self.number % 2:
            self.relay.process.kill()
        else:
            self.relay.process.terminate()
        self.relay.wait()
        self.logged = self.size_of_log()

    def size_of_log(self):
        return (self.dir / "log").stat().st_size

    def act(self):
        return self.start_relay(self.env()).line

    def recover(self, line):
        if line:
            self.check_relay()
            self.relay.process.kill()
            self.relay.wait()
        else:
            code = self.relay.wait()
            said = (self.dir / "log").read_text()[self.logged:]
            check(code == 1 and "error" in said and "should not happen" not in said, "no clear error", code, said)
        self.start_relay()
        check(self.relay.line == self.line, "another key", self.relay.line)
        self.check_arrived()
        check_database(self.relay.data / "relay.db")


class NewRelay(Scenario):
    """A relay's first start."""

    def prepare(self):
        self.folder = self.dir / f"relay {self.number}"
        self.folder.mkdir()
        self.below = (self.folder,)

    def act(self):
        self.relay = Relay(self.folder, env=self.env())
        return self.relay.line

    def recover(self, line):
        self.relay.process.kill()
        code = self.relay.wait()
        said = (self.folder / "log").read_text()
        check(line or (code in (1, -9) and "error" in said and "should not happen" not in said), "no clear error", code, said)
        relay = Relay(self.folder)
        try:
            check(relay.line, "does not start", relay.logged())
            key = relay.line.split("#")[1]
            check(not line or key == line.split("#")[1], "another key than the one it told")
            check(relay.get("/health")[0] == 200, "not well")
        finally:
            relay.stop()
        check_database(self.folder / "data" / "relay.db")
        shutil.rmtree(self.folder)


class Live(Folders):
    """`sync` that goes on, on both devices: the fault must pass by itself."""

    def set_up(self):
        self.pair = folder_pair.Pair()
        self.stack.callback(self.pair.close)
        self.one, self.two = self.pair.make("docs")
        self.change(self.one, "one")
        check([code for code, _ in self.pair.step("docs")] == [0, 0], "no first step")
        self.below = (self.pair.laptop.home, self.one)
        self.running = [self.pair.laptop.start("sync", self.one, "--json", env=self.env()), self.pair.desktop.sync("docs")]
        wait_until("both in step", lambda: self.pair.connected("docs", self.running))

    def prepare(self):
        wait_until("quiet", self.quiet, 20, 0.05)

    def start_again(self, wanted=None):
        """A process that cannot write its home's database ends, and says why last; whoever looks after it starts it again."""
        process = self.running[0]
        code = process.wait()
        if wanted is None:
            check(process.err and code != 0, "ended without a word", process)
            check_run(Run(["sync"], code, b"", process.err[-1].encode()))
        self.ended += 1
        process.kill()
        self.running[0] = self.pair.laptop.start("sync", self.one, "--json", env=self.env())

    def quiet(self):
        before = self.faults.calls
        time.sleep(0.15)
        return self.faults.calls == before

    def act(self):
        Folders.prepare(self)
        with contextlib.suppress(AssertionError):
            wait_until("done, or met", lambda: self.faults.hits or tree(self.one) == self.wanted == tree(self.two), 10, 0.02)
        return None

    def recover(self, _run):
        begin = time.monotonic()

        def alike():
            check(self.running[1].process.poll() is None, "the other one ended", self.running[1])
            if self.running[0].process.poll() is not None:
                self.start_again()
            elif time.monotonic() > begin + LOOK_AGAIN_S and "unreadable" in self.pair.laptop.run("status", "--json").out:
                # One file that could not be opened is left alone, and said; who starts `sync` again has it looked at.
                check(self.running[0].stop() == 0, self.running[0])
                self.start_again(0)
            return tree(self.one) == self.wanted == tree(self.two)
        try:
            wait_until("alike again", alike, 60, 0.05)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.running[0]!r}\n{self.pair.laptop.run('status', '--json').out}") from None
        wait_until("nothing is half made", lambda: not temp_files(self.one) and not temp_files(self.two), 20, 0.05)
        self.same()
        check_home(self.pair.laptop)


# Of 300 points, how many are for each: fewer where several programs take their time for one;
# none of those that only run when they are named, as `live` does not hold at every point.
SHARES = {
    "init": (Init, 30), "push": (Push, 45), "rename": (Rename, 35), "rotate": (Rotate, 35), "config": (Config, 20),
    "folder-add": (FolderAdd, 30), "relay-new": (NewRelay, 40), "relay-start": (RelayStart, 12), "join": (Join, 4),
    "direct": (Direct, 10), "live": (Live, 0), "push-relay": (PushToRelay, 10), "pull-relay": (PullFromRelay, 11),
    "relay": (ServingRelay, 8), "folder-relay": (FoldersAtRelay, 1), "relay-objects": (RelayObjects, 1),
}
SCENARIOS = {name: scenario for name, (scenario, _) in SHARES.items()}
