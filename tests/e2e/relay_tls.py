"""Devices reach a relay through TLS: nginx in front of it, set up as deploy/nginx.conf says, or certificates of its own.

Certificates are of an authority that the test makes with openssl. nginx is the one in PATH, or which tools/setup --tests
unpacked; KITH_NGINX names another.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from kith_e2e import PATIENCE_S, clean_environment, free_port, wait_until
from people import Device, let_in
from relay import Relay

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNPACKED = ROOT / "build/packages/nginx/usr/sbin/nginx"
SITE = "sync.example.org"  # in deploy/nginx.conf


def find_nginx():
    """The program; None where there is none that runs."""
    for each in (os.environ.get("KITH_NGINX"), shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin"), UNPACKED):
        if each and pathlib.Path(each).exists():
            runs = subprocess.run([each, "-v"], capture_output=True, check=False).returncode == 0
            return str(each) if runs else None
    return None


def openssl(*arguments, **more):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **more)


class Authority:
    """Makes certificates for this machine. `file` is what SSL_CERT_FILE is to name."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", self.key, "-out", self.file)

    def certify(self, certificate, key):
        """Writes a certificate for localhost and 127.0.0.1, and its key, in the place of those that are there."""
        request, names = self.folder / "request.pem", self.folder / "names"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=relay",
                "-keyout", key, "-out", request)
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                "-extfile", names, "-out", certificate)


@unittest.skipUnless(shutil.which("openssl"), "needs the program openssl to make certificates")
class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-relay-tls-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder, "first")
        self.certificate, self.key = self.folder / "relay.pem", self.folder / "relay.key.pem"
        self.authority.certify(self.certificate, self.key)
        self.laptop, self.phone = self.device("laptop"), self.device("phone")

    def device(self, name):
        device = Device(name, SSL_CERT_FILE=self.authority.file)
        device.variables["KITH_NETWORK__LISTEN"] = ""  # nothing goes but through the relay
        self.addCleanup(device.close)
        return device

    def start_relay(self, config, *arguments):
        (self.folder / "relay.toml").write_text(config)
        relay = Relay(self.folder, "--config", str(self.folder / "relay.toml"), *arguments, listen=False)
        self.addCleanup(relay.stop)
        self.url = relay.line.split("'")[1]
        return relay

    def meet(self):
        """Two devices pair, and exchange messages, without ever being there together."""
        self.laptop.init("--relay", self.url)
        inviter, invite = self.laptop.invite()
        self.assertEqual(invite["relays"], [self.url])
        self.phone.run("pair", "--join", invite["link"], "--json").ok()
        self.assertEqual(inviter.wait(), 0, inviter)
        self.pass_on(self.laptop, self.phone, "from the laptop")
        self.pass_on(self.phone, self.laptop, "from the phone")

    def pass_on(self, one, other, text):
        item = one.json("push", text, "--wait", "safe")["items"][0]
        self.assertEqual([each["kind"] for each in item["safe_at"]], ["relay"])
        self.assertEqual(other.texts(), [text])

    def refuses_strangers(self):
        """Who does not know the authority stops before it says anything."""
        run = self.laptop.run("relay", "test", "--json", env={"SSL_CERT_FILE": None, "SSL_CERT_DIR": "/nowhere"})
        self.assertEqual([each["error_code"] for each in run.expect(13).document()["relays"]], ["relay-untrusted"])


class Nginx(Tls):
    def setUp(self):
        program = find_nginx()
        if program is None:
            self.skipTest("there is no nginx")
        super().setUp()
        self.inside, self.outside = free_port(), free_port()
        self.start_relay(f'[server]\nbind = "127.0.0.1:{self.inside}"\nurl = "wss://localhost:{self.outside}"\n'
                         '[monitoring]\nlisten = ""\n')
        self.configuration = self.folder / "nginx.conf"
        self.configuration.write_text(self.configured())
        self.log = open(self.folder / "nginx.log", "w+")
        self.addCleanup(self.log.close)
        self.nginx = subprocess.Popen([program, "-p", str(self.folder), "-e", "stderr", "-c", str(self.configuration)],
                                      stdout=self.log, stderr=self.log, env=clean_environment(self.folder))
        self.addCleanup(self.stop_nginx)
        wait_until("nginx listens", lambda: self.listens(self.outside))

    def configured(self):
        """deploy/nginx.conf as it is shipped, with this test's ports, name and certificates."""
        site = (ROOT / "deploy/nginx.conf").read_text()
        for before, after in ((r"^ *listen \[::\]:443 ssl;\n", ""), (r"listen 443 ssl", f"listen 127.0.0.1:{self.outside} ssl"),
                              (re.escape(f"/etc/letsencrypt/live/{SITE}/fullchain.pem"), str(self.certificate)),
                              (re.escape(f"/etc/letsencrypt/live/{SITE}/privkey.pem"), str(self.key)),
                              (rf"server_name {re.escape(SITE)}", "server_name localhost"),
                              (r"127\.0\.0\.1:8080;", f"127.0.0.1:{self.inside};")):
            site, count = re.subn(before, after, site, flags=re.M)
            self.assertEqual(count, 1, before)
        folders = "".join(f"  {each}_temp_path {self.folder}/{each};\n" for each in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.getuid() == 0 else ""
        return (f"{user}daemon off;\npid {self.folder}/nginx.pid;\nworker_processes 1;\nevents {{}}\n"
                f"http {{\n  access_log {self.folder}/access.log;\n{folders}{site}}}\n")

    def listens(self, port):
        self.assertIsNone(self.nginx.poll(), (self.folder / "nginx.log").read_text())
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    def stop_nginx(self):
        self.nginx.send_signal(signal.SIGQUIT)
        try:
            self.nginx.wait(5)
        except subprocess.TimeoutExpired:
            self.nginx.kill()
            self.nginx.wait()

    def test_devices_pair_and_write_to_each_other_through_it(self):
        self.meet()
        self.refuses_strangers()
        requests = (self.folder / "access.log").read_text()
        self.assertRegex(requests, r'"POST /invite HTTP/1\.1" 201')
        self.assertRegex(requests, r'"GET / HTTP/1\.1" 101')

    def test_a_connection_outlives_what_it_writes(self):
        self.meet()
        reader, owner = self.phone.follow(), self.laptop.follow()
        for number in range(20):
            self.laptop.run("push", f"live {number}", "--wait", "safe").ok()
        reader.wait_line("live 19")
        self.assertEqual((reader.stop(), owner.stop()), (0, 0))

    def test_what_is_large_goes_through(self):
        self.meet()
        here, there = self.laptop.dir / "docs", self.phone.dir / "docs"
        here.mkdir()
        (here / "large.bin").write_bytes(os.urandom(5 << 20))
        self.laptop.run("sync", here, "--once", timeout=PATIENCE_S * 2).ok()
        self.phone.run("sync", there, "--folder", "docs", "--once", timeout=PATIENCE_S * 2).ok()
        self.assertEqual((there / "large.bin").read_bytes(), (here / "large.bin").read_bytes())


class OwnCertificate(Tls):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.relay = self.start_relay(
            f'[server]\nbind = "127.0.0.1:{self.port}"\nurl = "wss://localhost:{self.port}"\n[monitoring]\nlisten = ""\n'
            f'[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n')

    def shown(self):
        """The certificate that the relay shows."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as plain:
            with context.wrap_socket(plain) as secured:
                return ssl.DER_cert_to_PEM_cert(secured.getpeercert(True))

    def test_devices_pair_and_write_to_each_other(self):
        self.meet()
        self.refuses_strangers()

    def test_a_renewed_certificate_takes_effect_on_reload(self):
        self.meet()
        reader = self.phone.follow()
        before = self.shown()
        second = Authority(self.folder, "second")
        second.certify(self.certificate, self.key)
        self.assertEqual(self.shown(), before)
        for how in ("signal", "command"):
            if how == "signal":
                self.relay.process.send_signal(signal.SIGHUP)
            else:
                said = self.relay.say("reload")
                self.assertEqual(said.returncode, 0, said.stderr)
            wait_until("another certificate", lambda: self.shown() != before)
            before = self.shown()
            self.assertEqual(before.split(), self.certificate.read_text().split())
            # The laptop trusts the new authority alone; the phone is still connected by what the old one certified.
            self.laptop.variables["SSL_CERT_FILE"] = second.file
            self.laptop.run("push", f"after {how}", "--wait", "safe").ok()
            reader.wait_line(f"after {how}")
            second.certify(self.certificate, self.key)
        self.assertEqual(reader.stop(), 0, reader)

    def test_files_that_do_not_fit_leave_the_certificate_that_was(self):
        self.meet()
        before = self.shown()
        self.certificate.write_text("no certificate\n")
        said = self.relay.say("reload")
        self.assertEqual(said.returncode, 1)
        self.assertIn(str(self.certificate), said.stderr)
        self.assertEqual(self.shown(), before)
        self.pass_on(self.laptop, self.phone, "still")


if __name__ == "__main__":
    unittest.main()
