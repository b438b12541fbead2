"""Scenarios of a folder that two devices keep in step, directly."""

import contextlib
import time

import folder_pair
from fault_scenario import Scenario, check, check_home, check_run
from folder_pair import temp_files, tree
from kith_e2e import Run, wait_until


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

    def start_again(self):
        """A process whose home's database fails ends, and says why last; whoever looks after it starts it again. One that
        only finds no room goes on by itself."""
        process = self.running[0]
        code = process.wait()
        check(process.err and code != 0, "ended without a word", process)
        run = check_run(Run(["sync"], code, b"", process.err[-1].encode()))
        check(run.error()["code"] != "disk-full", "did not wait for room", process)
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
        def alike():
            check(self.running[1].process.poll() is None, "the other one ended", self.running[1])
            if self.running[0].process.poll() is not None:
                self.start_again()
            return tree(self.one) == self.wanted == tree(self.two)
        try:
            wait_until("alike again", alike, 60, 0.05)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.running[0]!r}\n{self.pair.laptop.run('status', '--json').out}") from None
        wait_until("nothing is half made", lambda: not temp_files(self.one) and not temp_files(self.two), 20, 0.05)
        self.same()
        check_home(self.pair.laptop)
