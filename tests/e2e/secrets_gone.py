"""Secrets leave no trace in the memory of programs that go on, or end. Real programs, watched from outside.

What of a home's own secrets lies in its files is searched in passphrase.py; what goes over the wire, in relay_wire.py.
"""

import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from kith_e2e import BIN, PATIENCE_S, Background, Run, Terminal, free_port, wait_until
from people import Device
from relay import Relay
from relay_wire import Recorder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import proof  # noqa: E402

WATCHED = pathlib.Path(__file__).resolve().with_name("watched.py")
WORD_LIST = re.findall('"([a-z]+)"', (pathlib.Path(__file__).resolve().parents[2] / "src/crypto/mnemonic_words.inc").read_text())
PASSPHRASE = "seven purple submarines whistle at dawn"
SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium"))


# What is looked for

def hkdf(salt, ikm, info, size):
    """RFC 5869 with SHA-256."""
    prk, okm, block = hmac.digest(salt, ikm, "sha256"), b"", b""
    while len(okm) < size:
        block = hmac.digest(prk, block + info + bytes([len(okm) // 32 + 1]), "sha256")
        okm += block
    return okm[:size]


def of_words(words):
    """What 24 words stand for (BIP-39), as it could lie about: any three of them in a row, and what is made of them."""
    text, number = " ".join(words), 0
    for word in words:
        number = number << 11 | WORD_LIST.index(word)
    seed = hashlib.pbkdf2_hmac("sha512", text.encode(), b"mnemonic", 2048)
    needles = {f"words from {at + 1}": " ".join(words[at:at + 4]).encode() for at in range(0, 21)}
    needles |= {f"words in lines from {at + 1}": f"{at + 1:>2}. {words[at]:<9}{at + 2:>2}. {words[at + 1]:<9}".encode()
                for at in range(23) if (at + 1) % 6}
    return needles | {"entropy": (number >> 8).to_bytes(32, "big"), "BIP-39 seed": seed[:32], "its other half": seed[32:]}


def of_keys(file, passphrase=None):
    """What a key file holds (docs/spec/devices.md), and under a passphrase what is made of that."""
    content, needles = file.read_bytes(), {}
    secrets = content[10:]
    if content[9] == 1:
        aad, nonce = content[:34], content[34:58]
        stretched, opened = ctypes.create_string_buffer(32), ctypes.create_string_buffer(136)
        passes, memory_kib = (int.from_bytes(content[at:at + 4], "big") for at in (10, 14))
        assert SODIUM.crypto_pwhash(stretched, ctypes.c_ulonglong(32), passphrase.encode(), ctypes.c_ulonglong(len(passphrase)),
                                    content[18:34], ctypes.c_ulonglong(passes), ctypes.c_size_t(memory_kib * 1024), 2) == 0
        okm = hkdf(nonce, stretched.raw, b"kith/key-file/1\0" + aad, 64)
        assert okm[32:] == content[58:90]
        assert SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
            opened, None, None, content[90:242], ctypes.c_ulonglong(152), aad, ctypes.c_ulonglong(len(aad)), nonce, okm[:32]) == 0
        secrets = opened.raw
        needles = {"stretched passphrase": stretched.raw, "wrapping key": okm[:32]}
    keys = {name: secrets[at:at + 32] for at, name in
            zip(range(0, 128, 32), ("signing seed", "X25519 secret key", "device root", "storage key"))}
    return keys, needles


def of_passphrase():
    return {"passphrase": PASSPHRASE.encode(), "its middle": PASSPHRASE[8:24].encode(), "its end": PASSPHRASE[-16:].encode()}


def of_invite(invite):
    """What lets in whoever has it; the first half of a code and of a link is what finds the invite."""
    code, packed = invite["code"], invite["link"].partition("#")[2]
    link = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    at = link.index(b"\xc4\x20") + 2
    plain = code.replace("-", "")
    return {"code": code.encode(), "code without dashes": plain.encode(), "code as typed": code.lower().encode(),
            "code's secret half": code[10:].encode(), "the same without dashes": plain[8:].encode(),
            "link's secret": link[at:at + 32], "its text": packed[22:62].encode()}


# Watching

class Watched:
    """Runs programs of a home under watched.py."""

    def __init__(self, home):
        self.home, self.dump = home, home.dir / f"memory-{os.urandom(4).hex()}"
        self.command = [sys.executable, str(WATCHED), str(self.dump)]

    def run(self, *args, stdin="", env=None):
        done = subprocess.run([*self.command, str(BIN), *map(str, args)], input=stdin.encode(), capture_output=True,
                              env=self.home.environment(env), cwd=self.home.dir, timeout=PATIENCE_S, start_new_session=True, check=False)
        return Run(args, done.returncode, done.stdout, done.stderr)

    def start(self, *args, env=None):
        return self.home._keep(Background([*self.command, str(BIN), *map(str, args)], self.home.environment(env), self.home.dir))

    def terminal(self, *args, env=None):
        return self.home._keep(Terminal([*self.command, str(BIN), *map(str, args)],
                                        self.home.environment({"TERM": "xterm-256color", **(env or {})}), 100, self.home.dir))

    def now(self, process):
        """The memory of a process that goes on."""
        path = pathlib.Path(f"{self.dump}.now")
        path.unlink(missing_ok=True)
        process.process.send_signal(signal.SIGUSR1)
        wait_until("the memory", path.exists)
        return path.read_bytes()

    def at_end(self):
        return self.dump.read_bytes()


class Deaf(Recorder):
    """Passes on what the first connection says, and nothing of the others."""

    def _carry(self, source, sink, into):
        if into in self.connections[0]:
            super()._carry(source, sink, into)
        else:
            source.recv(65536)


class Secrets(unittest.TestCase):
    def device(self, name, passphrase=False):
        device = Device(name)
        self.addCleanup(device.close)
        device.passphrase = device.dir / "passphrase"
        device.passphrase.write_text(PASSPHRASE + "\n")
        device.passphrase.chmod(0o600)
        if passphrase:
            device.variables["KITH_PASSPHRASE_FILE"] = str(device.passphrase)
        return device

    def relay(self, settings=None):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-relay-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        given = []
        if settings:
            (folder / "relay.toml").write_text(settings)
            given = ["--config", str(folder / "relay.toml")]
        relay = Relay(folder, "--listen", f"127.0.0.1:{free_port()}", *given, listen=False)
        self.addCleanup(relay.stop)
        relay.port, relay.url = int(re.search(r":(\d+)/", relay.line)[1]), re.search(r"'(ws://[^']*)'", relay.line)[1]
        return relay

    def assert_none(self, memory, needles, what):
        """@param memory  what watched.py kept"""
        self.assertIn(b"KITH_HOME=", memory, "the memory is not there")
        found = {}
        for name, needle in needles.items():
            at = memory.find(needle)
            if at >= 0:
                found[name] = memory[memory.rfind(b"\nPIECE ", 0, at) + 1:].split(b"\n", 1)[0].decode()
        self.assertEqual(found, {}, f"after {what}")
        proof.count("canaries", len(needles))


class Memory(Secrets):
    """When a program ends, whatever it held must have been wiped; while it goes on, what it needs no more."""

    def words_of(self, device):
        return of_words(device.words.read_text().split())

    def test_the_search_finds_what_a_running_client_holds(self):
        laptop = self.device("laptop").init()
        watched = Watched(laptop)
        following = watched.start("pull", "--follow")
        laptop.until_owned()
        keys, _ = of_keys(laptop.home / "keys")
        memory = watched.now(following)
        self.assertEqual([name for name, key in keys.items() if key in memory], list(keys))
        self.assertEqual(following.stop(), 0, following)
        self.assert_none(watched.at_end(), keys, "pull --follow")

    def test_init(self):
        laptop = self.device("laptop")
        watched = Watched(laptop)
        watched.run("init", "--recovery-file", laptop.words, "--passphrase-file", laptop.passphrase, "--json").ok()
        keys, wrapping = of_keys(laptop.home / "keys", PASSPHRASE)
        self.assert_none(watched.at_end(), self.words_of(laptop) | of_passphrase() | keys | wrapping, "init")

    def test_init_that_goes_on_to_a_relay_has_forgotten_the_words(self):
        """The relay answers when it is looked for, and not when it is to be used: so init goes on for a while."""
        laptop, relay = self.device("laptop"), self.relay()
        deaf = Deaf(relay.port)
        self.addCleanup(deaf.close)
        watched = Watched(laptop)
        begun = watched.start("init", "--recovery-file", laptop.words, "--passphrase-file", laptop.passphrase, "--relay",
                              relay.url.replace(str(relay.port), str(deaf.port)))
        wait_until("init at the relay", lambda: len(deaf.connections) > 1)
        memory = watched.now(begun)
        keys, wrapping = of_keys(laptop.home / "keys", PASSPHRASE)
        self.assertIn(keys["signing seed"], memory)
        self.assert_none(memory, self.words_of(laptop) | of_passphrase() | wrapping, "init, at a relay")

    def test_init_at_a_terminal(self):
        laptop = self.device("laptop")
        watched = Watched(laptop)
        terminal = watched.terminal("init")
        for question in (r"keys \(Enter for none\): ", "again: "):
            terminal.expect(question)
            wait_until("no echo", lambda: not terminal.echoes(), step=0.01)
            terminal.send(PASSPHRASE + "\n")
        asked = int(terminal.expect(r"Type word number (\d+):")[1])
        words = re.findall(r"\d+\. ([a-z]+)", terminal.screen)
        self.assertEqual(len(words), 24)
        terminal.send(words[asked - 1] + "\n")
        self.assertEqual(terminal.wait(), 0, terminal)
        keys, wrapping = of_keys(laptop.home / "keys", PASSPHRASE)
        self.assert_none(watched.at_end(), of_words(words) | of_passphrase() | keys | wrapping, "init at a terminal")

    def test_unlocking(self):
        """A passphrase from a file, from a command, and typed; the program goes on, and then ends."""
        laptop = self.device("laptop")
        laptop.init("--passphrase-file", laptop.passphrase)
        keys, wrapping = of_keys(laptop.home / "keys", PASSPHRASE)
        folder = laptop.dir / "notes"
        folder.mkdir()
        (folder / "one.txt").write_text("one")
        for way, variables in (("file", {"KITH_PASSPHRASE_FILE": laptop.passphrase}),
                               ("command", {"KITH_PASSPHRASE_COMMAND": f"cat {laptop.passphrase}"}), ("typed", {})):
            with self.subTest(way=way):
                watched = Watched(laptop)
                terminal = watched.terminal("sync", folder, env=variables)
                if way == "typed":
                    terminal.expect("Passphrase: ")
                    wait_until("no echo", lambda: not terminal.echoes(), step=0.01)
                    terminal.send(PASSPHRASE + "\n")
                laptop.variables["KITH_PASSPHRASE_FILE"] = laptop.passphrase
                laptop.until_owned()
                del laptop.variables["KITH_PASSPHRASE_FILE"]
                memory = watched.now(terminal)
                self.assertIn(keys["signing seed"], memory)
                self.assert_none(memory, of_passphrase() | wrapping, f"unlocking by {way}")
                terminal.send("\x03")
                self.assertEqual(terminal.wait(), 0, terminal)
                self.assert_none(watched.at_end(), of_passphrase() | wrapping | keys, f"sync, unlocked by {way}")

    def test_commands(self):
        laptop = self.device("laptop", passphrase=True)
        laptop.init()
        keys, wrapping = of_keys(laptop.home / "keys", PASSPHRASE)
        needles = of_passphrase() | wrapping | keys
        for command in (["status"], ["push", "text"], ["pull", "--json"], ["devices", "ls"], ["devices", "rename", "laptop", "desk"],
                        ["key", "rotate"], ["key", "show-recovery"], ["verify", "--timeout", "1s"], ["doctor"], ["relay", "ls"]):
            with self.subTest(command=command):
                watched = Watched(laptop)
                watched.run(*command)
                self.assert_none(watched.at_end(), needles, command)

    def test_pairing(self):
        """Directly by a typed code, and by a link through a relay; inviter and joiner."""
        relay = self.relay()
        laptop = self.device("laptop", passphrase=True)
        laptop.init("--relay", relay.url)
        ours, wrapping = of_keys(laptop.home / "keys", PASSPHRASE)
        for way in ("code", "link", "terminal"):
            with self.subTest(way=way):
                phone = self.device("phone", passphrase=True)
                watching, joining = Watched(laptop), Watched(phone)
                inviter = watching.start("pair", "--yes", "--json", "-vv")
                invite = inviter.wait_json("invite")
                to = ["--peer", invite["addresses"][0]] if way == "code" else []
                if way == "terminal":
                    terminal = joining.terminal("pair", "--join", "-", "--peer", invite["addresses"][0])
                    terminal.expect("Type the code")
                    terminal.send(invite["code"].lower() + "\n")
                    self.assertEqual(terminal.wait(), 0, terminal)
                else:
                    joining.run("pair", "--join", "-", *to, "--json", stdin=invite[way] + "\n").ok()
                self.assertEqual(inviter.wait(), 0, inviter)
                needles = of_invite(invite) | of_passphrase()
                theirs, their_wrapping = of_keys(phone.home / "keys", PASSPHRASE)
                self.assert_none(watching.at_end(), needles | ours | wrapping, "pair")
                self.assert_none(joining.at_end(), needles | theirs | their_wrapping, f"pair --join by {way}")

    def test_a_refused_code_leaves_nothing(self):
        laptop, phone = self.device("laptop").init(), self.device("phone")
        inviter, invite = laptop.invite()
        wrong = invite["code"][:10] + "0000-0000"
        watched = Watched(phone)
        self.assertNotEqual(watched.run("pair", "--join", "-", "--peer", invite["addresses"][0], stdin=wrong + "\n").code, 0)
        self.assert_none(watched.at_end(), {"code": wrong.encode()}, "a wrong code")
        inviter.stop()

    def test_recovery(self):
        """From a file and typed, through a relay."""
        relay = self.relay()
        laptop = self.device("laptop")
        laptop.init("--relay", relay.url)
        laptop.run("push", "kept", "--wait", "safe").ok()
        words = laptop.words.read_text().split()
        for way in ("file", "typed"):
            with self.subTest(way=way):
                fresh = self.device("fresh", passphrase=True)
                watched = Watched(fresh)
                if way == "file":
                    watched.run("init", "--recover", "--relay", relay.url, "--recovery-file", laptop.words, "--yes", "--json").ok()
                else:
                    terminal = watched.terminal("init", "--recover", "--relay", relay.url, "--yes")
                    terminal.expect("Word 1 of 24:")
                    terminal.send(" ".join(words[:7]) + "\n")
                    terminal.expect("Word 8 of 24:")
                    terminal.send(" ".join(words[7:]) + "\n")
                    self.assertEqual(terminal.wait(), 0, terminal)
                keys, wrapping = of_keys(fresh.home / "keys", PASSPHRASE)
                self.assert_none(watched.at_end(), of_words(words) | of_passphrase() | keys | wrapping, f"recovery, words by {way}")


if __name__ == "__main__":
    unittest.main()
