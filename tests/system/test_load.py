# SPDX-License-Identifier: Apache-2.0
"""The initial load: kill -9 of it at random moments, and what control says and serves afterwards."""
import os
import random
import signal
import subprocess
import time

import gateway as gateways
import wire
from gateway import Gateway

DEVICES = 40000
KILLS = 8


def write_files(folder):
    """devices.csv and registrations.csv in random order; returns the words of the command."""
    numbers = list(range(DEVICES))
    random.Random(7).shuffle(numbers)
    with open(os.path.join(folder, "devices.csv"), "w", encoding="utf-8") as file:
        file.write("device_id,type,generation,provider,status,import_mpxn\n")
        for number in numbers:
            serial = f"{number:010X}"
            eui = "-".join(["00", "DB", "77", *(serial[i:i + 2] for i in range(0, 10, 2))])
            file.write(f"{eui},ESME,SMETS2,csp-north,Commissioned,{2100000000000 + number}\n")
    random.Random(8).shuffle(numbers)
    with open(os.path.join(folder, "registrations.csv"), "w", encoding="utf-8") as file:
        file.write("mpxn,kind,mpid,from\n")
        for number in numbers:
            file.write(f"{2100000000000 + number},supplier,SUPA,2020-01-01\n")
    return [f"{table}={os.path.join(folder, table)}.csv" for table in ("devices", "registrations")]


def control(own, *words):
    return [str(gateways.CONTROL), "-c", own.conf_path, *words]


def exported(own, table):
    """How many lines of the load the store has."""
    done = subprocess.run(control(own, "export", table, "-"), capture_output=True, text=True,
                          env=gateways.sanitizer_environment(), check=True)
    mark = "00-DB-77-" if table == "devices" else "21000000"
    return sum(line.startswith(mark) for line in done.stdout.splitlines())


def start_control(own):
    """Start it, wait until it answers, and return what it said at its start."""
    log = os.path.join(own.folder, "control.log")
    before = os.path.getsize(log)
    own.start_control()
    wire.wait_until(lambda: os.path.exists(own.socket), 30, own.logs)
    own.wait_ready()
    own.good()
    with open(log, encoding="utf-8") as file:
        file.seek(before)
        return file.read()


def test_killed_load():
    """Whatever the moment, the store has all of the load or nothing, the next start says so, and
    control serves as before; a load that is let alone is in force."""
    with Gateway() as own:
        words = write_files(own.folder)
        own.control.stop()
        own.control = None
        told = 0
        dice = random.Random(11)
        longest = 0.8
        for _ in range(KILLS):
            load = subprocess.Popen(control(own, "load", *words), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True,
                                    env=gateways.sanitizer_environment())
            time.sleep(dice.uniform(0.02, longest))
            ended = load.poll()
            load.send_signal(signal.SIGKILL)
            said = load.communicate()[1]
            assert ended in (None, 0), said
            found = exported(own, "devices")
            assert found in (0, DEVICES), found
            assert found == exported(own, "registrations")
            assert found == DEVICES or ended is None, "acknowledged, and lost"
            if "was cut off: nothing of it is in the store" in said:
                told += 1  # by the next load
            if found == DEVICES:
                longest = 0.3
        told += "was cut off: nothing of it is in the store" in start_control(own)
        own.control.stop()
        own.control = None
        done = subprocess.run(control(own, "load", *words), capture_output=True, text=True,
                              env=gateways.sanitizer_environment(), check=True)
        assert f"devices: {DEVICES} lines, 0 wrong" in done.stdout, done.stdout
        assert exported(own, "devices") == DEVICES
        assert "was cut off" not in start_control(own)
        image = own.status()["control"]["registry_image"]
        assert image["devices"] >= DEVICES, image
        assert told > 0, "no load was cut off"
