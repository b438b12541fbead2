"""What the program says and how it fails, before there is any group: version, help, settings, usage errors."""

import json
import os
import re
import subprocess
import unittest

from kith_e2e import BIN, Home, check_schema, json_lines, mode_of

KEYS = ["device.name", "network.listen", "defaults.trash_days", "defaults.max_delete", "log.level"]


class Basics(unittest.TestCase):
    def setUp(self):
        self.home = Home("basics")
        self.addCleanup(self.home.close)
        self.run_kith = self.home.run

    def write_config(self, text):
        self.home.home.mkdir(mode=0o700, exist_ok=True)
        path = self.home.home / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def config_values(self, *args, **more):
        document = self.run_kith("config", "show", "--json", *args, **more).ok().document()
        return {each["key"]: each for each in document["values"]}


class Version(Basics):
    def test_in_all_its_spellings(self):
        text = self.run_kith("version").ok()
        self.assertRegex(text.out, r"\Akith [0-9]+\.[0-9]+\.[0-9]+ \(protocols? [0-9]+( to [0-9]+)?\)\n\Z")
        self.assertEqual(text.err, "")
        for args in (["--version"], ["-V"], ["version", "-q"], ["--quiet", "version"]):
            self.assertEqual(self.run_kith(*args).ok().out, text.out)
        document = self.run_kith("--json", "version").ok().document()
        self.assertEqual(document["schema"], "kith.version/1")
        self.assertIn(f"kith {document['version']} ", text.out)
        self.assertEqual(self.run_kith("version", env={"KITH_JSON": "1"}).ok().document(), document)

    def test_under_its_other_name(self):
        other = BIN.with_name("sync-cli")
        self.assertEqual(self.run_kith("version", program=other).ok().out, self.run_kith("version").out)

    def test_leaves_no_trace(self):
        self.run_kith("version").ok()
        self.run_kith("config", "show").ok()
        self.run_kith("help").ok()
        self.assertEqual(list(self.home.dir.iterdir()), [])

    def test_needs_neither_home_nor_valid_settings(self):
        self.run_kith("version", env={"HOME": None, "KITH_HOME": None}).ok()
        self.run_kith("help", env={"KITH_LOG__LEVEL": "shrill"}).ok()


class Help(Basics):
    def commands(self):
        overview = self.run_kith("help").ok().out
        block = overview[overview.index("ARGUMENTS]"):overview.index("Flags for every command")]
        commands = re.findall(r"^  ([a-z][a-z-]*(?: [a-z][a-z-]*)?)  ", block, re.M)
        self.assertIn("version", commands)
        self.assertIn("config set", commands)
        return commands

    def test_every_listed_command_has_a_page_with_an_example(self):
        for command in self.commands():
            words = command.split()
            page = self.run_kith("help", *words).ok()
            self.assertEqual(page.err, "")
            self.assertIn(f"Usage: kith {command}", page.out)
            self.assertIn(f"\n  kith {command}", page.out[page.out.index("Examples:"):])
            self.assertEqual(self.run_kith(*words, "--help").ok().out, page.out)
            self.assertEqual(self.run_kith("-h", *words).ok().out, page.out)
            document = self.run_kith("help", "--json", *words).ok().document()
            self.assertEqual((document["topic"], document["text"]), (command, page.out))

    def test_bare_is_the_overview(self):
        overview = self.run_kith("help").ok().out
        for args in ([], ["--help"], ["-h"]):
            self.assertEqual(self.run_kith(*args).ok().out, overview)

    def test_every_code_is_explained_offline(self):
        listed = re.findall(r"^ +([0-9]+) ([a-z-]+) ", self.run_kith("help", "codes").ok().out, re.M)
        self.assertGreater(len(listed), 60)
        self.assertEqual([int(exit) for exit, _ in listed], sorted(int(exit) for exit, _ in listed))
        for exit, code in listed[::7]:
            page = self.run_kith("help", code).ok().out
            self.assertTrue(page.startswith(f"{code} (exit {exit}): "), page)
            self.assertRegex(page, r"\n  your data: (safe|not certain)")
            self.assertIn("\n  try:   kith ", page)

    def test_topics(self):
        for topic in ("codes", "config", "environment", "exit-codes", "home", "passphrase", "scripts", "skipped"):
            self.assertIn(f"kith help {topic}: ", self.run_kith("help", topic).ok().out)
        error = self.run_kith("help", "exit-code", "--json").expect(2).error()
        self.assertEqual(error["message"], 'there is no help on "exit-code"; did you mean exit-codes?')

    def test_pages_have_no_colours_and_fit(self):
        for page in ([], ["config"], ["codes"], ["environment"], ["config", "set"]):
            text = self.run_kith("help", *page, env={"CLICOLOR_FORCE": "1"}).ok().out
            self.assertNotIn("\x1b", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 120, line)


class Usage(Basics):
    ROWS = [
        (["verson"], 'there is no command "verson"; did you mean version?', "kith help version"),
        (["config", "sett"], 'there is no command "config sett"; did you mean config set?', "kith help config set"),
        (["frobnicate"], 'there is no command "frobnicate"', "kith help"),
        (["config"], "config needs one of: show, get, set, check, path", "kith help config"),
        (["config", "get"], "config get needs KEY", "kith help config get"),
        (["config", "set", "log.level"], "config set needs VALUE", "kith help config set"),
        (["config", "path", "now"], 'config path does not take "now"', "kith help config path"),
        (["config", "show", "--orign"], "there is no flag --orign; did you mean --origin?", "kith help config show"),
        (["version", "--frobnicate"], "there is no flag --frobnicate for version", "kith help version"),
        (["version", "--home"], "--home needs a value", "kith help version"),
        (["version", "--home="], "--home needs a value", "kith help version"),
        (["version", "--timeout", "soon"], '--timeout cannot be "soon"; it takes a time such as 30s or 5m', "kith help version"),
    ]

    def test_name_what_may_be_meant(self):
        for args, message, remedy in self.ROWS:
            with self.subTest(args=args):
                run = self.run_kith(*args).expect(2)
                self.assertEqual(run.out, "")
                lines = run.err.splitlines()
                self.assertEqual(lines[0], f"error: {message}")
                self.assertEqual(lines[1], "  your data: safe, nothing was changed")
                self.assertTrue(lines[2].startswith(f"  try:   {remedy}  "), lines[2])
                self.assertEqual(lines[-1], "  usage (exit 2) · kith help usage")

                run = self.run_kith(*args, "--json") if args[-1] != "--home" else self.run_kith("--json", *args)
                run.expect(2)
                self.assertEqual(run.out, "")
                error = run.error()
                self.assertEqual((error["code"], error["message"], error["safe"]), ("usage", message, True))
                self.assertEqual(error["remedy"][0]["command"], remedy)

    def test_is_plain_without_utf8(self):
        self.assertTrue(self.run_kith("frob", env={"LANG": "C"}).err.endswith("  usage (exit 2) - kith help usage\n"))

    def test_what_was_typed_cannot_move_the_cursor(self):
        for evil in ("a\x1b[2J", "a\nerror: no", "a\x07", "a\u202eb", "a\x9b31m"):
            for args in ([evil], ["config", "get", evil], ["help", evil], ["--profile", evil, "config", "path"]):
                run = self.run_kith(*args).expect(2)
                self.assertNotRegex(run.err, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
                self.assertEqual(run.err.count("\nerror:"), 0, run.err)


class Config(Basics):
    def test_defaults(self):
        values = self.config_values()
        self.assertEqual(list(values), KEYS)
        self.assertEqual({each["origin"] for each in values.values()}, {"default"})
        self.assertEqual({each["source"] for each in values.values()}, {None})
        self.assertEqual(values["network.listen"]["value"], "[::]:7427")
        self.assertEqual(values["defaults.trash_days"]["value"], 30)
        self.assertEqual(values["device.name"]["value"], os.uname().nodename.split(".")[0])

    def test_set_get_and_comments_stay(self):
        path = self.write_config("# mine\n[network]  # here\nlisten = \"127.0.0.1:1\"  # why not\n\n[log]\nlevel='info'\n")
        run = self.run_kith("config", "set", "network.listen", "[::]:7428").ok()
        self.assertEqual(run.out, "")
        self.assertIn(f'network.listen = "[::]:7428" in {path}', run.err)
        self.assertEqual(path.read_text(),
                         "# mine\n[network]  # here\nlisten = \"[::]:7428\"  # why not\n\n[log]\nlevel='info'\n")
        self.run_kith("config", "set", "defaults.trash_days", "7", "--quiet").ok()
        self.assertEqual(self.run_kith("config", "get", "defaults.trash_days").ok().out, "7\n")
        self.assertEqual(self.run_kith("config", "get", "network.listen").ok().out, "[::]:7428\n")
        document = self.run_kith("config", "get", "defaults.trash_days", "--json").ok().document()
        self.assertEqual(document["values"][0]["value"], 7)
        self.assertEqual(document["values"][0]["origin"], "config")
        self.assertTrue(document["values"][0]["source"].startswith(f"{path}:"))

    def test_what_counts_before_what(self):
        self.write_config("[log]\nlevel = 'error'\n")
        self.assertEqual(self.config_values()["log.level"]["value"], "error")
        variable = {"KITH_LOG__LEVEL": "info"}
        self.assertEqual(self.config_values(env=variable)["log.level"]["source"], "KITH_LOG__LEVEL")
        flag = self.config_values("-vv", env=variable)["log.level"]
        self.assertEqual((flag["value"], flag["origin"], flag["source"]), ("debug", "flag", "-vv"))
        shown = self.run_kith("config", "show", "--origin", env=variable).ok().out
        self.assertRegex(shown, r"(?m)^log\.level +info +KITH_LOG__LEVEL$")

    def test_set_says_when_something_counts_before_the_file(self):
        run = self.run_kith("config", "set", "log.level", "error", "--json", env={"KITH_LOG": "debug"}).ok()
        self.assertEqual(run.document()["values"][0]["value"], "debug")
        self.assertEqual([each["code"] for each in run.warnings()], ["config-shadowed"])
        run = self.run_kith("config", "set", "log.level", "error", env={"KITH_LOG": "debug"}).ok()
        self.assertIn("warning: KITH_LOG counts before the file", run.err)

    def test_mistakes_are_named_with_line_and_column(self):
        path = self.write_config("[network]\nlisen = 'x'\n[log]\nlevel = 3\n[defaults]\nmax_delete = '200%'\n")
        run = self.run_kith("config", "check").expect(2)
        self.assertEqual(run.out.splitlines(), [
            f"{path}:2:1: there is no network.lisen; did you mean network.listen?",
            f"{path}:4:9: log.level is a number here; it takes error, warn, info or debug",
            f'{path}:6:14: defaults.max_delete cannot be "200%"; it takes "25%", "100" or "none"'])
        self.assertIn("config-unknown-key (exit 2)", run.err)
        run = self.run_kith("config", "check", "--json").expect(2)
        problems = run.document()["problems"]
        self.assertEqual([(each["code"], each["line"], each["column"], each["nearest"]) for each in problems],
                         [("config-unknown-key", 2, 1, "network.listen"), ("config-wrong-type", 4, 9, None),
                          ("config-bad-value", 6, 14, None)])
        self.assertEqual(run.error()["code"], "config-unknown-key")
        self.assertEqual(self.run_kith("config", "show", "--json").expect(2).error()["code"], "config-unknown-key")
        self.run_kith("config", "path").ok()
        self.run_kith("version").ok()

    def test_a_file_that_is_no_toml(self):
        path = self.write_config("[network\nlisten\n")
        error = self.run_kith("config", "check", "--json").expect(2).error()
        self.assertEqual(error["code"], "config-syntax")
        self.assertTrue(error["message"].startswith(f"{path}:1:"), error["message"])

    def test_variables_are_checked_too(self):
        error = self.run_kith("config", "check", "--json", env={"KITH_NETWORK__LISEN": "x"}).expect(2).error()
        self.assertEqual(error["code"], "config-unknown-key")
        self.assertIn("KITH_NETWORK__LISEN", error["message"])
        self.assertIn("did you mean", error["message"])

    def test_check_of_a_good_file_and_of_none(self):
        self.assertIn("not there, defaults count", self.run_kith("config", "check").ok().out)
        path = self.write_config("")
        self.assertEqual(self.run_kith("config", "check").ok().out, f"{path}: ok\n")
        document = self.run_kith("config", "check", "--json").ok().document()
        self.assertEqual((document["exists"], document["problems"]), (True, []))

    def test_bad_values_and_keys_change_nothing(self):
        path = self.write_config("[log]\nlevel = 'warn'\n")
        for key, value, code in (("log.level", "loud", "config-bad-value"), ("log.levl", "warn", "config-unknown-key"),
                                 ("defaults.trash_days", "-1", "config-bad-value"), ("network.listen", "7427", "config-bad-value"),
                                 ("device.name", "", "config-bad-value")):
            error = self.run_kith("config", "set", key, value, "--json").expect(2).error()
            self.assertEqual(error["code"], code, key)
        self.assertEqual(path.read_text(), "[log]\nlevel = 'warn'\n")
        self.assertEqual(os.listdir(self.home.home), ["config.toml"])

    def test_a_named_file_must_be_there(self):
        error = self.run_kith("config", "show", "--json", "--config", "nowhere.toml").expect(2).error()
        self.assertEqual(error["code"], "config-missing")
        other = self.home.dir / "other.toml"
        other.write_text("[log]\nlevel = 'debug'\n")
        self.assertEqual(self.config_values(env={"KITH_CONFIG": other})["log.level"]["value"], "debug")

    def test_where_the_file_is(self):
        def path(*args, **env):
            return self.run_kith("config", "path", *args, env=env).ok().out.rstrip("\n")
        user = self.home.dir
        self.assertEqual(path(), f"{user}/kith/config.toml")
        self.assertEqual(path("--home", "/h/x/../y"), "/h/y/config.toml")
        self.assertEqual(path(KITH_PROFILE="work"), f"{user}/kith/work/config.toml")
        self.assertEqual(path(KITH_HOME=None), f"{user}/.config/kith/config.toml")
        self.assertEqual(path("--profile", "work", KITH_HOME=None, XDG_CONFIG_HOME="/x"), "/x/kith/work/config.toml")
        self.assertEqual(path(KITH_HOME=None, XDG_CONFIG_HOME="relative"), f"{user}/.config/kith/config.toml")
        self.assertEqual(self.run_kith("config", "path", "--json", env={"KITH_HOME": None, "HOME": None}).expect(2).error()["code"],
                         "home-unknown")
        self.assertEqual(self.run_kith("config", "path", "--json", "--profile", "../x").expect(2).error()["code"], "bad-profile")


class Given(Basics):
    """What is given to init and push, and what is said about it."""

    def setUp(self):
        super().setUp()
        self.words = self.home.dir / "words"

    def init(self, *args, **more):
        return self.run_kith("init", "--recovery-file", self.words, *args, **more)

    def left(self):
        """What is in the home, but for the empty directory of doorbells and the empty lock."""
        return sorted(set(os.listdir(self.home.home)) - {"run", "kith.db.lock"}) if self.home.home.exists() else []

    def test_commands_to_copy_name_the_home(self):
        home = self.home.dir / "other home"
        none = {"KITH_HOME": None}
        done = self.init("--home", home, env=none).ok()
        self.assertIn(f"Next: kith --home '{home}' pair\n", done.out)
        self.assertIn(f"kith --home '{home}' pair", self.run_kith("push", "x", "--home", home, env=none).ok().err)
        error = self.init("--home", home, "--json", env=none).expect(2).error()
        self.assertEqual(error["code"], "already-initialised")
        self.assertEqual(error["remedy"][0]["command"], f"kith --home '{home}' pair")
        self.assertIn("Next: kith pair\n", self.run_kith("init", "--recovery-file", self.home.dir / "more").ok().out)

    def test_an_init_that_is_broken_off_leaves_nothing(self):
        for typed, code in (("\x03", 130), ("\x04", 1)):
            terminal = self.home.terminal("init")
            terminal.expect(r"Enter for none\): ")
            terminal.send("\n")
            terminal.expect(r"Type word number")
            terminal.send(typed)
            self.assertEqual(terminal.wait(), code, terminal)
            self.assertIn("No group was made. The words above open nothing", terminal.screen)
            if code == 130:
                self.assertIn("your data: safe, no group was made", terminal.screen)
                self.assertNotIn("kith status", terminal.screen)
            self.assertEqual(self.left(), [])
        (self.home.home / "kith.db").mkdir()  # no database can be made here
        run = self.init()
        self.assertNotEqual(run.code, 0)
        self.assertIn("no recovery words were written", run.err)
        self.assertEqual(self.left(), ["kith.db"])
        self.assertFalse(self.words.exists())
        (self.home.home / "kith.db").rmdir()
        self.words.write_text("others")
        error = self.init("--json").error()
        self.assertEqual((error["code"], error["remedy"][0]["command"]), ("path-taken", "kith init --recovery-file FILE"))
        error = self.run_kith("init", "--json").expect(2).error()
        self.assertEqual(error["remedy"][0]["command"], "kith init --recovery-file FILE")
        self.assertEqual((self.words.read_text(), self.left()), ("others", []))
        self.words.unlink()
        self.init().ok()
        self.assertEqual(len(self.words.read_text().split()), 24)

    def test_the_word_that_is_asked_for_may_stand_in_capitals(self):
        terminal = self.home.terminal("init", columns=120)
        terminal.expect(r"Enter for none\): ")
        terminal.send("\n")
        number = int(terminal.expect(r"Type word number (\d+):")[1])
        words = dict(re.findall(r"(\d+)\. ([a-z]+)", terminal.screen))
        self.assertEqual(len(words), 24)
        terminal.send(words[str(number)].upper() + "\n")
        self.assertEqual(terminal.wait(), 0, terminal)

    def test_push_of_a_directory(self):
        self.init().ok()
        (self.home.dir / "things").mkdir()
        error = self.run_kith("push", "./things", "--json").expect(2).error()
        self.assertIn("is a directory", error["message"])
        self.assertEqual(error["remedy"][0]["command"], "kith sync ./things")

    def test_push_of_what_looks_like_a_file(self):
        self.init().ok()
        for what in ("/nonexistent/file", "./x", "../no-such-x", "~/x", "notes/x.txt", ".profile-x", "/no such file"):
            error = self.run_kith("push", what, "--json").expect(2).error()
            self.assertEqual(error["code"], "no-such-path", what)
            self.assertTrue(error["remedy"][0]["command"].startswith("kith push --text "), error)
        for what in ("https://example.org/x", "yes and/or no", "...and so on, at 7 p.m.", "a.b"):
            self.run_kith("push", what, "--quiet").ok()
        self.run_kith("push", "--text", "/nonexistent/file").ok()
        (self.home.dir / "x").write_text("content")
        self.run_kith("push", "./x").ok()
        pulled = self.run_kith("pull", "--own", "--json").ok().lines()
        self.assertEqual([each["text"] for each in pulled if each["type"] == "item"],
                         ["https://example.org/x", "yes and/or no", "...and so on, at 7 p.m.", "a.b", "/nonexistent/file", "content"])

    def test_push_of_too_much(self):
        self.init().ok()
        large = self.home.dir / "large"
        with large.open("wb") as file:
            file.truncate(40 << 20)
        for args, stdin, size in ((("./large",), b"", "40.0 MiB"), (("-",), bytes((16 << 20) + 1), "more than 16.0 MiB")):
            error = self.run_kith("push", *args, "--json", stdin=stdin).expect(2).error()
            self.assertEqual((error["code"], error["message"]), ("message-too-large", f"{size} do not fit into one message"))

    def test_a_removed_device_is_not_told_to_go_on(self):
        self.init().ok()
        (self.home.dir / "notes").mkdir()
        self.run_kith("sync", "notes", "--once").ok()
        self.assertRegex(self.run_kith("status").ok().err, "Edits in .*notes are not seen now")
        self.run_kith("devices", "revoke", self.device_name(), "--yes").ok()
        shown = self.run_kith("status").ok()
        self.assertIn("kith help revoked-self", shown.out)
        self.assertEqual(shown.err, "")

    def test_push_of_nothing(self):
        self.init().ok()
        for args in ((), ("-",), ("",), ("--text", "")):
            error = self.run_kith("push", *args, "--json").expect(2).error()
            self.assertEqual(error["code"], "nothing-to-send", args)
        self.assertEqual(self.run_kith("pull", "--own", "--json").ok().lines()[-1]["items"], 0)

    def test_the_name_of_a_device_in_a_group(self):
        self.run_kith("config", "set", "device.name", "early").ok()
        self.init().ok()
        error = self.run_kith("config", "set", "device.name", "late", "--json").expect(2).error()
        self.assertEqual(error["code"], "name-is-the-groups")
        self.assertEqual(error["remedy"][0]["command"], "kith devices rename DEV late")
        self.assertEqual(self.run_kith("config", "get", "device.name").ok().out, "early\n")

    def test_a_question_that_is_answered_with_no(self):
        self.init().ok()
        for typed in ("n\n", "\n", "\x04"):
            terminal = self.home.terminal("devices", "revoke", self.device_name())
            terminal.expect(r"Go on\? \[y/N\] ")
            terminal.send(typed)
            self.assertEqual(terminal.wait(), 1, terminal)
            self.assertIn("Nothing was changed", terminal.screen)

    def device_name(self):
        return self.run_kith("devices", "ls", "--json").ok().document()["devices"][0]["name"]

    def test_every_warning_is_explained(self):
        listed = self.run_kith("help", "codes").ok().out
        warnings = re.findall(r"^      ([a-z-]+) ", listed[listed.index("Of warnings"):], re.M)
        self.assertGreaterEqual(len(warnings), 10)
        for code in [*warnings, "nobody-reachable", "skipped", "symlink", "name-clash"]:
            self.run_kith("help", code).ok()


class Files(Basics):
    def test_what_is_made_is_its_users_alone(self):
        for umask in (0o000, 0o022, 0o077):
            with Home("files") as home:
                home.run("config", "set", "log.level", "info", umask=umask).ok()
                self.assertEqual(mode_of(home.home), 0o700)
                self.assertEqual(mode_of(home.home / "config.toml"), 0o600)
                self.assertEqual(os.listdir(home.home), ["config.toml"])

    def test_permissions_of_a_file_that_is_there_stay(self):
        path = self.write_config("")
        path.chmod(0o644)  # it holds no secrets, and may lie among dotfiles
        self.run_kith("config", "set", "log.level", "info").ok()
        self.assertEqual(mode_of(path), 0o644)

    def test_a_link_among_dotfiles_stays_a_link(self):
        real = self.home.dir / "dotfiles.toml"
        real.write_text("[log]\nlevel = 'warn'\n")
        self.home.home.mkdir(mode=0o700)
        link = self.home.home / "config.toml"
        link.symlink_to(real)
        self.run_kith("config", "set", "log.level", "info").ok()
        self.assertTrue(link.is_symlink())
        self.assertIn("info", real.read_text())

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_directory_that_cannot_be_written(self):
        self.home.dir.chmod(0o500)
        self.addCleanup(self.home.dir.chmod, 0o700)
        error = self.run_kith("config", "set", "log.level", "info", "--json").expect(1).error()
        self.assertEqual(error["code"], "permission")


class Directory(Basics):
    """A home in a directory that somebody has made."""

    def test_an_empty_one_becomes_private(self):
        self.home.home.mkdir(mode=0o755)
        self.run_kith("init", "--recovery-file", self.home.dir / "words").ok()
        self.assertEqual(mode_of(self.home.home), 0o700)
        for each in self.home.home.rglob("*"):
            self.assertEqual(mode_of(each) & 0o077, 0, each)

    def test_one_that_holds_something_stays_as_it_is(self):
        self.home.home.mkdir()
        (self.home.home / "letter").write_text("x")
        self.home.home.chmod(0o755)
        error = self.run_kith("init", "--recovery-file", self.home.dir / "words", "--json").expect(2).error()
        self.assertEqual(error["code"], "too-open")
        self.assertEqual(error["remedy"][0]["command"], f"chmod 700 {self.home.home}")
        self.assertEqual((mode_of(self.home.home), [each.name for each in self.home.home.iterdir()]), (0o755, ["letter"]))
        self.assertFalse((self.home.dir / "words").exists())


class Streams(Basics):
    RED, RESET = "\x1b[1;31m", "\x1b[0m"

    def on_terminal(self, *args, env=None, expect=2):
        terminal = self.home.terminal(*args, env=env)
        self.assertEqual(terminal.wait(), expect, terminal)
        return terminal.screen

    def test_colours_only_on_a_terminal(self):
        coloured = f"{self.RED}error:{self.RESET} "
        self.assertIn(coloured, self.on_terminal("frob"))
        self.assertIn("\x1b[1m", self.on_terminal("config", "show", expect=0))
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\x1b", self.on_terminal("frob", env=env))
            self.assertNotIn("\x1b", self.on_terminal("config", "show", env=env, expect=0))
        self.assertNotIn("\x1b", self.on_terminal("--no-color", "frob"))
        self.assertIn(coloured, self.on_terminal("frob", env={"NO_COLOR": ""}))  # no-color.org: set and not empty
        self.assertNotIn("\x1b", self.run_kith("frob").err)
        self.assertIn(coloured, self.run_kith("frob", env={"CLICOLOR_FORCE": "1"}).err)
        self.assertNotIn("\x1b", self.run_kith("frob", env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).err)

    def test_json_has_no_colours_on_a_terminal(self):
        self.assertEqual(json_lines(self.on_terminal("--json", "frob"))[0]["code"], "usage")

    def test_tables_fit_the_terminal(self):
        self.write_config(f"[device]\nname = '{'n' * 200}'\n")
        terminal = self.home.terminal("config", "show", columns=40, env={"NO_COLOR": "1"})
        self.assertEqual(terminal.wait(), 0)
        for line in terminal.screen.splitlines():
            self.assertLessEqual(len(line), 40, line)

    def test_a_full_disk_on_standard_output_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BIN, "version", "--json"], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env=self.home.environment())
        self.assertEqual(done.returncode, 1)
        error = check_schema(json.loads(done.stderr))
        self.assertEqual((error["code"], error["cause"]), ("output-failed", "No space left on device"))

    def test_a_reader_that_leaves_is_told_nothing(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([BIN, "help", "codes"], stdout=write_end, stderr=subprocess.PIPE, check=False,
                              env=self.home.environment())
        os.close(write_end)
        self.assertEqual((done.returncode, done.stderr), (1, b""))

    def test_closed_descriptors_do_not_hurt(self):
        done = subprocess.run(["/bin/sh", "-c", 'exec "$0" config set log.level info <&- >&- 2>&-', BIN], check=False,
                              env=self.home.environment())
        self.assertEqual(done.returncode, 0)
        self.assertEqual((self.home.home / "config.toml").read_text(), '[log]\nlevel = "info"\n')

    def test_quiet_says_results_and_errors_only(self):
        run = self.run_kith("-q", "config", "set", "log.level", "info", env={"KITH_LOG": "debug"}).ok()
        self.assertEqual((run.out, run.err), ("", ""))
        self.assertEqual(self.run_kith("-q", "config", "get", "log.level").ok().out, "info\n")
        self.assertIn("error: ", self.run_kith("-q", "frob").expect(2).err)


if __name__ == "__main__":
    unittest.main()
