#!/usr/bin/env python3
"""Checks which module may know which, and that the pure ones touch nothing outside.

    tools/check_layers.py [ROOT]      ROOT is the repository, by default the one this file is in

A module is a folder under src/ with a CMakeLists.txt that calls kith_module. BELOW says what each may include and link;
a module that is not listed there is an error, so that every new one is given its place. Exit code 1 and one line per
violation, "file:line: what", when there is any.
"""
import re
import sys
from pathlib import Path

# What each module may include and name in DEPS, lowest first. PURE ones do no I/O: they are given time, randomness and bytes.
BELOW = {
    "base": [],
    "crypto": ["base"],
    "wire": ["base", "crypto"],
    "relay/channel": ["base", "crypto", "wire"],
    "relay/rules": ["base", "crypto", "wire", "relay/channel"],
    "store": ["base"],
    "store/sqlite": ["base", "store"],
    "relay/sqlite": ["base", "crypto", "wire", "relay/channel", "relay/rules", "store", "store/sqlite"],
    "core": ["base", "crypto", "wire", "store"],
    "sync/log": ["base", "crypto", "wire", "store", "core"],
    "sync/files": ["base", "crypto", "wire", "store", "core"],
    "sync/relays": ["base", "crypto", "wire", "store", "core", "relay/channel", "sync/files"],
    "sync/exchange": ["base", "crypto", "wire", "store", "core", "sync/log", "sync/files"],
    "sync/away": ["base", "crypto", "wire", "store", "core", "sync/files", "sync/relays", "sync/exchange"],
    "disk": ["base", "sync/files"],
    "link/tcp": ["base"],
    "link/ws": ["base", "link/tcp"],
    "engine": ["base", "crypto", "wire", "store", "store/sqlite", "core", "relay/channel", "sync/log", "sync/files", "sync/relays",
               "sync/exchange", "sync/away", "disk", "link/tcp", "link/ws"],
}
BELOW["cli"] = [*BELOW, "engine"]
# Never core, sync or engine: what could open the groups' entries is not in the relay's program.
BELOW["relay/server"] = ["base", "crypto", "wire", "store", "link/tcp", "relay/channel", "relay/rules", "relay/sqlite"]
PURE = ["base", "crypto", "wire", "relay/channel", "relay/rules", "store", "core", "sync/log", "sync/files", "sync/relays",
        "sync/exchange", "sync/away"]

# The real source of randomness lives beside the interface's other users, and is pure in all but the drawing.
DRAWS_RANDOMNESS = ["crypto/system_random.hpp", "crypto/system_random.cpp"]

IMPURE_HEADER = re.compile(
    r"<(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier|fstream|filesystem|iostream"
    r"|random|coroutine|csignal|signal\.h|ctime|time\.h|unistd\.h|fcntl\.h|poll\.h|dirent\.h|spawn\.h|pthread\.h|sched\.h"
    r"|termios\.h|netdb\.h|ifaddrs\.h|dlfcn\.h|pty\.h|sqlite3\.h|(sys|net|netinet|arpa|linux|boost|spdlog|windows)[/.].*)>")
IMPURE_CALL = re.compile(
    r"::now\s*\(|\brandom_device\b|\brandombytes\w*\s*\(|\bRAND_(priv_)?bytes\s*\(|\bgetrandom\s*\(|\bgetentropy\s*\("
    r"|\b(std::)?(secure_)?getenv\s*\(|\bstd::(time|rand|srand|fopen|system)\s*\(|\bfopen\s*\(|\bsleep_(for|until)\b"
    r"|\bthread_local\b|\bco_(await|return|yield)\b|\bstd::(thread|jthread|mutex|async|filesystem|cin|cout|cerr)\b"
    r"|\b(gettimeofday|clock_gettime)\s*\(")

# Who alone may know a thing. Unix-domain sockets never leave the device, so they are the engine's own business.
ONLY_IN = [
    ("a network socket", re.compile(r"<(netinet/.*|arpa/.*|netdb\.h|boost/asio.*|boost/beast.*)>"), ["link", "relay/server"]),
    ("SQLite", re.compile(r"<sqlite3\.h>"), ["store/sqlite", "relay/sqlite"]),
]
ONLY_LINKS = [("SQLite", "SQLite::SQLite3", ["store/sqlite", "relay/sqlite"]), ("Boost", "Boost::", ["link/tcp", "link/ws", "relay/server"])]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|(<[^>]+>))', re.M)
STRIPPED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
TEST_NAME = re.compile(r"_(test|testing)\.[ch]pp$")


def by_target(name):
    """The module that a DEPS entry or a target means: "sync_files" and "kith_sync_files" are sync/files."""
    plain = name.removeprefix("kith_").replace("/", "_")
    return next((module for module in BELOW if module.replace("/", "_") == plain), name)


class File:
    """One source: what it includes, and its code without comments and strings."""

    def __init__(self, path, name, module):
        text = path.read_text(encoding="utf-8")
        self.path, self.name, self.module = path, name, module
        self.code = STRIPPED.sub(lambda match: "\n" * match[0].count("\n"), text)
        self.includes = [(text.count("\n", 0, hit.start()) + 1, hit[1], hit[2]) for hit in INCLUDE.finditer(text)]


class Tree:
    def __init__(self, root):
        self.root, self.src = root, root / "src"
        self.problems = []
        self.deps, self.test_deps, self.libs, self.tests_of = {}, {}, {}, {}   # of each module, from its CMakeLists.txt
        for lists in sorted(self.src.rglob("CMakeLists.txt")):
            self.read_module(lists)
        self.files = {}
        for path in sorted(p for end in ("*.hpp", "*.cpp", "*.h", "*.inc") for p in self.src.rglob(end)):
            name = path.relative_to(self.src).as_posix()
            self.files[name] = File(path, name, self.module_of(name))
        self.test_files = self.find_test_files()

    def report(self, path, line, text):
        self.problems.append(f"{path.relative_to(self.root).as_posix()}:{line}: {text}")

    def read_module(self, lists):
        text = re.sub(r"#[^\n]*", "", lists.read_text(encoding="utf-8"))
        call = re.search(r"kith_module\(\s*([\w/]+)(.*?)\)", text, re.S)
        if not call:
            return
        parts = {"": []}
        key = ""
        for word in call[2].split():
            if word in ("SOURCES", "TESTS", "DEPS", "LIBS", "TEST_LIBS"):
                key = word
                parts[key] = []
            else:
                parts[key].append(word)
        module = call[1]
        if lists.parent != self.src / module:
            self.report(lists, 1, f"the module's name {module} is not its folder")
        # A test program is an executable whose name ends so; its sources are tests whatever they are called.
        others = re.findall(r"add_executable\(\s*\w+_test\s+(.*?)\)", text, re.S)
        self.tests_of[module] = {f"{module}/{word}" for word in parts.get("TESTS", []) + " ".join(others).split()}
        self.deps[module] = [by_target(dep) for dep in parts.get("DEPS", [])]
        self.test_deps[module] = [by_target(lib) for lib in parts.get("TEST_LIBS", []) if lib.startswith("kith_")]
        self.libs[module] = parts.get("LIBS", []) + parts.get("TEST_LIBS", [])

    def module_of(self, name):
        folder = name.rpartition("/")[0]
        while folder and folder not in self.deps and folder not in BELOW:
            folder = folder.rpartition("/")[0]
        return folder

    def find_test_files(self):
        """Test sources, files named so, and headers that only those include."""
        tests = {name for name in self.files if TEST_NAME.search(name)}
        tests.update(name for names in self.tests_of.values() for name in names if name in self.files)
        while True:
            includers = {}
            for file in self.files.values():
                for _, name, _ in file.includes:
                    includers.setdefault(name, set()).add(file.name)
            more = {name for name, by in includers.items()
                    if name in self.files and name not in tests and not name.endswith(".cpp") and by <= tests
                    and not self.has_source(name)}
            if not more:
                return tests
            tests |= more

    def has_source(self, header):
        """Whether a header has a .cpp that is not a test: then it is part of the product, whoever includes it."""
        source = re.sub(r"\.hpp$", ".cpp", header)
        return source in self.files and not TEST_NAME.search(source) and source not in self.tests_of.get(self.module_of(source), ())

    def linked(self, module, test):
        """The module itself and all it links, through others too; its tests may link more."""
        found, queue = set(), [module, *(self.test_deps.get(module, []) if test else [])]
        while queue:
            one = queue.pop()
            if one not in found:
                found.add(one)
                queue += self.deps.get(one, [])
        return found


def check_modules(tree):
    for module, deps in tree.deps.items():
        lists = tree.src / module / "CMakeLists.txt"
        if module not in BELOW:
            tree.report(lists, 1, f"module {module} has no place in tools/check_layers.py")
            continue
        for dep in deps:
            if dep not in BELOW[module]:
                tree.report(lists, 1, f"{module} must not link {dep}")
        for what, prefix, homes in ONLY_LINKS:
            if module not in homes and any(lib.startswith(prefix) for lib in tree.libs[module]):
                tree.report(lists, 1, f"only {' or '.join(homes)} links {what}")
        # A module inside another one may be described by the outer one's page.
        outer = module.rpartition("/")[0]
        if not any((tree.src / one / "README.md").is_file() for one in (module, outer) if one in tree.deps):
            tree.report(lists, 1, f"{module} has no README.md")
    check_order(tree, "BELOW", BELOW)
    check_order(tree, "DEPS", tree.deps)


def check_order(tree, what, graph):
    """Reports a cycle in the graph, once."""
    done, path = set(), []

    def visit(node):
        if node in path:
            tree.problems.append(f"cycle in {what}: " + " -> ".join([*path[path.index(node):], node]))
            return True
        if node in done:
            return False
        path.append(node)
        found = any(visit(below) for below in graph.get(node, []))
        path.pop()
        done.add(node)
        return found

    any(visit(node) for node in list(graph))


def check_includes(tree, file):
    test = file.name in tree.test_files
    linked = tree.linked(file.module, test)
    for line, own, system in file.includes:
        if system:
            for what, pattern, homes in ONLY_IN:
                if not test and pattern.fullmatch(system) and not any((file.name + "/").startswith(home + "/") for home in homes):
                    tree.report(file.path, line, f"{system}: {what} belongs in {' or '.join(homes)} alone")
            if file.module in PURE and not test and IMPURE_HEADER.fullmatch(system):
                tree.report(file.path, line, f"{system} in {file.module}, which is pure")
            continue
        if own not in tree.files:
            if not test:
                where = "tests/" if (tree.root / "tests" / own).is_file() else "nothing under src/"
                tree.report(file.path, line, f'"{own}" is {where}')
            continue
        other = tree.files[own].module
        if not test and own in tree.test_files:
            tree.report(file.path, line, f'"{own}" is for tests')
        elif other != file.module and other not in BELOW.get(file.module, []):
            tree.report(file.path, line, f'"{own}": {file.module} must not know {other}')
        elif other not in linked:
            tree.report(file.path, line, f'"{own}": the CMakeLists.txt of {file.module} does not link {other}')


def check_calls(tree, file):
    if file.module not in PURE or file.name in tree.test_files or file.name in DRAWS_RANDOMNESS:
        return
    for hit in IMPURE_CALL.finditer(file.code):
        line = file.code.count("\n", 0, hit.start()) + 1
        tree.report(file.path, line, f"{hit[0].strip('( ')} in {file.module}, which is pure")


def check_header_guards(tree):
    for folder in ("src", "include", "tests", "fuzz", "tools"):
        for header in sorted((tree.root / folder).rglob("*.hpp")):
            if re.search(r"^#pragma once$", header.read_text(encoding="utf-8"), re.M) is None:
                tree.report(header, 1, "no #pragma once")


def check(root):
    """All violations in the repository at root, one line each."""
    tree = Tree(root)
    check_modules(tree)
    for file in tree.files.values():
        if not file.module:
            tree.report(file.path, 1, "belongs to no module")
            continue
        check_includes(tree, file)
        check_calls(tree, file)
    check_header_guards(tree)
    return tree.problems


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    modules = sum(1 for _ in root.glob("src/**/CMakeLists.txt")) - 1
    if modules < 1:
        print(f"no modules under {root}/src")
        return 1
    print(f"layers: {modules} modules, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
