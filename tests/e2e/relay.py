"""The program kith-relay as an operator runs it: started without a file, steered, drained, killed, and started again."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

RELAY = os.environ["KITH_RELAY_BIN"]
SLOW = float(os.environ.get("KITH_TEST_PATIENCE", "20"))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Relay:
    """A running relay; what it says is kept."""

    def __init__(self, folder, *arguments, listen=True, env=None):
        self.data = folder / "data"
        self.port = free_port()
        self.log = open(folder / "log", "a+")
        command = [RELAY, "serve", "--data", str(self.data), *arguments]
        if listen:
            command += ["--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=folder,
                                        env={**os.environ, **(env or {})})
        self.first = self.process.stdout.readline()
        self.line = self.process.stdout.readline().rstrip("\n")

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=SLOW)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    def say(self, *command):
        return subprocess.run([RELAY, *command, "--data", str(self.data)], capture_output=True, text=True, timeout=SLOW)

    def logged(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def wait(self):
        code = self.process.wait(timeout=SLOW)
        self.process.stdout.close()
        self.log.close()
        return code

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.wait()


class RelayTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-relay-"))
        self.relays = []

    def tearDown(self):
        for relay in self.relays:
            relay.stop()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)

    def start(self, *arguments, **how):
        self.relays.append(Relay(self.folder, *arguments, **how))
        return self.relays[-1]

    def run_relay(self, *arguments):
        return subprocess.run([RELAY, *arguments], capture_output=True, text=True, timeout=SLOW, cwd=self.folder)

    def test_names_a_command_that_it_does_not_know_and_the_nearest_one(self):
        for words, text in ((["frob"], 'there is no command "frob"\n  try:   kith-relay --help'),
                            (["serv"], 'there is no command "serv"; did you mean serve?\n  try:   kith-relay --help'),
                            (["config", "chek", "x"], 'there is no command "config chek"; did you mean config check?\n'
                                                      "  try:   kith-relay config --help"),
                            (["groups", "rn", "x"], 'there is no command "groups rn"; did you mean groups rm?\n'
                                                    "  try:   kith-relay groups --help")):
            run = self.run_relay(*words)
            self.assertEqual((run.returncode, run.stdout, run.stderr), (2, "", f"error: {text}\n"))

    def test_what_a_reload_refuses_is_said_once(self):
        config = self.folder / "relay.toml"
        config.write_text('[monitoring]\nlisten = ""\n')
        relay = self.start("--config", str(config))
        config.write_text("[monitoring\n")
        said = relay.say("reload")
        self.assertEqual((said.returncode, said.stderr.count("the relay says:")), (1, 1), said.stderr)

    def test_works_without_a_file_and_keeps_its_key(self):
        relay = self.start()
        self.assertRegex(relay.line, rf"^kith relay add 'ws://127\.0\.0\.1:{relay.port}/#key=[A-Za-z0-9_-]{{43}}'$")
        status, body = relay.get("/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))
        self.assertEqual((relay.data / "relay.key").stat().st_mode & 0o777, 0o600)
        self.assertEqual(relay.data.stat().st_mode & 0o777, 0o700)
        relay.process.kill()   # no chance to tidy up
        relay.wait()
        again = self.start()
        self.assertEqual(again.line.split("#")[1], relay.line.split("#")[1])
        self.assertEqual(again.get("/health")[0], 200)

    def test_ends_in_order_on_sigterm(self):
        relay = self.start()
        relay.process.send_signal(signal.SIGTERM)
        self.assertEqual(relay.wait(), 0)
        self.assertIn("info relay.draining", (self.folder / "log").read_text())
        self.assertFalse((relay.data / "admin.sock").exists())

    def test_lets_its_operator_steer_it(self):
        relay = self.start()
        self.assertIn("0 of at most 1000", relay.say("groups").stdout)
        self.assertIn("0 open of at most 256", relay.say("invites").stdout)
        self.assertEqual(json.loads(relay.say("groups", "--json").stdout)["mailboxes"], [])
        unsure = relay.say("groups", "rm", "01234567")
        self.assertEqual(unsure.returncode, 2)
        self.assertIn("What none of them holds any more is gone", unsure.stderr)
        missing = relay.say("groups", "rm", "01234567", "--yes")
        self.assertEqual(missing.returncode, 1)
        self.assertIn('there is no mailbox "01234567" here', missing.stderr)
        self.assertEqual(json.loads(relay.say("quota", "--json").stdout)["group_quota_bytes"], 1 << 30)
        done = relay.say("backup", str(self.folder / "copy.db"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "copy.db").read_bytes().startswith(b"SQLite format 3\0"))
        self.assertEqual(relay.say("backup", str(self.folder / "no/such/copy.db")).returncode, 1)
        again = relay.say("backup", str(self.folder / "copy.db"))
        self.assertEqual((again.returncode, again.stderr), (1, f"error: the relay says: {self.folder / 'copy.db'} is there "
                                                            "already\n  try:   another name: no file is written over\n"))
        unknown = relay.say("groups", "rm", "frob", "--yes")
        self.assertEqual((unknown.returncode, unknown.stderr),
                         (1, 'error: the relay says: there is no mailbox "frob" here\n'
                             "  try:   kith-relay groups   see what each one is called\n"))
        self.assertEqual(relay.say("drain").returncode, 0)
        self.assertEqual(relay.wait(), 0)
        gone = self.run_relay("groups", "--data", "data")
        self.assertEqual(gone.returncode, 7)
        self.assertIn("no relay answers", gone.stderr)

    def test_reads_its_configuration_again(self):
        port = free_port()
        file = self.folder / "relay.toml"
        file.write_text(f'[server]\nbind = "127.0.0.1:{port}"\n[invites]\ncreates_per_minute = 1\n')
        relay = self.start("--config", str(file), listen=False)
        relay.port = port

        def invite(key):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SLOW)
            connection.request("POST", "/invite", json.dumps({"key": key, "expires_s": 60}))
            status = connection.getresponse().status
            connection.close()
            return status

        self.assertEqual([invite("AAAAAAA0"), invite("AAAAAAA1")], [201, 429])
        file.write_text(file.read_text().replace("= 1\n", "= 100\n"))
        relay.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + SLOW
        while "relay.reloaded" not in relay.logged():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(invite("AAAAAAA1"), 201)
        file.write_text("[server]\nbnd = 3\n")
        refused = relay.say("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("server.bnd is not known (did you mean server.bind?)", refused.stderr)
        self.assertEqual(relay.get("/health")[0], 200)

    def test_names_the_settings_that_a_reload_does_not_change(self):
        port = free_port()
        file = self.folder / "relay.toml"
        file.write_text(f'[server]\nbind = "127.0.0.1:{port}"\n')
        relay = self.start("--config", str(file), listen=False)
        relay.port = port
        self.assertEqual(relay.say("reload").stdout, "reloaded\n")
        file.write_text(f'[server]\nbind = "127.0.0.1:{free_port()}"\nmax_connections = 5\n[storage]\ndatabase = "x.db"\n')
        changed = ["server.bind", "storage.database"]
        for _ in range(2):  # it is still so when it is read once more
            self.assertEqual(relay.say("reload").stdout, "reloaded\nnote: changed, and as before until the relay is "
                                                         f"started again: {', '.join(changed)}\n")
        self.assertEqual(json.loads(relay.say("reload", "--json").stdout)["restart_for"], changed)
        self.assertIn("warn relay.restart_needed key=server.bind", relay.logged())
        self.assertEqual(relay.get("/health")[0], 200)
        file.write_text(f'[server]\nbind = "127.0.0.1:{port}"\n')
        self.assertEqual(relay.say("reload").stdout, "reloaded\n")

    def test_publishes_figures_where_it_says(self):
        relay = self.start()
        port = int(re.search(r"monitoring_port=(\d+)", relay.logged())[1])
        status, text = relay.get("/metrics", port)
        self.assertEqual(status, 200)
        self.assertIn("\nkith_relay_connections_total ", text)
        self.assertEqual(relay.get("/readyz", port)[0], 200)
        self.assertEqual(relay.get("/metrics")[0], 404)

    def test_has_its_data_for_itself(self):
        relay = self.start()
        second = self.run_relay("serve", "--data", "data", "--listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 1)
        self.assertIn("another kith-relay runs with the data in", second.stderr)
        busy = self.run_relay("serve", "--data", "other", "--listen", f"127.0.0.1:{relay.port}")
        self.assertEqual(busy.returncode, 1)
        self.assertIn("is in use by another program", busy.stderr)

    def test_checks_configurations(self):
        self.assertEqual(self.run_relay("config", "init").returncode, 0)
        self.assertIn("in order", self.run_relay("config", "check").stdout)
        self.assertEqual(self.run_relay("config", "init").returncode, 1)   # never over another
        (self.folder / "bad.toml").write_text('[server]\nmax_connections = "many"\n')
        bad = self.run_relay("config", "check", "bad.toml")
        self.assertEqual(bad.returncode, 2)
        self.assertEqual(bad.stderr, "bad.toml:2:19: server.max_connections takes a number from 1 to 1000000, not 'many'\n")
        self.assertEqual(self.run_relay("serve", "--config", "bad.toml", "--data", "x").returncode, 2)
        self.assertEqual(self.run_relay("serve", "--listen", "nonsense", "--data", "x").returncode, 2)
        self.assertEqual(self.run_relay("unknown").returncode, 2)

    def test_asks_for_tokens_where_it_is_told_to(self):
        (self.folder / "relay.toml").write_text('[server]\nregistration = "token"\ntokens_file = "tokens"\n')
        missing = self.run_relay("serve", "--config", "relay.toml", "--data", "x", "--listen", "127.0.0.1:0")
        self.assertEqual(missing.returncode, 1)
        (self.folder / "tokens").write_text("# mine\nshort\n")
        short = self.run_relay("serve", "--config", "relay.toml", "--data", "x", "--listen", "127.0.0.1:0")
        self.assertIn("fewer than 16 characters", short.stderr)
        (self.folder / "tokens").write_text("# mine\n0123456789abcdef  # the laptop's\n")
        self.assertEqual(self.start("--config", "relay.toml").get("/health")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
