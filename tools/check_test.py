#!/usr/bin/env python3
"""The checks in this folder find what they are for: a small clean tree passes, each planted violation is reported."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import check_constant_time  # noqa: E402
import check_layers  # noqa: E402
import check_links  # noqa: E402
import check_relay_symbols  # noqa: E402
import check_tree  # noqa: E402

CLEAN = {
    "README.md": "# Top\n\n[base](src/base/README.md#what-it-is) [far](https://example.org/x) `[code](nowhere.md)`\n",
    "src/base/CMakeLists.txt": "kith_module(base SOURCES text.cpp TESTS text_test.cpp)\n",
    "src/base/README.md": "# base\n\n## What it is\n\n[up](../../README.md)\n",
    "src/base/text.hpp": "#pragma once\n#include <string>\n// <thread>, Clock::now() and getenv( are only words here\n",
    "src/base/text.cpp": '#include "base/text.hpp"\nauto const* kWords = "Clock::now() random_device";\nchar kQuote = \'"\';\n',
    "src/base/text_test.cpp": '#include <fstream>\n#include "base/text.hpp"\n#include "base/reader.hpp"\nauto t = Clock::now();\n',
    "src/base/reader.hpp": "#pragma once\n#include <filesystem>\n",
    "src/crypto/CMakeLists.txt": "kith_module(crypto SOURCES hash.cpp DEPS base)\n",
    "src/crypto/README.md": "# crypto\n",
    "src/crypto/hash.cpp": '#include "base/text.hpp"\n',
    "src/crypto/system_random.cpp": "void f() { randombytes_buf(p, n); }\n",
    "src/store/CMakeLists.txt": "kith_module(store SOURCES store.cpp DEPS base)\nadd_subdirectory(sqlite)\n",
    "src/store/README.md": "# store\n",
    "src/store/store.cpp": "",
    "src/store/sqlite/CMakeLists.txt": "kith_module(store/sqlite SOURCES file.cpp DEPS store LIBS SQLite::SQLite3)\n",
    "src/store/sqlite/file.cpp": "#include <sqlite3.h>\n#include <thread>\nauto t = Clock::now();\n",
    "src/link/tcp/CMakeLists.txt": "kith_module(link/tcp SOURCES tcp.cpp DEPS base LIBS Boost::headers)\n",
    "src/link/tcp/README.md": "# link/tcp\n",
    "src/link/tcp/tcp.cpp": "#include <boost/asio/io_context.hpp>\n#include <netinet/tcp.h>\n",
    "src/engine/CMakeLists.txt": "kith_module(engine SOURCES run.cpp DEPS link_tcp store)\n",
    "src/engine/README.md": "# engine\n",
    "src/engine/run.cpp": '#include <unistd.h>\n#include "base/text.hpp"\nauto t = Clock::now();\n',
}


class PlantedViolations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        for name, text in CLEAN.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def append(self, name, text):
        self.write(name, CLEAN[name] + text)

    def finds(self, problems, *words):
        """Exactly one problem, and it says all the words."""
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])

    def test_a_clean_tree_passes(self):
        self.assertEqual(check_layers.check(self.root), [])
        self.assertEqual(check_links.check(self.root), [])

    def test_an_include_that_points_up(self):
        self.append("src/base/text.cpp", '#include "crypto/hash.hpp"\n')
        self.write("src/crypto/hash.hpp", "#pragma once\n")
        self.finds(check_layers.check(self.root), "src/base/text.cpp:4", "base must not know crypto")

    def test_an_include_that_points_up_in_a_test(self):
        self.append("src/base/text_test.cpp", '#include "crypto/hash.hpp"\n')
        self.write("src/crypto/hash.hpp", "#pragma once\n")
        self.finds(check_layers.check(self.root), "src/base/text_test.cpp:5", "base must not know crypto")

    def test_an_include_of_a_module_that_is_not_linked(self):
        self.write("src/core/CMakeLists.txt", "kith_module(core SOURCES a.cpp DEPS store)\n")
        self.write("src/core/README.md", "# core\n")
        self.write("src/core/a.cpp", '#include "crypto/hash.hpp"\n#include "base/text.hpp"\n')
        self.write("src/crypto/hash.hpp", "#pragma once\n")
        self.finds(check_layers.check(self.root), "src/core/a.cpp:1", "does not link crypto")

    def test_a_dependency_that_points_up(self):
        self.write("src/crypto/CMakeLists.txt", "kith_module(crypto SOURCES hash.cpp DEPS base store_sqlite)\n")
        self.finds(check_layers.check(self.root), "crypto must not link store/sqlite")

    def test_a_cycle(self):
        self.write("src/base/CMakeLists.txt", "kith_module(base SOURCES text.cpp TESTS text_test.cpp DEPS crypto)\n")
        problems = check_layers.check(self.root)
        self.assertIn("cycle in DEPS: base -> crypto -> base", problems)
        self.assertTrue(any("base must not link crypto" in problem for problem in problems), problems)

    def test_impure_headers(self):
        for header in ("<thread>", "<mutex>", "<fstream>", "<filesystem>", "<sys/stat.h>", "<unistd.h>", "<linux/fs.h>", "<random>"):
            with self.subTest(header):
                self.append("src/base/text.hpp", f"#include {header}\n")
                self.finds(check_layers.check(self.root), "src/base/text.hpp:4", header, "pure")

    def test_impure_calls(self):
        for call in ("Clock::now()", "std::chrono::system_clock::now ()", "std::random_device d;", "std::getenv(name)", "randombytes_buf(p, n)",
                     "std::this_thread::sleep_for(t)", "std::time(nullptr)", "static thread_local int i;", "co_await x;"):
            with self.subTest(call):
                self.append("src/base/text.cpp", f"/* two\nlines */ auto x = {call};\n")
                self.finds(check_layers.check(self.root), "src/base/text.cpp:5", "pure")

    def test_a_call_after_quotes_and_digit_separators(self):
        self.append("src/base/text.cpp", "int n = 1'000; char q = '\\''; auto t = Clock::now(); auto r = R\"x(\")x\";\n")
        self.finds(check_layers.check(self.root), "src/base/text.cpp:4", "::now")

    def test_a_header_that_the_product_uses_is_no_test(self):
        self.append("src/base/text.hpp", '#include "base/reader.hpp"\n')
        self.finds(check_layers.check(self.root), "src/base/reader.hpp:2", "<filesystem>")

    def test_a_test_header_in_the_product(self):
        self.write("src/base/disk_testing.hpp", "#pragma once\n#include <filesystem>\n")
        self.append("src/base/text.cpp", '#include "base/disk_testing.hpp"\n')
        self.finds(check_layers.check(self.root), "src/base/text.cpp:4", "is for tests")

    def test_test_support_in_the_product(self):
        self.write("tests/support/must.hpp", "#pragma once\n")
        self.append("src/base/text.cpp", '#include "support/must.hpp"\n')
        self.finds(check_layers.check(self.root), "src/base/text.cpp:4", "tests/")

    def test_sockets_outside_link(self):
        for header in ("<netinet/in.h>", "<boost/asio/ip/tcp.hpp>", "<arpa/inet.h>"):
            with self.subTest(header):
                self.append("src/engine/run.cpp", f"#include {header}\n")
                self.finds(check_layers.check(self.root), "src/engine/run.cpp:4", "belongs in link or relay/server alone")

    def test_sqlite_outside_its_store(self):
        self.append("src/engine/run.cpp", "#include <sqlite3.h>\n")
        self.finds(check_layers.check(self.root), "src/engine/run.cpp:4", "SQLite")
        self.write("src/engine/run.cpp", CLEAN["src/engine/run.cpp"])
        self.write("src/engine/CMakeLists.txt", "kith_module(engine SOURCES run.cpp DEPS link_tcp store LIBS SQLite::SQLite3)\n")
        self.finds(check_layers.check(self.root), "only store/sqlite or relay/sqlite links SQLite")

    def test_a_module_without_a_place(self):
        self.write("src/voice/CMakeLists.txt", "kith_module(voice SOURCES a.cpp)\n")
        self.write("src/voice/README.md", "# voice\n")
        self.finds(check_layers.check(self.root), "voice has no place")

    def test_a_file_outside_every_module(self):
        self.write("src/lost/a.cpp", "")
        self.finds(check_layers.check(self.root), "src/lost/a.cpp", "belongs to no module")

    def test_a_module_without_a_page(self):
        (self.root / "src/engine/README.md").unlink()
        self.finds(check_layers.check(self.root), "engine has no README.md")

    def test_a_header_without_pragma_once(self):
        self.write("tests/support/x.hpp", "// #pragma once\n")
        self.finds(check_layers.check(self.root), "tests/support/x.hpp", "no #pragma once")

    def test_broken_links(self):
        for link, word in (("gone.md", "does not exist"), ("src/base/README.md#gone", "no such heading"), ("#gone", "no such heading"),
                           ("../elsewhere.md", "out of the repository"), ("/etc/passwd", "out of the repository")):
            with self.subTest(link):
                self.append("README.md", f"\n[a `b` c]({link})\n")
                self.finds(check_links.check(self.root), "README.md:5", word)

    def test_large_and_binary_files(self):
        def git(*arguments):
            subprocess.run(["git", "-C", str(self.root), *arguments], check=True, capture_output=True)
        git("init", "-q")
        self.write("fuzz/corpus/frame/a", b"\0\1\2")
        git("add", ".")
        self.assertEqual(check_tree.check(self.root), [])
        self.write("prog", b"\x7fELF\0\0")
        git("add", "prog")
        self.finds(check_tree.check(self.root), "prog", "binary")
        git("rm", "-q", "--cached", "prog")
        self.write("big.txt", "x" * (check_tree.MOST_BYTES + 1))
        git("add", "big.txt")
        self.finds(check_tree.check(self.root), "big.txt", "KB")

    def test_secrets_that_are_compared_like_any_bytes(self):
        for line in ("if (frame.tag == ours.tag) f();", "bool b = given.view() != keys.commitment.view();", "f(our_mac() == theirs);",
                     "return std::equal(a.begin(), a.end(), token_);", "return equal(proof.view(), b);",
                     "return std::memcmp(a, b, 32) == 0;", "auto o = a.seed.bytes <=> b;", "if (token(request)[0] == secret) f();",
                     "using EpochSecret = std::array<std::uint8_t, 32>;"):
            with self.subTest(line=line):
                self.finds([f"x: {what}" for _, what in check_constant_time.look_at("src/base/text.cpp", line)])
        for line in ("if (tag == kTag) f();", "if (secret == nullptr) f();", "if (crypto::same_mac(tag.view(), other)) f();",
                     "if (tag.size() != 16) f();", "x == tag_of(y).size();", "token == Token::psk;", "stage == 3;"):
            with self.subTest(line=line):
                self.assertEqual(list(check_constant_time.look_at("src/base/text.cpp", line)), [])

    def test_what_a_relay_must_not_hold(self):
        own, libraries = "0001 T kith::relay::server::serve()", ["src/relay/server/libkith_relay_server.a", "/usr/lib/libssl.so"]
        self.assertEqual(check_relay_symbols.problems([own], libraries), [])
        self.finds(check_relay_symbols.problems([own, "0002 t kith::core::Replica::open()"], libraries), "holds kith::core::")
        self.finds(check_relay_symbols.problems([own], [*libraries, "src/sync/log/libkith_sync_log.a"]), "libkith_sync_log.a")
        self.finds(check_relay_symbols.problems([], libraries), "nothing was checked")


if __name__ == "__main__":
    unittest.main()
