"""What is shipped for running a relay is in order, as far as that shows without the machines it is for."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

import yaml

RELAY = os.environ["KITH_RELAY_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def commands_of(text):
    """The verbs that the program's help names."""
    return set(re.findall(r"^  ([a-z]+) +[A-Z]", text, re.M))


class Deploy(unittest.TestCase):
    def help(self, *verb):
        return subprocess.run([RELAY, *verb, "--help"], capture_output=True, text=True, check=True).stdout

    def assert_command_works(self, words):
        """Its verb and its options are the program's."""
        self.assertIn(words[0], commands_of(self.help()))
        known = self.help(words[0])
        for option in (word for word in words if word.startswith("--")):
            self.assertIn(option, known, words)

    def test_the_example_is_what_config_init_writes(self):
        written = subprocess.run([RELAY, "config", "init", "-"], capture_output=True, text=True, check=True).stdout
        self.assertEqual((DEPLOY / "relay.toml").read_text(), written)

    def test_the_unit_calls_the_program_and_keeps_it_in(self):
        unit = (DEPLOY / "kith-relay.service").read_text()
        for key in ("ExecStart", "ExecReload"):
            program, *words = shlex.split(re.search(rf"^{key}=(.*)$", unit, re.M)[1])
            self.assertEqual(program, "/usr/bin/kith-relay")
            self.assert_command_works(words)
        for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=",
                     "MemoryDenyWriteExecute=yes", "PrivateDevices=yes", "SystemCallFilter=@system-service"):
            self.assertIn(f"\n{line}\n", unit)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd here")
    def test_systemd_understands_the_unit(self):
        unit = (DEPLOY / "kith-relay.service").read_text().replace("/usr/bin/kith-relay", RELAY)
        copy = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"kith-relay-{os.getpid()}.service"
        copy.write_text(unit)
        try:
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True)
        finally:
            copy.unlink()
        about_ours = [line for line in said.stderr.splitlines() if copy.name in line and "man" not in line]
        self.assertEqual(about_ours, [])

    def test_the_container_calls_the_program_as_its_own_user(self):
        lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
        steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
        known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
        self.assertLessEqual({name for name, _ in steps}, known)
        last = dict(steps)
        self.assertEqual(last["USER"], "kith-relay")
        self.assertEqual(yaml.safe_load(last["ENTRYPOINT"]), ["/usr/bin/kith-relay"])
        self.assert_command_works(yaml.safe_load(last["CMD"]))
        check = yaml.safe_load(last["HEALTHCHECK"].partition("CMD ")[2])
        self.assert_command_works(check[1:])
        for name, rest in steps:
            if name == "COPY" and not rest.startswith("--from") and rest != ". .":
                self.assertTrue((ROOT / rest.split()[0]).exists(), rest)

    def test_the_container_has_the_libraries_that_the_program_needs(self):
        needed = subprocess.run(["ldd", RELAY], capture_output=True, text=True, check=True).stdout
        dockerfile = (DEPLOY / "Dockerfile").read_text()
        packages = {"libfmt.so": "libfmt", "libsodium.so": "libsodium", "libsqlite3.so": "libsqlite3-0", "libssl.so": "libssl",
                    "libcrypto.so": "libssl", "libtomlplusplus.so": "libtomlplusplus"}
        base = ("linux-vdso", "libstdc++", "libgcc_s", "libc.so", "libm.so", "libasan", "libubsan", "libtsan")
        for line in needed.splitlines():
            name = line.split()[0]
            if name.startswith(base) or name.startswith("/"):
                continue
            package = next((package for start, package in packages.items() if name.startswith(start)), None)
            self.assertIsNotNone(package, name)
            self.assertRegex(dockerfile, rf"\b{re.escape(package)}")

    def test_the_compose_file_builds_it_and_shows_it_to_this_machine_only(self):
        relay = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["relay"]
        self.assertTrue((DEPLOY / relay["build"]["context"] / relay["build"]["dockerfile"]).resolve().is_file())
        for port in relay["ports"]:
            self.assertTrue(port.startswith("127.0.0.1:"), port)
        for volume in relay["volumes"]:
            source = volume.split(":")[0]
            self.assertTrue(not source.startswith(".") or (DEPLOY / source).exists(), volume)

    def test_the_manual_names_every_command_and_option(self):
        manual = (ROOT / "docs/man/kith-relay.1").read_text().replace("\\-", "-")
        verbs = commands_of(self.help())
        self.assertLessEqual({"serve", "config", "groups", "invites", "quota", "backup", "reload", "drain"}, verbs)
        for verb in verbs:
            self.assertIn(verb, manual)
        for option in re.findall(r"(--[a-z]+)", self.help("serve") + self.help("quota")):
            if option != "--help":
                self.assertIn(option, manual)
        if shutil.which("man"):
            said = subprocess.run(["man", "--warnings", "-l", str(ROOT / "docs/man/kith-relay.1")], capture_output=True, text=True,
                                  env={**os.environ, "MANROFFSEQ": "", "LC_ALL": "C"})
            self.assertEqual(said.stderr, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
