"""Devices of one person, for end-to-end tests: homes that listen on this machine only, and how they come into a group."""

import json

from kith_e2e import PATIENCE_S, Home, check_schema, free_port, wait_until


class Device(Home):
    """A home of a device of this name. It listens on 127.0.0.1, on a port of its own."""

    def __init__(self, name="laptop", **variables):
        super().__init__(name, KITH_NETWORK__LISTEN=f"127.0.0.1:{free_port()}", KITH_DEVICE__NAME=name, NO_COLOR="1",
                         **variables)
        self.name = name
        self.words = self.dir / "words.txt"

    def init(self, *args):
        """Makes a group of its own. Returns itself."""
        self.run("init", "--recovery-file", self.words, *args).ok()
        return self

    def json(self, *args, **more):
        """One run with --json that ends well. Returns its one object."""
        return self.run(*args, "--json", **more).ok().document()

    def invite(self, *args):
        """Starts `pair --yes`. Returns the process and the invite that it shows."""
        inviter = self.start("pair", "--yes", "--json", *args)
        return inviter, inviter.wait_json("invite")

    def join(self, invite, *args, **more):
        """Joins with the code of an invite that was shown, at the first of its addresses."""
        return self.run("pair", "--join", invite["code"], "--peer", invite["addresses"][0], "--json", *args, **more)

    def follow(self, *args):
        """Starts `pull --follow`, and waits until it, or another process of this home, is on the network."""
        follower = self.start("pull", "--follow", "--json", *args)
        self.until_owned()
        return follower

    def owner(self):
        """The process on this home's network, as status tells it; None where there is none."""
        return self.json("status")["running"]

    def until_owned(self, timeout=PATIENCE_S):
        return wait_until(f"{self.name} on the network", self.owner, timeout)

    def names(self, state="active"):
        """The names of the group's devices in this state."""
        return sorted(each["name"] for each in self.json("devices", "ls")["devices"] if each["state"] == state)

    def heads(self):
        return self.run("verify", "--json", "--timeout", "5s").document()["heads"]

    def texts(self, *args, expect=(0,)):
        """What `pull` prints, as texts."""
        run = self.run("pull", "--json", *args)
        if run.code not in expect:
            raise AssertionError(f"expected one of {expect}: {run!r}")
        return [each["text"] for each in run.lines() if each["type"] == "item"]


def let_in(inviter, joiner, *args):
    """Pairs: afterwards `joiner` is in the group of `inviter`. Returns what the joiner printed last."""
    process, invite = inviter.invite()
    joined = joiner.join(invite, *args).ok().lines()[-1]
    if process.wait() != 0:
        raise AssertionError(f"the inviter did not end well: {process!r}")
    process.kill()
    return joined


def last_json(process):
    """The last JSON line of a process that goes on or has ended, checked."""
    return check_schema(json.loads(process.out[-1]))


def only_error(process):
    """The one error on standard error of a process that has ended, checked against its exit code."""
    found = [check_schema(json.loads(line)) for line in process.err]
    errors = [each for each in found if each["type"] == "error"]
    if len(errors) != 1 or errors[0]["exit"] != process.process.returncode:
        raise AssertionError(f"expected one error with the program's exit code: {process!r}")
    return errors[0]
