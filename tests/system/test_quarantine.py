# SPDX-License-Identifier: Apache-2.0
"""Anomaly detection: requests beyond a threshold are held, announced, released and deleted."""
import json
import re

import duis
import endpoints
import wire
from cases import rows
from gateway import Gateway, counter, write_yaml
from test_alerts import Alert, is_alert


def limited(limit=1, srv="4.2", period_s=3600, user="supplier", conf=None, start=True,
            transform=False):
    """A gateway on which a user may send `limit` requests in a period."""
    own = Gateway(conf, start=False, transform=transform)
    eui = {u.name: u.eui for u in own.users}[user]
    write_yaml(own.path("conf", "reference", "thresholds.yaml"), {"thresholds": [
        {"user": eui, "srv": srv, "period_s": period_s, "limit": limit}]})
    if start:
        try:
            own.start()
        except BaseException:
            own.abandon()
            raise
    return own


def send(gateway, user=None, **fields):
    """Send a read, which must be answered I99; returns its RequestID."""
    user = user or gateway.supplier
    canonical, variant = gateway.read(user, **fields)
    answer = gateway.send(user, canonical, variant)
    assert answer.status == 200 and duis.Response(answer.body).code == "I99", answer
    return re.search("RequestID>([^<]+)", canonical).group(1)


def held(gateway, count, state="held"):
    """Wait until as many events are listed in this state; returns them."""
    events = []

    def there():
        nonlocal events
        result = gateway.ctl("quarantine", "list", "--json")
        if result.returncode != 0:   # control, or its connection, is not there yet
            return False
        events = [e for e in json.loads(result.stdout)["events"] if e["state"] == state]
        return len(events) == count
    wire.wait_until(there, 20, lambda: f"{count} events {state}: {events}")
    return events


def test_held_announced_and_released():
    with limited() as own:
        first = send(own)
        own.receiver.wait(endpoints.of_request(first))
        second = send(own)
        post = own.receiver.wait(is_alert)[0]
        alert = Alert(own, post)
        own.schema().check(post.body)
        breach = "DCCAlertMessage/sr:DCCAlert/sr:QuarantinedRequest/sr:ADUserThresholdBreach/sr:"
        assert (alert.user, alert.code) == ("supplier", "N53")
        assert alert.text(breach + "RequestID") == second
        reference = alert.text(breach + "QuarantineEventRef")
        event = held(own, 1)[0]
        assert event["reference"] == reference == alert.number
        assert event["request_id"] == second and event["user"] == own.supplier.eui
        assert (event["srv"], event["period_s"], event["limit"]) == ("4.2", 3600, 1)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event["held_since"])
        assert len(own.csp.posts) == 1, "it went to the provider although it is held"
        text = own.ctl("quarantine", "list").stdout
        assert reference in text and "1 requests are held" in text, text
        result = own.ctl("quarantine", "release", reference)
        assert result.returncode == 0 and "1 requests are being released" in result.stdout, result
        delivered = own.receiver.wait(endpoints.of_request(second))[0]
        own.check_delivery(delivered, own.supplier, second)
        held(own, 0)
        # Others are not concerned.
        own.good(own.network)
        counters = own.status()["data_plane"]["counters"]
        assert counters["quarantined"] == counters["quarantine_released"] == 1, counters


def test_deleted():
    with limited(limit=0) as own:
        request_id = send(own)
        held(own, 1)
        result = own.ctl("quarantine", "delete", own.supplier.eui, "--json")
        assert result.returncode == 0 and json.loads(result.stdout)["deleting"] == 1, result
        delivered = own.receiver.wait(lambda p: not is_alert(p))[0]
        response = own.check_delivery(delivered, own.supplier, request_id, "E100")
        assert response.signed
        duis.verify(delivered.body, own.dsp_certificate)
        assert not own.csp.posts
        assert own.status()["control"]["counters"]["quarantine_deleted"] == 1


def test_what_is_not_held():
    with limited() as own:
        result = own.ctl("quarantine", "release", "12345", own.mdr.eui)
        assert result.returncode == 1, result
        assert "not held: 12345" in result.stdout and f"not held: {own.mdr.eui}" in result.stdout
        for words in ([], ["eat"], ["release"], ["list", "1", "2"]):
            assert own.ctl("quarantine", *words).returncode == 2, words
        assert own.ctl("quarantine", "list", "no-eui").returncode == 1
        own.good()


def test_threshold_over_all_srvs():
    with limited(limit=2, srv="all", user="network") as own:
        user = own.network
        for device, srv in ((own.meter2, "4.2"), (own.meter2, "4.8.3")):
            own.receiver.wait(endpoints.of_request(send(own, user, device=device, srv=srv)))
        send(own, user)
        assert held(own, 1)[0]["srv"] == "4.2"
        own.good()


@rows(control=("5.2", 8), transform=("4.2", 2))
def test_what_cannot_be_held_is_refused(case):
    """Somebody waits for the answer itself: a non-device request, a local command."""
    srv, variant = case
    with limited(limit=0, srv=srv, transform=True) as own:
        if srv == "5.2":
            body = "<sr:ReadSchedule><sr:DSPScheduleID>1</sr:DSPScheduleID></sr:ReadSchedule>"
            canonical = duis.request(own.supplier.eui, duis.DSP, counter.take(), 8, srv, body)
        else:
            canonical, _ = own.read(variant=variant)
        answer = own.send(own.supplier, canonical, variant)
        assert duis.Response(answer.body).code == "E100", answer
        assert answer.headers["motorway-reason"] == "threshold-exceeded"
        assert held(own, 0) == []
        assert own.status()["data_plane"]["refused"]["threshold-exceeded"] == 1


def test_full_quarantine_is_said_at_the_door():
    with limited(limit=0, conf={"north": {"lane_items_max": 16}}) as own:
        for _ in range(8):
            send(own)
        canonical, _ = own.read()
        answer = own.send(own.supplier, canonical)
        assert answer.status == 503 and "retry-after" in answer.headers, answer
        assert own.status()["data_plane"]["counters"]["quarantine_full"] == 1
        assert len(own.receiver.wait(is_alert, count=8)) == 8
        own.ctl("quarantine", "release", own.supplier.eui)
        own.receiver.wait(lambda p: not is_alert(p), count=8)
        assert duis.Response(own.send(own.supplier, canonical).body).code == "I99"


def test_control_is_away():
    """Requests are held meanwhile and reported when control is back; what was announced before is
    not announced again."""
    with limited(limit=0) as own:
        first = send(own)
        own.receiver.wait(is_alert)
        own.control.stop()
        second = send(own)
        result = own.ctl("quarantine", "list")
        assert result.returncode == 1, result
        own.start_control()
        own.wait_ready()
        events = held(own, 2)
        assert [e["request_id"] for e in events] == [first, second]
        alerts = [Alert(own, post) for post in own.receiver.wait(is_alert, count=2)]
        assert [a.number for a in alerts] == [e["reference"] for e in events]
        own.ctl("quarantine", "release", *(e["reference"] for e in events))
        for request_id in (first, second):
            own.check_delivery(own.receiver.wait(endpoints.of_request(request_id))[0],
                               own.supplier, request_id)
        assert len([p for p in own.receiver.posts if is_alert(p)]) == 2


def test_thresholds_change_without_a_restart():
    with limited(limit=0) as own:
        send(own)
        held(own, 1)
        write_yaml(own.path("conf", "reference", "thresholds.yaml"), {"thresholds": []})
        own.control.process.send_signal(1)
        wire.wait_until(lambda: own.status()["control"]["thresholds"] == 0, 20, "not reloaded")
        status = own.status()
        wire.wait_until(lambda: own.status()["data_plane"]["generation"]
                        == status["control"]["generation"], 20, "not applied")

        def passes():
            return endpoints_see(own, send(own))
        wire.wait_until(passes, 10, "the threshold is still in force")
        assert len(held(own, own.status()["control"]["quarantined"])) >= 1


def endpoints_see(gateway, request_id):
    """Did the provider get this request?"""
    try:
        gateway.csp.wait(endpoints.of_request(request_id), timeout_s=2)
        return True
    except AssertionError:
        return False


def test_wrong_thresholds_stop_control():
    own = limited(start=False)
    with own:
        write_yaml(own.path("conf", "reference", "thresholds.yaml"), {"thresholds": [
            {"user": own.supplier.eui, "srv": "4.99", "period_s": 60, "limit": 1}]})
        own.start_control()
        assert own.control.process.wait(20) == 1
        assert "thresholds.yaml:" in own.control.text(), own.control.text()
        own.control = None
