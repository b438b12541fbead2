#!/usr/bin/env python3
"""Checks that every test which docs/proof.md names is there.

    tools/check_proof.py [ROOT]

`Suite.Name` must be a test of a *_test.cpp, `e2e/name` a file of tests/e2e, `fuzz_name` and `fuzz/name` a fuzz target.
"""
import re
import sys
from pathlib import Path

PAGES = ("docs/proof.md",)
TEST = re.compile(r"^\s*(?:TYPED_TEST|TEST|TEST_F|TEST_P|TYPED_TEST_P|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+)", re.M)
NAMED = re.compile(r"`([A-Z]\w+\.[A-Z]\w+)`")
E2E = re.compile(r"`e2e/(\w+)`")
FUZZ = re.compile(r"`fuzz[_/](\w+)`")


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    there = {f"{suite}.{name}" for path in root.glob("src/**/*_test.cpp") for suite, name in TEST.findall(path.read_text())}
    problems, names = [], 0
    for page in PAGES:
        text = (root / page).read_text(encoding="utf-8")
        for name in NAMED.findall(text):
            names += 1
            if name not in there:
                problems.append(f"{page}: no test {name}")
        for name in E2E.findall(text):
            names += 1
            if not any((root / "tests/e2e" / f"{name}{end}").exists() for end in ("", ".py")):
                problems.append(f"{page}: no e2e test {name}")
        for name in FUZZ.findall(text):
            names += 1
            if not (root / "fuzz" / f"fuzz_{name}.cpp").exists():
                problems.append(f"{page}: no fuzz target {name}")
    for problem in problems:
        print(problem)
    print(f"proof: {names} tests named, {len(problems)} of them not there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
