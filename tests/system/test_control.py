# SPDX-License-Identifier: Apache-2.0
"""motorway-control and motorwayctl: reference data, reload, and traffic while control is away."""
import json
import os
import re
import signal
import socket
import time

import duis
import endpoints
import wire
from gateway import Gateway, User, counter, make_signer

CONF = {"control": {"service_timeout_ms": 1500}}


def inventory(gateway, user=None):
    user = user or gateway.mdr
    body = f"<sr:ReadInventory><sr:DeviceID>{gateway.meter2}</sr:DeviceID></sr:ReadInventory>"
    canonical = duis.request(user.eui, duis.DSP, counter.take(), 8, "8.2", body)
    return gateway.send(user, canonical, 8)


def test_status(gateway):
    """Both processes answer, as text and as JSON; counters follow what happens."""
    flat_before = numbers(gateway.status())
    gateway.good()
    text = gateway.ctl("status")
    assert text.returncode == 0 and text.stdout.strip(), text

    def grown(name):
        flat_after = numbers(gateway.status())
        return [k for k in flat_after
                if k.endswith(name) and flat_after[k] >= flat_before.get(k, 0) + 1]
    # The endpoint has the answer a moment before the gateway knows that it has.
    wire.wait_until(lambda: grown("counters.delivered_on_demand"), 5, "no delivery was counted")
    for name in ("counters.requests", "counters.requests_accepted", "counters.dispatched",
                 "counters.responses_matched", "counters.delivered_on_demand"):
        assert grown(name), f"{name} has not grown"


def numbers(value, path=""):
    """All numbers of nested JSON by their dotted path."""
    if isinstance(value, dict):
        found = {}
        for key, child in value.items():
            found.update(numbers(child, f"{path}.{key}" if path else key))
        return found
    return {path: value} if isinstance(value, (int, float)) and not isinstance(value, bool) else {}


def test_refusals_are_counted(gateway):
    before = numbers(gateway.status())
    canonical, _ = gateway.read(device="00-DB-12-34-56-78-FF-FF")
    gateway.send(gateway.supplier, canonical)
    gateway.post("S", b"<a/>")
    after = numbers(gateway.status())

    def growth(name):
        return sum(v - before.get(k, 0) for k, v in after.items() if k.endswith(name))
    assert growth("refused.device-unknown") == 1
    assert growth("counters.refused_input") == 1


def test_ctl_usage(gateway):
    for arguments in (["--help"], ["--version"]):
        result = gateway.ctl(*arguments)
        assert result.returncode == 0 and result.stdout, result
    for arguments in (["no-such-command"], ["status", "--no-such-option"], []):
        result = gateway.ctl(*arguments)
        assert result.returncode != 0 and result.stderr, (arguments, result)


def test_reload_adds_and_removes_users(gateway):
    """SIGHUP: a new user may send, a removed one may not, traffic goes on meanwhile."""
    eui = "90-B3-D5-1F-30-7F-00-03"
    new = User("newcomer", eui, ["ED"], make_signer(gateway.folder, "newcomer", eui))
    assert gateway.send(new, gateway.read(new)[0]).status == 403
    gateway.users.append(new)
    gateway.write_reference()
    gateway.control.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: gateway.send(new, gateway.read(new)[0]).status == 200, 20,
                    "the new user is not known")
    gateway.good(new)
    gateway.users.remove(new)
    gateway.write_reference()
    gateway.control.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: gateway.send(new, gateway.read(new)[0]).status == 403, 20,
                    "the removed user is still known")


def test_reload_keeps_what_is_in_flight(gateway):
    """A request that waits for its meter while the reference data change is still answered."""
    gateway.csp.answers = False
    canonical, _ = gateway.read()
    request_id = re.search("RequestID>([^<]+)", canonical).group(1)
    assert duis.Response(gateway.send(gateway.supplier, canonical).body).code == "I99"
    gateway.csp.wait(endpoints.of_request(request_id))
    generation = gateway_generation(gateway)
    gateway.control.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: gateway_generation(gateway) != generation, 20, "no new generation")
    gateway.csp.answers = True
    assert gateway.csp.respond(request_id, endpoints.gbcs()).status == 204
    post = gateway.receiver.wait(endpoints.of_request(request_id))[0]
    gateway.check_delivery(post, gateway.supplier, request_id)


def gateway_generation(gateway):
    return [v for k, v in numbers(gateway.status()).items() if k.endswith("generation")]


def test_reload_of_damaged_data(gateway):
    """Wrong reference data at SIGHUP: told with file, line and column; the old ones stay."""
    path = gateway.path("conf", "reference", "users.yaml")
    with open(path, encoding="utf-8") as file:
        good = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(good.replace("roles:", "rolls:", 1))
    gateway.control.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: re.search(r"users\.yaml:\d+:\d+: ", gateway.control.text()), 20,
                    "no error with file, line and column")
    gateway.good()
    with open(path, "w", encoding="utf-8") as file:
        file.write(good)
    gateway.control.process.send_signal(signal.SIGHUP)
    gateway.good()


def test_reload_under_traffic(gateway):
    """Ten reloads while requests flow: none is lost."""
    for _ in range(10):
        gateway.control.process.send_signal(signal.SIGHUP)
        for _ in range(5):
            gateway.good()


def test_strangers_at_the_socket(gateway):
    """Garbage, silence and half messages at the control socket do no harm."""
    held = []
    for octets in (b"", b"garbage" * 100, b"MTWY", bytes(16), b"\xff" * 4096):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(gateway.socket)
        try:
            peer.sendall(octets)
        except OSError:
            pass
        held.append(peer)
    gateway.status()
    gateway.good()
    assert duis.Response(inventory(gateway).body).code == "I0"
    for peer in held:
        peer.close()


def test_control_stopped_and_restarted():
    """Without control traffic goes on, its services are refused, and all is well once it is back."""
    with Gateway(CONF) as own:
        assert duis.Response(inventory(own).body).code == "I0"
        assert own.control.stop() == 0
        own.ended.append(own.control)
        own.control = None
        for _ in range(5):
            own.good()
        answer = inventory(own)
        assert answer.status == 200 and answer.reason == "service-unavailable", answer
        assert own.ctl("status").returncode != 0
        own.start_control()
        wire.wait_until(lambda: duis.Response(inventory(own).body).code == "I0", 30,
                        "control is back, its services are not")
        own.good()
        own.status()


def test_control_killed():
    """SIGKILL leaves a socket file behind; a new control starts all the same."""
    with Gateway(CONF) as own:
        own.control.process.kill()
        own.control.process.wait()
        own.control.log.close()
        own.control = None
        own.good()
        own.start_control()
        wire.wait_until(lambda: duis.Response(inventory(own).body).code == "I0", 30, "not back")


def test_control_frozen():
    """A control that does not answer: its services are refused in time, traffic goes on."""
    with Gateway(CONF) as own:
        os.kill(own.control.process.pid, signal.SIGSTOP)
        try:
            start = time.monotonic()
            answer = inventory(own)
            assert answer.reason == "service-unavailable", answer
            assert time.monotonic() - start < 8
            own.good()
        finally:
            os.kill(own.control.process.pid, signal.SIGCONT)
        wire.wait_until(lambda: duis.Response(inventory(own).body).code == "I0", 30, "not back")
        own.good()


def test_no_reference_data_yet():
    """The data plane alone: 503 with Retry-After until control has come."""
    with Gateway(CONF, start=False) as own:
        own.start_motorway()
        wire.wait_until(lambda: wire.listening(own.port), 60, own.logs)
        answer = own.send(own.supplier, own.read()[0])
        assert answer.status == 503 and "retry-after" in answer.headers, answer
        assert json.loads(answer.body)
        answer = own.csp.respond(f"{own.supplier.eui}:{own.meter2}:1", b"\xdf\x09")
        assert answer.status in (404, 503), answer
        own.start_control()
        own.wait_ready()
        own.good()


def test_data_plane_restarted():
    """A new data plane gets the reference data again from the same control."""
    with Gateway(CONF) as own:
        own.good()
        assert own.motorway.stop() == 0
        own.ended.append(own.motorway)
        own.start_motorway()
        own.wait_ready()
        own.good()


def test_second_control():
    """A second control on the same socket must not take it away."""
    with Gateway(CONF) as own:
        first = own.control
        own.start_control()
        second, own.control = own.control, first
        assert second.process.wait(30) != 0, "two controls on one socket"
        own.status()
        own.good()
