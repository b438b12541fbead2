#!/usr/bin/env python3
"""The figures of a run of all tests: what was tried, counted by those who tried it.

    tools/proof.py start                    forgets what was counted before
    ctest ... | tools/proof.py             passes the lines on, and puts one line with the figures before ctest's summary

Programs add to a figure while the environment variable KITH_PROOF_DIR names the folder build/proof (tests/support/proof.hpp,
count() here). The same goes to build/proof.json.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "proof"

NAMES = (
    "known_answers",  # published test vectors that were checked
    "worlds",  # simulated worlds that ended as they must
    "mutants",  # bugs planted
    "mutants_caught",  # of these, noticed by an oracle
    "kills",  # kill -9 of a program at work, after which nothing was lost
    "io_faults",  # calls to the system that failed once, after which nothing was lost
    "canaries",  # marked secrets and contents that were searched for where they must not be, and not found
    "bit_flips",  # sealed or signed structures with a bit flipped, cut off or swapped: refused
    "fuzz_runs",  # inputs that fuzz targets were given
)


def count(name: str, tried: int) -> None:
    """Adds to a figure, as count_proof does in C++."""
    assert name in NAMES, name
    folder = os.environ.get("KITH_PROOF_DIR")
    if folder and tried:
        with open(pathlib.Path(folder) / name, "a", encoding="ascii") as file:
            file.write(f"{tried}\n")


def figures() -> dict[str, int]:
    """What was counted since the start. A name that is not in NAMES is a mistake of who counted."""
    found = {path.name: sum(map(int, path.read_text().split())) for path in FOLDER.iterdir()} if FOLDER.is_dir() else {}
    unknown = found.keys() - set(NAMES)
    if unknown:
        sys.exit(f"tools/proof.py: counted, but not in NAMES: {', '.join(sorted(unknown))}")
    return {name: found.get(name, 0) for name in NAMES}


def print_figures() -> None:
    counted = figures()
    (ROOT / "build" / "proof.json").write_text(json.dumps(counted, indent=2) + "\n")
    print("proof: " + ", ".join(f"{name} {number}" for name, number in counted.items()), flush=True)


def main() -> int:
    if sys.argv[1:] == ["start"]:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        return 0
    printed = False
    for line in sys.stdin:
        if not printed and re.match(r"\d+% tests passed", line):
            print_figures()
            printed = True
        sys.stdout.write(line)
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
