"""Scenarios of one home: making it, writing into it, its keys and settings, and how it comes into a group."""

import contextlib
import shutil

from fault_scenario import Scenario, check, check_home
from people import Device


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
        self.check_keys()
        check_home(self.a)
        self.a.close()

    def check_keys(self):
        check((self.a.home / "keys").read_bytes()[9] == 0, "another protection than was asked for")


class InitLocked(Init):
    """A home whose keys are under a passphrase."""

    def prepare(self):
        super().prepare()
        passphrase = self.a.dir / "passphrase"
        passphrase.write_text("correct horse battery staple\n")
        passphrase.chmod(0o600)
        self.a.variables["KITH_PASSPHRASE_FILE"] = str(passphrase)

    def check_keys(self):
        check((self.a.home / "keys").read_bytes()[9] == 1, "keys in the clear")
        run = self.a.run("status", "--json", env={"KITH_PASSPHRASE_FILE": None})
        check(run.code == 11 and run.error()["code"] == "locked", "opens without its passphrase", run)


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
