#!/usr/bin/env python3
"""Writes tests/vectors/chunker.json and content.json: a second implementation of docs/spec/content.md, byte by byte and
without the program's code. `content.py DIR` writes into DIR; run it again after a change of the format and compare."""
import hashlib
import hmac
import json
import pathlib
import sys

MIN, NORMAL, MAX = 64 * 1024, 96 * 1024, 512 * 1024
HARD = ((1 << 19) - 1) << 44
EASY = ((1 << 15) - 1) << 48
U64 = (1 << 64) - 1
INLINE, NODE_MIN, NODE_MAX, NODE_CUT = 64, 32, 256, 592


def hkdf(ikm: bytes, info: bytes, length: int) -> bytes:
    prk = hmac.new(bytes(32), ikm, hashlib.sha256).digest()
    okm, block, i = b"", b"", 1
    while len(okm) < length:
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        okm, i = okm + block, i + 1
    return okm[:length]


def gear(secret: bytes) -> list[int]:
    okm = hkdf(secret, b"kith/gear/1", 2048)
    return [int.from_bytes(okm[8 * i:8 * i + 8], "big") for i in range(256)]


def chunk_id(secret: bytes, chunk: bytes) -> bytes:
    return hashlib.blake2b(chunk, key=hkdf(secret, b"kith/chunk/1", 32), digest_size=32).digest()


def cut(table: list[int], data: bytes, start: int) -> int:
    """The length of the chunk that begins at `start`."""
    left = min(len(data) - start, MAX)
    h = 0
    for i in range(MIN, left):
        h = ((h << 1) + table[data[start + i]]) & U64
        if h & (HARD if i < NORMAL else EASY) == 0:
            return i
    return left


def cuts(table: list[int], data: bytes) -> list[int]:
    lengths, at = [], 0
    while at < len(data):
        lengths.append(cut(table, data, at))
        at += lengths[-1]
    return lengths


def lcg(seed: int, length: int, symbols: int = 256) -> bytes:
    out, x = bytearray(), seed
    for _ in range(length):
        x = (x * 6364136223846793005 + 1442695040888963407) & U64
        out.append((x >> 56) % symbols)
    return bytes(out)


def make(source: dict) -> bytes:
    kind, length = source["kind"], source["length"]
    if kind == "lcg":
        return lcg(source["seed"], length, source["symbols"])
    if kind == "zeros":
        return bytes(length)
    return bytes(i % 251 for i in range(length))


def pack_uint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    for tag, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
        if value < 1 << (8 * size):
            return bytes([tag]) + value.to_bytes(size, "big")
    raise ValueError(value)


def pack_array(items: list[bytes]) -> bytes:
    count = len(items)
    head = bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return head + b"".join(items)


def pack_refs(refs: list[tuple[int, bytes]]) -> bytes:
    return pack_array([pack_array([pack_uint(length), b"\xc4\x20" + name]) for length, name in refs])


def node_length(refs: list[tuple[int, bytes]]) -> int:
    most = min(len(refs), NODE_MAX)
    for count in range(NODE_MIN, most):
        if int.from_bytes(refs[count - 1][1][:2], "big") < NODE_CUT:
            return count
    return most


def build(secret: bytes, refs: list[tuple[int, bytes]]):
    """(level, refs of the content, [ids of the nodes, children before parents])"""
    if len(refs) <= INLINE:
        return 0, refs, []
    level, nodes = 0, []
    while True:
        level, root, parents, rest = level + 1, len(refs) <= NODE_MAX, [], refs
        while rest:
            count = len(rest) if root else node_length(rest)
            name = chunk_id(secret, pack_array([pack_uint(level), pack_refs(rest[:count])]))
            nodes.append(name)
            parents.append((sum(length for length, _ in rest[:count]), name))
            rest = rest[count:]
        if root:
            return level, parents, nodes
        refs = parents


def main(folder: pathlib.Path) -> None:
    one, two = bytes(range(32)), hashlib.sha256(b"kith vectors").digest()
    sources = [{"kind": "lcg", "seed": 1, "symbols": 256, "length": n} for n in (0, 1, MIN - 1, MIN, MIN + 1, 1_000_003)]
    sources += [{"kind": "lcg", "seed": 2, "symbols": 4, "length": 1_500_000}, {"kind": "zeros", "length": 2 * MAX + 77},
                {"kind": "cycle", "length": 800_000}]
    cases = []
    for secret in (one, two):
        table = gear(secret)
        for source in sources if secret == one else sources[5:]:
            data, at, ids = make(source), 0, []
            lengths = cuts(table, data)
            for length in lengths:
                ids.append(chunk_id(secret, data[at:at + length]).hex())
                at += length
            cases.append({"content_secret": secret.hex(), "input": source, "lengths": lengths, "ids": ids})
    tables = [{"content_secret": s.hex(), "chunk_key": hkdf(s, b"kith/chunk/1", 32).hex(),
               "gear": {str(i): f"{gear(s)[i]:016x}" for i in (0, 1, 128, 255)}} for s in (one, two)]
    chunker = {"source": "tools/gen_vectors/content.py, after docs/spec/content.md",
               "inputs": {"lcg": "x = seed; for each byte: x = (x * 6364136223846793005 + 1442695040888963407) mod 2^64, "
                                 "then the byte is floor(x / 2^56) mod symbols",
                          "zeros": "zero bytes", "cycle": "byte i is i mod 251"},
               "tables": tables, "cases": cases}
    (folder / "chunker.json").write_text(json.dumps(chunker, indent=1) + "\n")

    contents = []
    for count in (0, 1, 64, 65, 256, 257, 2000, 40_000):
        refs = [(65536 + 977 * i % 458752, chunk_id(one, b"chunk %d" % i)) for i in range(count)]
        level, top, nodes = build(one, refs)
        content = pack_array([pack_uint(1), pack_uint(level), pack_refs(top)])
        contents.append({"count": count, "level": level, "size": sum(length for length, _ in refs), "nodes": len(nodes),
                         "nodes_sha256": hashlib.sha256(b"".join(nodes)).hexdigest(),
                         "content_sha256": hashlib.sha256(content).hexdigest(),
                         "top": [[length, name.hex()] for length, name in top] if level else []})
    content = {"source": "tools/gen_vectors/content.py, after docs/spec/content.md", "content_secret": one.hex(),
               "refs": "reference i has length 65536 + (977 * i mod 458752) and the id of the text 'chunk <i>'",
               "nodes_sha256": "SHA-256 of all node ids, children before parents", "content_sha256": "of the encoded content",
               "cases": contents}
    (folder / "content.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "tests/vectors"))
