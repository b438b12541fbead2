#!/usr/bin/env python3
"""Runs clang-tidy over the product's sources, most telling ones first, for a bounded time.

    tools/tidy.py [--seconds N] [--tree BUILD] [FILE...]

Without files: those changed in the last commits or not committed, then the modules that read strangers' bytes, then the
rest, until the time is up (all of them without --seconds). BUILD is a configured tree of clang, by default build/clang, so
that its commands and precompiled headers are ones that clang-tidy can read. Exit code 1 when anything was found.
"""
import argparse
import concurrent.futures
import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECENT_COMMITS = 10
ORDER = ["wire", "core", "sync", "link", "disk", "crypto", "store", "engine", "base", "cli"]


def git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else []


@functools.cache
def changed():
    commits = git("rev-list", f"--max-count={RECENT_COMMITS + 1}", "HEAD")
    since = git("diff", "--name-only", commits[-1]) if len(commits) > RECENT_COMMITS else []
    return {*since, *git("diff", "--name-only", "HEAD"), *git("ls-files", "-o", "--exclude-standard")}


def rank(name):
    top = name.split("/")[1]
    return (name not in changed(), ORDER.index(top) if top in ORDER else len(ORDER), name)


def product_sources(tree):
    commands = json.loads((tree / "compile_commands.json").read_text())
    names = {os.path.relpath(entry["file"], ROOT) for entry in commands}
    return sorted((name for name in names if name.startswith("src/") and not name.endswith("_test.cpp")), key=rank)


def tidy(tree, name):
    done = subprocess.run(["clang-tidy", "-p", str(tree), "--quiet", str(ROOT / name)], capture_output=True, text=True)
    return name, done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int)
    options.add_argument("--tree", type=Path, default=ROOT / "build/clang")
    options.add_argument("files", nargs="*")
    options = options.parse_args()
    if not (options.tree / "compile_commands.json").is_file():
        sys.exit(f"{options.tree} is not configured: cmake --preset clang")
    names = options.files or product_sources(options.tree)
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    waiting, read, bad = list(names), 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = set()
        while running or (waiting and time.monotonic() < until):
            while waiting and len(running) < os.cpu_count() and time.monotonic() < until:
                running.add(pool.submit(tidy, options.tree, waiting.pop(0)))
            done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for name, code, output in (one.result() for one in done):
                read += 1
                bad += code != 0
                if code:
                    print(f"{name}:\n{output}", flush=True)
    print(f"tidy: {read} of {len(names)} files read, {bad} with findings")
    return 1 if bad or read == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
