"""What strangers can send to a home's port: nothing of it stops the owner, fills its memory, or gets an answer."""

import contextlib
import os
import pathlib
import random
import socket
import struct
import threading
import time
import unittest

from kith_e2e import json_lines, wait_until
from people import Device, let_in

SESSION, PAIRING = 1, 2
REFUSAL_BYTES = 11


def opening(purpose, oldest=1, newest=1, features=0):
    return b"KITH" + struct.pack(">BBBI", purpose, oldest, newest, features)


def message(body):
    return struct.pack(">H", len(body)) + body


def pair_hello(code, share=None):
    """HELLO of somebody who knows the first half of a code. @see docs/spec/pairing.md"""
    lookup = code.replace("-", "")[:8].encode()
    return message(b"\x94\x01" + bytes([0xA0 | len(lookup)]) + lookup + b"\xc4\x20" + (share or os.urandom(32)) +
                   b"\xc4\x20" + os.urandom(32))


class Strangers(unittest.TestCase):
    GROWTH_KIB = 30 * 1024

    def setUp(self):
        self.laptop = Device("laptop").init()
        self.addCleanup(self.laptop.close)
        self.phone = Device("phone")
        self.addCleanup(self.phone.close)
        let_in(self.laptop, self.phone)
        self.random = random.Random(7)
        self.sockets = []
        self.addCleanup(lambda: [each.close() for each in self.sockets])
        self.owner = self.laptop.follow()
        inviter, invite = self.laptop.invite()
        host, port = invite["addresses"][0].rsplit(":", 1)
        self.address = (host, int(port))
        self.assertEqual(inviter.stop(), 130, inviter)
        self.far = self.phone.follow()
        wait_until("a session", lambda: any(each["path"] == "direct" for each in self.phone.json("status")["devices"]))
        self.pushed = 0
        self.still_serves()
        self.memory_before = self.memory_kib()

    def of_status(self, name):
        status = pathlib.Path(f"/proc/{self.owner.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name)))

    def memory_kib(self):
        return self.of_status("VmRSS:")

    def still_serves(self):
        """A message goes from one device to the other while all this happens."""
        self.pushed += 1
        text = f"still here {self.pushed}"
        self.laptop.run("push", text, "--quiet").ok()
        self.far.wait_line(f'"{text}"')
        self.assertIsNone(self.owner.process.poll(), self.owner)

    def unharmed(self):
        self.still_serves()
        if not any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")):
            self.assertLess(self.memory_kib() - self.memory_before, self.GROWTH_KIB)
        self.assertEqual(self.laptop.names(), ["laptop", "phone"])
        for line in self.owner.err:
            self.assertNotEqual(json_lines(line)[0]["type"], "error", line)

    def connect(self):
        each = socket.create_connection(self.address, timeout=30)
        self.sockets.append(each)
        return each

    def say(self, data):
        """Says it to the port. Returns what comes back before the other side hangs up."""
        with self.connect() as each:
            with contextlib.suppress(ConnectionError):
                each.sendall(data)
            return self.answer(each)

    @staticmethod
    def answer(each):
        got = b""
        with contextlib.suppress(ConnectionError):
            while part := each.recv(4096):
                got += part
        return got

    def test_garbage_gets_no_answer(self):
        requests = [b"GET / HTTP/1.1\r\nHost: laptop\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                    b"\0" * 4096, b"\xff" * 4096, b"kith\1\1\1\0\0\0\0", b"KITZ" + opening(SESSION)[4:]]
        requests += [self.random.randbytes(self.random.choice((1, 10, 11, 12, 300, 5000, 100000))) for _ in range(40)]
        requests = [each if len(each) > 3 else b"no" + each for each in requests]
        for request in requests:
            self.assertEqual(self.say(request), b"", request[:60])
        self.unharmed()

    def test_purposes_and_versions_that_mean_nothing(self):
        for purpose in (0, 3, 4, 0x7F, 0xFF):
            self.assertEqual(self.say(opening(purpose) + os.urandom(200)), b"", purpose)
        for purpose in (SESSION, PAIRING):
            self.assertEqual(self.say(opening(purpose, 3, 2) + os.urandom(200)), b"", "oldest above newest")
        self.unharmed()

    def test_frames_that_are_too_long_or_mean_nothing(self):
        for purpose in (SESSION, PAIRING):
            for length in (4097, 0x4B49, 65535):
                self.assertEqual(self.say(opening(purpose) + struct.pack(">H", length)), b"", (purpose, length))
            self.assertEqual(self.say(opening(purpose) + message(b"")), b"", purpose)
            for size in (1, 111, 112, 113, 4096):
                self.assertEqual(self.say(opening(purpose) + message(self.random.randbytes(size))), b"", (purpose, size))
        # Random tags name no epoch: whoever does not prove one is told nothing, not even in an unknown version.
        for versions in ((1, 1), (2, 2), (200, 255)):
            self.assertEqual(self.say(opening(SESSION, *versions) + message(os.urandom(112))), b"", versions)
            self.assertEqual(self.say(opening(PAIRING, *versions) + pair_hello("7F3K-9QDM-2XHB-T6WP")), b"", versions)
        self.unharmed()

    def test_half_openings_and_slow_ones(self):
        slow = [self.connect() for _ in range(8)]
        halves = [self.connect() for _ in range(8)]
        for number, each in enumerate(halves):
            each.sendall((opening(SESSION) + b"\0")[:number + 1])
        begin = time.monotonic()
        sent = [0] * len(slow)
        ended = set()
        request = opening(SESSION) + message(os.urandom(112))
        while len(ended) < len(slow) and time.monotonic() - begin < 60:
            for number, each in enumerate(slow):
                if number in ended:
                    continue
                each.setblocking(False)
                try:
                    if sent[number] < len(request):
                        each.send(request[sent[number]:sent[number] + 1])
                        sent[number] += 1
                    self.assertEqual(each.recv(100), b"")
                    ended.add(number)
                except BlockingIOError:
                    pass
                except ConnectionError:
                    ended.add(number)
            time.sleep(0.5)
        self.assertEqual(len(ended), len(slow), "a byte now and then does not keep a connection")
        for each in halves:
            self.assertEqual(self.answer(each), b"")
        self.unharmed()

    def test_two_hundred_connections(self):
        crowd = [self.connect() for _ in range(200)]
        self.still_serves()
        for each in crowd[::2]:
            with contextlib.suppress(ConnectionError):
                each.sendall(opening(SESSION))
        for each in crowd[1::2]:
            with contextlib.suppress(ConnectionError):
                each.sendall(opening(PAIRING) + pair_hello("7F3K-9QDM-2XHB-T6WP"))
        self.still_serves()
        self.assertLessEqual(self.of_status("FDSize:"), 512, "room for descriptors, of which there are 320 at most")
        for each in crowd:
            each.close()
        # There is room again: a device can still come in.
        with Device("tablet") as tablet:
            def joins():
                process, invite = self.laptop.invite()
                run = tablet.join(invite)
                self.assertIn(run.code, (0, 10, 12), run)
                process.stop()
                return run.code == 0
            wait_until("room for a new device", joins)
            self.assertEqual(self.laptop.names(), ["laptop", "phone", "tablet"])


class Versions(unittest.TestCase):
    """Programs whose protocol versions do not meet say so, with both ranges, and only to whom it concerns."""

    def device(self, name):
        device = Device(name)
        self.addCleanup(device.close)
        return device

    def test_a_joiner_of_a_newer_version_is_refused_with_the_versions(self):
        laptop = self.device("laptop").init()
        inviter, invite = laptop.invite()
        host, port = invite["addresses"][0].rsplit(":", 1)
        for purpose, hello, refused in ((PAIRING, pair_hello(invite["code"]), True),
                                        (PAIRING, pair_hello("7F3K-9QDM-2XHB-T6WP"), False)):
            with socket.create_connection((host, int(port)), timeout=30) as newer:
                newer.sendall(opening(purpose, 2, 3) + hello)
                self.assertEqual(Strangers.answer(newer), opening(0, 1, 1) if refused else b"")
        # That was no try: the code is as good as before.
        self.device("phone").join(invite).ok()
        self.assertEqual(inviter.wait(), 0, inviter)

    def test_an_inviter_of_a_newer_version(self):
        with Refuses(opening(0, 2, 3)) as newer:
            run = self.device("phone").join({"code": "7F3K-9QDM-2XHB-T6WP", "addresses": [newer.address]}).expect(16)
            error = run.error()
            self.assertEqual(error["code"], "version-mismatch")
            self.both_named(f"{error['message']} {error['cause']}")
            self.assertEqual(newer.heard[:REFUSAL_BYTES], opening(PAIRING))

    def test_a_device_of_a_newer_version(self):
        laptop = self.device("laptop").init()
        let_in(laptop, self.device("phone"))
        folder = laptop.dir / "notes"
        folder.mkdir()
        with Refuses(opening(0, 2, 3)) as newer:
            run = laptop.run("sync", folder, "--once", "--peer", newer.address, "--timeout", "3s", "--json")
            self.assertEqual(newer.heard[:REFUSAL_BYTES], opening(SESSION))
            error = run.expect(16).error()
            self.assertEqual(error["code"], "version-mismatch")
            self.both_named(f"{error['message']} {error['cause']}")

    def test_a_device_of_another_group_is_said_to_be_that(self):
        laptop, other = self.device("laptop").init(), self.device("other").init()
        let_in(laptop, self.device("phone"))
        folder = laptop.dir / "notes"
        folder.mkdir()
        follower = other.follow()
        address = other.variables["KITH_NETWORK__LISTEN"]
        run = laptop.run("sync", folder, "--once", "--peer", address, "--timeout", "5s", "--json").expect(10)
        self.assertIn("no device of this group", run.error()["cause"] or "")
        follower.stop()
        run = laptop.run("sync", folder, "--once", "--peer", address, "--timeout", "5s", "--json").expect(10)
        self.assertIn("refused", (run.error()["cause"] or "").lower())

    def test_an_answer_that_means_nothing(self):
        for answer in (os.urandom(64), b"HTTP/1.1 400 Bad Request\r\n\r\n", opening(0, 3, 2), b""):
            with self.subTest(answer=answer[:16]), Refuses(answer) as other:
                run = self.device("phone").join({"code": "7F3K-9QDM-2XHB-T6WP", "addresses": [other.address]})
                self.assertEqual(run.expect(12).error()["code"], "code-unknown")

    def both_named(self, text):
        self.assertRegex(text, r"(?<!\d)1(?!\d).*here.*2.*3.*there")


class Refuses:
    """A listener that reads what comes, gives one answer to everybody, and hangs up."""

    def __init__(self, answer):
        self.said, self.heard = answer, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                each, _ = self.listener.accept()
                with each, contextlib.suppress(OSError):
                    self.heard += each.recv(4096)
                    each.sendall(self.said)
                    each.shutdown(socket.SHUT_WR)
                    each.settimeout(5)
                    while each.recv(4096):
                        pass

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


if __name__ == "__main__":
    unittest.main()
