# SPDX-License-Identifier: Apache-2.0
"""The non-device services: 5.1, 5.2, 5.3 and 8.2 answered by control, others not offered."""
import re

import duis
from cases import rows
from gateway import MATERIAL, counter

CONF = {}


def non_device(user, srv, body, version="5.4"):
    return duis.request(user.eui, duis.DSP, counter.take(), 8, srv, body, version)


def answered(gateway, user, canonical, body_name):
    """I0, signed, valid, of the user's version, with the body element `body_name`."""
    answer = gateway.send(user, canonical, 8)
    assert answer.status == 200, answer
    response = duis.Response(answer.body)
    assert response.code == "I0", f"{response.code} {answer.reason}: {answer}"
    assert response.body_name == body_name, response.body_name
    assert response.request_id in canonical and response.response_id is None
    duis.verify(answer.body, gateway.dsp_certificate)
    gateway.schema().check(answer.body)
    return response


def create(device, srv="4.8.3", element="DSPReadExportProfileData", end=None):
    offsets = ("<sr:StartDateOffset>-1</sr:StartDateOffset>"
               "<sr:StartTime>00:00:00.00Z</sr:StartTime><sr:EndDateOffset>0</sr:EndDateOffset>"
               "<sr:EndTime>00:00:00.00Z</sr:EndTime>")
    last = f"<sr:ScheduleEndDate>{end}</sr:ScheduleEndDate>" if end else ""
    return ("<sr:CreateSchedule><sr:ScheduleFrequency>Daily</sr:ScheduleFrequency>"
            f"<sr:ScheduleStartDate>2099-01-01</sr:ScheduleStartDate>{last}"
            f"<sr:DSPScheduledServiceReference>{srv.rsplit('.', 1)[0]}"
            "</sr:DSPScheduledServiceReference>"
            f"<sr:DSPScheduledServiceReferenceVariant>{srv}"
            "</sr:DSPScheduledServiceReferenceVariant>"
            f"<sr:DeviceID>{device}</sr:DeviceID><sr:{element}>{offsets}</sr:{element}>"
            "</sr:CreateSchedule>")


def read_schedules(device):
    return f"<sr:ReadSchedule><sr:DeviceID>{device}</sr:DeviceID></sr:ReadSchedule>"


def delete_schedule(number):
    return f"<sr:DeleteSchedule><sr:DSPScheduleID>{number}</sr:DSPScheduleID></sr:DeleteSchedule>"


def test_read_inventory(gateway):
    for version in ("5.1", "5.4"):
        body = f"<sr:ReadInventory><sr:DeviceID>{gateway.meter2}</sr:DeviceID></sr:ReadInventory>"
        # A Meter Data Retriever has its role in the newer version only.
        user = gateway.mdr if version == "5.4" else gateway.supplier
        response = answered(gateway, user, non_device(user, "8.2", body, version),
                            "DSPInventory")
        assert response.version == version
        assert gateway.meter2 in response.octets.decode().upper()


@rows(supplier="supplier", mdr="mdr", other="other")
def test_schedule_life(gateway, name):
    """Created, read, deleted, gone; another user's schedules stay unseen."""
    user = getattr(gateway, name)
    stranger = gateway.network
    created = answered(gateway, user, non_device(user, "5.1", create(gateway.meter2)),
                       "DSPScheduleID")
    number = created.body.text
    read = answered(gateway, user, non_device(user, "5.2", read_schedules(gateway.meter2)),
                    "DSPSchedulesRead")
    numbers = [e.text for e in read.body.iter(f"{{{duis.SR}}}DSPScheduleID")]
    assert number in numbers, (number, numbers)

    foreign = gateway.send(stranger, non_device(stranger, "5.3", delete_schedule(number)), 8)
    assert duis.Response(foreign.body).code.startswith("E"), "deleted another user's schedule"

    answer = gateway.send(user, non_device(user, "5.3", delete_schedule(number)), 8)
    assert duis.Response(answer.body).code == "I99", answer
    again = gateway.send(user, non_device(user, "5.3", delete_schedule(number)), 8)
    assert duis.Response(again.body).code.startswith("E"), "deleted twice"


def test_schedule_for_unknown_device(gateway):
    body = create("00-DB-12-34-56-78-FF-FF")
    answer = gateway.send(gateway.mdr, non_device(gateway.mdr, "5.1", body), 8)
    assert answer.status == 200 and duis.Response(answer.body).code.startswith("E"), answer


def test_schedule_with_wrong_element(gateway):
    """The scheduled SRV and the element that asks for it must belong together."""
    body = create(gateway.meter2, "4.8.3", "DSPRetrieveExportDailyReadLog")
    answer = gateway.send(gateway.mdr, non_device(gateway.mdr, "5.1", body), 8)
    assert answer.status == 200 and duis.Response(answer.body).code.startswith("E"), answer


def test_schedule_4_2_of_mp162(gateway):
    """4.2 is schedulable through the overlay of MP162."""
    body = ("<sr:CreateSchedule><sr:ScheduleFrequency>Monthly</sr:ScheduleFrequency>"
            "<sr:ScheduleStartDate>2099-01-01</sr:ScheduleStartDate>"
            "<sr:DSPScheduledServiceReference>4.2</sr:DSPScheduledServiceReference>"
            "<sr:DSPScheduledServiceReferenceVariant>4.2</sr:DSPScheduledServiceReferenceVariant>"
            f"<sr:DeviceID>{gateway.meter2}</sr:DeviceID>"
            "<sr:DSPReadInstantaneousExportRegisters></sr:DSPReadInstantaneousExportRegisters>"
            "</sr:CreateSchedule>")
    answer = gateway.send(gateway.mdr, non_device(gateway.mdr, "5.1", body), 8)
    assert duis.Response(answer.body).code == "I0", answer


@rows(srv_12_1="12.1", srv_8_3="8.3", srv_8_4="8.4", srv_11_1="11.1")
def test_not_offered(gateway, srv):
    """A service that this gateway does not offer is refused, never made up."""
    template = next(MATERIAL.glob(f"templates/{srv}_*.XML"))
    request_id = f"{gateway.supplier.eui}:{duis.DSP}:{counter.take()}"
    canonical = re.sub(r"RequestID>[^<]*<", f"RequestID>{request_id}<",
                       duis.minify(template.read_bytes()), count=1)
    answer = gateway.send(gateway.supplier, canonical, 8)
    assert answer.status == 200, answer
    assert duis.Response(answer.body).code == "E100", answer
    assert answer.reason == "service-unavailable", answer
