# SPDX-License-Identifier: Apache-2.0
"""Who is entitled to which meter, from the files over the store and the image to the answer."""
import datetime
import os

import yaml

import duis
import wire
from gateway import Gateway, User, log_read, make_signer, write_yaml
from test_access import refused

CONF = {}


def answer_of(gateway, user, device=None, srv="4.2"):
    canonical, variant = gateway.read(user, device, srv)
    return gateway.send(user, canonical, variant)


def code_of(gateway, user, device=None, srv="4.2"):
    return duis.Response(answer_of(gateway, user, device, srv).body).code


def add_user(gateway, name, eui, roles, mpid):
    user = User(name, eui, roles, make_signer(gateway.folder, name, eui), mpid=mpid)
    gateway.users.append(user)
    gateway.write_reference()
    return user


def append(gateway, name, line):
    with open(gateway.path("conf", "reference", name), "a", encoding="utf-8") as file:
        file.write(line + "\n")


def reload(gateway):
    reloads = gateway.control.text().count(": reloaded: ")
    gateway.control.process.send_signal(1)
    wire.wait_until(lambda: gateway.control.text().count(": reloaded: ") > reloads, 20,
                    gateway.logs)


def mpans(gateway, device_id):
    with open(gateway.path("conf", "reference", "devices.yaml"), encoding="utf-8") as file:
        device, = [d for d in yaml.safe_load(file)["devices"] if d["device_id"] == device_id]
    return device["import_mpxn"], device["export_mpan"]


def test_another_supplier():
    """Registered for nothing: E4, whatever the SRV; the meter is known to exist and no more."""
    with Gateway(CONF) as own:
        other = add_user(own, "supplier-b", "90-B3-D5-1F-30-7F-00-21", ["IS", "ES"], "SUPB")
        reload(own)
        wire.wait_until(lambda: code_of(own, other) == "E4", 10, own.logs)
        for srv in ("4.1.1", "4.2", "4.8.3"):
            refused(own, answer_of(own, other, srv=srv), "not-entitled", "E4")
        own.good()


def test_appointment_from_the_files():
    """Import and export MPANs are appointed separately; a later day is not yet; kill -9 of control
    loses nothing that was in force, also when it is no longer in the files."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    with Gateway(CONF) as own:
        late = add_user(own, "mdr-b", "90-B3-D5-1F-30-7F-00-22", ["MDR"], "MDRB")
        import_mpan, export_mpan = mpans(own, own.meter2)
        day = datetime.timedelta(days=1)
        append(own, "appointments.csv", f"{export_mpan},MDR,MDRB,{today + 3 * day},")
        reload(own)
        wire.wait_until(lambda: code_of(own, late) == "E4", 10, own.logs)
        assert code_of(own, own.mdr) == "I99"
        append(own, "appointments.csv", f"{export_mpan},MDR,MDRB,{today - 2 * day},")
        reload(own)
        wire.wait_until(lambda: code_of(own, late) == "I99", 5, own.logs)
        # 4.2 and 4.8.3 are of the export MPAN; the import MPAN is the other retriever's still.
        refused(own, answer_of(own, own.mdr), "not-entitled", "E4")
        change = own.status()["control"]["registry_image"]["change"]
        own.control.process.kill()
        own.control.process.wait()
        own.control.log.close()
        own.control = None
        assert code_of(own, late) == "I99", "without control"
        for name in ("appointments.csv", "registrations.csv"):
            path = own.path("conf", "reference", name)
            with open(path, encoding="utf-8") as file:
                first = file.readline()
            with open(path, "w", encoding="utf-8") as file:
                file.write(first)
        own.start_control()
        wire.wait_until(lambda: own.ctl("status").returncode == 0, 30, own.logs)
        wire.wait_until(lambda: own.status()["control"]["generation_applied"] ==
                        own.status()["control"]["generation"], 30, own.logs)
        image = own.status()["control"]["registry_image"]
        assert image["builds"] == 0 and image["change"] >= change, image
        assert code_of(own, late) == "I99", "after the restart"
        refused(own, answer_of(own, own.mdr), "not-entitled", "E4")


def test_the_whole_period():
    """A change of retriever on 15 June, in summer time: what counts is the period that is asked for,
    not when. Its last entry may be stamped exactly at the change; an hour more is the successor's."""
    with Gateway(CONF) as own:
        late = add_user(own, "mdr-b", "90-B3-D5-1F-30-7F-00-22", ["MDR"], "MDRB")
        append(own, "appointments.csv", f"{mpans(own, own.meter2)[1]},MDR,MDRB,2026-06-15,")
        reload(own)
        wire.wait_until(lambda: code_of(own, late) == "I99", 10, own.logs)

        def read(user, start, end):
            body = log_read("ReadExportProfileData", f"2026-06-{start}Z", f"2026-06-{end}Z")
            canonical, variant = own.read(user, srv="4.8.3", body=body)
            return duis.Response(own.send(user, canonical, variant).body).code

        for start, end, outgoing, incoming in (
                ("01T00:00:00", "02T00:00:00", "I99", "E4"),
                ("13T23:00:00", "14T23:00:00", "I99", "E4"),
                ("13T23:00:00", "14T23:00:00.001", "E4", "E4"),
                ("14T00:00:00", "15T00:00:00", "E4", "E4"),
                ("14T22:59:59.999", "15T23:00:00", "E4", "E4"),
                ("14T23:00:00", "15T23:00:00", "E4", "I99"),
                ("20T00:00:00", "21T00:00:00", "E4", "I99"),
                ("01T00:00:00", "30T00:00:00", "E4", "E4")):
            assert read(own.mdr, start, end) == outgoing, (start, end)
            assert read(late, start, end) == incoming, (start, end)


def test_status_and_type_of_the_device():
    """E5 for a device that is decommissioned, E11 for one of another type; the change of a status
    takes effect with the reload, without a new image."""
    with Gateway(CONF) as own:
        own.good()
        path = own.path("conf", "reference", "devices.yaml")
        with open(path, encoding="utf-8") as file:
            devices = yaml.safe_load(file)["devices"]
        for device in devices:
            if device["device_id"] == own.meter2:
                device["status"] = "Decommissioned"
            if device["device_id"] == own.south2:
                device["type"] = "PPMID"
        write_yaml(path, {"devices": devices})
        before = own.status()["control"]["registry_image"]
        reload(own)
        after = own.status()["control"]["registry_image"]
        assert after["builds"] == before["builds"] and after["change"] > before["change"]
        refused(own, answer_of(own, own.supplier), "device-status", "E5")
        refused(own, answer_of(own, own.supplier, own.south2), "device-type", "E11")


def test_image_in_the_status():
    with Gateway(CONF) as own:
        status = own.status()
        image = status["control"]["registry_image"]
        assert image["path"] == own.path("devices.image") and image["devices"] == 6, image
        assert image["bytes"] > 0 and image["change"] > 0, image
        wire.wait_until(lambda: own.status()["data_plane"]["registry_image"]["change"] ==
                        image["change"], 5, own.logs)
        assert own.status()["data_plane"]["registry_image"]["devices"] == 6


def test_image_lost():
    """The file is deleted under a running gateway: it reads on. A new control builds a new one, and
    the data plane takes it."""
    with Gateway(CONF) as own:
        os.unlink(own.path("devices.image"))
        own.good()
        assert own.control.stop() == 0
        own.ended.append(own.control)
        own.start_control()
        wire.wait_until(lambda: own.ctl("status").returncode == 0, 30, own.logs)
        wire.wait_until(lambda: own.status()["control"]["generation_applied"] ==
                        own.status()["control"]["generation"], 30, own.logs)
        assert own.status()["control"]["registry_image"]["builds"] == 1
        assert not own.status()["data_plane"]["registry_image"]["retired"]
        own.good()
