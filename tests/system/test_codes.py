# SPDX-License-Identifier: Apache-2.0
"""Every code that the gateway can answer, produced end to end: the table below is compared with
conf/access/checks.yaml, conf/access/services.yaml and the answers of conf/motorway.yaml, so that a
code without an end-to-end test fails here."""
import importlib
import inspect

import yaml

import duis
import endpoints
import test_entitlement
from cases import rows
from gateway import ROOT, Gateway, counter, write_yaml
from test_access import inventory, non_device, refused

CONF = {}
UNKNOWN = "00-DB-12-34-56-78-FF-FF"
SUSPENDED_METER = "00-DB-12-34-56-78-EE-01"
DISPLAY = "00-DB-12-34-56-78-EE-02"
CROWD = [f"00-DB-12-34-56-78-EE-{number:02X}" for number in range(0x10, 0x10 + 18)]

OFFSETS = ("<sr:StartDateOffset>{start}</sr:StartDateOffset><sr:StartTime>00:00:00.00Z</sr:StartTime>"
           "<sr:EndDateOffset>{end}</sr:EndDateOffset><sr:EndTime>00:00:00.00Z</sr:EndTime>")
ELEMENTS = {   # SRV: service reference, element, has it a period
    "4.2": ("4.2", "DSPReadInstantaneousExportRegisters", False),
    "4.6.1": ("4.6", "DSPRetrieveImportDailyReadLog", True),
    "4.6.2": ("4.6", "DSPRetrieveExportDailyReadLog", True),
    "4.8.1": ("4.8", "DSPReadActiveImportProfileData", True),
    "4.8.2": ("4.8", "DSPReadReactiveImportProfileData", True),
    "4.8.3": ("4.8", "DSPReadExportProfileData", True),
    "4.10": ("4.10", "DSPReadNetworkData", True),
    "4.12.1": ("4.12", "DSPReadMaximumDemandImportRegisters", False),
    "4.12.2": ("4.12", "DSPReadMaximumDemandExportRegisters", False),
    "4.14": ("4.14", "DSPReadPrepaymentDailyReadLog", True),
    "4.15": ("4.15", "DSPReadLoadLimitData", False),
    "4.16": ("4.16", "DSPReadActivePowerImport", False),
    "4.17": ("4.17", "DSPRetrieveDailyConsumptionLog", True),
    "14.1": ("14.1", "DSPRecordNetworkDataGAS", False),
}


def schedule(device, srv="4.8.3", element=None, reference=None, start="2099-01-01", end=None,
             offsets=(-1, 0), credential=""):
    """The body of a 5.1."""
    own_reference, own_element, _ = ELEMENTS[srv]
    element = element or own_element
    period = next(row[2] for row in ELEMENTS.values() if row[1] == element)
    last = f"<sr:ScheduleEndDate>{end}</sr:ScheduleEndDate>" if end else ""
    inside = OFFSETS.format(start=offsets[0], end=offsets[1]) if period else ""
    if credential:
        credential = (f"<sr:KAPublicSecurityCredential>{credential}"
                      "</sr:KAPublicSecurityCredential>")
    return ("<sr:CreateSchedule><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
            f"<sr:ScheduleStartDate>{start}</sr:ScheduleStartDate>{last}{credential}"
            f"<sr:DSPScheduledServiceReference>{reference or own_reference}"
            "</sr:DSPScheduledServiceReference>"
            f"<sr:DSPScheduledServiceReferenceVariant>{srv}"
            "</sr:DSPScheduledServiceReferenceVariant>"
            f"<sr:DeviceID>{device}</sr:DeviceID><sr:{element}>{inside}</sr:{element}>"
            "</sr:CreateSchedule>")


def facts(name, key):
    with open(ROOT / "conf" / name, encoding="utf-8") as file:
        return yaml.safe_load(file)[key]


def world(gateway):
    """A stranger to all meters, a meter that is suspended, a display and a house full of meters."""
    if not hasattr(gateway, "codes_ready"):
        gateway.stranger_b = test_entitlement.add_user(
            gateway, "supplier-b", "90-B3-D5-1F-30-7F-00-31", ["IS", "ES"], "SUPB")
        path = gateway.path("conf", "reference", "devices.yaml")
        with open(path, encoding="utf-8") as file:
            devices = yaml.safe_load(file)["devices"]
        meter, = [d for d in devices if d["device_id"] == gateway.meter2]
        devices += [{**meter, "device_id": SUSPENDED_METER, "status": "Suspended"},
                    {**meter, "device_id": DISPLAY, "type": "PPMID"}]
        for name in ("import_mpxn", "secondary_import_mpan", "export_mpan"):
            meter = {key: value for key, value in meter.items() if key != name}
        devices += [{**meter, "device_id": device, "uprn": "4711"} for device in CROWD]
        write_yaml(path, {"devices": devices})
        test_entitlement.reload(gateway)
        gateway.codes_ready = True
    return gateway


def read(g, user, *arguments, service=None, **named):
    canonical, variant = g.read(user, *arguments, **named)
    return g.send(user, canonical, variant, service)


def create(g, user, body, version="5.4"):
    canonical = duis.request(user.eui, duis.DSP, counter.take(), 8, "5.1", body, version)
    return g.send(user, canonical, 8)


def service(g, srv, body):
    return g.send(g.supplier, non_device(g.supplier, srv, body), 8)


def one(element, name, value):
    return f"<sr:{element}><sr:{name}>{value}</sr:{name}></sr:{element}>"


DATED = ("<sr:SignedPreCommand><sr:ExecutionDateTime>2099-01-01T00:00:00.00Z</sr:ExecutionDateTime>"
         "<sr:GBCSPayload>3wkB</sr:GBCSPayload></sr:SignedPreCommand>")

# Of checks.yaml: what is sent so that this check, and no other, refuses.
CHECKS = {
    "user-suspended": lambda g: read(g, g.suspended),
    "srv-mismatch": lambda g: read(g, g.supplier, body="<sr:ReadSupplyStatus></sr:ReadSupplyStatus>"),
    "command-variant": lambda g: read(g, g.supplier, variant=9),
    "service": lambda g: read(g, g.supplier, service="T"),
    "role-not-permitted": lambda g: read(g, g.other, srv="4.6.2"),
    "mode": lambda g: g.send(g.supplier, duis.request(
        g.supplier.eui, g.meter2, counter.take(), 5, "7.2", DATED), 5),
    "duis-version": lambda g: read(g, g.mdr, version="5.1"),
    "target": lambda g: g.send(g.supplier, non_device(
        g.supplier, "8.2", inventory(g.meter2), g.meter2), 8),
    "device-unknown": lambda g: read(g, g.supplier, UNKNOWN),
    "not-entitled": lambda g: read(g, g.stranger_b),
    "device-status": lambda g: read(g, g.supplier, SUSPENDED_METER),
    "device-type": lambda g: read(g, g.supplier, DISPLAY),
    "generation": lambda g: read(g, g.mdr, g.meter1, srv="4.17"),
    "local-command": lambda g: read(g, g.mdr, variant=2),
}

# Of services.yaml.
SERVICES = {
    "schedule-mismatch": lambda g: create(g, g.supplier, schedule(
        g.meter2, element="DSPReadActiveImportProfileData")),
    "schedule-date-order": lambda g: create(g, g.supplier, schedule(g.meter2, end="2098-12-31")),
    "schedule-date-passed": lambda g: create(g, g.supplier, schedule(
        g.meter2, start="2020-01-01", end="2020-02-01")),
    "schedule-date-range": lambda g: create(g, g.supplier, schedule(g.meter2, start="2300-01-01")),
    "schedule-period-order": lambda g: create(g, g.supplier, schedule(g.meter2, offsets=(0, -1))),
    "schedule-too-large": lambda g: create(g, g.supplier, schedule(
        g.meter2, credential="QUFB" * 2500)),
    "schedule-limit": lambda g: ninety_nine(g),
    "schedule-device-unknown": lambda g: create(g, g.supplier, schedule(UNKNOWN)),
    "schedule-role": lambda g: create(g, g.other, schedule(g.meter2, "4.6.1")),
    "schedule-mdr": lambda g: create(g, g.mdr, schedule(g.meter2, "4.16")),
    "schedule-generation": lambda g: create(g, g.mdr, schedule(g.meter1, "4.17")),
    "schedule-not-entitled": lambda g: create(g, g.stranger_b, schedule(g.meter2)),
    "schedule-device-status": lambda g: create(g, g.supplier, schedule(SUSPENDED_METER)),
    "schedule-device-type": lambda g: create(g, g.supplier, schedule(DISPLAY)),
    "schedule-version": lambda g: create(g, g.supplier, schedule(g.meter2, "4.2"), "5.1"),
    "read-schedule-unknown": lambda g: service(g, "5.2", one("ReadSchedule", "DSPScheduleID", 7)),
    "read-schedule-none": lambda g: service(g, "5.2", one("ReadSchedule", "DeviceID", g.gas2)),
    "delete-schedule-unknown": lambda g: service(
        g, "5.3", one("DeleteSchedule", "DSPScheduleID", 7)),
    "delete-schedule-none": lambda g: service(g, "5.3", one("DeleteSchedule", "DeviceID", g.gas2)),
    "inventory-nothing": lambda g: service(g, "8.2", one("ReadInventory", "UPRN", 999)),
    "inventory-too-many": lambda g: service(g, "8.2", one("ReadInventory", "UPRN", 4711)),
}

# Those that need a gateway of their own, and those of the answers of conf/motorway.yaml: where the
# test is (module, function); its text names the reason or the code.
ELSEWHERE = {
    "schedule-not-schedulable": ("codes", "test_not_schedulable"),
    "user-unknown": ("signatures", "test_user_unknown"),
    "signature-missing": ("signatures", "test_unsigned"),
    "signature-profile": ("signatures", "test_other_profile"),
    "certificate-unknown": ("signatures", "test_certificate_unknown"),
    "certificate-foreign": ("signatures", "test_certificate_of_another_user"),
    "signature-wrong": ("signatures", "test_other_key"),
    "request-id-repeated": ("access", "test_repeated_request_id"),
    "request-id-old": ("access", "test_largest_counter"),
    "service-unavailable": ("services", "test_not_offered"),
    "transform-unavailable": ("transform", "test_absent"),
    "transform-failed": ("transform", "test_down"),
    "device-unreachable": ("providers", "test_refuses_for_good"),
    "device-silent": ("providers", "test_silent_device"),
    "threshold-exceeded": ("quarantine", "test_what_cannot_be_held_is_refused"),
    "quarantine-deleted": ("quarantine", "test_deleted"),
}

# What cannot be brought about from outside, why, and the test that does it inside.
INSIDE = {
    "user-role": ("no table of users takes one without a role: E1 is user-unknown from outside",
                  "tests/unit/test_access.c", "MW_ACCESS_USER_ROLE"),
    "schedule-capacity": ("the store must be full or the registry image gone",
                          "tests/unit/test_control_services.c", "SERVICE_SCHEDULE_CAPACITY"),
    "service-not-understood": ("the data plane has judged the document by schema and SRV",
                               "tests/unit/test_control_services.c", "SERVICE_NOT_UNDERSTOOD"),
}

# What else issues name: the DUIS code, and the test that produces it.
CODES = {
    "E1": ("signatures", "test_user_unknown"),
    "E040101": ("codes", "test_code_of_the_matrix"),
    "N999": ("alerts", "test_alert_beyond_the_user_s_version"),
    "N53": ("quarantine", "test_held_announced_and_released"),
    "E20": ("providers", "test_refuses_for_good"),
    "E21": ("providers", "test_silent_device"),
}


def underscored(table):
    return {name.replace("-", "_"): name for name in table}


def ninety_nine(g):
    for _ in range(99):
        answer = create(g, g.supplier, schedule(g.south2))
        assert duis.Response(answer.body).code == "I0", answer
    return create(g, g.supplier, schedule(g.south2))


@rows(**underscored(CHECKS))
def test_check(gateway, name):
    code, = [check["code"] for check in facts("access/checks.yaml", "checks")
             if check["name"] == name]
    refused(gateway, CHECKS[name](world(gateway)), name, code)


@rows(**underscored(SERVICES))
def test_service(gateway, name):
    code = facts("access/services.yaml", "codes")[name]["code"]
    before = gateway.status()["control"]["services_refused"].get(name, 0)
    answer = SERVICES[name](world(gateway))
    if code == "E050111":   # MP162 brought it: the overlay has it, the published schema not
        answer.body = answer.body.replace(b"E050111", b"E050110")
        code = "E050110"
    refused(gateway, answer, "service-refused", code)
    assert gateway.status()["control"]["services_refused"][name] == before + 1


def test_code_of_the_matrix(gateway):
    """4.1.1 to SMETS2 by a Meter Data Retriever: the matrix has a code of its own. Of the others it
    names the check's."""
    refused(gateway, read(gateway, gateway.mdr, srv="4.1.1"), "generation", "E040101")
    others = {rule["mdr_generation_code"] for rule in facts("access/matrix.yaml", "rules")
              if "mdr_generation_code" in rule}
    assert others == {"E040101", "E11"}, others


def test_not_schedulable():
    """The matrix decides what can be scheduled, beside the schema: schedule-not-schedulable."""
    with Gateway() as own:
        path = own.path("conf", "access", "matrix.yaml")
        with open(path, encoding="utf-8") as file:
            rules = yaml.safe_load(file)["rules"]
        for rule in rules:
            if rule["srv"] == "4.8.3":
                rule["modes"].remove("scheduled")
        write_yaml(path, {"rules": rules})
        test_entitlement.reload(own)
        refused(own, create(own, own.supplier, schedule(own.meter2)), "service-refused", "E050101")
        refusals = own.status()["control"]["services_refused"]
        assert refusals == {"schedule-not-schedulable": 1}, refusals


@rows(**{"srv_" + srv.replace(".", "_"): srv for srv in ELEMENTS})
def test_scheduled_srv_and_element(gateway, srv):
    """The schema ties neither the service reference nor the element to the SRV: every element but
    its own is refused, and so is every other reference; the refusal names the element and where it
    stands."""
    g = world(gateway)
    code = facts("access/services.yaml", "codes")["schedule-mismatch"]["code"]
    references = {reference for reference, _, _ in ELEMENTS.values()}
    wrong = [({"element": element}, element) for _, element, _ in ELEMENTS.values()
             if element != ELEMENTS[srv][1]]
    wrong += [({"reference": reference}, "DSPScheduledServiceReference")
              for reference in references if reference != ELEMENTS[srv][0]]
    for change, fault in wrong:
        canonical = duis.request(g.supplier.eui, duis.DSP, counter.take(), 8, "5.1",
                                 schedule(g.meter2, srv, **change))
        refused(g, g.send(g.supplier, canonical, 8), "service-refused", code)
        request_id = duis.Request(canonical.encode()).request_id
        told = g.ctl("explain", "--request", request_id, "--json")
        assert told.returncode == 0, told
        line = yaml.safe_load(told.stdout)["service"]
        assert (line["reason"], line["element"]) == ("schedule-mismatch", fault), line
        assert canonical[line["offset"]:].startswith(f"<sr:{fault}>"), line


def test_held_requests_are_accepted_first(gateway):
    """I99 for a request that is held (quarantine.test_held_announced_and_released) is the I99 of
    every accepted request: the same document but for its ids and time."""
    answer = read(gateway, gateway.supplier)
    response = duis.Response(answer.body)
    assert (response.code, answer.reason, response.signed) == ("I99", None, False)
    gateway.receiver.wait(endpoints.of_request(response.request_id))


def source_of(module, function):
    found = getattr(importlib.import_module(f"test_{module}"), function, None)
    assert callable(found), f"{module}.{function} is not there"
    return inspect.getsource(found) + inspect.getsource(importlib.import_module(f"test_{module}"))


def test_table_is_complete():
    checks = {check["name"] for check in facts("access/checks.yaml", "checks")}
    services = set(facts("access/services.yaml", "codes"))
    answers = set(facts("motorway.yaml", "answers"))
    known = {*CHECKS, *SERVICES, *ELSEWHERE, *INSIDE}
    assert checks | services | answers == known, (
        f"without an end-to-end test: {sorted((checks | services | answers) - known)}; "
        f"not in conf: {sorted(known - checks - services - answers)}")
    for name, (module, function) in ELSEWHERE.items():
        codes = {**facts("motorway.yaml", "answers"), **facts("access/services.yaml", "codes")}
        text = source_of(module, function)
        assert name in text or f'"{codes[name]["code"]}"' in text, (name, module, function)
    for code, (module, function) in CODES.items():
        assert f'"{code}"' in source_of(module, function), (code, module, function)
    for name, (_, path, word) in INSIDE.items():
        with open(ROOT / path, encoding="utf-8") as file:
            assert word in file.read(), (name, path)


def test_check_codes_are_those_of_the_issue():
    """E1 E2 E3 E4 E5 E11 E12 E13 E17 E19 are all given to a check that is produced above."""
    codes = {check["code"] for check in facts("access/checks.yaml", "checks")
             if check["name"] in CHECKS}
    assert codes >= {"E2", "E3", "E4", "E5", "E11", "E12", "E13", "E17", "E19"}, codes
