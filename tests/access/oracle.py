# SPDX-License-Identifier: Apache-2.0
"""Access control a second time, from the same YAML and nothing else.

Written from doc/access.md and in another way than the data plane: here each role is judged by itself
from the first check to the last, and a request is permitted when one role comes through; the refusal
is that of the role which came furthest. Entitlements are merged into sorted intervals first.
"""
import re
from fractions import Fraction
from typing import NamedTuple

import yaml

DSP, METER = "dsp", "meter"
SERVICE_OF = {1: "S", 2: "D", 3: "S", 4: "T", 5: "S", 6: "D", 7: "S", 8: "D", 9: None}
ROLES = ["IS", "ES", "GS", "RSA", "ED", "GT", "OU", "MDR", "LC"]
TYPES = ["?", "ESME", "GSME", "GPF", "CHF", "HCALCS", "PPMID", "IHD", "CAD"]
STATUSES = ["?", "Pending", "Whitelisted", "InstalledNotCommissioned", "Commissioned",
            "Decommissioned", "Withdrawn", "Suspended", "Recovery", "Recovered"]
GENERATIONS = ["?", "SMETS1", "SMETS2"]
KINDS = ["?", "import-supplier", "export-supplier", "gas-supplier", "distributor", "transporter",
         "mdr-import", "mdr-export", "agent-import", "agent-export", "agent-gas"]
NEVER = -(1 << 63)


class User(NamedTuple):
    roles: tuple
    organisation: int = 7
    active: bool = True


class Entry(NamedTuple):
    organisation: int
    kind: str
    start: int
    end: int = None     # None: open


class Device(NamedTuple):
    type: str = "ESME"
    status: str = "Commissioned"
    generation: str = "SMETS2"
    entries: tuple = ()


class Request(NamedTuple):
    srv: str
    reference: str
    body: str
    variant: int
    service: str
    version: str = "5.4"
    mode: str = "at-once"    # at-once, future-dated, scheduled
    target: str = METER
    execution: int = 0
    now: int = 1760000000
    period: tuple = None     # (start, end)


class Verdict(NamedTuple):
    reason: str
    code: str = "-"
    route: str = "-"
    roles: frozenset = frozenset()
    uncovered: int = 0


class Facts:
    """conf/access as it stands."""

    def __init__(self, matrix_path, checks_path):
        with open(matrix_path, encoding="utf-8") as file:
            self.rows = {row["srv"]: row for row in yaml.safe_load(file)["rules"]}
        with open(checks_path, encoding="utf-8") as file:
            self.more = yaml.safe_load(file)
        self.order = [check["name"] for check in self.more["checks"]]
        self.codes = {check["name"]: check["code"] for check in self.more["checks"]}
        self.kinds_of_role = {e["role"]: set(e["kinds"]) for e in self.more["entitlements"]}
        self.kinds_of_direction = {d["direction"]: set(d["kinds"])
                                   for d in self.more["directions"]}
        self.uplift = version(self.more["uplift"]["version"])


def version(text):
    return Fraction(re.sub(r"\s", "", text))


def merged(entries):
    """Sorted intervals that neither touch nor overlap, of those that last at all."""
    spans = sorted((e.start, float("inf") if e.end is None else e.end) for e in entries)
    joined = []
    for start, end in spans:
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(end, joined[-1][1])
        else:
            joined.append([start, end])
    return joined


class Case:
    """One request judged for one role after another."""

    def __init__(self, facts, user, device, request):
        self.facts, self.user, self.device, self.request = facts, user, device, request
        self.row = facts.rows.get(request.srv)
        self.for_dsp = self.row is not None and "non-device" in self.row.get("flags", [])
        if request.period:
            self.start, self.end = min(request.period), max(request.period)
        else:
            self.start = self.end = (request.execution if request.mode == "future-dated"
                                     else request.now)
        self.reached = {}

    def mode_words(self):
        return {"scheduled": {"scheduled"},
                "future-dated": {"future-dated-dsp", "future-dated-device"},
                "at-once": {"on-demand", "dcc-only"}}[self.request.mode]

    def entitled(self, role):
        if role is None:
            return False
        needed = self.facts.kinds_of_role[role]
        if not needed:
            return True
        unlinked = self.facts.more["unlinked_devices"]
        if not self.device.entries and role in unlinked["roles"] and \
                (self.device.type in unlinked["device_types"] or
                 self.device.status in unlinked["device_statuses"]):
            return True
        kinds = needed & self.facts.kinds_of_direction[self.row["direction"]]
        own = merged(e for e in self.device.entries
                     if self.user.organisation and e.organisation == self.user.organisation
                     and e.kind in kinds)
        around = [span for span in own if span[0] <= self.start <= span[1]]
        self.reached[role] = around[0][1] if around else self.start
        return bool(around) and around[0][1] >= self.end

    def satisfied(self, check, role):
        """Does this check let this role through? None: it has nothing to say."""
        request, row, device, user = self.request, self.row, self.device, self.user
        if check == "user-role":
            return role is not None
        if check == "user-suspended":
            return user.active
        if check == "srv-mismatch":
            wanted = "SignedPreCommand" if request.variant in (5, 6, 7) else \
                row and row["body_element"]
            return row is not None and row["service_reference"] == request.reference and \
                request.body == wanted
        if check == "service":
            return request.mode == "scheduled" or SERVICE_OF[request.variant] == request.service
        if row is None:
            return None
        if check == "command-variant":
            return request.variant in row["command_variants"]
        if check == "role-not-permitted":
            return role in row["roles"]
        if check == "mode":
            return bool(self.mode_words() & set(row["modes"])) and \
                (request.mode != "future-dated" or
                 request.variant in self.facts.more["future_dated"]["command_variants"])
        if check == "duis-version":
            return version(request.version) >= self.facts.uplift or \
                (role not in self.facts.more["uplift"]["roles"] and
                 not self.mode_words() & set(row.get("uplift_modes", [])))
        if check == "target":
            return request.target == DSP if self.for_dsp else None
        if self.for_dsp:
            return None
        if check == "device-unknown":
            return isinstance(device, Device)
        if check == "local-command":
            return self.local(role)
        if not isinstance(device, Device):
            return None
        if check == "generation":
            return device.generation in row.get("generations", ["SMETS1", "SMETS2"]) and \
                (role != "MDR" or device.generation in row.get("mdr_generations", []))
        if check == "not-entitled":
            return self.entitled(role)
        if check == "device-status":
            return device.status in row["device_statuses"]
        assert check == "device-type", check
        return device.type in row["device_types"]

    def local(self, role):
        rules = self.facts.more["local_commands"]
        if self.request.variant not in rules["command_variants"]:
            return None
        if isinstance(self.device, Device) and \
                self.device.status not in rules["device_statuses"]:
            return False
        return role in rules["roles"]

    def first_failure(self, role):
        for number, check in enumerate(self.facts.order):
            if self.satisfied(check, role) is False:
                return number
        return len(self.facts.order)


def judge(facts, user, device, request):
    """device: a Device, None (there is none) or "busy"."""
    case = Case(facts, user, device, request)
    furthest = {role: case.first_failure(role) for role in user.roles or (None,)}
    last = max(furthest.values())
    left = frozenset(role for role, number in furthest.items() if number == last)
    if last == len(facts.order):
        return permitted(case, left)
    check = facts.order[last]
    if check == "device-unknown" and device == "busy":
        return Verdict("capacity")
    code = facts.codes[check]
    if check == "generation" and left == {"MDR"}:
        code = case.row.get("mdr_generation_code", code)
    uncovered = 0
    if check == "not-entitled":
        uncovered = max((case.reached[role] for role in left if role), default=NEVER)
    return Verdict(check, code, uncovered=uncovered)


def permitted(case, roles):
    if case.for_dsp:
        answered = "control-answers" in case.row["flags"]
        return Verdict("accepted" if answered else "service-unavailable", route="control",
                       roles=roles)
    route = {1: "device", 2: "transform", 4: "transform", 6: "transform",
             3: "transform-and-device", 5: "transform-and-device",
             7: "transform-and-device"}[case.request.variant]
    return Verdict("accepted", route=route, roles=roles)
