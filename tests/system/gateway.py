# SPDX-License-Identifier: Apache-2.0
"""A whole gateway for a test: configuration of its own, both programs, and the neighbours.

    users' receive endpoint  <--  motorway  -->  csp (SMETS2), s1sp (SMETS1), transform
      (one server for all)           |
                              motorway-control

Every site lives in its own temporary folder on free ports of 127.0.0.1. What the programs write goes
into that folder; at the end every line is searched for what a sanitizer or a failed assertion says.
"""
import copy
import datetime
import functools
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import duis
import endpoints
import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MOTORWAY_BUILD", ROOT / "build")).resolve()
MATERIAL = ROOT / "var" / "duis"

MOTORWAY = BUILD / "dataplane" / "motorway"
CONTROL = BUILD / "control" / "motorway-control"
CTL = BUILD / "control" / "motorwayctl"
SIM = BUILD / "bench" / "sim" / "motorway-sim"
SCHEMA = BUILD / "control" / "motorway-schema"

# Sanitised programs on a shared machine are several times slower than plain ones.
START_S = 60
STOP_S = 60

COMPLAINTS = re.compile(
    r"ERROR: \w+Sanitizer|SUMMARY: \w+Sanitizer|runtime error:|Assertion .* failed|"
    r"core dumped|PANIC in|stack smashing|double free|corrupted")

counter = duis.Counter(int(time.time() * 1000))


@functools.cache
def make_images():
    """The schema images that conf/motorway.yaml names, by the compiler under test."""
    subprocess.run([ROOT / "scripts" / "make-images"], check=True, env=sanitizer_environment() | {
        "MOTORWAY_BUILD": str(BUILD)})


def sanitizer_environment():
    environment = dict(os.environ)
    suppressions = ROOT / "tests" / "leaks.suppressions"
    environment["ASAN_OPTIONS"] = (
        "detect_leaks=1:exitcode=99:abort_on_error=0:malloc_context_size=20:quarantine_size_mb=32")
    environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
    if suppressions.exists():
        environment["LSAN_OPTIONS"] = f"suppressions={suppressions}:print_suppressions=0"
    return environment


def complaints_in(folder):
    """Lines of sanitizers and failed assertions in all logs below `folder`."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "**", "*.log"), recursive=True)):
        with open(path, encoding="utf-8", errors="replace") as file:
            found += [f"{os.path.basename(path)}: {line.strip()}"
                      for line in file if COMPLAINTS.search(line)]
    return found


class User:
    def __init__(self, name, eui, roles, signer, active=True, mpid=None):
        self.name = name
        self.eui = eui
        self.roles = roles
        self.signer = signer
        self.active = active
        self.mpid = organisation(roles) if mpid is None else mpid


def make_signer(folder, name, eui, serial=None, issuer_name="Z9"):
    """An XML-signing certificate of our own, in the form of an SMKI organisation certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([
        x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "87"),
        x509.NameAttribute(x509.NameOID.X500_UNIQUE_IDENTIFIER,
                           b"\0" + bytes.fromhex(eui.replace("-", "")),
                           x509.name._ASN1Type.BitString),
    ])
    issuer = x509.Name([
        x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "07"),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer_name),
    ])
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
        .public_key(key.public_key()).serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False),
                       critical=True)
        .sign(key, hashes.SHA256()))
    certificate_path = os.path.join(folder, f"{name}.pem")
    key_path = os.path.join(folder, f"{name}.key")
    with open(certificate_path, "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    with open(key_path, "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
    return duis.Signer(certificate_path, key_path)


def official(name):
    return duis.Signer(MATERIAL / "certificates" / f"{name}.pem", MATERIAL / "keys" / f"{name}.key")


def organisation(roles):
    """The market participant of conf/reference/registrations.csv and appointments.csv in them."""
    for role, mpid in (("MDR", "MDRA"), ("ED", "NETA"), ("GT", "NETA"), ("IS", "SUPA"),
                       ("ES", "SUPA"), ("GS", "SUPA")):
        if role in roles:
            return mpid
    return ""


class Program:
    """One started program; its output goes to NAME.log in the site's folder."""

    def __init__(self, name, command, folder, environment=None):
        self.name = name
        self.log_path = os.path.join(folder, f"{name}.log")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.log,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        env=environment or sanitizer_environment())

    def running(self):
        return self.process.poll() is None

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def tail(self):
        return "\n".join(self.text().splitlines()[-15:])

    def stop(self, number=signal.SIGTERM, timeout_s=STOP_S):
        """Send the signal and return the exit status; one that does not end is killed."""
        if self.running():
            self.process.send_signal(number)
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout_s} s") from None
        finally:
            self.log.close()
        return status


class Gateway:
    """See above. `conf` is a dict that is laid over the configuration; `prefix` goes before the data
    plane's command (taskset, setpriv), `eal` are its DPDK arguments. `provider_urls` and
    `callback_urls` (by name) replace the addresses of the test's own endpoints."""

    def __init__(self, conf=None, start=True, prefix=(), eal=(), transform=False, folder=None,
                 programs=None, provider_urls=None, callback_urls=None):
        make_images()
        self.folder = folder or tempfile.mkdtemp(prefix="mw-")
        self.prefix = list(prefix)
        self.eal = list(eal)
        self.programs_at = programs or {"motorway": MOTORWAY, "control": CONTROL, "ctl": CTL}
        self.port = wire.free_port()
        self.provider_port = wire.free_port()
        self.socket = os.path.join(self.folder, "control.sock")
        self.conf_path = os.path.join(self.folder, "conf", "motorway.yaml")
        self.ended = []
        self.motorway = None
        self.control = None
        self.dsp_signer = official("dsp-xml-sign-90B3D51F30000002-ds")
        self.dsp_certificate = self.dsp_signer.certificate

        self.receiver = endpoints.Endpoint()
        self.csp = endpoints.Provider("csp-north", self.provider_port)
        self.csp_other = endpoints.Provider("csp-south-central", self.provider_port)
        self.s1sp = endpoints.Provider("s1sp-1", self.provider_port)
        self.transform = endpoints.Endpoint(
            lambda post: (200, duis.transform_response(post.body))) if transform else None
        self.provider_urls = {p.name: p.url(f"/{p.name}")
                              for p in (self.csp, self.csp_other, self.s1sp)}
        if self.transform:
            self.provider_urls["transform"] = self.transform.url("/transform")
        self.provider_urls.update(provider_urls or {})
        self.callback_urls = callback_urls or {}

        shutil.copytree(ROOT / "conf", os.path.join(self.folder, "conf"))
        if not os.path.exists(os.path.join(self.folder, "var")):
            os.symlink(ROOT / "var", os.path.join(self.folder, "var"))
        # Nothing waits for a window where a test does not want it to.
        write_yaml(self.path("conf", "windows.yaml"), {"zone": "UTC", "providers": []})
        self._make_users()
        self.write_configuration(conf or {})
        self.write_reference()
        if start:
            try:
                self.start()
            except BaseException:
                self.abandon()
                raise

    # ---- configuration and reference data ----

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def _make_users(self):
        def own(name, eui):
            return make_signer(self.folder, name, eui)

        mdr, load = "90-B3-D5-1F-30-01-00-09", "90-B3-D5-1F-30-01-00-08"
        suspended, stranger = "90-B3-D5-1F-30-7F-00-01", "90-B3-D5-1F-30-7F-00-02"
        counting = "90-B3-D5-1F-30-7F-00-13"
        self.supplier = User("supplier", "90-B3-D5-1F-30-01-00-00", ["IS", "ES", "GS"],
                             official("xml-sign-90B3D51F30010000-ds"))
        self.network = User("network", "90-B3-D5-1F-30-02-00-00", ["ED", "GT"],
                            official("xml-sign-90B3D51F30020000-ds"))
        self.other = User("other", "00-DB-12-34-56-78-00-04", ["OU"],
                          official("xml-sign-00DB123456780004-ds"))
        self.mdr = User("mdr", mdr, ["MDR"], own("mdr", mdr))
        self.load = User("load", load, ["LC"], own("load", load))
        self.suspended = User("suspended", suspended, ["IS"], own("suspended", suspended), False)
        self.stranger = User("stranger", stranger, ["IS"], own("stranger", stranger))
        # For tests that use its counters up.
        self.counting = User("counting", counting, ["IS", "ES", "GS"], own("counting", counting))
        self.users = [self.supplier, self.network, self.other, self.mdr, self.load, self.suspended,
                      self.counting]
        self.meter2 = "00-DB-12-34-56-78-90-A0"   # SMETS2, csp-north
        self.gas2 = "00-DB-12-34-56-78-90-A1"     # and what else the templates name
        self.beside2 = ["00-DB-12-34-56-78-90-A5", "00-DB-12-34-56-78-90-A6"]
        self.meter1 = "00-DB-12-34-56-7A-01-01"   # SMETS1, s1sp-1
        self.south2 = "00-DB-12-34-56-79-01-01"   # SMETS2, csp-south-central

    def write_configuration(self, conf):
        """conf/motorway.yaml of the project with this site's addresses and `conf` laid over it."""
        with open(ROOT / "conf" / "motorway.yaml", encoding="utf-8") as file:
            base = yaml.safe_load(file)
        base = laid_over(base, {
            "data_plane": {"memory_mb": 128, "lcores": 2, "drain_s": 10},
            "messages": {"small": 2048, "medium": 16, "large": 2, "pending_max": 4096},
            "edge": {"listen": f"{wire.HOST}:{self.port}",
                     "provider_listen": f"{wire.HOST}:{self.provider_port}"},
            "replay": {"state": self.path("replay.state")},
            "reference": {"window_history": self.path("windows")},
            "south": {"window_retry_ms": 200},
            "control": {"socket": self.socket, "store": self.path("store"),
                        "store_mb_max": 256,
                        "registry_image": self.path("devices.image"), "feed_listen": ""},
        })
        write_yaml(self.conf_path, laid_over(base, conf))

    def write_reference(self):
        """Users, devices and providers of our own; who may send what is the project's."""
        write_yaml(self.path("conf", "reference", "users.yaml"), {"users": [{
            "eui": user.eui, "name": user.name, "roles": user.roles,
            "organisation": user.mpid,
            "certificates": [str(user.signer.certificate_path)],
            "callback_url": self.callback_urls.get(user.name, self.receiver.url(f"/{user.name}")),
            "active": user.active} for user in self.users]})
        with open(ROOT / "conf" / "reference" / "devices.yaml", encoding="utf-8") as file:
            known = {device["device_id"]: device for device in yaml.safe_load(file)["devices"]}
        devices = [{**known[device], "provider": "csp-north"}
                   for device in (self.meter2, self.gas2, *self.beside2)]
        devices += [known[self.meter1], known[self.south2]]
        write_yaml(self.path("conf", "reference", "devices.yaml"), {"devices": devices})
        kinds = {"csp-north": "CSP", "csp-south-central": "CSP", "s1sp-1": "S1SP",
                 "transform": "transform"}
        write_yaml(self.path("conf", "reference", "providers.yaml"), {"providers": [
            {"id": number, "name": name, "kind": kinds[name], "url": url}
            for number, (name, url) in enumerate(self.provider_urls.items())]})

    # ---- life ----

    def start(self):
        self.start_control()
        self.start_motorway()
        self.wait_ready()

    def start_control(self):
        self.control = Program("control", [self.programs_at["control"], "-c", self.conf_path],
                               self.folder)

    def start_motorway(self, *arguments):
        command = [*self.prefix, self.programs_at["motorway"], "-c", self.conf_path, *arguments]
        if self.eal:
            command += ["--", *self.eal]
        self.motorway = Program("motorway", command, self.folder)

    def wait_ready(self):
        """Until a correct request is no longer answered 503 for want of reference data."""
        def ready():
            for program in (self.motorway, self.control):
                if program is not None and not program.running():
                    raise AssertionError(f"{program.name} ended at its start:\n{program.tail()}")
            if not wire.listening(self.port):
                return False
            try:
                return self.post("S", b"<probe/>").status == 400 and self.has_reference()
            except (OSError, wire.Closed):
                return False
        wire.wait_until(ready, START_S, lambda: "the gateway is not ready:\n" + self.logs())

    def has_reference(self):
        answer = self.send(self.stranger, *self.read(self.stranger))
        return answer.status == 403

    def logs(self):
        return "\n".join(f"--- {program.name}\n{program.tail()}"
                         for program in (self.control, self.motorway) if program is not None)

    def stop(self, number=signal.SIGTERM):
        """End both programs; AssertionError unless each ends with status 0 and no complaint."""
        bad = {}
        for name in ("motorway", "control"):
            program = getattr(self, name)
            if program is not None:
                setattr(self, name, None)
                self.ended.append(program)
                try:
                    status = program.stop(number)
                except AssertionError as error:
                    status = error
                if status != 0:
                    bad[name] = status
        complaints = complaints_in(self.folder)
        assert not complaints, "\n".join(complaints[:20])
        assert not bad, f"exit status {bad}\n" + "\n".join(p.tail() for p in self.ended)

    def close_endpoints(self):
        for endpoint in (self.receiver, self.csp, self.s1sp, self.csp_other, self.transform):
            if endpoint is not None:
                endpoint.close()

    def stop_after_drain(self, number=signal.SIGTERM, meanwhile=lambda: None):
        """One signal only, because a second one means "at once"; then as stop()."""
        self.motorway.process.send_signal(number)
        meanwhile()
        self.motorway.process.wait(STOP_S)
        self.stop(number)

    def close(self):
        """Stop, if still running, and take everything away; the folder stays after a failure."""
        try:
            self.stop()
        finally:
            self.close_endpoints()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        if kind is None:
            self.close()
        else:
            self.abandon()

    def abandon(self):
        """Take everything down after a failure, which is the one to report; the folder stays."""
        try:
            self.stop()
        except AssertionError:
            pass
        self.close_endpoints()

    # ---- talking to it ----

    def ctl(self, *arguments):
        return subprocess.run([str(self.programs_at["ctl"]), "-c", self.conf_path, *arguments],
                              capture_output=True, text=True, timeout=60, check=False,
                              env=sanitizer_environment())

    def settle(self, timeout_s=45):
        """Wait until nothing is pending: an answer whose user was away waits for its next attempt, which
        can be longer than a drain takes."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                status = self.status()["data_plane"]
                if status["pending"] == status["quarantined"]:
                    return
            except (AssertionError, KeyError, TypeError, ValueError):
                return   # one of the programs is gone: closing tells
            time.sleep(0.2)

    def status(self):
        result = self.ctl("status", "--json")
        assert result.returncode == 0, f"motorwayctl: {result.returncode} {result.stderr}"
        return json.loads(result.stdout)

    def post(self, service, body, **fields):
        return wire.post(self.port, f"/api/v1/service{service}", body, **fields)

    def read(self, user=None, device=None, srv="4.2", variant=1, version="5.4", target_counter=None,
             body=None, reference=None):
        """A canonical read request and its command variant, ready for send()."""
        user = user or self.supplier
        bodies = {
            "4.1.1": "<sr:ReadInstantaneousImportRegisters></sr:ReadInstantaneousImportRegisters>",
            "4.2": "<sr:ReadInstantaneousExportRegisters></sr:ReadInstantaneousExportRegisters>",
            "4.6.2": log_read("RetrieveExportDailyReadLog"),
            "4.8.3": log_read("ReadExportProfileData"),
            "4.17": log_read("RetrieveDailyConsumptionLog"),
        }
        return duis.request(user.eui, device or self.meter2, target_counter or counter.take(),
                            variant, srv, bodies[srv] if body is None else body, version,
                            reference), variant

    def send(self, user, canonical, variant=1, service=None, signer=None, **profile):
        """Sign and POST; returns the answer."""
        octets = duis.sign(canonical, signer or user.signer, **profile)
        return self.post(service or duis.SERVICE_OF_VARIANT.get(variant, "S"), octets)

    def good(self, user=None, device=None):
        """A correct request must be accepted, dispatched, answered, delivered and verified."""
        user = user or self.supplier
        canonical, variant = self.read(user, device)
        request_id = re.search("RequestID>([^<]+)", canonical).group(1)
        answer = self.send(user, canonical, variant)
        assert answer.status == 200, f"a good request was answered {answer}"
        response = duis.Response(answer.body)
        assert response.code == "I99", f"a good request was answered {answer}"
        delivered = self.receiver.wait(endpoints.of_request(request_id))
        self.check_delivery(delivered[0], user, request_id)
        return request_id

    def check_delivery(self, post, user, request_id, code="I0"):
        response = duis.Response(post.body)
        assert post.path == f"/{user.name}", f"{request_id} came to {post.path}"
        assert post.headers["content-type"].split(";")[0] == "application/xml"
        assert response.code == code, f"{request_id} was delivered with {response.code}"
        assert response.request_id == request_id
        if code == "I0":
            duis.verify(post.body, self.dsp_certificate)
            assert response.body_name == "GBCSPayload"
        self.schema().check(post.body)
        return response

    _schema = None

    def schema(self):
        if Gateway._schema is None:
            with tempfile.TemporaryDirectory() as scratch:
                Gateway._schema = duis.Schema(MATERIAL / "xsd", scratch)
        return Gateway._schema


def write_yaml(path, content):
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file, sort_keys=False)


def log_read(element, start="2025-01-01T00:00:00.00Z", end="2025-01-02T00:00:00.00Z"):
    return (f"<sr:{element}><sr:ReadLogPeriod><sr:StartDateTime>{start}</sr:StartDateTime>"
            f"<sr:EndDateTime>{end}</sr:EndDateTime></sr:ReadLogPeriod></sr:{element}>")


def laid_over(base, over):
    """`base` with the keys of `over` laid over it, at every depth."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = laid_over(result[key], value)
        else:
            result[key] = value
    return result
