#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reckon the volumetric model a second time, in another way, and compare it with motorway-sim.

usage: recompute.py MOTORWAY-SIM conf/volumetrics.yaml

Here everything is an exact fraction of meters, nothing is divided among whole meters, and the day
goes from event to event instead of second by second. So counts may differ by the rounding of the
cells that they are made of, rates by that of a count, and a finish by seconds; caps must be equal
unless the exact value is that near to a whole number. Exit status 0 only if all agree.
"""
import json
import math
import subprocess
import sys
from fractions import Fraction

import yaml

PROVIDERS = {"csp-north": "SMETS2", "csp-south-central": "SMETS2", "s1sp-1": "SMETS1",
             "s1sp-2": "SMETS1", "s1sp-3": "SMETS1"}
CASES = [
    [],
    ["--meters", "24000"],
    ["--meters", "1000003", "--set", "export_percent=37.5"],
    ["--set", "supplier_percent=12.345", "--set", "smets1_both_fuels=20000000"],
    ["--set", "half_hourly_percent=40", "--set", "daily_percent=35", "--set", "day_of_month=28"],
    ["--set", "day_of_month=30", "--set", "loading_percent=85.5"],
    ["--set", "off_peak_tps=300", "--set", "failure_per_mille=250", "--set", "attempts_max=8"],
    ["--set", "reads.export-day-register.percent=30", "--set",
     "reads.export-day-register-old.percent=60.5", "--set", "off_peak_tps=16384"],
    ["--set", "supplier_import_additional_percent=33.3", "--set", "channel_reads_per_hour=250"],
]


def load(path):
    with open(path, encoding="utf-8") as file:
        conf = yaml.load(file, Loader=yaml.BaseLoader)
    for number in conf["inputs"].values():
        assert ("source" in number) != ("assumed" in number)
    return conf


def change(conf, name, value):
    if name.startswith("reads."):
        rows = [row for row in conf["reads"] if name == f"reads.{row['name']}.percent"]
        assert len(rows) == 1
        rows[0]["percent"] = value
    else:
        conf["inputs"][name]["value"] = value


class Model:
    def __init__(self, conf, meters):
        self.conf = conf
        self.numbers = {name: row["value"] if name == "placement" else Fraction(row["value"])
                        for name, row in conf["inputs"].items()}
        number = self.numbers
        smets1 = round(number["smets1_both_fuels"] * number["electricity_meters"] /
                       (number["electricity_meters"] + number["gas_meters"]))
        weights = {"csp-north": number["csp_north_hubs"],
                   "csp-south-central": number["meters"] - number["csp_north_hubs"] - smets1,
                   "s1sp-1": smets1 * number["s1sp_1_percent"] / 100,
                   "s1sp-2": smets1 * number["s1sp_2_percent"] / 100}
        weights["s1sp-3"] = smets1 - weights["s1sp-1"] - weights["s1sp-2"]
        self.meters = meters or number["meters"]
        self.providers = {name: weight * self.meters / number["meters"]
                          for name, weight in weights.items()}

    def share(self, read, provider, user):
        """The part of a provider's meters for which `user` makes this read."""
        number = self.numbers
        if read["generation"] not in ("any", PROVIDERS[provider]) or \
                read["user"] not in ("both", user):
            return Fraction(0)
        half_hourly, daily = number["half_hourly_percent"], number["daily_percent"]
        part = {"half-hourly": half_hourly, "daily": daily,
                "monthly": 100 - half_hourly - daily}[read["granularity"]] / 100
        supplier = number["supplier_percent"] / 100
        part *= supplier if user == "supplier" else 1 - supplier
        if read["direction"] == "export":
            part *= number["export_percent"] / 100
        return part * Fraction(read["percent"]) / 100

    def window(self, read, user):
        if read["mode"] == "on-demand" and user == "supplier":
            return "none"
        if self.numbers["placement"] == "by-user" and user == "supplier" and \
                read["direction"] == "import":
            return "Peak"
        return "Off Peak"

    def lines(self):
        """{(provider, user, direction, srv, frequency, mode, window): [meters, a day]}"""
        lines = {}
        on_day = Fraction(1 if self.numbers["day_of_month"] <= 28 else 0, 28)
        for read in self.conf["reads"]:
            for provider, meters in self.providers.items():
                for user in ("supplier", "MDR"):
                    count = meters * self.share(read, provider, user)
                    key = (provider, user, read["direction"], read["srv"], read["frequency"],
                           read["mode"], self.window(read, user))
                    line = lines.setdefault(key, [Fraction(0), Fraction(0)])
                    line[0] += count
                    line[1] += count if read["frequency"] == "daily" else count * on_day
        return lines

    def additional(self, key, count):
        if key[1] == "supplier" and key[2] == "import":
            return count * self.numbers["supplier_import_additional_percent"] / 100
        return count

    def retries(self, volume):
        failure = self.numbers["failure_per_mille"] / 1000
        attempts = int(self.numbers["attempts_max"])
        return sum(volume * failure ** i for i in range(1, attempts))

    def slots(self, provider, kind):
        row = next(row for row in self.conf["windows"] if row["provider"] == provider)
        rows = row["peak" if kind == "Peak" else "off_peak"]["slots"]

        def seconds(text):
            return int(text[:2]) * 3600 + int(text[3:]) * 60
        return [(seconds(slot["from"]), seconds(slot["to"]), int(slot.get("weight", 1)))
                for slot in rows]

    def caps(self, provider, kind, work):
        """Exact ones, not yet whole."""
        slots = self.slots(provider, kind)
        weighted = sum((to - begin) * weight for begin, to, weight in slots)
        return [work * weight / weighted / (self.numbers["loading_percent"] / 100)
                for _, _, weight in slots]

    def finish(self, kind, caps, work):
        """From event to event: a slot begins or ends, somebody has finished."""
        left = dict(work)
        finish = {}
        slots = {name: self.slots(name, kind) for name in [*PROVIDERS, "dco"]}
        edges = sorted({edge for rows in slots.values() for row in rows for edge in row[:2]})
        total = self.numbers["off_peak_tps"] if kind == "Off Peak" else None
        now = Fraction(0)
        while now < 86400:
            later = [edge for edge in edges if edge > now]
            until = Fraction(later[0]) if later else Fraction(86400)
            open_caps = {}
            for name in PROVIDERS:
                for index, (begin, to, _) in enumerate(slots[name]):
                    if begin <= now < to and left[name] > 0:
                        open_caps[name] = caps[name][index]
            if "s1sp-1" in open_caps:
                gate = [caps["dco"][i] for i, (begin, to, _) in enumerate(slots["dco"])
                        if begin <= now < to]
                open_caps["s1sp-1"] = min(open_caps["s1sp-1"], gate[0] if gate else 0)
            together = sum(open_caps.values())
            part = Fraction(1) if total is None or together <= total else total / together
            rates = {name: cap * part for name, cap in open_caps.items() if cap > 0}
            for name, rate in rates.items():
                until = min(until, now + left[name] / rate)
            for name, rate in rates.items():
                left[name] -= rate * (until - now)
                if left[name] == 0:
                    finish[name] = until
            now = until
        return finish, left


class Comparison:
    def __init__(self, case):
        self.case = case
        self.problems = []
        self.compared = 0

    def near(self, what, got, expected, tolerance):
        self.compared += 1
        if got is None or abs(got - expected) > tolerance:
            self.problems.append(f"{' '.join(self.case) or 'as it is'}: {what}: {got}, "
                                 f"reckoned {float(expected):.3f}")


def compare_lines(model, got, check):
    reckoned = model.lines()
    lines = {(line["provider"], line["user"], line["direction"], line["srv"], line["frequency"],
              line["mode"], line["window"]): line for line in got["reads"]}
    for key in lines.keys() - reckoned.keys():
        check.problems.append(f"{key}: not reckoned")
    for key, (meters, reads) in reckoned.items():
        line = lines.get(key, {"schedules": 0, "reads": 0, "additional": 0})
        # A line is made of up to 6 cells, and of reads of equal SRV.
        check.near(f"{key} meters", line["schedules"], meters, 12)
        check.near(f"{key} reads", line["reads"], reads, 13)
        check.near(f"{key} additional", line["additional"], model.additional(key, reads), 14)
    return reckoned


def compare_totals(model, got, check, reckoned):
    sizes = {row["srv"]: row for row in model.conf["sizes"]}
    additional = response = command = Fraction(0)
    for key, (_, reads) in reckoned.items():
        count = model.additional(key, reads)
        extra = 1 if key[5] == "scheduled" or key[1] == "MDR" else 0
        size = sizes[key[3]]
        additional += count
        response += count * (int(size["response_bytes"]) + extra * int(size["response_extra_bytes"]))
        command += count * (int(size["command_bytes"]) + extra * int(size["command_extra_bytes"]))
    totals = got["totals"]
    check.near("additional", totals["additional"], additional, 100)
    check.near("response octets", totals["response_bytes"], response, 100 * 1200)
    check.near("command octets", totals["command_bytes"], command, 100 * 700)
    if model.meters == model.numbers["meters"]:
        check.near("residual", totals["residual"], model.numbers["stated_requests"] - additional, 100)
        check.near("residual octets", totals["residual_response_bytes"],
                   model.numbers["stated_bytes"] - response, 100 * 1200)
    elif "residual" in totals:
        check.problems.append("a residual for another number of meters")


def compare_windows(model, got, check, reckoned):
    for kind in ("Peak", "Off Peak"):
        rows = got["windows"][kind]
        work, caps = {}, {}
        for name in PROVIDERS:
            volume = sum(line[1] for key, line in reckoned.items()
                         if key[0] == name and key[6] == kind)
            check.near(f"{kind} {name} volume", rows[name]["volume"], volume, 40)
            check.near(f"{kind} {name} retries", rows[name]["retries"], model.retries(volume), 60)
            work[name] = volume + model.retries(volume)
            slots = model.slots(name, kind)
            seconds = slots[-1][1] - slots[0][0]
            check.near(f"{kind} {name} need", rows[name]["need_milli_tps"], work[name] * 1000 / seconds,
                       1 + Fraction(100 * 1000, seconds))
            caps[name] = rows[name]["cap_tps"]
            for cap, exact in zip(caps[name], model.caps(name, kind, work[name])):
                # In a window of six hours or more 100 requests are less than 0.01 a second.
                least = max(1, math.ceil(exact - Fraction(1, 50)))
                most = max(1, math.ceil(exact + Fraction(1, 50)))
                if kind == "Off Peak":
                    least = min(least, model.numbers["off_peak_tps"])
                    most = min(most, model.numbers["off_peak_tps"])
                check.compared += 1
                if not least <= cap <= most:
                    check.problems.append(f"{check.case} {kind} {name}: cap {cap}, reckoned {least}")
        caps["dco"] = [max(caps["s1sp-1"])] * len(model.slots("dco", kind))
        check.near(f"{kind} dco cap", rows["dco"]["cap_tps"][0], caps["dco"][0], 0)
        finish, left = model.finish(kind, caps, work)
        for name in PROVIDERS:
            if name in finish and rows[name]["finish_s"] is not None:
                slowest = min(caps[name])
                # Rates are rounded down to 1/1000, each count may be some requests off.
                check.near(f"{kind} {name} finish", rows[name]["finish_s"], finish[name],
                           40 + Fraction(150, slowest))
            elif work[name] > 0:
                check.near(f"{kind} {name} left", rows[name]["left"], left[name], 250)


def compare_channels(model, got, check, reckoned):
    channels, number = got["csp_north_channels"], model.numbers
    loading = number["channel_loading_percent"] / 100
    volume = sum(line[1] for key, line in reckoned.items()
                 if key[0] == "csp-north" and key[6] == "Off Peak")
    kit = volume / model.providers["csp-north"] * number["kit_hubs"] / 10   # an hour of ten
    # A small number of meters is coarse.
    tolerance = Fraction(number["kit_hubs"]) * 40 / model.providers["csp-north"] * 100 + 200
    check.near("hubs of CSP North", channels["hubs_all"],
               number["csp_north_hubs"] * 100 / number["csp_north_enrolled_percent"], 1)
    check.near("reads an hour of a kit", channels["kit_hourly_milli_reads"], kit * 1000, tolerance)
    check.near("a channel carries", channels["channel_least_hourly_milli_reads"],
               kit * 1000 / (number["channels_added"] * loading), tolerance)
    if number["channel_reads_per_hour"]:
        check.near("channels needed", channels["channels_needed"],
                   math.ceil(kit / (number["channel_reads_per_hour"] * loading)), 0)


def compare(program, path, case):
    conf = load(path)
    meters = None
    for option, value in zip(case[::2], case[1::2]):
        if option == "--meters":
            meters = Fraction(value)
        elif option == "--reading":
            reading = next(row for row in conf["readings"] if row["name"] == value)
            for name, setting in reading["set"].items():
                change(conf, name, setting)
        else:
            change(conf, *value.split("="))
    model = Model(conf, meters)
    result = subprocess.run([program, "volumetrics", "--json", "--input", path, *case],
                            capture_output=True, text=True, check=True)
    got = json.loads(result.stdout)
    check = Comparison(case)
    for name in PROVIDERS:
        count = sum(cell["meters"] for cell in got["meters"] if cell["provider"] == name)
        check.near(f"meters of {name}", count, model.providers[name], 1)
    check.near("meters", sum(cell["meters"] for cell in got["meters"]), model.meters, 0)
    reckoned = compare_lines(model, got, check)
    compare_totals(model, got, check, reckoned)
    compare_windows(model, got, check, reckoned)
    compare_channels(model, got, check, reckoned)
    return check


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    program, path = sys.argv[1:]
    readings = [row["name"] for row in load(path)["readings"]]
    compared, problems = 0, []
    for case in CASES + [["--reading", name] for name in readings]:
        check = compare(program, path, case)
        compared += check.compared
        problems += check.problems
    for problem in problems[:50]:
        print(problem)
    print(f"{compared} numbers compared, {len(problems)} differ")
    return 1 if problems or compared < 1000 else 0


sys.exit(main())
