# SPDX-License-Identifier: Apache-2.0
"""motorwayctl explain: the checks of a document or of what the data plane decided; and the replay
filter's window over restarts and resets."""
import json
import re

import yaml

import duis
import endpoints
import test_entitlement
import wire
from cases import rows
from gateway import MATERIAL, Gateway, counter, log_read, write_yaml
from test_access import refused
from test_codes import schedule
from test_schedules import create as create_due

CONF = {}
NAMES = ["user-role", "user-suspended", "srv-mismatch", "command-variant", "service",
         "role-not-permitted", "mode", "duis-version", "target", "device-unknown", "not-entitled",
         "device-status", "device-type", "generation", "local-command"]


def explain(gateway, request, *options):
    told = gateway.ctl("explain", "--request", request, "--json", *options)
    assert told.stderr == "", told.stderr
    return json.loads(told.stdout)


def explain_file(gateway, octets, *options):
    path = gateway.path("request.xml")
    with open(path, "wb") as file:
        file.write(octets)
    return explain(gateway, path, *options)


def verdicts(told):
    return {line["check"]: line["verdict"] for line in told["checks"]}


def test_accepted_document(gateway):
    canonical, _ = gateway.read(gateway.mdr, srv="4.8.3")
    told = explain_file(gateway, duis.sign(canonical, gateway.mdr.signer))
    assert [line["check"] for line in told["checks"]] == NAMES
    assert told["signature"]["verdict"] == "good" and "user mdr" in told["signature"]["data"]
    assert told["result"] == {"permitted": True, "reason": "accepted", "code": "", "roles": ["MDR"],
                              "route": "device"}, told["result"]
    assert told["request"]["period_from"] == "2025-01-01T00:00:00Z"
    assert told["request"]["service"] == "S" and told["service_given"] is False
    assert set(verdicts(told).values()) == {"passed", "not asked"}
    entitled, = [line for line in told["checks"] if line["check"] == "not-entitled"]
    assert "needed: mdr-export" in entitled["data"] and "2010-01-01" in entitled["data"], entitled


def test_refused_document_is_refused_alike(gateway):
    """What explain says is what the gateway answers, for whatever is wrong."""
    unknown = "00-DB-12-34-56-78-FF-FF"
    for user, arguments in ((gateway.mdr, {"srv": "4.1.1"}), (gateway.other, {"srv": "4.6.2"}),
                            (gateway.supplier, {"device": unknown}), (gateway.suspended, {}),
                            (gateway.mdr, {"version": "5.1"}), (gateway.supplier, {"variant": 9})):
        canonical, _ = gateway.read(user, **arguments)
        octets = duis.sign(canonical, user.signer)
        told = explain_file(gateway, octets)
        answer = gateway.post("S", octets)
        assert told["result"]["reason"] == answer.reason, (told["result"], answer.reason)
        assert told["result"]["code"] == duis.Response(answer.body).code
        assert verdicts(told)[answer.reason] == "refused"
        first = NAMES.index(answer.reason)
        assert "refused" not in list(verdicts(told).values())[:first]


def test_service_and_instant(gateway):
    canonical, _ = gateway.read(gateway.supplier)
    octets = duis.sign(canonical, gateway.supplier.signer)
    assert explain_file(gateway, octets, "--service", "T")["result"]["reason"] == "service"
    early = explain_file(gateway, octets, "--at", "2009-12-31T12:00:00Z")
    assert early["result"]["reason"] == "not-entitled" and early["at"] == "2009-12-31T12:00:00Z"
    assert early["result"]["not_covered_from"] == "2009-12-31T12:00:00Z", early["result"]
    for wrong in ("2009-12-31", "yesterday", "2009-12-31T12:00:00", "2009-13-31T12:00:00Z ",
                  "2009-02-29T12:00:00Z", "2009-12-31T24:00:00Z", "0000-12-31T12:00:00Z"):
        result = gateway.ctl("explain", "--request", gateway.path("request.xml"), "--at", wrong)
        assert result.returncode == 1 and "instant" in result.stderr, result
    assert gateway.ctl("explain", "--request", gateway.path("request.xml"),
                       "--service", "X").returncode == 1


@rows(unsigned="signature-missing", altered="signature-wrong", foreign="certificate-foreign",
      stranger="user-unknown", profile="signature-profile", unknown="certificate-unknown")
def test_signature(gateway, verdict):
    """The signature has a line of its own, with the gateway's word; the checks are made all the
    same, but for one who is no user."""
    user = gateway.stranger if verdict == "user-unknown" else gateway.supplier
    signer = {"certificate-foreign": gateway.mdr.signer,
              "certificate-unknown": gateway.stranger.signer}.get(verdict, user.signer)
    canonical, _ = gateway.read(user)
    octets = canonical.encode()
    if verdict != "signature-missing":
        profile = {"digest_method": "http://www.w3.org/2000/09/xmldsig#sha1"} \
            if verdict == "signature-profile" else {}
        octets = duis.sign(canonical, signer, **profile)
    if verdict == "signature-wrong":
        octets = octets.replace(gateway.meter2.encode(), gateway.gas2.encode())
    answer = gateway.post("S", octets)
    told = explain_file(gateway, octets)
    assert told["signature"]["verdict"] == verdict == answer.reason, (told, answer.reason)
    assert (verdict == "user-unknown") == ("checks" not in told), told


def test_input_that_is_no_request(gateway):
    """Nothing of the input but the engine's words comes out."""
    secret = "S3CRET-VALUE"
    for octets, code in ((b"", "empty"), (f"<{secret} &".encode(), "not-well-formed"),
                         (f"<!DOCTYPE a><a>{secret}</a>".encode(), "doctype"),
                         (f"<a>{secret}</a>".encode(), "root"),
                         (gateway.read(body=f"<sr:{secret}></sr:{secret}>")[0].encode(), "schema")):
        told = explain_file(gateway, octets)
        assert told["input"]["code"] == code and "offset" in told["input"], told
        if code != "schema":
            assert secret not in json.dumps(told)
    assert secret not in gateway.control.text() and secret not in gateway.motorway.text()
    big = gateway.path("big.xml")
    with open(big, "wb") as file:
        file.write(b" " * (256 * 1024 + 1))
    for name in (big, gateway.path("nothing.xml"), f"{gateway.supplier.eui}:{gateway.meter2}:x",
                 f"{gateway.supplier.eui}:{gateway.meter2}:01", gateway.path("conf")):
        result = gateway.ctl("explain", "--request", name)
        assert result.returncode == 2, (name, result)


def test_templates(gateway):
    """All published requests, explained by both forms of the answer: none breaks it."""
    templates = sorted(MATERIAL.glob("templates/*.XML"))[::15]
    for template in templates:
        told = explain_file(gateway, duis.minify(template.read_bytes()).encode())
        assert len(told["checks"]) == len(NAMES), (template, told)
        assert told["signature"]["verdict"] == "signature-missing"
        text = gateway.ctl("explain", "--request", gateway.path("request.xml"))
        assert text.returncode == 0 and "result      " in text.stdout, text


def test_schedule_is_judged_without_being_made(gateway):
    body = schedule(gateway.meter2, element="DSPReadActiveImportProfileData")
    canonical = duis.request(gateway.mdr.eui, duis.DSP, counter.take(), 8, "5.1", body)
    line = explain_file(gateway, duis.sign(canonical, gateway.mdr.signer))["service"]
    assert (line["reason"], line["code"]) == ("schedule-mismatch", "E050102"), line
    assert line["element"] == "DSPReadActiveImportProfileData"
    before = gateway.status()["control"]["schedules"]
    canonical = duis.request(gateway.mdr.eui, duis.DSP, counter.take(), 8, "5.1",
                             schedule(gateway.meter2))
    line = explain_file(gateway, duis.sign(canonical, gateway.mdr.signer))["service"]
    assert line["permitted"] is True, line
    assert gateway.status()["control"]["schedules"] == before


def test_decisions(gateway):
    """Accepted and refused alike, with what was known then; a refusal after access control too."""
    request_id = gateway.good()
    told = explain(gateway, request_id)
    decision, = told["decisions"]
    assert decision["accepted"] and decision["stage"] == "access control", decision
    assert (decision["srv"], decision["version"], decision["service"]) == ("4.2", "5.4", "S")
    assert decision["generation"] == gateway.status()["data_plane"]["generation"]
    assert told["result"]["permitted"] and told["request"]["request_id"] == request_id
    canonical, _ = gateway.read(gateway.mdr, srv="4.8.3", body=log_read(
        "ReadExportProfileData", "2009-06-01T00:00:00Z", "2010-06-02T00:00:00Z"))
    octets = duis.sign(canonical, gateway.mdr.signer)
    refused(gateway, gateway.post("S", octets), "not-entitled", "E4")
    told = explain(gateway, duis.Request(octets).request_id)
    decision, = told["decisions"]
    assert not decision["accepted"], decision
    assert (decision["reason"], decision["code"]) == ("not-entitled", "E4"), decision
    assert decision["period_from"] == "2009-06-01T00:00:00Z", decision
    assert decision["period_to"] == "2010-06-02T00:00:00Z"
    assert decision["not_covered_from"] == "2009-06-01T00:00:00Z"
    assert told["result"]["reason"] == "not-entitled"
    canonical, _ = gateway.read()
    octets = duis.sign(canonical, gateway.supplier.signer)
    request_id = duis.Request(octets).request_id
    gateway.post("S", octets)
    gateway.receiver.wait(endpoints.of_request(request_id))
    refused(gateway, gateway.post("S", octets), "request-id-repeated", "E100")
    stages = [(d["stage"], d["reason"]) for d in explain(gateway, request_id)["decisions"]]
    assert stages == [("after access control", "request-id-repeated"),
                      ("access control", "accepted"), ("access control", "accepted")], stages


def test_nothing_is_known(gateway):
    """Of a request that never came, and of one whose sender was not proven."""
    canonical, _ = gateway.read(gateway.supplier)
    gateway.send(gateway.supplier, canonical, signer=gateway.mdr.signer)
    ids = (f"{gateway.supplier.eui}:{gateway.meter2}:1",
           re.search("RequestID>([^<]+)", canonical).group(1))
    for request_id in ids:
        told = explain(gateway, request_id)
        assert told["decisions"] == [] and "not_explained" in told, told
        text = gateway.ctl("explain", "--request", request_id)
        assert text.returncode == 1 and "nothing is known" in text.stdout, text


def test_text_for_people(gateway):
    canonical, _ = gateway.read(gateway.mdr, srv="4.1.1")
    explain_file(gateway, duis.sign(canonical, gateway.mdr.signer))
    lines = gateway.ctl("explain", "--request", gateway.path("request.xml")).stdout.splitlines()
    assert any(re.fullmatch(r"  generation +refused +E040101 +SMETS2; .*", line) for line in lines)
    assert "result      refused: generation E040101" in lines, lines
    assert any(line.startswith("signature   good") for line in lines), lines


def test_usage(gateway):
    for words in ((), ("list",), ("--request", "a", "b")):
        assert gateway.ctl("explain", *words).returncode == 2
    assert gateway.ctl("status", "--request", "x").returncode == 2
    for words in ((), ("reset",), ("reset", gateway.mdr.eui, "why", "more"), ("drop", "x")):
        assert gateway.ctl("replay", *words).returncode == 2
    assert gateway.ctl("replay", "reset", "no-eui").returncode == 1
    assert gateway.ctl("replay", "reset", gateway.mdr.eui, "line\nbreak").returncode == 1


def test_reference_engine():
    """With the other engine of the configuration the same is said."""
    with Gateway({"schema": {"engine": "reference"}}) as own:
        canonical, _ = own.read(own.mdr, srv="4.1.1")
        told = explain_file(own, duis.sign(canonical, own.mdr.signer), "--timeout", "60")
        assert told["engine"] == "reference" and told["signature"]["verdict"] == "good"
        assert told["result"]["code"] == "E040101"


def suspend_meter(own):
    """The inventory says from now on that meter2 is suspended."""
    path = own.path("conf", "reference", "devices.yaml")
    with open(path, encoding="utf-8") as file:
        devices = yaml.safe_load(file)["devices"]
    for device in devices:
        if device["device_id"] == own.meter2:
            device["status"] = "Suspended"
    write_yaml(path, {"devices": devices})
    test_entitlement.reload(own)


def test_follows_the_reference_set():
    """A reload is seen; the decision that was made stays as it was made."""
    with Gateway(CONF) as own:
        request_id = own.good()
        suspend_meter(own)
        told = explain(own, request_id)
        assert told["decisions"][0]["accepted"] and told["result"]["code"] == "E5", told
        assert own.control.stop() == 0
        own.ended.append(own.control)
        result = own.ctl("explain", "--request", request_id)
        assert result.returncode == 1 and "not running" in result.stderr
        own.start_control()


def test_without_data_plane():
    with Gateway(CONF) as own:
        request_id = own.good()
        canonical, _ = own.read(own.supplier)
        own.motorway.stop()
        own.ended.append(own.motorway)
        own.motorway = None
        wire.wait_until(lambda: "no data plane" in own.ctl(
            "explain", "--request", request_id).stderr, 10, own.logs)
        told = explain_file(own, duis.sign(canonical, own.supplier.signer))
        assert told["result"]["permitted"], "a document needs no data plane"


def test_run_that_is_refused():
    """The device's status changes between a schedule's creation and its run: nothing is sent, the
    user gets the code in the scheduled lane, control counts it, and explain knows."""
    with Gateway(CONF) as own:
        create_due(own, own.mdr, 6)
        suspend_meter(own)
        delivered = own.receiver.wait(lambda p: p.path == "/mdr", 30)[0]
        response = duis.Response(delivered.body)
        assert response.code == "E5" and response.request_id.startswith(duis.DSP), response.code
        own.schema().check(delivered.body)
        assert not own.csp.posts, "it was sent"
        wire.wait_until(lambda: own.status()["control"]["due_reads_not_permitted"] ==
                        {"device-status": 1}, 10, own.logs)
        status = own.status()
        assert status["data_plane"]["counters"]["due_reads_not_permitted"] == 1
        assert status["data_plane"]["refused"]["device-status"] == 1
        assert status["control"]["schedules"] == 1, "it goes on"
        decision, = explain(own, response.request_id)["decisions"]
        assert (decision["service"], decision["reason"]) == ("scheduled", "device-status"), decision
        assert decision["user"] == own.mdr.eui and "period_from" in decision, decision


# ---- the window

def test_replay_over_a_restart():
    """Orderly or killed: what was accepted stays accepted, and what is above goes on."""
    with Gateway(CONF) as own:
        first, number = own.good(), counter.take()
        own.motorway.process.kill()
        own.motorway.process.wait()
        own.motorway.log.close()
        own.start_motorway()
        own.wait_ready()
        canonical, _ = own.read(target_counter=int(first.rsplit(":", 1)[1]))
        refused(own, own.send(own.supplier, canonical), "request-id-repeated", "E100")
        canonical, _ = own.read(target_counter=number)
        assert duis.Response(own.send(own.supplier, canonical).body).code == "I99"
        assert own.status()["data_plane"]["replay"]["scopes"] >= 1


def test_replay_state_of_another_gateway():
    with Gateway(CONF) as own:
        other = Gateway({"replay": {"state": own.path("replay.state")}}, start=False)
        try:
            other.start_control()
            other.start_motorway()
            wire.wait_until(lambda: not other.motorway.running(), 30, other.logs)
            assert "another gateway uses this replay state" in other.motorway.text()
            other.motorway.log.close()
            other.motorway = None
        finally:
            other.abandon()
        own.good()


def test_replay_reset():
    """An originator counts anew from below; nobody else's counters change."""
    with Gateway(CONF) as own:
        mark = int(own.good().rsplit(":", 1)[1])
        own.good(own.network)

        def send(number):
            canonical, _ = own.read(target_counter=number)
            return own.send(own.supplier, canonical)
        refused(own, send(5), "request-id-old", "E100")
        result = own.ctl("replay", "reset", own.supplier.eui, "restored from a backup", "--json")
        told = json.loads(result.stdout)
        assert (result.returncode, told["scopes"], told["highest"]) == (0, 1, str(mark)), told
        assert "restored from a backup" in own.control.text()
        assert duis.Response(send(5).body).code == "I99"
        refused(own, send(5), "request-id-repeated", "E100")
        assert own.ctl("replay", "reset", own.mdr.eui).returncode == 1, "it has sent nothing"
        assert own.status()["data_plane"]["counters"]["replay_resets"] == 2


def test_replay_by_target():
    """scope: originator-target: the same counter for another device is another request."""
    conf = {"replay": {"scope": "originator-target", "window": 64, "scopes_max": 4}}
    with Gateway(conf) as own:
        number = counter.take()
        devices = (own.meter2, own.meter1, own.south2)
        for device in devices:
            canonical, _ = own.read(device=device, target_counter=number)
            assert duis.Response(own.send(own.supplier, canonical).body).code == "I99"
        refused(own, own.send(own.supplier, canonical), "request-id-repeated", "E100")
        replay = own.status()["data_plane"]["replay"]
        assert (replay["scope"], replay["scopes"]) == ("originator-target", 3), replay
        # The fourth pair is the last; then nobody new finds room until one is reset.
        canonical, _ = own.read(own.network)
        assert duis.Response(own.send(own.network, canonical).body).code == "I99"
        canonical, _ = own.read(own.network, own.meter1)
        assert own.send(own.network, canonical).status == 503
        assert own.status()["data_plane"]["counters"]["replay_full"] == 1
        assert own.ctl("replay", "reset", own.supplier.eui).returncode == 0
        assert duis.Response(own.send(own.network, canonical).body).code == "I99"
