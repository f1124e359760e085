# SPDX-License-Identifier: Apache-2.0
"""Scheduled reads: created by 5.1, dispatched when due, delivered in the scheduled lane."""
import datetime
import re
import threading

import duis
import endpoints
from gateway import Gateway, counter

ONE_AT_A_TIME = {"north": {"connections_max": 1, "delivery_timeout_ms": 20000}}


def create(gateway, user, due_s, device=None):
    """Create a daily schedule of 4.8.3 that is due in `due_s` seconds; returns its id."""
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=due_s)
    body = (
        "<sr:CreateSchedule><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
        f"<sr:ScheduleStartDate>{due:%Y-%m-%d}</sr:ScheduleStartDate>"
        f"<sr:ScheduleExecutionStartTime>{due:%H:%M:%S}Z</sr:ScheduleExecutionStartTime>"
        "<sr:DSPScheduledServiceReference>4.8</sr:DSPScheduledServiceReference>"
        "<sr:DSPScheduledServiceReferenceVariant>4.8.3</sr:DSPScheduledServiceReferenceVariant>"
        f"<sr:DeviceID>{device or gateway.meter2}</sr:DeviceID><sr:DSPReadExportProfileData>"
        "<sr:StartDateOffset>-1</sr:StartDateOffset><sr:StartTime>00:00:00.00Z</sr:StartTime>"
        "<sr:EndDateOffset>0</sr:EndDateOffset><sr:EndTime>00:00:00.00Z</sr:EndTime>"
        "</sr:DSPReadExportProfileData></sr:CreateSchedule>")
    canonical = duis.request(user.eui, duis.DSP, counter.take(), 8, "5.1", body)
    answer = gateway.send(user, canonical, 8)
    response = duis.Response(answer.body)
    assert response.code == "I0", answer
    return response.body.text


def scheduled_to(provider):
    return provider.wait(lambda p: p.headers.get("motorway-mode") == "scheduled")


def is_scheduled(post):
    return duis.Response(post.body).body_name == "DSPScheduledMessage"


def schedule_id(post):
    return duis.Response(post.body).body.findtext(f"{{{duis.SR}}}DSPScheduleID")


def test_scheduled_read():
    """The DSP asks in its own name and signs; the user gets a DSPScheduledMessage."""
    with Gateway() as own:
        number = create(own, own.mdr, 2)
        post = scheduled_to(own.csp)[0]
        duis.verify(post.body, own.dsp_certificate)
        own.schema().check(post.body)
        asked = duis.Request(post.body)
        assert asked.srv == "4.8.3" and asked.variant == 1
        assert asked.request_id.startswith(f"{duis.DSP}:{own.meter2}:"), asked.request_id
        assert post.headers["motorway-request-id"] == asked.request_id
        delivered = own.receiver.wait(is_scheduled)[0]
        assert delivered.path == "/mdr" and schedule_id(delivered) == number
        response = duis.Response(delivered.body)
        assert response.code == "I0" and response.srv == "4.8.3"
        duis.verify(delivered.body, own.dsp_certificate)
        own.schema().check(delivered.body)
        own.good()


def test_deleted_schedule_does_not_run():
    with Gateway() as own:
        number = create(own, own.mdr, 4)
        other = create(own, own.supplier, 4)
        body = f"<sr:DeleteSchedule><sr:DSPScheduleID>{number}</sr:DSPScheduleID></sr:DeleteSchedule>"
        answer = own.send(own.mdr, duis.request(own.mdr.eui, duis.DSP, counter.take(), 8, "5.3", body), 8)
        assert duis.Response(answer.body).code == "I99", answer
        delivered = own.receiver.wait(is_scheduled)
        assert [schedule_id(post) for post in delivered] == [other]


def test_on_demand_leaves_first():
    """With one connection to the user and both lanes full, no scheduled response leaves while an
    on-demand one is ready."""
    with Gateway(ONE_AT_A_TIME) as own:
        user, gate = own.supplier, threading.Event()
        own.receiver.behaviour = lambda post: (gate.wait(15), 204)[1]
        own.csp.answers = False
        for _ in range(6):
            create(own, user, 2)
        scheduled = own.csp.wait(lambda p: p.headers["motorway-mode"] == "scheduled", count=6)
        ids = []
        for _ in range(6):
            canonical, _ = own.read(user)
            assert duis.Response(own.send(user, canonical).body).code == "I99"
            ids.append(re.search("RequestID>([^<]+)", canonical).group(1))
            own.csp.wait(endpoints.of_request(ids[-1]))

        def respond(request_id):
            assert own.csp.respond(request_id, endpoints.gbcs()).status == 204
        respond(ids[0])   # keeps the connection busy
        own.receiver.wait(endpoints.of_request(ids[0]))
        for post in scheduled:
            respond(post.headers["motorway-request-id"])
        for request_id in ids[1:]:
            respond(request_id)
        gate.set()
        posts = own.receiver.wait(lambda p: True, count=12)
        kinds = "".join("s" if is_scheduled(post) else "d" for post in posts)
        assert kinds == "dddddd" + "ssssss", kinds


def test_failed_scheduled_read():
    """E20 for a scheduled read: it is sent again, under its RequestID and the next number, as often as
    the configuration says; then the user is told."""
    with Gateway() as own:
        own.csp.answers = False
        create(own, own.mdr, 2)
        request_id = scheduled_to(own.csp)[0].headers["motorway-request-id"]
        for attempt in 1, 2, 3:
            own.csp.wait(lambda post: post.headers.get("motorway-request-id") == request_id and
                         post.headers["motorway-attempt"] == str(attempt))  # noqa: B023
            assert own.receiver.posts == []
            assert own.csp.respond(request_id, b"", "E20").status == 204
        delivered = own.receiver.wait(endpoints.of_request(request_id))[0]
        assert duis.Response(delivered.body).code == "E20" and delivered.path == "/mdr"
        own.csp.answers = True
        own.good()
