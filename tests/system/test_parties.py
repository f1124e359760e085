# SPDX-License-Identifier: Apache-2.0
"""Users, certificates, organisations, providers and thresholds changed while everything runs.

Each test has a gateway of its own whose users' certificates come from a CA of the test, which is the
only one that control trusts; motorwayctl changes them, and the next requests meet what was changed.
"""
import csv
import datetime
import io
import json
import os
import random
import re
import signal
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import duis
import endpoints
import wire
from cases import rows
from gateway import Gateway, User, complaints_in, laid_over, sanitizer_environment
from test_access import refused
from test_alerts import Alert, is_alert

VISIBLE_S = 1.0      # after an answer a change is in force in the data plane
NEWCOMER = "90-B3-D5-1F-30-7F-01-00"


def utc(seconds=0):
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    return now + datetime.timedelta(seconds=seconds)


class Authority:
    """A certification authority with a revocation list; its files are in `folder`."""

    def __init__(self, folder, name="T1"):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "07"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name)
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(utc(-86400)).not_valid_after(utc(86400 * 3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False,
                                         False), critical=True)
            .sign(self.key, hashes.SHA256()))
        self.path = os.path.join(folder, f"{name}.pem")
        self.lists = os.path.join(folder, "lists")
        os.makedirs(self.lists, exist_ok=True)
        self.revoked = []
        with open(self.path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        self.write_list()

    def issue(self, name, eui, role="87", start_s=-86400, end_s=86400 * 365, curve=ec.SECP256R1(),
              digest=hashes.SHA256(), agreement=False):
        key = ec.generate_private_key(curve)
        subject = x509.Name([
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, role),
            x509.NameAttribute(x509.NameOID.X500_UNIQUE_IDENTIFIER,
                               b"\0" + bytes.fromhex(eui.replace("-", "")),
                               x509.name._ASN1Type.BitString)])
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(utc(start_s)).not_valid_after(utc(end_s))
            .add_extension(x509.KeyUsage(not agreement, False, False, False, agreement, False,
                                         False, False, False), critical=True)
            .sign(self.key, digest))
        path = os.path.join(self.folder, f"{name}.pem")
        key_path = os.path.join(self.folder, f"{name}.key")
        with open(path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        with open(key_path, "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.DER,
                                         serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        return duis.Signer(path, key_path)

    def revoke(self, signer):
        self.revoked.append(signer.serial)
        self.write_list()

    def write_list(self):
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.name)
                   .last_update(utc(-60)).next_update(utc(86400)))
        for serial in self.revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial)
                .revocation_date(utc(-1)).build())
        octets = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        # Under its name it is whole.
        with open(os.path.join(self.folder, "list.new"), "wb") as file:
            file.write(octets)
        os.replace(file.name, os.path.join(self.lists, "t1.crl"))


def fingerprint(signer):
    return signer.certificate.fingerprint(hashes.SHA256()).hex()


class Site(Gateway):
    """A gateway whose users have certificates of the test's own authority."""

    def __init__(self, conf=None, start=True):
        super().__init__(conf, start=False)
        self.accepted = {}   # requests of each user
        self.authority = Authority(self.folder)
        for user in self.users:
            user.signer = self.authority.issue(user.name, user.eui)
        self.write_reference()
        self.write_configuration(laid_over({"certificates": {
            "trust": [self.authority.path], "revocation_lists": [self.authority.lists]}},
            conf or {}))
        if start:
            try:
                self.start()
            except BaseException:
                self.abandon()
                raise

    def do(self, *words):
        """A command that must be done; returns what it prints."""
        result = self.ctl(*words)
        assert result.returncode == 0, f"{words}: {result.stdout} {result.stderr}"
        return result.stdout

    def refuse(self, *words):
        """A command that must fail; returns what it complains."""
        result = self.ctl(*words)
        assert result.returncode == 1, f"{words}: {result.returncode} {result.stdout}"
        return result.stderr

    def code(self, user, signer=None, **fields):
        """The code, or the HTTP status and reason, that a read is answered with."""
        canonical, variant = self.read(user, **fields)
        answer = self.send(user, canonical, variant, signer=signer)
        if answer.status != 200:
            return f"{answer.status} {answer.reason}"
        return duis.Response(answer.body).code

    def send(self, user, *arguments, **fields):
        answer = super().send(user, *arguments, **fields)
        if answer.status == 200 and duis.Response(answer.body).code == "I99":
            self.accepted[user.name] = self.accepted.get(user.name, 0) + 1
        return answer

    def settle(self, user):
        """Until everything that was accepted of a user has been answered."""
        def settled():
            return len([p for p in self.receiver.posts if p.path == f"/{user.name}"]) == \
                self.accepted[user.name]
        wire.wait_until(settled, 20, "answers are missing")

    def soon(self, expected, user, signer=None, timeout_s=VISIBLE_S, **fields):
        """The change that was just answered is in force within a second, or longer by as much as
        other programs keep this machine's cores busy."""
        limit_s = timeout_s * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
        begin = time.monotonic()
        while True:
            found = self.code(user, signer, **fields)
            if found == expected:
                return
            assert time.monotonic() - begin < limit_s, f"{found} instead of {expected}"
            time.sleep(0.02)

    def add_newcomer(self, roles="IS ES GS"):
        signer = self.authority.issue("newcomer", NEWCOMER)
        user = User("newcomer", NEWCOMER, roles.split(), signer, mpid="SUPA")
        words = [f"roles={roles}"] if roles else []
        self.do("user", "add", NEWCOMER, "newcomer", "organisation=SUPA",
                f"callback_url={self.receiver.url('/newcomer')}", *words)
        self.do("user", "certificate", "add", NEWCOMER, str(signer.certificate_path))
        return user


def test_a_user_is_added_and_sends():
    with Site() as own:
        signer = own.authority.issue("newcomer-early", NEWCOMER)
        user = User("newcomer", NEWCOMER, ["IS"], signer)
        assert own.code(user) == "403 user-unknown", own.code(user)
        user = own.add_newcomer()
        own.soon("I99", user)
        own.good(user)
        # Who is suspended sends no more; when his last answer is out, he can go.
        own.do("user", "suspend", NEWCOMER)
        own.soon("E3", user)
        own.settle(user)
        own.do("user", "remove", NEWCOMER)
        own.soon("403 user-unknown", user)
        assert "there is none" in own.refuse("user", "show", NEWCOMER)
        status = own.status()
        assert status["data_plane"]["generation"] == status["control"]["generation"]


def test_a_user_without_roles():
    with Site() as own:
        user = own.add_newcomer(roles="")
        own.soon("E1", user)
        canonical, _ = own.read(user)
        refused(own, own.send(user, canonical), "user-role", "E1")
        own.do("user", "role", NEWCOMER, "IS", "ES")
        own.soon("I99", user)
        own.do("user", "role", NEWCOMER, "none")
        own.soon("E1", user)


def test_suspended_and_activated():
    with Site() as own:
        own.good(own.mdr)
        assert own.do("user", "suspend", own.mdr.eui) == "done\n"
        own.soon("E3", own.mdr)
        assert "nothing to do" in own.do("user", "suspend", own.mdr.eui)
        canonical, _ = own.read(own.mdr)
        refused(own, own.send(own.mdr, canonical), "user-suspended", "E3")
        own.good()
        # The file says active; the operator's word stands, also after it is read again.
        own.control.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: own.status()["control"]["counters"]["reloads"] == 1, 20, "reload")
        assert own.code(own.mdr) == "E3"
        own.do("user", "activate", own.mdr.eui)
        own.soon("I99", own.mdr)


def test_roles_change():
    with Site() as own:
        own.do("user", "role", own.supplier.eui, "GS")
        own.soon("E2", own.supplier, srv="4.6.2")
        own.do("user", "role", own.supplier.eui, "ES", "GS")
        own.soon("I99", own.supplier, srv="4.6.2")
        assert "must be roles" in own.refuse("user", "role", own.supplier.eui, "KING")
        shown = own.do("user", "show", own.supplier.eui)
        assert re.search(r"roles +ES GS\n", shown) and re.search(r"origin +operator\n", shown)


def test_a_certificate_is_replaced_under_traffic():
    """Old and new one are in force together; not one request is refused meanwhile."""
    with Site() as own:
        user, old = own.supplier, own.supplier.signer
        new = own.authority.issue("supplier-new", user.eui)
        signers, refusals, sent = [old], [], []
        ending = threading.Event()

        def send():
            while not ending.is_set():
                signer = signers[0]
                code = own.code(user, signer)
                sent.append(signer)
                if code != "I99":
                    refusals.append((code, signer is new))
        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            wire.wait_until(lambda: len(sent) > 20, 30, "no traffic")
            own.do("user", "certificate", "add", user.eui, str(new.certificate_path))
            own.soon("I99", user, new)
            signers[0] = new
            wire.wait_until(lambda: sent[-20:].count(new) == 20, 30, "the new one is not used")
            own.do("user", "certificate", "withdraw", fingerprint(old)[:16])
            own.soon("403 certificate-unknown", user, old)
            before = len(sent)
            wire.wait_until(lambda: len(sent) > before + 20, 30, "no traffic")
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        assert not refusals, refusals[:10]
        assert "withdrawn" in own.do("user", "certificate", "list", user.eui)
        assert "there already" in own.refuse("user", "certificate", "add", user.eui,
                                             str(old.certificate_path))
        # The file still names it; that does not bring it back.
        own.control.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: own.status()["control"]["counters"]["reloads"] == 1, 20, "reload")
        assert own.code(user, old) == "403 certificate-unknown"
        assert own.code(user, new) == "I99"


def test_a_certificate_is_revoked():
    """A new revocation list is noticed without a signal."""
    with Site() as own:
        own.good(own.network)
        own.authority.revoke(own.network.signer)
        own.soon("403 certificate-unknown", own.network, timeout_s=3)
        own.good()
        assert "revoked" in own.do("user", "certificate", "list", own.network.eui)
        parties = own.status()["control"]["parties"]
        assert parties["certificates_not_in_force"] == 1, parties
        assert parties["revocation_lists"][0]["revoked"] == 1, parties
        assert re.search(r"not in force: revoked", own.control.text())


def test_certificates_begin_and_end():
    """Control takes them in and out at their instants; nobody asks it to."""
    with Site() as own:
        user = own.add_newcomer()
        own.soon("I99", user)
        own.do("user", "certificate", "withdraw", fingerprint(user.signer))
        ending = own.authority.issue("ending", NEWCOMER, end_s=4)
        coming = own.authority.issue("coming", NEWCOMER, start_s=4)
        own.do("user", "certificate", "add", NEWCOMER, str(ending.certificate_path))
        own.do("user", "certificate", "add", NEWCOMER, str(coming.certificate_path))
        own.soon("I99", user, ending)
        assert own.code(user, coming) == "403 certificate-unknown"
        until = ending.certificate.not_valid_after
        time.sleep(max(0.0, (until - utc()).total_seconds() - 0.5))
        own.soon("403 certificate-unknown", user, ending, timeout_s=3)
        assert utc() >= until, "it ended too early"
        own.soon("I99", user, coming, timeout_s=3)
        text = own.do("user", "certificate", "list", NEWCOMER)
        assert "expired" in text and "valid" in text and "withdrawn" in text, text


@rows(curve=({"curve": ec.SECP384R1()}, "P-256"),
      digest=({"digest": hashes.SHA512()}, "ecdsa-with-SHA256"),
      role=({"role": "03"}, "OU=03"),
      authority=({"role": "07"}, "OU=07"),
      decimal=({"role": "137"}, "two hexadecimal digits"),
      agreement=({"agreement": True}, "digital signatures"),
      foreign=({"eui": "90-B3-D5-1F-30-7F-00-77"}, "another EUI-64"),
      expired=({"start_s": -7200, "end_s": -3600}, "expired"),
      stranger=({"issuer": "T2"}, "trusted issuer"))
def test_certificates_that_are_refused(case):
    terms, why = case
    with Site() as own:
        terms = dict(terms)
        name = terms.pop("issuer", None)
        eui = terms.pop("eui", own.supplier.eui)
        authority = Authority(own.path("conf"), name) if name else own.authority
        signer = authority.issue("bad", eui, **terms)
        complaint = own.refuse("user", "certificate", "add", own.supplier.eui,
                               str(signer.certificate_path))
        assert why in complaint, complaint
        # The same in the users' file: what is an error there, and what is no more than not in force.
        own.supplier.signer = signer
        own.write_reference()
        result = subprocess.run([str(own.programs_at["control"]), "-c", own.conf_path, "--check"],
                                capture_output=True, text=True, check=False, timeout=60,
                                env=sanitizer_environment())
        if why == "expired":
            assert result.returncode == 0, result.stderr
        else:
            assert result.returncode == 1, result.stdout
            assert re.search(rf"users\.yaml:\d+:\d+: .*{re.escape(why)}", result.stderr), \
                result.stderr


def test_an_expired_certificate_in_the_file():
    """It does not keep anything from starting, and is not in force."""
    own = Site(start=False)
    with own:
        own.network.signer = own.authority.issue("old", own.network.eui, start_s=-7200, end_s=-3600)
        own.write_reference()
        own.start()
        assert own.code(own.network) == "403 certificate-unknown"
        own.good()
        assert "not in force: expired" in own.control.text()


def test_the_callback_address_changes():
    with Site() as own:
        own.good()
        elsewhere = endpoints.Endpoint()
        try:
            own.do("user", "callback", own.supplier.eui, elsewhere.url("/moved"))

            def arrives():
                canonical, variant = own.read()
                request_id = re.search("RequestID>([^<]+)", canonical).group(1)
                own.send(own.supplier, canonical, variant)
                try:
                    post = elsewhere.wait(endpoints.of_request(request_id), timeout_s=2)[0]
                except AssertionError:
                    return False
                return post.path == "/moved"
            wire.wait_until(arrives, 20, "nothing comes to the new address")
            assert "not a URL" in own.refuse("user", "callback", own.supplier.eui, "nowhere")
        finally:
            own.do("user", "callback", own.supplier.eui, own.receiver.url("/supplier"))
            own.soon("I99", own.supplier)
            own.motorway.process.send_signal(signal.SIGTERM)
            own.motorway.process.wait(60)
            elsewhere.close()
            own.stop()


def test_a_provider_moves():
    with Site() as own:
        own.good()
        elsewhere = endpoints.Provider("csp-north", own.provider_port)
        try:
            own.do("provider", "change", "0", f"url={elsewhere.url('/x')}")

            def dispatched():
                canonical, variant = own.read()
                request_id = re.search("RequestID>([^<]+)", canonical).group(1)
                own.send(own.supplier, canonical, variant)
                try:
                    return elsewhere.wait(endpoints.of_request(request_id), timeout_s=2)
                except AssertionError:
                    return False
            wire.wait_until(dispatched, 20, "nothing comes to the provider's new address")
            own.good()
            assert "stands in the providers' file" in own.refuse("provider", "remove", "0")
            own.do("provider", "add", "40", "t", "transform", elsewhere.url("/t"))
            assert "a transform provider already" in own.refuse(
                "provider", "add", "41", "t2", "transform", elsewhere.url("/t"))
            own.do("provider", "remove", "40")
            for name in (".", "..", "a/b"):
                assert "part of a URL" in own.refuse(
                    "provider", "add", "40", name, "CSP", elsewhere.url("/t"))
        finally:
            own.stop()
            elsewhere.close()


def test_an_acknowledged_change_survives_kill_9():
    """Control is killed right behind its answer, again and again; nothing that it acknowledged is
    lost, and traffic goes on meanwhile."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    with Site() as own:
        user = own.add_newcomer()
        own.soon("I99", user)
        expected = {}
        for turn in range(8):
            for _ in range(chance.randrange(1, 4)):
                number = chance.randrange(6)
                eui = f"90-B3-D5-1F-30-7F-02-{number:02X}"
                if eui not in expected:
                    own.do("user", "add", eui, f"user {number}", "roles=IS")
                    expected[eui] = ("IS", "yes")
                elif chance.random() < 0.5:
                    roles = chance.choice(["ES", "GS", "IS", "IS ES GS"])
                    own.do("user", "role", eui, *roles.split())
                    expected[eui] = (roles, expected[eui][1])
                else:
                    active = chance.choice(["suspend", "activate"])
                    own.do("user", active, eui)
                    expected[eui] = (expected[eui][0], "no" if active == "suspend" else "yes")
            own.control.process.send_signal(signal.SIGKILL)
            own.control.process.wait()
            assert own.code(user) == "I99", f"turn {turn}: control is away"
            own.start_control()
            wire.wait_until(lambda: own.ctl("status").returncode == 0, 30, "control is not back")
            text = own.do("user", "export", "-")
            found = {row["eui"]: (row["roles"], row["active"])
                     for row in csv.DictReader(io.StringIO(text))}
            for eui, state in expected.items():
                assert found.get(eui) == state, f"seed {seed} turn {turn}: {eui} {found.get(eui)}"
        own.soon("I99", user, timeout_s=20)


def test_tables_out_and_in_again():
    """Export, import into an empty store of another gateway, export: the same text."""
    with Site() as own:
        own.add_newcomer("MDR")
        own.do("threshold", "set", "all", "4.8.1", "3600", "100")
        own.do("threshold", "set", NEWCOMER, "all", "86400", "5")
        own.do("organisation", "add", "ACME", 'Acme, "Ltd" & sons')
        for number in range(150):   # far more than a chunk, in certificates
            signer = own.authority.issue(f"many-{number}", NEWCOMER)
            with open(own.path("many.csv"), "a", encoding="utf-8") as file:
                if number == 0:
                    file.write("eui,certificate\n")
                der = signer.certificate.public_bytes(serialization.Encoding.PEM).decode()
                file.write(f"{NEWCOMER},{''.join(der.splitlines()[1:-1])}\n")
        text = own.do("user", "certificate", "import", own.path("many.csv"))
        assert text == "150 rows: 150 written, 0 unchanged\n", text
        assert os.path.getsize(own.path("many.csv")) > 65536
        tables = ("organisation",), ("user",), ("user", "certificate"), ("provider",), ("threshold",)
        exported = {}
        for format_name in ("csv", "jsonl"):
            for words in tables:
                path = own.path("-".join(words) + "." + format_name)
                own.do(*words, "export", path)
                with open(path, encoding="utf-8") as file:
                    exported[words, format_name] = file.read()
                assert own.do(*words, "export", "-", "--format", format_name) == \
                    exported[words, format_name]
        own.stop(signal.SIGTERM)
        for format_name in ("csv", "jsonl"):
            for name in ("users", "thresholds", "providers", "devices"):
                with open(own.path("conf", "reference", f"{name}.yaml"), "w",
                          encoding="utf-8") as file:
                    file.write(f"{name}: []\n")
            for name in ("registrations", "appointments"):
                with open(own.path("conf", "reference", f"{name}.csv"), "r+",
                          encoding="utf-8") as file:
                    header = file.readline()
                    file.seek(0)
                    file.truncate()
                    file.write(header)
            subprocess.run(["rm", "-rf", own.path("store")], check=True)
            own.start_control()
            wire.wait_until(lambda: own.ctl("status").returncode == 0, 30, "control is not there")
            for words in tables:
                path = own.path("-".join(words) + "." + format_name)
                text = own.do(*words, "import", "--check", path)
                assert "would be written" in text, text
                own.do(*words, "import", path)
                again = own.do(*words, "export", "-", "--format", format_name)
                assert again == exported[words, format_name], (words, format_name)
                assert ": 0 written" in own.do(*words, "import", path)
            own.stop(signal.SIGTERM)


def test_an_import_with_a_wrong_line():
    with Site() as own:
        path = own.path("users.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("eui,name,roles\n")
            for number in range(300):
                file.write(f"90-B3-D5-1F-30-7F-{number >> 8:02X}-{number & 255:02X},u{number},IS\n")
            file.write("90-B3-D5-1F-30-7F-FF-FF,bad,QUEEN\n")
        complaint = own.refuse("user", "import", path)
        assert f"{path}:302:29: must be roles" in complaint, complaint
        assert "nothing was imported" in complaint, complaint
        assert own.do("user", "list").count("\n") == 1 + len(own.users)
        result = subprocess.run(
            [str(own.programs_at["ctl"]), "-c", own.conf_path, "user", "import", "-", "--json"],
            input=f"name,eui\nfrom a pipe,{NEWCOMER}\n", capture_output=True, text=True,
            check=False, timeout=60, env=sanitizer_environment())
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["written"] == 1
        assert "from a pipe" in own.do("user", "show", NEWCOMER)
        for words in (["user", "import"], ["user", "add", NEWCOMER], ["user"], ["threshold", "set"],
                      ["user", "certificate", "dance"], ["user", "list", "--check"],
                      ["user", "export", "-", "--format", "xml"]):
            assert own.ctl(*words).returncode == 2, words


def test_thresholds():
    """A user's own and one over all users, set and removed while requests come."""
    with Site() as own:
        own.do("threshold", "set", own.mdr.eui, "4.2", "3600", "0")

        def held(count):
            result = json.loads(own.do("quarantine", "list", "--json"))
            return len(result["events"]) == count

        def is_held():
            own.code(own.mdr)
            return not held(0)
        wire.wait_until(is_held, 10, "the threshold is not in force")
        own.good()
        alert = Alert(own, own.receiver.wait(is_alert)[0])
        breach = "DCCAlertMessage/sr:DCCAlert/sr:QuarantinedRequest/"
        assert alert.text(breach + "sr:ADUserThresholdBreach/sr:RequestID")
        own.do("threshold", "remove", own.mdr.eui, "4.2", "3600")
        own.do("quarantine", "delete", own.mdr.eui)
        wire.wait_until(lambda: held(0), 20, "not deleted")

        def passes():
            dispatched = len(own.csp.posts)
            own.code(own.mdr)
            time.sleep(0.2)
            return len(own.csp.posts) > dispatched
        wire.wait_until(passes, 10, "the threshold is still in force")
        # All users together: two may pass, whoever sends them.
        own.do("threshold", "set", "all", "4.1.1", "3600", "2")
        wire.wait_until(lambda: own.status()["data_plane"]["generation"]
                        == own.status()["control"]["generation"], 10, "not applied")
        before = len(own.receiver.posts)
        for user in (own.supplier, own.network, own.supplier):
            assert own.code(user, srv="4.1.1") == "I99"
        wire.wait_until(lambda: held(1), 20, "nothing is held")
        post = own.receiver.wait(lambda p: p in own.receiver.posts[before:] and is_alert(p))[0]
        alert = Alert(own, post)
        assert alert.user == "supplier"
        assert alert.text(breach + "sr:ADDCCThresholdBreach/sr:RequestID")
        own.schema().check(post.body)
        assert own.do("threshold", "list", "all").count("\n") == 2
        assert "not an EUI-64" in own.refuse("threshold", "list", "nobody")
        assert "not an EUI-64" in own.refuse("user", "certificate", "list", "nobody")
        own.do("quarantine", "release", own.supplier.eui)
        wire.wait_until(lambda: held(0), 20, "not released")


def test_what_is_trusted_must_be_readable():
    own = Site(start=False)
    with own:
        with open(os.path.join(own.authority.lists, "other.crl"), "w", encoding="utf-8") as file:
            file.write("no list")
        own.start_control()
        assert own.control.process.wait(20) == 1
        assert "holds no revocation list" in own.control.text(), own.control.text()
        os.unlink(os.path.join(own.authority.lists, "other.crl"))
        other = Authority(own.path("conf"), "T2")
        os.link(os.path.join(other.lists, "t1.crl"), os.path.join(own.authority.lists, "t2.crl"))
        own.start_control()
        assert own.control.process.wait(20) == 1
        assert "not signed by a trusted issuer" in own.control.text()
        own.control = None
        assert not complaints_in(own.folder)


def test_without_anchors_it_is_said():
    with Gateway() as own:
        assert "ISSUERS OF CERTIFICATES ARE NOT CHECKED" in own.control.text()
        own.good()
