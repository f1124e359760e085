# SPDX-License-Identifier: Apache-2.0
"""The cases that are enumerated: what may be combined with what. Deterministic."""
import itertools
import random

import oracle
from oracle import Device, Entry, Request, User

DAY = 86400
T = 1760000400 // DAY * DAY     # a midnight, UTC
OWN, OTHER = 7, 8
LONG = {"start": T - 400 * DAY, "end": None}

ROLE_SETS = [(role,) for role in oracle.ROLES] + [
    ("IS", "MDR"), ("ES", "MDR"), ("IS", "ES", "GS", "OU"), ("ED", "GT"), ()]


def plain(facts, srv, **changes):
    """The request that fits its row, changed as told."""
    row = facts.rows[srv]
    variant = changes.pop("variant", row["command_variants"][0])
    values = {
        "srv": srv, "reference": row["service_reference"], "variant": variant,
        "body": "SignedPreCommand" if variant in (5, 6, 7) else row["body_element"],
        "service": oracle.SERVICE_OF[variant] or "S",
        "target": oracle.DSP if "non-device" in row.get("flags", []) else oracle.METER,
        "now": T + 100, "execution": T + 5 * DAY}
    values.update(changes)
    return Request(**values)


def all_kinds(organisation=OWN, **span):
    return tuple(Entry(organisation, kind, **(span or LONG)) for kind in oracle.KINDS[1:])


def fitting_type(row):
    return row.get("device_types", ["ESME"])[0]


def by_role(facts):
    """Roles x SRV x mode x version x generation x status of a device that is theirs."""
    requests = [plain(facts, srv, mode=mode, version=version)
                for srv in facts.rows
                for mode in ("at-once", "future-dated", "scheduled")
                for version in ("5.1", "5.4")]
    users = [User(roles) for roles in ROLE_SETS]
    for request in requests:
        kind = fitting_type(facts.rows[request.srv])
        devices = [Device(kind, status, generation, all_kinds())
                   for status in oracle.STATUSES[1:] for generation in ("SMETS1", "SMETS2")]
        yield from itertools.product(users, [*devices, None], [request])


def by_form(facts):
    """SRV x command variant x service x body x mode: what fits and what does not."""
    users = [User(("IS", "ES", "GS", "ED", "GT", "RSA", "LC")), User(("MDR",)),
             User(("IS",), active=False)]
    device = Device(entries=all_kinds())
    for srv, variant, service in itertools.product(facts.rows, range(1, 10), "TSD"):
        row = facts.rows[srv]
        for body in {row["body_element"], "SignedPreCommand", "ReadInventory"}:
            for mode in ("at-once", "future-dated"):
                request = plain(facts, srv, variant=variant, service=service, body=body, mode=mode)
                yield from ((user, device, request) for user in users)
        wrong = plain(facts, srv, variant=variant, service=service, reference="9.9")
        stray = plain(facts, srv, variant=variant, service=service, target=(
            oracle.METER if "non-device" in row.get("flags", []) else oracle.DSP))
        yield from ((users[0], device, request) for request in (wrong, stray))
    yield users[0], device, plain(facts, "4.2")._replace(srv="4.9")


def by_device(facts):
    """SRV x type x status x known entries or none, and devices that are absent or busy."""
    users = [User(("IS", "ES", "GS", "RSA")), User(("ED", "GT")), User(("MDR",)),
             User(("OU",)), User(("LC",))]
    devices = [Device(kind, status, "SMETS2", entries)
               for kind in oracle.TYPES for status in oracle.STATUSES
               for entries in ((), all_kinds())]
    devices += [None, "busy", Device("?", "Commissioned", "SMETS1", ()), Device(generation="?")]
    for srv, row in facts.rows.items():
        if "non-device" in row.get("flags", []):
            continue
        for variant in row["command_variants"][:2]:
            request = plain(facts, srv, variant=variant)
            yield from ((user, device, request) for user in users[:3] for device in devices)
        yield from ((user, device, plain(facts, srv)) for user in users[3:]
                    for device in devices[::3])


# Entitlements against the asked period T .. T + DAY: (from, to) of each piece, seconds from T.
OVERLAPS = {
    "none": [],
    "before": [(-9 * DAY, -DAY)],
    "touching its start": [(-9 * DAY, 0)],
    "a second into it": [(-9 * DAY, 1)],
    "over its start": [(-9 * DAY, DAY // 2)],
    "inside": [(3600, DAY - 3600)],
    "same": [(0, DAY)],
    "a second short at the start": [(1, DAY)],
    "a second short at the end": [(0, DAY - 1)],
    "around": [(-9 * DAY, 9 * DAY)],
    "around, open": [(-9 * DAY, None)],
    "from its start, open": [(0, None)],
    "a second late, open": [(1, None)],
    "over its end": [(DAY // 2, 9 * DAY)],
    "touching its end": [(DAY, 9 * DAY)],
    "after": [(2 * DAY, 9 * DAY)],
    "split, meeting": [(-DAY, DAY // 2), (DAY // 2, 2 * DAY)],
    "split, meeting, backwards": [(DAY // 2, 2 * DAY), (-DAY, DAY // 2)],
    "split, overlapping": [(-DAY, DAY // 2 + 60), (DAY // 2, 2 * DAY)],
    "split, a second apart": [(-DAY, DAY // 2), (DAY // 2 + 1, 2 * DAY)],
    "split in four": [(DAY // 4, DAY // 2), (DAY // 2, 3 * DAY // 4), (0, DAY // 4),
                      (3 * DAY // 4, DAY)],
    "nested": [(0, DAY), (3600, 7200), (-60, 60)],
    "called off, at its start": [(0, 0)],
    "called off in between": [(0, DAY // 2), (DAY // 2, DAY // 2), (DAY // 2 + 1, DAY)],
    "an hour short (summer)": [(-DAY, DAY - 3600)],
}

PERIODS = {
    "day": {"period": (T, T + DAY)},
    "backwards": {"period": (T + DAY, T)},
    "start only": {"period": (T, T)},
    "end only": {"period": (T + DAY, T + DAY)},
    "now": {"now": T + 1800},
    "later": {"mode": "future-dated", "execution": T + DAY, "now": T - 30 * DAY},
    "schedule": {"mode": "scheduled", "period": (T, T + DAY), "now": T + 2 * DAY},
}

ENTITLED_SRVS = ["4.1.1", "4.2", "4.6.1", "4.6.2", "4.8.1", "4.8.3", "4.17", "4.10", "4.12.2",
                 "6.2.4", "6.2.8", "1.1.1", "7.4", "14.1"]


def spans(kind, organisation, pieces):
    return tuple(Entry(organisation, kind, T + start, None if end is None else T + end)
                 for start, end in pieces)


def by_time(facts):
    """Roles x SRV x overlap x whose and what entitlement x period x generation x version."""
    kinds = {"IS": "import-supplier", "ES": "export-supplier", "GS": "gas-supplier",
             "RSA": "agent-import", "ED": "distributor", "GT": "transporter", "MDR": "mdr-import",
             "OU": "import-supplier", "LC": "import-supplier"}
    opposite = {"mdr-import": "mdr-export", "import-supplier": "export-supplier",
                "export-supplier": "import-supplier", "agent-import": "agent-export"}
    for srv, roles in itertools.product(ENTITLED_SRVS, ROLE_SETS[:12]):
        if not set(roles) & set(facts.rows[srv]["roles"]):
            continue
        requests = [plain(facts, srv, version=version, **period)
                    for period in PERIODS.values() for version in ("5.4", "5.1")]
        devices = []
        for pieces in OVERLAPS.values():
            for role in roles:
                kind = kinds[role]
                other = opposite.get(kind, kind)
                devices += [spans(kind, OWN, pieces), spans(other, OWN, pieces),
                            spans(kind, OTHER, [(-9 * DAY, None)]) + spans(kind, OWN, pieces)]
        generations = ("SMETS1", "SMETS2") if "MDR" in roles else ("SMETS2",)
        kind = fitting_type(facts.rows[srv])
        whole = [Device(kind, "Commissioned", generation, entries)
                 for entries in devices for generation in generations]
        for request in requests:
            yield from ((User(roles), device, request) for device in whole)


def change_of_agent(facts):
    """Two retrievers of one meter; each asks for windows around the change, at every offset."""
    change = T
    entries = (Entry(OWN, "mdr-import", T - 90 * DAY, change), Entry(OTHER, "mdr-import", change),
               Entry(OWN, "mdr-export", T - 90 * DAY))
    device = Device(entries=entries)
    offsets = [-DAY, -3600, -1800, -1, 0, 1, 1800, 3600, DAY]
    for srv in ("4.6.1", "4.8.1", "4.8.3", "4.17"):
        for start, end in itertools.product(offsets, offsets):
            request = plain(facts, srv, period=(change + start, change + end))
            for organisation in (OWN, OTHER, 9, 0):
                yield User(("MDR",), organisation), device, request


def at_random(facts, seed, count):
    """Anything with anything."""
    chance = random.Random(seed)
    srvs = list(facts.rows)
    users = [User(tuple(r for r in oracle.ROLES if chance.random() < 0.3),
                  chance.choice((0, OWN, OTHER)), chance.random() < 0.95) for _ in range(200)]
    instants = [T + chance.randrange(-5, 6) * DAY // 2 for _ in range(12)]

    def entry():
        end = chance.choice([None, *instants])
        return Entry(chance.choice((0, OWN, OWN, OTHER)), chance.choice(oracle.KINDS[1:]),
                     chance.choice(instants), end)
    devices = [Device(chance.choice(oracle.TYPES), chance.choice(oracle.STATUSES[3:5] * 4 +
                                                                 oracle.STATUSES),
                      chance.choice(oracle.GENERATIONS[1:]),
                      tuple(entry() for _ in range(chance.choice((0, 1, 4, 16, 60)))))
               for _ in range(4000)] + [None, "busy"]
    requests = []
    for _ in range(8000):
        srv = chance.choice(srvs)
        changes = {"mode": chance.choice(("at-once", "at-once", "future-dated", "scheduled")),
                   "version": chance.choice(("5.1", "5.4", "5.40", "5.3999", "6.0")),
                   "now": chance.choice(instants), "execution": chance.choice(instants)}
        if chance.random() < 0.6:
            changes["period"] = tuple(chance.choices(instants, k=2))
        if chance.random() < 0.3:
            changes["variant"] = chance.randrange(1, 10)
        requests.append(plain(facts, srv, **changes))
    for _ in range(count):
        yield chance.choice(users), chance.choice(devices), chance.choice(requests)


def near_misses(facts, seed, count):
    """Requests with few things wrong, so that the order of the checks decides which is told."""
    chance = random.Random(seed)
    srvs = [srv for srv in facts.rows if srv in ENTITLED_SRVS or chance.random() < 0.2]
    for _ in range(count):
        srv = chance.choice(srvs)
        row = facts.rows[srv]
        roles = set(chance.sample(row["roles"], chance.randint(1, min(3, len(row["roles"])))))
        user = {"roles": roles, "organisation": OWN, "active": True}
        device = {"type": fitting_type(row), "entries": all_kinds(),
                  "generation": chance.choice(("SMETS1", "SMETS2"))}
        changes = {}
        for _ in range(chance.randint(0, 3)):
            chance.choice((
                lambda: user.update(active=False), lambda: user.update(roles=set()),
                lambda: roles.add(chance.choice(oracle.ROLES)),
                lambda: user.update(roles={chance.choice(oracle.ROLES)}),
                lambda: user.update(organisation=chance.choice((0, OTHER))),
                lambda: device.update(status=chance.choice(oracle.STATUSES[1:])),
                lambda: device.update(type=chance.choice(oracle.TYPES[1:])),
                lambda: device.update(entries=spans(chance.choice(oracle.KINDS[1:]), OWN,
                                                    chance.choice(list(OVERLAPS.values())))),
                lambda: changes.update(version="5.1"), lambda: changes.update(reference="9.9"),
                lambda: changes.update(mode=chance.choice(("future-dated", "scheduled"))),
                lambda: changes.update(variant=chance.randrange(1, 10)),
                lambda: changes.update(service=chance.choice("TSD")),
                lambda: changes.update(target=chance.choice((oracle.DSP, oracle.METER))),
                lambda: changes.update(period=(T, T + DAY)),
                lambda: device.update(absent=chance.choice((None, "busy")))))()
        user["roles"] = tuple(sorted(user["roles"]))
        target = device.pop("absent") if "absent" in device else Device(**device)
        yield User(**user), target, plain(facts, srv, **changes)


def everything(facts):
    """(group, cases) one after another."""
    yield "by role", by_role(facts)
    yield "by form", by_form(facts)
    yield "by device", by_device(facts)
    yield "by time", by_time(facts)
    yield "change of agent", change_of_agent(facts)
    yield "at random", at_random(facts, 162, 60000)
