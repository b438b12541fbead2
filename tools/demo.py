#!/usr/bin/env python3
"""Two devices of one person, in two homes and two processes on this machine: pairs them, keeps a folder and messages in
step, makes a conflict and a deletion, kills one side in the middle of a transfer, and proves that both hold the same. Then
the two are never there together, and meet at a relay that can read nothing.

    tools/demo.py [--bin DIR] [FOLDER]     FOLDER is copied, never touched

Every claim is checked; the first that does not hold ends it with exit code 1. Everything it makes is in one temporary
directory, which is removed at the end.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PATIENCE_S = float(os.environ.get("KITH_DEMO_PATIENCE", "60"))
BIG_BYTES = 96 << 20


class Demo:
    def __init__(self, bin_dir, folder):
        self.kith = bin_dir / "kith"
        self.relay = bin_dir / "kith-relay"
        self.find_keys = bin_dir / "kith_find_keys"
        self.source = folder
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kith-demo-"))
        self.timings = []
        self.running = []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("KITH_")}
        self.env.update(LC_ALL="C.UTF-8", TERM="dumb", NO_COLOR="1")

    # Running.

    def command(self, home, args):
        return [str(self.kith), "--home", str(self.dir / home), *map(str, args)]

    def show(self, home, args):
        quoted = " ".join(f"'{a}'" if " " in str(a) else str(a) for a in args)
        print(f"\n{home}$ kith {quoted}", flush=True)

    def run(self, home, *args, expect=(0,), show=True, echo=True):
        if show:
            self.show(home, args)
        # In a session of its own it has no terminal, and asks nobody.
        done = subprocess.run(self.command(home, args), env=self.env, capture_output=True, text=True, timeout=PATIENCE_S * 2,
                              stdin=subprocess.DEVNULL, start_new_session=True, check=False)
        if show and echo:
            for line in (done.stderr + done.stdout).splitlines():
                print("  " + line)
        if done.returncode not in expect:
            self.fail(f"exit code {done.returncode}, expected {expect}: {done.stdout}{done.stderr}")
        return done

    def start(self, home, *args, show=True):
        if show:
            self.show(home, args)
            print("  (goes on in the background)", flush=True)
        log = open(self.dir / f"{home}-{len(self.running)}.log", "w+b")
        process = subprocess.Popen(self.command(home, args), env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.running.append(process)
        process.log = log.name
        return process

    def stop(self, process, how=signal.SIGINT):
        if process.poll() is None:
            process.send_signal(how)
            process.wait(PATIENCE_S)
        return process.returncode

    def fail(self, why):
        for process in self.running:
            print(f"--- {process.log}\n{open(process.log, errors='replace').read()}")
        raise SystemExit(f"\nFAILED: {why}")

    def until(self, what, condition, process=None):
        begin = time.monotonic()
        while not condition():
            if process is not None and process.poll() is not None:
                self.fail(f"{what}: the process ended with {process.returncode}")
            if time.monotonic() - begin > PATIENCE_S:
                self.fail(f"{what}: not within {PATIENCE_S:.0f} s")
            time.sleep(0.01)
        return time.monotonic() - begin

    def timed(self, what, seconds):
        self.timings.append((what, seconds))
        print(f"  {what}: {seconds * 1000:.0f} ms" if seconds < 1 else f"  {what}: {seconds:.1f} s", flush=True)

    def title(self, text):
        print(f"\n--- {text} " + "-" * max(0, 90 - len(text)), flush=True)

    # Looking.

    def tree(self, directory):
        found = {}
        for path in sorted(directory.rglob("*")):
            relative = path.relative_to(directory)
            if relative.parts[0] == ".kith" or not path.is_file() or path.is_symlink():
                continue
            try:
                found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest()
            except FileNotFoundError:
                return None  # it is being replaced just now
        return found

    def same(self):
        a, b = self.tree(self.notes["laptop"]), self.tree(self.notes["desktop"])
        return a is not None and a == b

    # The story.

    def pair(self):
        self.title("two homes, one group")
        self.run("laptop", "init", "--name", "laptop", "--recovery-file", self.dir / "words.txt")
        inviter = self.start("laptop", "pair", "--yes", "--json")
        code = []

        def invite():
            lines = open(inviter.log).read().splitlines()
            found = [json.loads(line) for line in lines if line.startswith("{")]
            code[:] = [each for each in found if each["type"] == "invite"]
            return bool(code)

        self.until("an invite", invite, inviter)
        print(f"  code {code[0]['code']}, addresses {', '.join(code[0]['addresses'])}")
        begin = time.monotonic()
        port = code[0]["addresses"][0].rsplit(":", 1)[1]
        self.run("desktop", "pair", "--join", code[0]["code"], "--peer", f"127.0.0.1:{port}", "--name", "desktop")
        self.timed("pairing, the code known", time.monotonic() - begin)
        if inviter.wait(PATIENCE_S) != 0:
            self.fail("the inviter did not end well")
        self.run("laptop", "devices", "ls")

    def sync_folder(self):
        self.title("a folder")
        self.notes = {"laptop": self.dir / "laptop-files" / "notes", "desktop": self.dir / "desktop-files" / "notes"}
        for path in self.notes.values():
            path.parent.mkdir()
        shutil.copytree(self.source, self.notes["laptop"], symlinks=True, ignore=shutil.ignore_patterns(".kith"))
        (self.notes["laptop"] / "todo.txt").write_text("milk\n")
        files = self.tree(self.notes["laptop"])
        print(f"  {len(files)} files from {self.source}")
        self.sync = {"laptop": self.start("laptop", "sync", self.notes["laptop"])}
        self.until("the folder is known", lambda: (self.notes["laptop"] / ".kith").is_dir(), self.sync["laptop"])
        # The desktop has no such directory yet: it is made, because the group has a folder of that name.
        self.until("the folder on the desktop", lambda: self.run(
            "desktop", "pull", show=False, expect=(0, 3, 10)) and self.folder_known(), None)
        begin = time.monotonic()
        self.sync["desktop"] = self.start("desktop", "sync", self.notes["desktop"])
        self.until("first sync", self.same, self.sync["desktop"])
        self.timed(f"first sync of {len(files)} files", time.monotonic() - begin)

    def folder_known(self):
        status = json.loads(self.run("desktop", "status", "--json", show=False).stdout)
        return any(each["name"] == "notes" for each in status["folders"])

    def live_edits(self):
        self.title("edits on both sides")
        a, b = self.notes["laptop"], self.notes["desktop"]
        (a / "from-laptop.txt").write_text("hello from the laptop\n")
        self.timed("an edit on the laptop, on the desktop", self.until(
            "an edit", lambda: (b / "from-laptop.txt").exists() and (b / "from-laptop.txt").read_text() != ""))
        (b / "from-desktop.txt").write_text("hello from the desktop\n")
        self.timed("an edit on the desktop, on the laptop", self.until("an edit", lambda: (a / "from-desktop.txt").exists()))
        self.until("both alike", self.same)

    def conflict(self):
        self.title("a conflict: both edit one file while apart")
        self.stop(self.sync["desktop"])
        print("  the desktop is offline")
        (self.notes["laptop"] / "todo.txt").write_text("milk, bread\n")
        (self.notes["desktop"] / "todo.txt").write_text("milk, eggs\n")
        time.sleep(0.7)
        self.sync["desktop"] = self.start("desktop", "sync", self.notes["desktop"])

        def both_there():
            if not self.same():
                return False
            texts = [p.read_text() for p in self.notes["laptop"].glob("todo*.txt")]
            return sorted(texts) == ["milk, bread\n", "milk, eggs\n"]

        self.timed("both versions on both devices", self.until("the conflict copy", both_there, self.sync["desktop"]))
        for path in sorted(self.notes["desktop"].glob("todo*.txt")):
            print(f"  {path.name}: {path.read_text().strip()}")

    def deletion(self):
        self.title("a deletion")
        (self.notes["laptop"] / "from-desktop.txt").unlink()
        gone = self.notes["desktop"] / "from-desktop.txt"
        self.timed("gone on the desktop", self.until("the deletion", lambda: not gone.exists()))
        kept = list((self.notes["desktop"] / ".kith" / "trash").rglob("from-desktop.txt"))
        if len(kept) != 1 or kept[0].read_text() != "hello from the desktop\n":
            self.fail("the deleted file is not in the trash")
        print(f"  the old file is in {kept[0].relative_to(self.notes['desktop'])}")

    def crash(self):
        self.title(f"kill -9 in the middle of a transfer of {BIG_BYTES >> 20} MiB")
        big = self.notes["laptop"] / "big.bin"
        with open(big, "wb") as out:
            for _ in range(BIG_BYTES >> 20):
                out.write(os.urandom(1 << 20))
        temp = self.notes["desktop"] / ".kith" / "tmp"
        arrived = lambda: sum(each.stat().st_blocks * 512 for each in temp.iterdir()) if temp.is_dir() else 0

        def in_the_middle():
            try:
                return arrived() > BIG_BYTES // 8
            except FileNotFoundError:
                return False

        self.until("the transfer has begun", in_the_middle, self.sync["desktop"])
        self.stop(self.sync["desktop"], signal.SIGKILL)
        if (self.notes["desktop"] / "big.bin").exists():
            print("  (it was quicker than the signal)")
        else:
            print(f"  killed with {arrived() >> 20} of {BIG_BYTES >> 20} MiB there; nothing half-written has the file's name")
        begin = time.monotonic()
        self.sync["desktop"] = self.start("desktop", "sync", self.notes["desktop"])
        self.until("the rest", lambda: (self.notes["desktop"] / "big.bin").exists() and self.same(), self.sync["desktop"])
        self.timed("the rest, after starting again", time.monotonic() - begin)

    def messages(self):
        self.title("messages, while sync runs")
        self.run("laptop", "push", "Hello from the laptop")
        self.run("laptop", "push", "Second message")
        found = self.run("desktop", "pull").stdout
        if found != "Hello from the laptop\nSecond message\n":
            self.fail(f"pull printed {found!r}")
        follower = self.start("desktop", "pull", "--follow")
        time.sleep(1.0)
        begin = time.monotonic()
        self.run("laptop", "push", "and live")
        self.until("the live message", lambda: "and live" in open(follower.log).read(), follower)
        self.timed("pushed on one, printed on the other", time.monotonic() - begin)
        self.stop(follower)

    def prove(self):
        self.title("proof")
        self.run("desktop", "status")
        begin = time.monotonic()
        done = self.run("laptop", "verify")
        if "identical" not in done.stdout:
            self.fail("verify did not say that they are identical")
        self.timed("verify", time.monotonic() - begin)

    def meet_at_a_relay(self):
        self.title("never there together: a relay")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        data = self.dir / "relay-data"
        print(f"\nserver$ kith-relay serve --listen 127.0.0.1:{port} --data {data}\n  (goes on in the background)")
        log = open(self.dir / "relay.log", "w+b")
        relay = subprocess.Popen([str(self.relay), "serve", "--listen", f"127.0.0.1:{port}", "--data", str(data)],
                                 env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        relay.log = log.name
        self.running.append(relay)
        self.until("the relay", lambda: "kith relay add" in open(log.name).read(), relay)
        url = open(log.name).read().split("kith relay add '")[1].split("'")[0]
        self.run("laptop", "relay", "add", url)
        served = lambda: json.loads(self.run("desktop", "relay", "ls", "--json", show=False).stdout)["relays"]
        self.until("the desktop is served", lambda: [each for each in served() if each["connected"]], self.sync["desktop"])
        self.stop(self.sync["desktop"])
        print("  the desktop is switched off")

        waiting = lambda: {path for path in (data / "relay.objects").rglob("*") if path.is_file()}
        ours = lambda: json.loads(self.run("laptop", "relay", "ls", "--json", show=False).stdout)["relays"][0]
        before = waiting()
        self.run("laptop", "push", "to a desktop that is off", "--wait", "safe")
        (self.notes["laptop"] / "for the desktop.txt").write_text("written while it was off\n" * 1000)
        self.until("the relay has the contents", lambda: waiting() - before and ours()["has_all"], self.sync["laptop"])
        self.stop(self.sync["laptop"])
        print("  the laptop is switched off, and the desktop on")
        held = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
        if b"written while" in held or b"for the desktop" in held or b"that is off" in held:
            self.fail("the relay can read something")

        begin = time.monotonic()
        found = self.run("desktop", "pull").stdout
        if found != "to a desktop that is off\n":
            self.fail(f"pull printed {found!r}")
        self.sync["desktop"] = self.start("desktop", "sync", self.notes["desktop"])
        self.until("the file from the relay", self.same, self.sync["desktop"])
        self.timed("message and file, from the relay", time.monotonic() - begin)
        self.sync["laptop"] = self.start("laptop", "sync", self.notes["laptop"])
        self.until("both are there again", lambda: json.loads(
            self.run("laptop", "status", "--json", show=False).stdout)["devices"], self.sync["laptop"])
        self.run("laptop", "relay", "ls")

    def revoke(self):
        self.title("one device is removed")
        self.run("laptop", "devices", "revoke", "desktop", "--lost", "--yes")
        before = self.tree(self.notes["desktop"])
        (self.notes["laptop"] / "secret-plan.txt").write_text("not for the lost device\n")
        self.run("laptop", "push", "not for the lost device either")
        time.sleep(2)
        if self.tree(self.notes["desktop"]) != before:
            self.fail("the removed device's folder has changed")
        told = self.run("desktop", "pull", expect=(13,))
        if "not for" in told.stdout:
            self.fail("the removed device got a message")
        print("  the desktop keeps its files, and got nothing new")

    def keys_at_rest(self):
        self.title("keys under a passphrase")
        passphrase = self.dir / "passphrase"
        passphrase.write_text("correct horse battery staple\n")
        passphrase.chmod(0o600)
        self.run("vault", "init", "--name", "vault", "--passphrase-file", passphrase, "--recovery-file", self.dir / "more-words.txt")
        self.run("vault", "status", expect=(11,))
        for home, arguments, expected in (("laptop", [], 3), ("vault", [str(passphrase)], 0)):
            print(f"\n{home}$ kith_find_keys    (looks for the home's own secrets in all its files)")
            found = subprocess.run([str(self.find_keys), str(self.dir / home), *arguments], capture_output=True, text=True, check=False)
            print("  " + found.stdout.strip().replace("\n", "\n  "))
            if found.returncode != expected:
                self.fail(f"find_keys ended with {found.returncode}: {found.stderr}")
        print("  without a passphrase the key file is plain, with one nothing is")

    def tell(self):
        self.title("timings on this machine")
        for what, seconds in self.timings:
            print(f"  {what:<48} {seconds * 1000:8.0f} ms")
        print("""
All of it held. For two real machines, with build/bin/kith on both:

  laptop$   kith init
  laptop$   kith pair                        shows a code and the line to type on the other
  desktop$  kith pair --join CODE --peer HOST:PORT
  laptop$   kith sync ~/Notes                desktop$  kith sync ~/Notes

For devices that are never there together, on any machine that both reach:

  server$   kith-relay serve --listen 0.0.0.0:8080
  laptop$   kith relay add 'ws://HOST:8080/#key=...'     the line that it prints

kith help says more; docs/ explains how it works.""")

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Shows kith at work with two devices on this machine.")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin", help="where the programs are")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=ROOT / "docs", help="what to copy and sync; else docs/")
    given = parser.parse_args()
    if not given.folder.is_dir():
        raise SystemExit(f"{given.folder} is no directory")
    demo = Demo(given.bin.resolve(), given.folder.resolve())
    begin = time.monotonic()
    try:
        for part in (demo.pair, demo.sync_folder, demo.live_edits, demo.conflict, demo.deletion, demo.crash, demo.messages,
                     demo.prove, demo.meet_at_a_relay, demo.revoke, demo.keys_at_rest):
            part()
        demo.timings.append(("the whole demonstration", time.monotonic() - begin))
        for process in demo.running:
            demo.stop(process)
        demo.tell()
    finally:
        demo.end()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    # A shell starts background jobs that ignore Ctrl-C, and so would all that they start; here it is what ends them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
