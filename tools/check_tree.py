#!/usr/bin/env python3
"""Checks what git tracks: no file over MOST_BYTES, nothing binary but the fuzzers' corpora.

    tools/check_tree.py [ROOT]
"""
import subprocess
import sys
from pathlib import Path

MOST_BYTES = 400 * 1024   # a source, a page or a vector file is far below; what is larger should be made, not kept
BINARY_IN = ("fuzz/corpus/",)


def tracked(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True).stdout
    return [name for name in listed.decode().split("\0") if name]


def check(root):
    """All violations among the tracked files of the repository at root, one line each."""
    problems = []
    for name in tracked(root):
        path = root / name
        if path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size > MOST_BYTES:
            problems.append(f"{name}: {path.stat().st_size // 1024} KB, more than {MOST_BYTES // 1024} KB")
        with path.open("rb") as file:
            if b"\0" in file.read(8192) and not name.startswith(BINARY_IN):
                problems.append(f"{name}: a binary file")
    return problems


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"tree: {len(tracked(root))} files, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
