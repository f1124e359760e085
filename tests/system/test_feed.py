# SPDX-License-Identifier: Apache-2.0
"""The registration feed: from a message over HTTP to the answer that a user gets, and kill -9."""
import datetime
import http.client
import json
import os
import signal
import time

import duis
import wire
from gateway import Gateway
from test_access import refused
from test_entitlement import add_user, answer_of, code_of, mpans, reload

NOW = datetime.datetime.now(datetime.timezone.utc)


def message(number, mpan, participant, day, role="MDR"):
    return {
        "messageId": f"CSS-TEST-{number:07d}",
        "messageType": "RegistrationEventSynchronisation",
        "createdAt": (NOW + datetime.timedelta(milliseconds=number)).strftime(
            "%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "mpxn": mpan,
        "registration": {"supplier": "SUPA", "effectiveFrom": "2010-01-01"},
        "supplierArrangedAppointments": [
            {"role": role, "participant": participant, "effectiveFrom": str(day)}],
    }


def post(port, content):
    connection = http.client.HTTPConnection(wire.HOST, port, timeout=30)
    try:
        connection.request("POST", "/feed/v1/messages", json.dumps(content),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def with_feed():
    port = wire.free_port()
    return Gateway({"control": {"feed_listen": f"{wire.HOST}:{port}"}}), port


def test_appointment():
    """An appointment is in force when its message is answered: the very next request is judged by
    it. A message that breaks a rule is set aside, and the others of its batch are applied."""
    own, port = with_feed()
    with own:
        late = add_user(own, "mdr-b", "90-B3-D5-1F-30-7F-00-22", ["MDR"], "MDRB")
        reload(own)
        wire.wait_until(lambda: code_of(own, late) == "E4", 10, own.logs)
        _, export_mpan = mpans(own, own.meter2)
        day = NOW.date() - datetime.timedelta(days=2)
        bad = {**message(1, export_mpan, "MDRB", day), "mpxn": "12"}
        status, answer = post(port, [bad, message(2, export_mpan, "MDRB", day)])
        assert status == 200, answer
        assert [o["result"] for o in answer["outcomes"]] == ["set-aside", "applied"], answer
        assert code_of(own, late) == "I99"
        refused(own, answer_of(own, own.mdr), "not-entitled", "E4")
        assert post(port, message(2, export_mpan, "MDRB", day))[1]["outcomes"][0]["result"] == \
            "duplicate"
        # From tomorrow on the supplier retrieves by itself: today nothing changes.
        status, answer = post(port, message(3, export_mpan, "SUPA", NOW.date() +
                                            datetime.timedelta(days=2), "Supplier"))
        assert status == 200 and answer["outcomes"][0]["result"] == "applied", answer
        assert code_of(own, late) == "I99"
        feed = own.status()["control"]["feed"]
        assert (feed["applied"], feed["duplicates"], feed["set_aside"]) == (2, 1, 1), feed
        own.good()


def test_killed_while_it_takes_messages():
    """kill -9 of control at any moment: what was answered is in force after the restart."""
    own, port = with_feed()
    with own:
        late = add_user(own, "mdr-b", "90-B3-D5-1F-30-7F-00-22", ["MDR"], "MDRB")
        other = add_user(own, "mdr-c", "90-B3-D5-1F-30-7F-00-23", ["MDR"], "MDRC")
        reload(own)
        wire.wait_until(lambda: code_of(own, other) == "E4", 10, own.logs)
        _, export_mpan = mpans(own, own.meter2)
        day = NOW.date() - datetime.timedelta(days=2)
        number = 0
        for turn in range(4):
            answered = None
            end = time.monotonic() + 0.2 + 0.13 * turn
            while time.monotonic() < end:
                number += 1
                user = (late, other)[number % 2]
                status, _ = post(port, message(number, export_mpan, user.mpid, day))
                assert status == 200
                answered = user
            os.kill(own.control.process.pid, signal.SIGKILL)
            own.control.process.wait()
            own.control.log.close()
            own.control = None
            loser = other if answered is late else late
            assert code_of(own, answered) == "I99", "without control"
            own.start_control()
            wire.wait_until(lambda: wire.listening(port), 30, own.logs)
            assert duis.Response(answer_of(own, answered).body).code == "I99"
            refused(own, answer_of(own, loser), "not-entitled", "E4")
            image = own.status()["control"]["registry_image"]
            assert image["builds"] == 0, image
