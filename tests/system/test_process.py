# SPDX-License-Identifier: Apache-2.0
"""Start and end of the programs: signals, one core, ordinary pages, an ordinary user."""
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import duis
import endpoints
import gateway as gateways
import wire
from cases import rows
from gateway import Gateway


def accepted_and_waiting(own, count):
    """`count` requests that are accepted and whose meters answer only when told to."""
    ids = []
    for _ in range(count):
        canonical, _ = own.read()
        assert duis.Response(own.send(own.supplier, canonical).body).code == "I99"
        ids.append(re.search("RequestID>([^<]+)", canonical).group(1))
    return ids


@rows(interrupt=signal.SIGINT, terminate=signal.SIGTERM)
def test_ends_cleanly(number):
    """Idle programs end at once, with status 0."""
    with Gateway() as own:
        own.good()
        start = time.monotonic()
        own.stop(number)
        assert time.monotonic() - start < 15, "an idle gateway takes long to end"


@rows(interrupt=signal.SIGINT, terminate=signal.SIGTERM)
def test_simulator_ends_cleanly(number):
    with Gateway(start=False) as own:
        port = wire.free_port()
        sim = gateways.Program(
            "sim", [gateways.SIM, "run", "-c", own.conf_path, "--var", gateways.ROOT / "var",
                    "--listen-users", f"{wire.HOST}:{wire.free_port()}",
                    "--listen-providers", f"{wire.HOST}:{port}"], own.folder)
        wire.wait_until(lambda: wire.listening(port) or not sim.running(), gateways.START_S,
                        "motorway-sim does not listen")
        assert sim.running(), sim.tail()
        assert sim.stop(number) == 0, sim.tail()


@rows(interrupt=signal.SIGINT, terminate=signal.SIGTERM)
def test_answered_requests_are_delivered(number):
    """The signal comes while users' endpoints are slow: all that was answered is delivered."""
    with Gateway() as own:
        slow = threading.Event()
        own.receiver.behaviour = lambda post: (slow.wait(1.0), 204)[1]
        own.csp.answers = False
        ids = accepted_and_waiting(own, 30)
        for request_id in ids:
            own.csp.wait(endpoints.of_request(request_id))
            assert own.csp.respond(request_id, endpoints.gbcs()).status == 204
        own.stop_after_drain(number)
        slow.set()
        got = sorted(duis.Response(post.body).request_id for post in own.receiver.posts)
        assert got == sorted(ids), f"{len(set(ids) - set(got))} of {len(ids)} lost"


def test_new_requests_during_the_drain():
    """While a slow user still takes what is due, new requests are refused, not lost."""
    with Gateway() as own:
        slow = threading.Event()
        own.receiver.behaviour = lambda post: (slow.wait(3.0), 204)[1]
        ids = accepted_and_waiting(own, 5)
        for request_id in ids:
            own.receiver.wait(endpoints.of_request(request_id))
        connection = wire.Connection(own.port)

        def ask():
            time.sleep(0.5)
            try:
                octets = duis.sign(own.read()[0], own.supplier.signer)
                answer = connection.post("/api/v1/serviceS", octets)
                assert answer.status == 503 and "retry-after" in answer.headers, answer
            except (wire.Closed, ConnectionError):
                pass   # an idle connection may be closed instead
            slow.set()
        own.stop_after_drain(meanwhile=ask)


def test_drain_waits_for_meters():
    """Requests under way are still answered and delivered while the gateway ends."""
    with Gateway({"data_plane": {"drain_s": 20}}) as own:
        own.csp.delay_s = 1.5
        ids = accepted_and_waiting(own, 10)
        own.stop_after_drain()
        got = {duis.Response(post.body).request_id for post in own.receiver.posts}
        assert got == set(ids), f"{len(set(ids) - got)} of {len(ids)} lost"


def test_drain_is_bounded():
    """A meter that never answers cannot keep the gateway for longer than drain_s."""
    own = Gateway({"data_plane": {"drain_s": 2}})
    own.csp.answers = False
    accepted_and_waiting(own, 3)
    start = time.monotonic()
    status = own.motorway.stop()
    assert time.monotonic() - start < 15
    own.ended.append(own.motorway)
    own.motorway = None
    assert status in (0, 4), f"exit status {status}"
    own.close()


def test_second_signal():
    """Two signals in a row do no harm."""
    with Gateway() as own:
        own.good()
        # The second signal ends the wait for what is under way: nothing may be.
        wire.wait_until(lambda: own.status()["data_plane"]["pending"] == 0, 20, own.logs)
        own.motorway.process.send_signal(signal.SIGINT)
        own.motorway.process.send_signal(signal.SIGTERM)
        own.stop()


def test_signal_during_start():
    """A signal before the reference data have come."""
    with Gateway(start=False) as own:
        own.start_motorway()
        wire.wait_until(lambda: wire.listening(own.port), 60, own.logs)
        own.stop()


def test_one_core():
    """All roles in one loop on one core; hundred requests go through."""
    with Gateway({"data_plane": {"lcores": "auto"}}, prefix=["taskset", "-c", first_cpu()]) as own:
        for _ in range(100):
            own.good()
        lcores = [v for k, v in find(own.status(), "lcores")]
        assert lcores and len(lcores[0]) == 1, lcores


def first_cpu():
    return str(min(os.sched_getaffinity(0)))


def find(value, name):
    """All values stored under `name` in nested JSON."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key == name:
                yield key, child
            yield from find(child, name)


@rows(one=1, two=2)
def test_lcores(count):
    if count > len(os.sched_getaffinity(0)):
        return
    with Gateway({"data_plane": {"lcores": count}}) as own:
        for _ in range(20):
            own.good()
        lcores = [v for k, v in find(own.status(), "lcores")]
        assert len(lcores[0]) == count, lcores


def test_no_huge_pages():
    """--no-huge given by the operator is taken as it is."""
    with Gateway(eal=["--no-huge", "-m", "128"]) as own:
        own.good()


def test_says_when_there_are_no_huge_pages():
    """Without huge pages one line says so; with enough of them none does."""
    with open("/proc/meminfo", encoding="ascii") as file:
        free = int(re.search(r"HugePages_Free:\s+(\d+)", file.read()).group(1))
    with Gateway() as own:
        lines = [line for line in own.motorway.text().splitlines() if "--no-huge" in line]
        assert len(lines) == (1 if free == 0 else 0) or free > 0, lines
        own.good()


def test_ordinary_user():
    """Not root, from a folder of its own: the user nobody."""
    if os.getuid() != 0:
        with Gateway() as own:   # the whole test runs as an ordinary user
            own.good()
        return
    folder = tempfile.mkdtemp(prefix="mw-nobody-")
    programs = {}
    for name, path in (("motorway", gateways.MOTORWAY), ("control", gateways.CONTROL),
                       ("ctl", gateways.CTL)):
        programs[name] = shutil.copy(path, folder)
    shutil.copytree(gateways.ROOT / "var" / "duis", os.path.join(folder, "var", "duis"))
    gateways.make_images()
    shutil.copytree(gateways.ROOT / "var" / "schema", os.path.join(folder, "var", "schema"))
    os.makedirs(os.path.join(folder, "var", "keys"))
    drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
    own = Gateway(start=False, folder=folder, programs=programs, prefix=drop)
    point_into(folder)
    subprocess.run(["chown", "-R", "nobody:", folder], check=True)
    with own:
        own.control = gateways.Program(
            "control", [*drop, programs["control"], "-c", own.conf_path], folder)
        own.start_motorway()
        own.wait_ready()
        for _ in range(20):
            own.good()
        assert nobody_runs(programs["motorway"]), "motorway does not run as nobody"


def point_into(folder):
    """Let the configuration name the copies in `folder`: the clone may lie where nobody may look."""
    for name in glob.glob(os.path.join(folder, "conf", "**", "*.yaml"), recursive=True):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        with open(name, "w", encoding="utf-8") as file:
            file.write(text.replace(str(gateways.ROOT / "var"), os.path.join(folder, "var")))


def nobody_runs(program):
    """Is there a process of user nobody whose program is `program`?"""
    uid = pwd.getpwnam("nobody").pw_uid
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/exe") == program and os.stat(f"/proc/{name}").st_uid == uid:
                return True
        except OSError:
            continue   # the process has ended, or is none of ours
    return False


def test_port_in_use():
    """A second gateway on the same port ends with a message; the first goes on."""
    with Gateway() as own:
        second = gateways.Program("second", [gateways.MOTORWAY, "-c", own.conf_path], own.folder)
        assert second.process.wait(60) == 1, second.tail()
        assert str(own.port) in second.text(), second.tail()
        own.good()


def test_memory_does_not_grow():
    """Five hundred good and bad requests: the resident size stays where it was."""
    def resident(own):
        with open(f"/proc/{own.motorway.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1))

    with Gateway() as own:
        def turn(count):
            with wire.Connection(own.port) as connection:
                for _ in range(count):
                    octets = duis.sign(own.read()[0], own.supplier.signer)
                    connection.post("/api/v1/serviceS", octets)
                    connection.post("/api/v1/serviceS", octets[:-30])
                    connection.post("/api/v1/serviceS", octets.replace(b"Variant>1", b"Variant>3", 1))
        turn(300)
        before = resident(own)
        turn(500)
        growth = resident(own) - before
        # Sanitised programs keep what was freed in a quarantine (gateway.py sets its size).
        limit = 32 * 1024 if b"__asan_init" in gateways.MOTORWAY.read_bytes() else 8 * 1024
        assert growth < limit, f"{growth} kB more after 1,500 requests"
        own.receiver.wait(lambda post: True, count=800, timeout_s=60)
