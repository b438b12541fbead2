#!/usr/bin/env python3
"""Checks that the relay's program holds nothing that could open what it stores.

    tools/check_relay_symbols.py BUILD PROGRAM

BUILD is a tree that ninja builds, PROGRAM the path of kith-relay in it. Neither its symbols nor what it is linked from may
be of core, sync or engine: a relay keeps sealed entries for others, and the code that opens them is not in it.
"""
import re
import subprocess
import sys

FORBIDDEN_SYMBOL = re.compile(r"\bkith::(core|sync|engine|files|cli)::")
FORBIDDEN_LIBRARY = re.compile(r"kith_(core|sync\w*|engine|cli)\b")
EXPECTED_SYMBOL = re.compile(r"\bkith::relay::server::")   # a program without symbols would pass as well


def problems(symbols, libraries):
    found = sorted({hit[0] for line in symbols if (hit := FORBIDDEN_SYMBOL.search(line))})
    lines = [f"the program holds {name}..." for name in found]
    lines += [f"the program links {name}" for name in libraries if FORBIDDEN_LIBRARY.search(name)]
    if not any(EXPECTED_SYMBOL.search(line) for line in symbols):
        lines.append("the program shows no symbols: nothing was checked")
    return lines


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def main():
    build, program = sys.argv[1:]
    symbols = lines_of("nm", "-C", f"{build}/{program}")
    linked = lines_of("ninja", "-C", build, "-t", "query", program)
    libraries = [line.split()[-1] for line in linked if line.rstrip().endswith((".a", ".so"))]
    found = problems(symbols, libraries)
    for line in found:
        print(line)
    print(f"relay symbols: {len(symbols)} symbols, {len(libraries)} libraries, {len(found)} violations")
    return 1 if found or not libraries else 0


if __name__ == "__main__":
    sys.exit(main())
