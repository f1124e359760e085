# SPDX-License-Identifier: Apache-2.0
"""Both engines, both ways to verify, bursts, and schema images that change while traffic flows."""
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import yaml

import duis
import gateway as gateways
import wire
from cases import rows
from gateway import Gateway, User, counter, make_signer
from test_process import find
from test_services import answered, create, non_device
from test_transform import critical, passed_on

CONF = {}

IMAGE = gateways.ROOT / "var" / "schema" / "duis-5.1-mp162.image"
XSD = gateways.MATERIAL / "xsd" / "DUIS Schema V5.1.xsd"


def part(gateway, name):
    """The part of the data plane's status that is called `name`."""
    return next(value for _, value in find(gateway.status(), name))


def wait_for_tables(gateway, count):
    def there():
        status = part(gateway, "verification")
        return status["tables"] == count and status["tables_wanted"] == 0
    wire.wait_until(there, 30, lambda: f"{count} tables expected: {part(gateway, 'verification')}")


# ---- what runs ----

def test_fast_engine_by_default(gateway):
    status = part(gateway, "engine")
    assert status["kind"] == "fast" and status["variant"] in ("scalar", "avx2", "avx512"), status
    with open(IMAGE, "rb") as file:
        checksum = file.read(56)[24:].hex()
    for schema, version in zip(status["schemas"], ("5.1", "5.4"), strict=True):
        assert schema["version"] == version and schema["checksum"] == checksum, schema
        assert schema["path"].endswith("duis-5.1-mp162.image"), schema
    assert abs(status["loaded_ms"] / 1000 - time.time()) < 600


def test_tables_are_built(gateway):
    """A table for each user's key, in the background; requests before and after are verified."""
    gateway.good()
    wait_for_tables(gateway, len(gateway.users))
    for user in (gateway.supplier, gateway.mdr):
        gateway.good(user)
    canonical, _ = gateway.read(gateway.mdr)
    answer = gateway.send(gateway.mdr, canonical, signer=gateway.load.signer)
    assert answer.status == 403, answer


SMOKE = {
    "fast_plain": {"verification": "plain"},
    "fast_no_tables": {"tables_max": 0},
    "reference_tables": {"engine": "reference"},
    "reference_plain": {"engine": "reference", "verification": "plain"},
}


@rows(**SMOKE)
def test_every_engine_and_verification(schema):
    """The same answers, whatever is configured: a bit of everything."""
    with Gateway({"schema": schema}, transform=True) as own:
        assert part(own, "engine")["kind"] == schema.get("engine", "fast")
        for user in (own.supplier, own.mdr, own.network):
            own.good(user)
        own.good(device=own.meter1)
        canonical, _ = own.read()
        octets = duis.sign(canonical, own.supplier.signer)
        assert own.post("S", octets.replace(b"Variant>1<", b"Variant>0<", 1)).json()["code"] == "schema"
        assert own.post("S", octets[:-9]).json()["code"] == "not-well-formed"
        assert own.post("S", octets.replace(b"ReadInstantaneousExport", b"ReadInstantaneousImport")
                        ).reason == "signature-wrong"
        assert own.send(own.stranger, own.read(own.stranger)[0]).reason == "user-unknown"
        assert own.send(own.supplier, own.read()[0], signer=own.mdr.signer
                        ).reason == "certificate-foreign"
        assert own.send(own.supplier, own.read(device="00-DB-12-34-56-78-FF-FF")[0]
                        ).reason == "device-unknown"
        answered(own, own.supplier, non_device(own.supplier, "5.1", create(own.meter2)),
                 "DSPScheduleID")
        canonical = critical(own, 4)
        passed_on(own, own.send(own.supplier, canonical, 4), canonical, "PreCommand")
        status = part(own, "verification")
        plain = schema.get("verification") == "plain"
        assert status["kind"] == ("plain" if plain else "tables"), status
        if plain or schema.get("tables_max") == 0:
            assert status["tables"] == 0 and status["tables_wanted"] == 0, status
        else:
            wait_for_tables(own, len(own.users))
            own.good()


# ---- bursts ----

def at_once(gateway, messages):
    """POST all messages on connections of their own so that they come to an end together; their
    answers in the same order."""
    connections = [wire.Connection(gateway.port) for _ in messages]
    for connection, octets in zip(connections, messages, strict=True):
        connection.send(wire.head("/api/v1/serviceS", len(octets)) + octets[:-1])
    time.sleep(0.2)
    for connection, octets in zip(connections, messages, strict=True):
        connection.send(octets[-1:])
    answers = [connection.read() for connection in connections]
    for connection in connections:
        connection.close()
    return answers


def test_bursts_of_good_and_bad(gateway):
    """Each request gets its own verdict, whatever else is in the burst."""
    before = part(gateway, "verification")
    expected, messages = [], []
    for number in range(60):
        user = (gateway.supplier, gateway.mdr, gateway.network)[number % 3]
        octets = duis.sign(gateway.read(user)[0], user.signer)
        kind = number % 5
        if kind == 1:   # the signature of another one over the right digest
            key_text = duis.key_info(user.signer.issuer, user.signer.serial)
            octets = duis.sign(gateway.read(user)[0], gateway.load.signer, key_text=key_text)
        if kind == 3:
            octets = octets.replace(b"Variant>1<", b"Variant>x<", 1)
        messages.append(octets)
        expected.append({1: 403, 3: 400}.get(kind, 200))
    answers = at_once(gateway, messages)
    assert [a.status for a in answers] == expected, [a.status for a in answers]
    for answer, octets in zip(answers, messages, strict=True):
        if answer.status == 200:
            request_id = duis.Response(answer.body).request_id
            assert request_id.encode() in octets, "an answer to another request"
        if answer.status == 403:
            assert answer.reason == "signature-wrong", answer
    after = part(gateway, "verification")
    assert after["signatures"] - before["signatures"] == expected.count(200) + expected.count(403)
    more = {size: after["bursts"][size] - before["bursts"][size] for size in after["bursts"]}
    assert 0 < sum(more.values()) < 48 and sum(more.values()) > more["1"], more


def test_digested_octets_of_a_burst(gateway):
    """Requests that control answers, among others in one burst: each gets its own document."""
    messages, parts = [], []
    for number in range(20):
        device = (gateway.meter2, gateway.south2)[number % 2]
        if number % 3 == 0:
            messages.append(duis.sign(gateway.read()[0], gateway.supplier.signer))
            parts.append(None)
            continue
        body = f"<sr:ReadInventory><sr:DeviceID>{device}</sr:DeviceID></sr:ReadInventory>"
        canonical = duis.request(gateway.supplier.eui, duis.DSP, counter.take(), 8, "8.2", body)
        messages.append(duis.sign(canonical, gateway.supplier.signer))
        parts.append(device)
    connections = [wire.Connection(gateway.port) for _ in messages]
    for connection, octets, device in zip(connections, messages, parts, strict=True):
        path = "/api/v1/serviceD" if device else "/api/v1/serviceS"
        connection.send(wire.head(path, len(octets)) + octets[:-1])
    time.sleep(0.2)
    for connection, octets in zip(connections, messages, strict=True):
        connection.send(octets[-1:])
    for connection, device in zip(connections, parts, strict=True):
        answer = connection.read()
        connection.close()
        response = duis.Response(answer.body)
        assert response.code == ("I0" if device else "I99"), answer
        if device:
            assert device.encode() in answer.body, answer


# ---- images that change ----

def own_image():
    """A configuration whose image is a file of the site's own, conf/own.image."""
    return {"schema": {"versions": [{"version": version, "image": "own.image"}
                                    for version in ("5.1", "5.4")]}}


def start_with_image():
    gateways.make_images()
    own = Gateway(own_image(), start=False)
    shutil.copy(IMAGE, own.path("conf", "own.image"))
    own.start()
    return own


def put(own, octets):
    """Replace the image as an operator should: whole."""
    path = own.path("conf", "own.image")
    with open(path + ".new", "wb") as file:
        file.write(octets)
    os.rename(path + ".new", path)


def reload(own):
    before = part(own, "engine")["reloads"]
    own.motorway.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: part(own, "engine")["reloads"] == before + 1, 20, "no reload")
    return part(own, "engine")


def without_mp162(own):
    path = own.path("plain.image")
    subprocess.run([gateways.SCHEMA, "compile", XSD, "-o", path], check=True,
                   env=gateways.sanitizer_environment())
    with open(path, "rb") as file:
        return file.read()


def with_mp162():
    with open(IMAGE, "rb") as file:
        return file.read()


def schedule_of_mp162(own):
    """The status of a request that MP162 alone allows."""
    body = ("<sr:CreateSchedule><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
            "<sr:ScheduleStartDate>2099-01-01</sr:ScheduleStartDate>"
            "<sr:DSPScheduledServiceReference>4.2</sr:DSPScheduledServiceReference>"
            "<sr:DSPScheduledServiceReferenceVariant>4.2</sr:DSPScheduledServiceReferenceVariant>"
            f"<sr:DeviceID>{own.meter2}</sr:DeviceID><sr:DSPReadInstantaneousExportRegisters>"
            "</sr:DSPReadInstantaneousExportRegisters></sr:CreateSchedule>")
    canonical = duis.request(own.supplier.eui, duis.DSP, counter.take(), 8, "5.1", body)
    return own.send(own.supplier, canonical, 8).status


def test_another_image():
    """What is in the file after SIGHUP judges, and nothing before it."""
    with start_with_image() as own:
        first = part(own, "engine")
        assert schedule_of_mp162(own) == 200
        put(own, without_mp162(own))
        assert schedule_of_mp162(own) == 200, "judged by an image that was not loaded"
        second = reload(own)
        assert second["schemas"][0]["checksum"] != first["schemas"][0]["checksum"]
        assert second["reload_failures"] == 0 and second["loaded_ms"] >= first["loaded_ms"]
        assert schedule_of_mp162(own) == 400
        own.good()
        put(own, with_mp162())
        third = reload(own)
        assert third["schemas"][0]["checksum"] == first["schemas"][0]["checksum"]
        assert schedule_of_mp162(own) == 200
        assert "2 of 2 versions have changed" in own.motorway.text()


FAULTS = {
    "truncated": lambda octets: octets[:-64],
    "empty": lambda octets: b"",
    "other_file": lambda octets: b"schema:\n" * 4000,
    "flipped": lambda octets: octets[:5000] + bytes([octets[5000] ^ 1]) + octets[5001:],
    "version": lambda octets: octets[:8] + b"\x63" + octets[9:],
    "missing": None,
}


@rows(**FAULTS)
def test_image_that_cannot_be_used(fault):
    """A bad one is refused with its reason, and the one in force stays in force."""
    with start_with_image() as own:
        first = part(own, "engine")
        if fault:
            put(own, fault(with_mp162()))
        else:
            os.unlink(own.path("conf", "own.image"))
        second = reload(own)
        assert second["reload_failures"] == 1 and "own.image" in second["failure"], second
        assert second["schemas"] == first["schemas"] and second["loaded_ms"] == first["loaded_ms"]
        assert "own.image" in own.motorway.text() and "in force stay" in own.motorway.text()
        own.good()
        assert schedule_of_mp162(own) == 200
        put(own, with_mp162())
        third = reload(own)
        assert third["reload_failures"] == 1 and third["failure"] == "", third
        own.good()


def test_reload_under_load():
    """Images change, some of them bad, while users send: nothing is refused or lost."""
    with start_with_image() as own:
        images = [with_mp162(), without_mp162(own), with_mp162()[:-100]]
        done = threading.Event()
        wrong, counts = [], []

        def send(user):
            count = 0
            with wire.Connection(own.port) as connection:
                while not done.is_set():
                    octets = duis.sign(own.read(user)[0], user.signer)
                    answer = connection.post("/api/v1/serviceS", octets)
                    if answer.status != 200 or duis.Response(answer.body).code != "I99":
                        wrong.append(answer)
                    count += 1
            counts.append(count)
        senders = [threading.Thread(target=send, args=(user,))
                   for user in (own.supplier, own.mdr, own.network)]
        for sender in senders:
            sender.start()
        for turn in range(30):
            put(own, images[turn % 3])
            own.motorway.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        done.set()
        for sender in senders:
            sender.join()
        assert not wrong, f"{len(wrong)} of {sum(counts)}: {wrong[0]}"
        status = part(own, "engine")
        # Signals that come together are one.
        assert 5 < status["reloads"] <= 30 and 0 < status["reload_failures"] < status["reloads"], status
        own.receiver.wait(lambda post: True, count=sum(counts), timeout_s=60)


def test_reload_of_the_reference():
    with Gateway({"schema": {"engine": "reference"}}) as own:
        own.good()
        assert reload(own)["reload_failures"] == 0
        own.good()


def test_reload_before_reference_data_and_while_ending():
    with Gateway(start=False) as own:
        own.start_motorway()
        wire.wait_until(lambda: wire.listening(own.port), 60, own.logs)
        own.motorway.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: "loaded again" in own.motorway.text(), 20, own.logs)
        own.motorway.process.send_signal(signal.SIGTERM)
        own.motorway.process.send_signal(signal.SIGHUP)
        own.stop()


# ---- keys ----

def test_new_reference_set_keeps_the_tables():
    with Gateway() as own:
        wait_for_tables(own, len(own.users))
        eui = "90-B3-D5-1F-30-7F-00-77"
        own.users.append(User("late", eui, ["IS", "ES", "GS"], make_signer(own.folder, "late", eui)))
        own.users.remove(own.other)   # its table goes with it
        own.write_reference()
        own.control.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: own.motorway.text().count(" is in force ") == 2, 20, own.logs)
        status = part(own, "verification")
        assert status["tables"] >= len(own.users) - 1, f"tables were lost: {status}"
        own.good()
        own.good(own.users[-1])
        wait_for_tables(own, len(own.users))
        own.good(own.users[-1])
        assert part(own, "verification")["keys"] == len(own.users)


def test_tables_max():
    with Gateway({"schema": {"tables_max": 2}}) as own:
        wait_for_tables(own, 2)
        for user in (own.supplier, own.network, own.mdr):
            answer = own.send(user, own.read(user)[0], signer=own.stranger.signer)
            assert answer.status == 403, answer
            answer = own.send(user, own.read(user)[0])
            assert answer.status == 200, answer
        status = part(own, "verification")
        assert status["tables"] == 2 and status["tables_max"] == 2, status
        assert status["keys"] == len(own.users), status
        own.good()


# ---- what is missing ----

@rows(image=({"engine": "fast"}, {"xsd": "a.xsd"}, "image.*motorway-schema compile"),
      xsd=({"engine": "reference"}, {"image": "a.image"}, "xsd.*reference"))
def test_check_says_what_is_missing(case):
    engine, files, said = case
    with Gateway({"schema": engine | {"versions": [{"version": "5.4"} | files]}}, start=False) as own:
        result = subprocess.run([gateways.MOTORWAY, "-c", own.conf_path, "--check"], check=False,
                                capture_output=True, text=True, timeout=60,
                                env=gateways.sanitizer_environment())
        assert result.returncode == 1, result
        assert re.search(rf"motorway\.yaml:\d+:\d+: .*{said}", result.stderr), result.stderr


def test_check_of_a_missing_image():
    with Gateway(own_image(), start=False) as own:
        result = subprocess.run([gateways.MOTORWAY, "-c", own.conf_path, "--check"], check=False,
                                capture_output=True, text=True, timeout=60,
                                env=gateways.sanitizer_environment())
        assert result.returncode == 1 and "own.image" in result.stderr, result
        assert "motorway-schema compile" in result.stderr, result
