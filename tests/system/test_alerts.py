# SPDX-License-Identifier: Apache-2.0
"""DCC Alerts: signed, to the right user, kept until taken, and what a user's DUIS version lacks."""
import json
import os
import subprocess

import yaml

import duis
import wire
from cases import rows
from gateway import MATERIAL, ROOT, SCHEMA, Gateway, counter, write_yaml
from test_schedules import create

XSD = MATERIAL / "xsd" / "DUIS Schema V5.1.xsd"
MISMATCH = "DCCAlertMessage/sr:DCCAlert/sr:DUISVersionMismatch/"


class Alert:
    """What a test asks of a DCC Alert; raises what is wrong with any of them."""

    def __init__(self, gateway, post, sender=duis.DSP):
        duis.verify(post.body, gateway.dsp_certificate)
        self.response = duis.Response(post.body)
        self.user = post.path.strip("/")
        assert post.headers["content-type"].split(";")[0] == "application/xml"
        assert self.response.code == "I0" and self.response.request_id is None
        self.code = self.text("DCCAlertMessage/sr:DCCAlertCode")
        originator, target, self.number = self.response.response_id.split(":")
        assert originator == sender, self.response.response_id
        assert target == {u.name: u.eui for u in gateway.users}[self.user]

    def text(self, path):
        return self.response.root.findtext(f"sr:Body/sr:{path}", namespaces={"sr": duis.SR})


def is_alert(post):
    return b"<sr:DCCAlertMessage>" in post.body


def set_versions(gateway, **versions):
    """Give users, by name, a DUIS version of their own."""
    path = gateway.path("conf", "reference", "users.yaml")
    with open(path, encoding="utf-8") as file:
        users = yaml.safe_load(file)
    for user in users["users"]:
        if user["name"] in versions:
            user["duis_version"] = versions[user["name"]]
    write_yaml(path, users)


def two_versions(engine):
    """Configuration: 5.1 as published, which has no N66, and 5.4 with the overlay of MP162."""
    overlay = str(ROOT / "conf" / "schema" / "mp162.yaml")
    return {"schema": {"engine": engine, "versions": [
        {"version": "5.1", "xsd": str(XSD), "overlays": []},
        {"version": "5.4", "xsd": str(XSD), "overlays": [overlay]}]}}


def with_versions(engine, **versions):
    """A gateway of two versions that is not started yet."""
    own = Gateway(two_versions(engine), start=False)
    if engine == "fast":
        with open(own.conf_path, encoding="utf-8") as file:
            conf = yaml.safe_load(file)
        for entry in conf["schema"]["versions"]:
            entry["image"] = own.path(f"{entry['version']}.image")
            overlays = [f"--overlay={path}" for path in entry["overlays"]]
            subprocess.run([SCHEMA, "compile", *overlays, entry["xsd"], "-o", entry["image"]],
                           check=True)
        write_yaml(own.conf_path, conf)
    set_versions(own, **versions)
    return own


def control_is_back(gateway):
    """Until both programs are connected and agree on the reference data."""
    def connected():
        result = gateway.ctl("status", "--json")
        if result.returncode != 0:
            return False
        control = json.loads(result.stdout)["control"]
        return control["generation_applied"] == control["generation"]
    wire.wait_until(connected, 20, "control is not back")


def removed(gateway, user, cause):
    """Create a schedule, let an operator remove it; returns its id."""
    number = create(gateway, user, 3600)
    result = gateway.ctl("schedule", "remove", cause, number)
    assert result.returncode == 0, result.stderr
    return number


@rows(mdra=("mdra", "N66"), supplier=("supplier", "N17"), device=("device", "N17"))
def test_schedule_removal(case):
    cause, code = case
    with Gateway(start=False) as own:
        set_versions(own, mdr="5.4")
        own.start()
        number = removed(own, own.mdr, cause)
        post = own.receiver.wait(is_alert)[0]
        alert = Alert(own, post)
        assert (alert.user, alert.code, alert.response.version) == ("mdr", code, "5.4")
        removal = "DCCAlertMessage/sr:DCCAlert/sr:DSPScheduleRemoval/sr:"
        assert alert.text(removal + "DSPScheduleID") == number
        assert alert.text(removal + "DeviceID") == own.meter2
        if code != "N66":   # which the official schema does not have
            own.schema().check(post.body)
        counters = own.status()["data_plane"]["counters"]
        assert counters["alerts"] == 1 and counters["version_mismatches"] == 0, counters
        own.good()


def test_alert_is_kept_until_taken():
    """Refused, then without an answer, then taken: one alert, the same each time; the schedule's
    responses are not held up by it."""
    answers = [503, 400, 204]
    with Gateway({"north": {"delivery_backoff_ms": 50, "delivery_backoff_max_ms": 200}}) as own:
        own.receiver.behaviour = lambda post: answers.pop(0) if is_alert(post) else 204
        removed(own, own.mdr, "supplier")
        posts = own.receiver.wait(is_alert, count=3)
        numbers = {Alert(own, post).number for post in posts}
        assert len(numbers) == 1, numbers
        own.good()
        assert len([p for p in own.receiver.posts if is_alert(p)]) == 3


def test_alerts_have_ids_of_their_own():
    """Also those of a control that was started anew."""
    with Gateway() as own:
        removed(own, own.mdr, "supplier")
        removed(own, own.supplier, "device")
        own.receiver.wait(is_alert, count=2)
        own.control.stop()
        own.start_control()
        control_is_back(own)
        removed(own, own.mdr, "supplier")
        alerts = [Alert(own, post) for post in own.receiver.wait(is_alert, count=3)]
        assert len({alert.number for alert in alerts}) == 3
        assert [alert.user for alert in alerts] == ["mdr", "supplier", "mdr"]


def test_alert_raised_while_the_data_plane_is_away():
    with Gateway() as own:
        own.motorway.stop()
        own.start_motorway()
        own.wait_ready()
        control_is_back(own)
        number = create(own, own.mdr, 3600)
        own.motorway.stop()
        assert own.ctl("schedule", "remove", "supplier", number).returncode == 0
        own.start_motorway()
        own.wait_ready()
        assert Alert(own, own.receiver.wait(is_alert)[0]).user == "mdr"


def test_unknown_schedule():
    with Gateway() as own:
        result = own.ctl("schedule", "remove", "mdra", "12345", "x")
        assert result.returncode == 1 and "no schedule: 12345" in result.stdout, result
        for words in ([], ["remove"], ["remove", "mdra"], ["keep", "mdra", "1"]):
            assert own.ctl("schedule", *words).returncode == 2, words
        assert own.ctl("schedule", "remove", "whim", "1").returncode == 1


@rows(fast="fast", reference="reference")
def test_alert_beyond_the_user_s_version(engine):
    """N66 is not in the schema of 5.1: its user gets N999 in its place, another one N66 itself."""
    own = with_versions(engine, mdr="5.1", supplier="5.4")
    with own:
        own.start()
        removed(own, own.mdr, "mdra")
        removed(own, own.supplier, "mdra")
        posts = own.receiver.wait(is_alert, count=2)
        alerts = {alert.user: alert for alert in (Alert(own, post) for post in posts)}
        assert alerts["supplier"].code == "N66"
        alert = alerts["mdr"]
        assert (alert.code, alert.response.version) == ("N999", "5.1")
        assert alert.text(MISMATCH + "sr:DCCAlertVersionMismatch/sr:DCCAlertCode") == "N66"
        assert alert.text(MISMATCH + "sr:DCCAlertVersionMismatch/sr:DeviceID") == own.meter2
        assert alert.text(MISMATCH + "sr:ServiceUserDUISVersion") == "5.1"
        own.schema().check(next(p.body for p in posts if p.path == "/mdr"))
        assert own.status()["data_plane"]["counters"]["version_mismatches"] == 1
        own.good()


@rows(fast="fast", reference="reference")
def test_service_response_beyond_the_user_s_version(engine):
    """A code of control that 5.1 does not have (here: an MDR schedules a SRV of others) is answered
    with DUISVersionMismatch, signed; in 5.4 it is the code itself."""
    own = with_versions(engine, supplier="5.1")
    with own:
        path = own.path("conf", "access", "services.yaml")
        with open(path, encoding="utf-8") as file:
            codes = yaml.safe_load(file)
        codes["codes"]["read-schedule-unknown"]["code"] = "E050111"
        write_yaml(path, codes)
        own.start()
        answers = {}
        for version in ("5.1", "5.4"):
            body = ("<sr:ReadSchedule><sr:DSPScheduleID>1</sr:DSPScheduleID></sr:ReadSchedule>")
            request_id = counter.take()
            canonical = duis.request(own.supplier.eui, duis.DSP, request_id, 8, "5.2", body,
                                     version)
            answers[version] = (own.send(own.supplier, canonical, 8), request_id)
        answer, request_id = answers["5.1"]
        assert answer.status == 200, answer
        duis.verify(answer.body, own.dsp_certificate)
        own.schema().check(answer.body)
        response = duis.Response(answer.body)
        assert response.code == "I0" and response.request_id.endswith(f":{request_id}")

        def text(name):
            return response.root.findtext(f".//{{{duis.SR}}}{name}")
        assert text("DCCAlertCode") == "N999"
        mismatch = response.root.find(f".//{{{duis.SR}}}ServiceResponseVersionMismatch")
        assert [child.text for child in mismatch] == [response.request_id, "5.2", "5.2", "5.1"]
        assert text("ServiceUserDUISVersion") == "5.1"
        assert answer.headers.get("motorway-reason") == "version-mismatch", answer.headers
        assert duis.Response(answers["5.4"][0].body).code == "E050111"


def test_version_that_is_not_configured():
    own = Gateway(start=False)
    with own:
        set_versions(own, mdr="5.9")
        own.start_control()
        assert own.control.process.wait(20) == 1
        assert "5.9" in own.control.text() and "mdr" in own.control.text()
        own.control = None
        set_versions(own, mdr="5.10")   # 5.1 in value
        own.start()
        removed(own, own.mdr, "supplier")
        assert Alert(own, own.receiver.wait(is_alert)[0]).user == "mdr"
    assert not os.path.exists(own.folder)
