"""What goes over the wire to a relay, as somebody sees it who records all of it: pairing over HTTP, and WebSockets unmasked.

What the relay itself reads, with its channel opened, is searched where devices and its rules run in one process
(src/sync/relays/mailbox_wire_test.cpp); what it keeps, in relay_devices.py.
"""

import contextlib
import base64
import os
import pathlib
import re
import shutil
import socket
import tempfile
import threading
import unittest

from relay_devices import AtARelay


class Recorder:
    """Stands before a relay, passes everything on, and keeps it: [(from the client, bytes)] of each connection."""

    def __init__(self, to_port):
        self.to_port, self.connections = to_port, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                relay = socket.create_connection(("127.0.0.1", self.to_port))
                kept = (bytearray(), bytearray())
                self.connections.append(kept)
                for source, sink, into in ((client, relay, kept[0]), (relay, client, kept[1])):
                    threading.Thread(target=self._carry, args=(source, sink, into), daemon=True).start()

    @staticmethod
    def _carry(source, sink, into):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                into += data
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self._listener.close()

    def seen(self):
        """All that went by, and what clients' frames hold without their masks."""
        found = []
        for client, relay in list(self.connections):
            for piece in (bytes(client), bytes(relay), unmasked(bytes(client))):
                found += [piece, *boxes(piece)] if piece else []
        return found


def boxes(text):
    """What the bodies of pairing requests hold: their boxes are base64url."""
    for each in re.findall(rb'"([A-Za-z0-9_-]{12,})"', text):
        yield base64.urlsafe_b64decode(each + b"=" * (-len(each) % 4))


def unmasked(stream):
    """The payloads of a client's WebSocket frames, behind the request that opened it. RFC 6455, section 5.2"""
    head, _, rest = stream.partition(b"\r\n\r\n")
    if b"upgrade: websocket" not in head.lower():
        return b""
    out, at = bytearray(), 0
    while at + 2 <= len(rest):
        size, at = rest[at + 1] & 0x7F, at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(rest[at:at + width], "big"), at + width
        mask, payload, at = rest[at:at + 4], rest[at + 4:at + 4 + size], at + 4 + size
        pad = (mask * (len(payload) // 4 + 1))[:len(payload)]
        out += (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big") if payload else b""
    return bytes(out)


class OnTheWire(unittest.TestCase):
    device, start_relay = AtARelay.device, AtARelay.start_relay

    def test_nobody_reads_pairing_or_what_follows(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-relay-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        relay = self.start_relay("one")
        recorder = Recorder(relay.port)
        self.addCleanup(recorder.close)
        marks = [f"canary-{number:02}-{os.urandom(4).hex()}" for number in range(64)]
        laptop, phone = self.device(marks[0]), self.device(marks[1])
        for each in (laptop, phone):
            each.variables["KITH_NETWORK__LISTEN"] = ""
        laptop.init("--relay", AtARelay.url(relay).replace(str(relay.port), str(recorder.port)))
        inviter, invite = laptop.invite()
        phone.run("pair", "--join", invite["link"]).ok()
        self.assertEqual(inviter.wait(), 0, inviter)
        for mark in marks[2:20]:
            laptop.run("push", mark, "--topic", mark, "--quiet").ok()
        here, there = laptop.dir / marks[20], phone.dir / marks[20]
        for mark in marks[21:40]:
            (here / mark).mkdir(parents=True)
            (here / mark / f"{mark}.txt").write_text("x")
        for mark in marks[40:]:
            (here / f"{mark[:9]}.bin").write_bytes(mark.encode() * 500)
        laptop.run("sync", here, "--once").ok()
        self.assertEqual(phone.texts(), marks[2:20])
        phone.run("sync", there, "--folder", marks[20], "--once").ok()
        self.assertEqual(len(list(there.rglob("*.bin"))), 24)

        seen = recorder.seen()
        self.assertTrue(any(b"POST /invite" in piece for piece in seen))
        # Frames are taken apart rightly: each begins with the device's half of the handshake, length first.
        sockets = [unmasked(bytes(client)) for client, _ in recorder.connections if unmasked(bytes(client))]
        self.assertGreaterEqual(len(sockets), 4)
        self.assertEqual({each[:2] for each in sockets}, {b"\x00\x20"})
        code = invite["code"].replace("-", "")
        self.assertTrue(any(code[:8].encode() in piece for piece in seen), "the half that finds the invite is for the relay")
        secrets = [*marks, invite["code"], code, code[8:], invite["code"][10:], invite["link"].partition("#")[2],
                   " ".join(laptop.words.read_text().split()[:4])]
        shown = laptop.json("devices", "ls")
        ids = [bytes.fromhex(text) for text in (shown["group"]["id"], *(each["id"] for each in shown["devices"]))]
        for secret in secrets:
            self.assertGreater(len(secret), 7)
            for spelled in (secret.encode(), secret.encode("utf-16-le"), secret.encode().hex().encode()):
                self.assertFalse(any(spelled in piece for piece in seen), secret)
        for each in ids:
            self.assertFalse(any(each in piece for piece in seen), "an id of the group")


if __name__ == "__main__":
    unittest.main()
