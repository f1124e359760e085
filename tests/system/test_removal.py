# SPDX-License-Identifier: Apache-2.0
"""What control owes: schedules and alerts outlive kill -9, and schedules end when the law says so."""
import datetime
import json
import os
import random
import re
import signal
import threading
import time
import zoneinfo

import yaml

import duis
import endpoints
import wire
from cases import rows
from gateway import Gateway, counter, write_yaml
from test_alerts import Alert, is_alert
from test_entitlement import add_user, mpans, reload
from test_feed import message, post
from test_schedules import create, is_scheduled, schedule_id, scheduled_to

NOW = datetime.datetime.now(datetime.timezone.utc)
REMOVAL = "DCCAlertMessage/sr:DCCAlert/sr:DSPScheduleRemoval/sr:"
RETRIEVER_B = ("mdr-b", "90-B3-D5-1F-30-7F-00-22", ["MDR"], "MDRB")


def with_feed(conf=None):
    port = wire.free_port()
    return Gateway({"control": {"feed_listen": f"{wire.HOST}:{port}"}, **(conf or {})}), port


def day(days):
    return NOW.date() + datetime.timedelta(days=days)


def shown(gateway, number):
    """The schedule as `motorwayctl schedule show` tells it, or None."""
    result = gateway.ctl("schedule", "show", number, "--json")
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)["schedule"] if result.returncode == 0 else None


def listed(gateway, *words):
    result = gateway.ctl("schedule", "list", *words, "--json")
    assert result.returncode == 0, result.stderr
    return [row["id"] for row in json.loads(result.stdout)["schedules"]]


def service(gateway, user, srv, element, number, target=None):
    """5.2 or 5.3 of one schedule; the Response, or None when there was none."""
    body = f"<sr:{element}><sr:DSPScheduleID>{number}</sr:DSPScheduleID></sr:{element}>"
    answer = gateway.send(user, duis.request(user.eui, duis.DSP, target or counter.take(), 8, srv,
                                             body), 8)
    return duis.Response(answer.body) if answer.status == 200 else None


def kill_control(gateway):
    os.kill(gateway.control.process.pid, signal.SIGKILL)
    gateway.control.process.wait()
    gateway.control.log.close()
    gateway.control = None


def connected(gateway):
    result = gateway.ctl("status", "--json")
    if result.returncode != 0:
        return False
    control = json.loads(result.stdout)["control"]
    return control["generation_applied"] == control["generation"]


def control_again(gateway):
    gateway.start_control()
    wire.wait_until(lambda: connected(gateway), 30, gateway.logs)


def removals(gateway):
    """DSPScheduleID -> set of ResponseIDs of the alerts that said that it was removed."""
    result = {}
    for sent in [p for p in gateway.receiver.posts if is_alert(p)]:
        alert = Alert(gateway, sent)
        number = alert.text(REMOVAL + "DSPScheduleID")
        result.setdefault(number, set()).add(alert.response.response_id)
    return result


# ---- the law

def test_change_of_retriever():
    """The feed tells of another retriever since the day before yesterday: the outgoing one's
    schedules for this MPAN go, he gets one N66 for each, and nothing of them is read any more. Those
    of others, and his own for other meters, stay."""
    own, port = with_feed()
    with own:
        add_user(own, *RETRIEVER_B)
        reload(own)
        gone = [create(own, own.mdr, 3600) for _ in range(3)]
        soon = create(own, own.mdr, 6)
        supplier = create(own, own.supplier, 3600)
        _, export_mpan = mpans(own, own.meter2)
        status, answer = post(port, message(1, export_mpan, "MDRB", day(-2)))
        assert status == 200 and answer["outcomes"][0]["result"] == "applied", answer
        own.receiver.wait(is_alert, count=4)
        alerts = [Alert(own, p) for p in own.receiver.posts if is_alert(p)]
        assert {alert.code for alert in alerts} == {"N66"}
        assert {alert.user for alert in alerts} == {"mdr"}
        assert {alert.text(REMOVAL + "DeviceID") for alert in alerts} == {own.meter2}
        assert sorted(removals(own)) == sorted([*gone, soon])
        assert listed(own) == [supplier]
        assert service(own, own.mdr, "5.2", "ReadSchedule", gone[0]).code != "I0"
        assert shown(own, gone[0]) is None
        time.sleep(7)
        assert not [p for p in own.csp.posts if p.headers["motorway-mode"] == "scheduled"]
        assert len([p for p in own.receiver.posts if is_alert(p)]) == 4
        counters = own.status()["control"]["removal"]
        assert counters["mdra"] == 4 and counters["supplier"] == 0, counters
        own.good()


@rows(after_last_day=True, at_change=False)
def test_last_run(waits):
    """The change took place at the local midnight of today, and today's run, which reads yesterday, has
    not gone yet. It goes, if the configuration lets it and yesterday in UTC is all of the outgoing
    retriever's (not in summer, when his last day ended an hour before); then the schedule goes."""
    own, port = with_feed({"schedules": {"removal": "after_last_day" if waits else "at_change"}})
    with own:
        add_user(own, *RETRIEVER_B)
        reload(own)
        while datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M") in ("23:59", "23:58"):
            time.sleep(1)   # the run must be today's
        number = create(own, own.mdr, 6)
        now = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/London"))
        _, export_mpan = mpans(own, own.meter2)
        assert post(port, message(1, export_mpan, "MDRB", now.date()))[0] == 200
        if waits and now.utcoffset() == datetime.timedelta(0):
            wire.wait_until(lambda: shown(own, number).get("last_run"), 4, own.logs)
            assert not removals(own)
            assert schedule_id(own.receiver.wait(is_scheduled)[0]) == number
        own.receiver.wait(is_alert)
        assert list(removals(own)) == [number]
        assert shown(own, number) is None
        time.sleep(7)
        runs = [p for p in own.csp.posts if p.headers["motorway-mode"] == "scheduled"]
        assert len(runs) == (waits and now.utcoffset() == datetime.timedelta(0)), runs
        assert len([p for p in own.receiver.posts if is_alert(p)]) == 1
        own.good()


def test_change_in_the_future():
    """Nothing happens before the day; what was planned is forgotten when the change is undone; all
    of it also over kill -9."""
    own, port = with_feed()
    with own:
        add_user(own, *RETRIEVER_B)
        reload(own)
        number = create(own, own.mdr, 3600)
        assert "removal" not in shown(own, number)
        _, export_mpan = mpans(own, own.meter2)
        assert post(port, message(1, export_mpan, "MDRB", day(5)))[0] == 200
        planned = shown(own, number)
        assert planned["removal_cause"] == "mdra", planned
        at = datetime.datetime.strptime(planned["removal"], "%Y-%m-%dT%H:%M:%SZ")
        # 00:00 UK local time of the day: midnight UTC, or an hour before it.
        assert str(at + datetime.timedelta(hours=1))[:10] == str(day(5)), planned
        assert at.hour in (0, 23) and at.minute == 0
        kill_control(own)
        control_again(own)
        assert shown(own, number)["removal"] == planned["removal"]
        assert post(port, message(2, export_mpan, "MDRA", day(5)))[0] == 200
        assert "removal" not in shown(own, number)
        assert service(own, own.mdr, "5.2", "ReadSchedule", number).code == "I0"
        assert not [p for p in own.receiver.posts if is_alert(p)]
        own.good()


def edit(gateway, name, change):
    path = gateway.path("conf", "reference", name)
    with open(path, encoding="utf-8") as file:
        content = yaml.safe_load(file)
    change(content)
    write_yaml(path, content)
    reload(gateway)


def test_decommissioned_and_suspended():
    """A device's new status and a user's suspension come with the files: the schedules go at once,
    with one alert each; others stay."""
    with Gateway() as own:
        device = create(own, own.mdr, 3600, own.south2)
        user = create(own, own.mdr, 3600)
        stays = create(own, own.supplier, 3600)

        def decommission(devices):
            row, = [d for d in devices["devices"] if d["device_id"] == own.south2]
            row["status"] = "Decommissioned"
        edit(own, "devices.yaml", decommission)
        own.receiver.wait(is_alert)
        assert list(removals(own)) == [device]

        def suspend(users):
            row, = [u for u in users["users"] if u["name"] == "mdr"]
            row["active"] = False
        edit(own, "users.yaml", suspend)
        own.receiver.wait(is_alert, count=2)
        assert sorted(removals(own)) == sorted([device, user])
        assert {Alert(own, p).code for p in own.receiver.posts if is_alert(p)} == {"N17"}
        assert listed(own) == [stays]
        assert listed(own, "user", own.supplier.eui, "device", own.meter2) == [stays]
        assert listed(own, "user", own.mdr.eui) == []
        counters = own.status()["control"]["removal"]
        assert counters["device"] == 1 and counters["user"] == 1, counters
        own.good()


# ---- kill -9

def test_schedules_outlive_the_process():
    """What was answered I0 is there afterwards, word for word, and runs; traffic goes on without
    control; ids do not come again."""
    with Gateway() as own:
        number = create(own, own.mdr, 3600)
        deleted = create(own, own.mdr, 3600)
        before = service(own, own.mdr, "5.2", "ReadSchedule", number)
        assert service(own, own.mdr, "5.3", "DeleteSchedule", deleted).code == "I99"
        soon = create(own, own.supplier, 5)
        kill_control(own)
        own.good()
        control_again(own)
        after = service(own, own.mdr, "5.2", "ReadSchedule", number)
        details = [[(e.tag, e.text) for e in r.body.iter()] for r in (before, after)]
        assert details[0] == details[1] and (f"{{{duis.SR}}}DeviceID", own.meter2) in details[0]
        assert service(own, own.mdr, "5.2", "ReadSchedule", deleted).code != "I0"
        dispatched = scheduled_to(own.csp)[0]
        assert dispatched.headers["motorway-request-id"].split(":")[-1] == str(int(soon) << 20)
        assert schedule_id(own.receiver.wait(is_scheduled)[0]) == soon
        assert int(create(own, own.mdr, 3600)) > max(int(n) for n in (number, deleted, soon))
        assert not [p for p in own.receiver.posts if is_alert(p)]


def test_alerts_outlive_the_process():
    """Raised while the data plane is away, owed over kill -9, delivered once."""
    with Gateway() as own:
        numbers = [create(own, own.mdr, 3600) for _ in range(20)]
        own.motorway.stop()
        result = own.ctl("schedule", "remove", "mdra", *numbers)
        assert result.returncode == 0 and "20 schedules" in result.stdout, result
        kill_control(own)
        own.start_control()
        wire.wait_until(lambda: own.ctl("status").returncode == 0, 20, own.logs)
        assert own.status()["control"]["alerts_waiting"] == 20
        own.start_motorway()
        own.wait_ready()
        own.receiver.wait(is_alert, count=20)
        wire.wait_until(lambda: own.status()["control"]["alerts_waiting"] == 0, 20, own.logs)
        kill_control(own)
        control_again(own)
        time.sleep(1)
        found = removals(own)
        assert sorted(found) == sorted(numbers)
        assert all(len(ids) == 1 for ids in found.values()), found
        assert len([p for p in own.receiver.posts if is_alert(p)]) == 20
        own.good()


class Work:
    """Users who create and delete schedules, and an operator who removes some, whatever happens to
    control. What was answered is kept; what was not may have happened or not."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.live = set()      # answered I0
        self.unsure = set()    # a deletion or removal of these was not answered
        self.deleted = set()   # answered I99
        self.removed = set()   # told to the operator
        self.ids = []
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.errors = []

    def take(self):
        with self.lock:
            if not self.live:
                return None
            number = random.choice(sorted(self.live))
            self.live.remove(number)
            self.unsure.add(number)
            return number

    def done(self, number, place):
        with self.lock:
            self.unsure.remove(number)
            place.add(number)

    def create(self):
        try:
            number = create(self.gateway, self.gateway.mdr, 3600)
        except (AssertionError, OSError, wire.Closed):
            time.sleep(0.02)   # control is away
            return
        with self.lock:
            self.ids.append(number)
            self.live.add(number)

    def delete(self):
        number = self.take()
        if number is None:
            return
        response = service(self.gateway, self.gateway.mdr, "5.3", "DeleteSchedule", number)
        if response is not None and response.code == "I99":
            self.done(number, self.deleted)

    def remove(self):
        number = self.take()
        if number is None:
            return
        result = self.gateway.ctl("schedule", "remove", "mdra", number)
        if result.returncode == 0 and "1 schedules" in result.stdout:
            self.done(number, self.removed)

    def run(self, seed):
        dice = random.Random(seed)
        try:
            while not self.ending.is_set():
                dice.choice([self.create, self.create, self.create, self.delete, self.remove])()
        except Exception as error:   # told by the test's own thread
            self.errors.append(error)


def test_killed_at_random():
    """kill -9 of control while schedules are created and removed and alerts are owed: nothing that was
    answered is lost, no alert is lost, none reaches the user with two ids."""
    random.seed(20261122)
    with Gateway() as own:
        work = Work(own)
        threads = [threading.Thread(target=work.run, args=(n,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(8):
            time.sleep(0.2 + random.random())
            kill_control(own)
            time.sleep(random.random() * 0.3)
            control_again(own)
        time.sleep(0.5)
        work.ending.set()
        for thread in threads:
            thread.join()
        assert not work.errors, work.errors
        assert len(work.ids) > 50 and len(work.deleted) > 3 and len(work.removed) > 3, \
            (len(work.ids), len(work.deleted), len(work.removed))
        assert len(set(work.ids)) == len(work.ids), "an id came twice"
        wire.wait_until(lambda: own.status()["control"]["alerts_waiting"] == 0, 30, own.logs)
        stored = set(listed(own))
        assert work.live <= stored, work.live - stored
        assert not stored & (work.deleted | work.removed)
        own.receiver.wait(is_alert, count=len(work.removed))
        found = removals(own)
        assert work.removed <= set(found), work.removed - set(found)
        # Whoever was not told may have been heard all the same.
        assert set(found) <= work.removed | work.unsure, set(found) - work.removed
        assert not set(found) & stored
        twice = {number: ids for number, ids in found.items() if len(ids) != 1}
        assert not twice, twice
        own.good()


def test_killed_while_appointments_change():
    """kill -9 of control at random moments of a change of retriever that removes hundreds of
    schedules: each goes, each makes one alert with one id."""
    own, port = with_feed()
    random.seed(7)
    with own:
        add_user(own, *RETRIEVER_B)
        reload(own)
        numbers = [create(own, own.mdr, 3600, device) for _ in range(90)
                   for device in (own.meter2, own.south2)]
        for device in (own.meter2, own.south2):
            _, export_mpan = mpans(own, device)
            own.motorway.process.send_signal(signal.SIGSTOP)
            number = 1 if device == own.meter2 else 2
            assert post(port, message(number, export_mpan, "MDRB", day(-2)))[0] == 200
            time.sleep(random.random() * 0.02)
            kill_control(own)
            own.motorway.process.send_signal(signal.SIGCONT)
            own.start_control()
            time.sleep(random.random() * 0.3)
            kill_control(own)
            control_again(own)
        own.receiver.wait(is_alert, count=len(numbers), timeout_s=60)
        wire.wait_until(lambda: own.status()["control"]["alerts_waiting"] == 0, 30, own.logs)
        found = removals(own)
        assert sorted(found) == sorted(numbers)
        assert all(len(ids) == 1 for ids in found.values())
        assert listed(own) == []
        own.good()


def test_decision_outlives_the_process():
    """A request is held; an operator releases it while the data plane does not listen, and control is
    killed: it is released all the same."""
    with Gateway(start=False) as own:
        write_yaml(own.path("conf", "reference", "thresholds.yaml"), {"thresholds": [
            {"user": own.supplier.eui, "srv": "4.2", "period_s": 3600, "limit": 0}]})
        own.start()
        canonical, variant = own.read()
        request_id = re.search("RequestID>([^<]+)", canonical).group(1)
        assert duis.Response(own.send(own.supplier, canonical, variant).body).code == "I99"

        def held():
            events = json.loads(own.ctl("quarantine", "list", "--json").stdout)["events"]
            return [e["reference"] for e in events if e["state"] == "held"]
        wire.wait_until(lambda: len(held()) == 1, 20, own.logs)
        reference, = held()
        own.motorway.process.send_signal(signal.SIGSTOP)
        assert own.ctl("quarantine", "release", reference).returncode == 0
        kill_control(own)
        own.start_control()
        own.motorway.process.send_signal(signal.SIGCONT)
        own.csp.wait(endpoints.of_request(request_id))
        own.receiver.wait(lambda p: not is_alert(p) and endpoints.of_request(request_id)(p))
        wire.wait_until(lambda: connected(own), 20, own.logs)
        assert json.loads(own.ctl("quarantine", "list", "--json").stdout)["held"] == 0
