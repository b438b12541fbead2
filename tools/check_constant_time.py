#!/usr/bin/env python3
"""Checks that secrets, MACs, tags, tokens and proofs are compared in constant time.

    tools/check_constant_time.py [ROOT]

How long memcmp, == on bytes and std::equal take tells how far a guess was right. For what a guess is worth there is
crypto::same_mac, and Secret, whose own == is sodium_memcmp. Looked at are all sources under src/ but tests: a comparison of
something that is named like a secret, or whose type is a MAC, is a violation, unless ALLOWED says why it is none.
"""
import re
import sys
from pathlib import Path

from check_layers import STRIPPED, TEST_NAME

NAMED = r"(?:\w+_)?(?:mac|hmac|tag|tags|token|proof|secret|seed|password|passphrase|commitment|psk|owner|words|entropy|okm|isk)_?"
SECRET = re.compile(rf"\b{NAMED}$")
# What comes behind a name and is still the same bytes.
SAME_BYTES = re.compile(r"(?:\.(?:view|bytes|text|data|symbols)(?:\(\))?|\(\))+$")
COMPARED = re.compile(r"==|!=|<=>")
PART = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:*&>-")
CALL = re.compile(r"\b(?:std::memcmp|memcmp|(?:std::)?(?:ranges::)?equal|lexicographical_compare\w*|strn?cmp|bcmp)\s*\(")
# Numbers, null, constants and enumerators: nothing to guess.
PLAIN = re.compile(r"^(?:\d.*|nullptr|true|false|k[A-Z]\w*|(?:\w+::)*\w+::k?\w+|std::nullopt|'.*)$")
MEMCMP_IN = ("src/base/bytes.hpp", "src/store/key_range.hpp")  # equal() of public bytes, and the order of rows
TYPES = re.compile(r"\busing\s+(\w*(?:Secret|Seed|Psk|Password|Key|Root|Entropy))\s*=\s*(?:std::array|Bytes\b|std::string\b|std::vector)")

ALLOWED = {
    ("src/core/recovery.cpp", "record.locator_secret == recovery.locator"): "Secret: constant time",
    ("src/relay/server/invites.cpp", "*found->second.owner == owner"): "Secret: constant time",
    ("src/crypto/noise_handshake.cpp", "token == (initiating ? Token::se : Token::es)"): "a letter of a Noise pattern",
    ("src/crypto/noise_handshake.cpp", "token == (initiating ? Token::es : Token::se)"): "likewise",
    ("src/engine/recovery.cpp", "trouble == needs_token"): "an enumerator",
    ("src/relay/rules/memory_store.cpp", "found->second.owner != task.pseudonym"): "who has an upload, by a public key",
    ("src/core/session.cpp", "ping_->first == pong->token"): "the number of a ping, which its own sender drew",
}


def code_of(path):
    return STRIPPED.sub(lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8"))


def is_secret(operand):
    return bool(SECRET.search(SAME_BYTES.sub("", operand)))


def arguments(code, at):
    """What stands in the parentheses that open before `at`."""
    depth, end = 1, at
    while depth and end < len(code):
        depth += {"(": 1, ")": -1}.get(code[end], 0)
        end += 1
    return code[at:end - 1]


def operand(code, at, step):
    """The name, with what is called on it, that stands at a place and before it (step -1) or behind it (step 1)."""
    while 0 <= at < len(code) and code[at].isspace():
        at += step
    opens, closes = ("([", ")]") if step == 1 else (")]", "([")
    found, depth = [], 0
    while 0 <= at < len(code):
        each = code[at]
        depth += (each in opens) - (each in closes)
        if depth < 0 or (depth == 0 and each not in PART and each not in closes):
            break
        found.append(each)
        at += step
    return "".join(found[::step]).strip("&")


def look_at(name, code):
    """All violations of one file: (line, what)."""
    for match in COMPARED.finditer(code):
        left, right = operand(code, match.start() - 1, -1), operand(code, match.end(), 1)
        if (is_secret(left) or is_secret(right)) and not (PLAIN.match(left) or PLAIN.match(right)):
            text = f"{left} {match[0]} {right}"
            if (name, text) not in ALLOWED:
                yield code.count("\n", 0, match.start()) + 1, f"compares a secret with ==: {text}"
    for match in CALL.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        if "memcmp" in match[0] and name not in MEMCMP_IN:
            yield line, "memcmp: use crypto::same_mac for secrets, equal() for what is public"
        given = arguments(code, match.end())
        if any(is_secret(each.strip()) for each in re.split(r",(?![^()]*\))", given)):
            yield line, f"compares a secret with {match[0].strip(' (')}: {' '.join(given.split())}"
    for match in TYPES.finditer(code):
        yield code.count("\n", 0, match.start()) + 1, f"{match[1]} holds a secret, and is compared like any bytes: use Secret or SecretBytes"


def check(root):
    problems, used = [], set()
    for path in sorted((root / "src").rglob("*.[ch]pp")):
        name = path.relative_to(root).as_posix()
        if TEST_NAME.search(name):
            continue
        code = code_of(path)
        problems += [f"{name}:{line}: {what}" for line, what in look_at(name, code)]
        used |= {each for each in ALLOWED if each[0] == name and each[1] in " ".join(code.split())}
    secret = root / "src/base/secret.hpp"
    if secret.is_file():
        code = code_of(secret)
        equals = re.findall(r"operator==\((.*?)\)\s*\{(.*?)\}", code, re.S)
        if len(equals) != 1 or "sodium_memcmp" not in equals[0][1] or "SecretBytes" in equals[0][0] or "<=>" in code:
            problems.append("src/base/secret.hpp: Secret is compared by sodium_memcmp alone, SecretBytes by nothing")
        problems += [f"{name}: ALLOWED names what is not there: {text}" for name, text in ALLOWED.keys() - used]
    return problems


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"constant time: {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
