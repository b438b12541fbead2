"""Scenarios of two devices that meet at a relay only, and of the relay itself."""

import re
import shutil

from fault_folders import Folders
from fault_scenario import Scenario, check, check_database, check_home, check_run
from kith_e2e import free_port, wait_until
from people import Device, let_in
from relay import Relay

RELAY_CONFIG = '[limits]\nbytes_per_second = "1 GB"\nmessages_per_minute = 1000000\nconnections_per_ip = 1000\n' \
               '[storage]\nmax_group_storage = "4 GiB"\n[monitoring]\nlisten = ""\n'


class AtRelay(Scenario):
    """Two devices that meet at a relay only."""

    def set_up(self):
        self.begin_relay()
        self.a, self.b = self.device("laptop").init(), self.device("desktop")
        self.a.run("relay", "add", self.url()).ok()
        let_in(self.a, self.b)
        wait_until("the other one is served", self.served, 60)
        for device in (self.a, self.b):
            device.variables["KITH_NETWORK__LISTEN"] = ""
        self.acknowledged = []

    def begin_relay(self):
        (self.dir / "relay.toml").write_text(RELAY_CONFIG)
        self.port = free_port()
        self.relay = None
        self.start_relay()
        self.stack.callback(lambda: self.relay.stop())

    def url(self):
        return re.search(r"'(ws://[^']*)'", self.relay.line)[1]

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

    def recover(self, run):
        # Each of these waits some seconds for devices that might come: what is done already is not done again.
        if run.code != 0:
            self.once(self.a).ok()
        self.once(self.b).ok()
        if run.code != 0:
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


class ComeBack(AtRelay):
    """A home that is made of nothing but the recovery words and what lies at the relay; each time of another group."""

    def set_up(self):
        self.begin_relay()

    def prepare(self):
        lost = Device("laptop").init("--relay", self.url())
        try:
            lost.run("push", "kept", "--wait", "safe").ok()
            self.words = shutil.copy(lost.words, self.dir / "words")
        finally:
            lost.close()
        self.fresh = Device("fresh")
        self.stack.callback(self.fresh.close)
        self.below = (self.fresh.dir,)

    def come_back(self, **more):
        return self.fresh.run("init", "--recover", "--relay", self.url(), "--recovery-file", self.words, "--yes", "--json", **more)

    def act(self):
        return self.come_back(env=self.env())

    def recover(self, run):
        if run.code != 0:
            run = self.come_back()
            if run.code != 0:  # it was done but for its last step, and says so
                check(run.error()["code"] == "already-initialised", "cannot be done again", run)
        check(self.fresh.names() == ["fresh"], "the lost one is in the group")
        self.fresh.run("push", "afterwards", "--wait", "safe", "--timeout", "30s").ok()
        check(self.fresh.texts("--after-cursor", "0", "--own") == ["kept", "afterwards"], "lost or doubled")
        check_home(self.fresh)
        self.fresh.close()


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
