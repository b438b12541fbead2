#!/usr/bin/env python3
"""Checks that every relative link in the repository's Markdown pages leads somewhere.

    tools/check_links.py [ROOT]

A link's file must exist, and its #fragment must be a heading of that page, spelled as forges spell them. Links to other
sites are not followed.
"""
import re
import sys
from pathlib import Path
from urllib.parse import unquote

CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|`[^`\n]*`", re.S | re.M)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.M)
SKIPPED = {"build", ".git", ".cache", "node_modules"}


def without_code(text):
    """The text with code blanked out; lines keep their numbers."""
    return CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def anchors(page):
    """The fragments of a page's headings, as forges make them: lower case, punctuation gone, blanks to dashes."""
    found, seen = set(), {}
    text = re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(slug if count == 0 else f"{slug}-{count}")
    found.update(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    return found


def pages(root):
    return sorted(page for page in root.rglob("*.md") if not SKIPPED.intersection(page.relative_to(root).parts))


def check(root):
    """All broken links in the repository at root, one line each."""
    problems = []
    for page in pages(root):
        text = without_code(page.read_text(encoding="utf-8"))
        for hit in [*LINK.finditer(text), *REFERENCE.finditer(text)]:
            if re.match(r"[a-z][a-z0-9+.-]*:|//", hit[1], re.I):
                continue
            where = f"{page.relative_to(root).as_posix()}:{text.count(chr(10), 0, hit.start(1)) + 1}"
            name, _, fragment = unquote(hit[1]).partition("#")
            target = (page.parent / name).resolve() if name else page
            if name.startswith("/") or not target.is_relative_to(root):
                problems.append(f"{where}: {hit[1]} leads out of the repository")
            elif not target.exists():
                problems.append(f"{where}: {hit[1]} does not exist")
            elif fragment and target.suffix == ".md" and fragment not in anchors(target):
                problems.append(f"{where}: {hit[1]}: no such heading")
    return problems


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    count = len(pages(root))
    print(f"links: {count} pages, {len(problems)} broken links")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
