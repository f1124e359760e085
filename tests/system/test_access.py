# SPDX-License-Identifier: Apache-2.0
"""What a proven user may not send: HTTP 200 and a DUIS code, and the reason in Motorway-Reason."""
import re

import duis
import wire
from cases import rows
from gateway import counter, log_read

CONF = {}


def refused(gateway, answer, reason, code):
    assert answer.status == 200, f"{answer} instead of 200 {reason}"
    response = duis.Response(answer.body)
    assert response.code == code, f"{response.code} {answer.reason} instead of {code} {reason}"
    assert answer.reason == reason, f"{answer.reason} instead of {reason}"
    assert not response.signed and response.body_name is None
    gateway.schema().check(answer.body)
    return response


def test_acknowledgement(gateway):
    """I99: RequestID echoed, no ResponseID, the references, unsigned, in the user's version."""
    for version in ("5.1", "5.4"):
        canonical, _ = gateway.read(version=version)
        answer = gateway.send(gateway.supplier, canonical)
        response = duis.Response(answer.body)
        assert (response.code, response.version, response.signed) == ("I99", version, False)
        assert response.request_id in canonical and response.response_id is None
        assert response.srv == "4.2" and response.body_name is None
        assert answer.reason is None
        gateway.schema().check(answer.body)


def test_suspended_user(gateway):
    canonical, _ = gateway.read(gateway.suspended)
    refused(gateway, gateway.send(gateway.suspended, canonical), "user-suspended", "E3")


@rows(body=("4.2", "4.2", "<sr:ReadSupplyStatus></sr:ReadSupplyStatus>"),
      reference=("4.1", "4.2", None),
      variant=("4.2", "4.1.1", None),
      both=("4.1", "4.1.1", None),
      pre_command=("4.2", "4.2", "<sr:SignedPreCommand><sr:GBCSPayload>AAAA</sr:GBCSPayload>"
                                 "</sr:SignedPreCommand>"))
def test_srv_mismatch(gateway, case):
    """The header's service reference, its variant and the body element must belong together."""
    reference, srv, body = case
    canonical, _ = gateway.read(body=body)
    canonical = canonical.replace("<sr:ServiceReference>4.2<", f"<sr:ServiceReference>{reference}<")
    canonical = canonical.replace("ReferenceVariant>4.2<", f"ReferenceVariant>{srv}<")
    refused(gateway, gateway.send(gateway.supplier, canonical), "srv-mismatch", "E100")


@rows(four=(4, "T"), five=(5, "S"), six=(6, "D"), eight=(8, "D"), nine_s=(9, "S"), nine_t=(9, "T"),
      nine_d=(9, "D"))
def test_command_variant(gateway, case):
    """4.2 is a non-critical read: 1, 2 and 3 only; 9 belongs to the DCC itself."""
    variant, service = case
    signed = ("<sr:SignedPreCommand><sr:GBCSPayload>3wkB</sr:GBCSPayload></sr:SignedPreCommand>"
              if variant in (5, 6, 7) else None)
    canonical, _ = gateway.read(variant=variant, body=signed)
    refused(gateway, gateway.send(gateway.supplier, canonical, service=service),
            "command-variant", "E12")


@rows(one_t=(1, "T"), one_d=(1, "D"), two_s=(2, "S"), two_t=(2, "T"), three_d=(3, "D"))
def test_wrong_service(gateway, case):
    variant, service = case
    canonical, _ = gateway.read(variant=variant)
    refused(gateway, gateway.send(gateway.supplier, canonical, service=service), "service", "E13")


def test_non_device_request_to_wrong_service(gateway):
    canonical = non_device(gateway.supplier, "8.2", inventory(gateway.meter2))
    for service in "ST":
        refused(gateway, gateway.send(gateway.supplier, canonical, service=service), "service", "E13")


def inventory(device):
    return f"<sr:ReadInventory><sr:DeviceID>{device}</sr:DeviceID></sr:ReadInventory>"


def non_device(user, srv, body, target=duis.DSP):
    return duis.request(user.eui, target, counter.take(), 8, srv, body)


@rows(network="network", other="other", load="load")
def test_role(gateway, name):
    """4.1.1 is for IS GS ED GT MDR, 4.6.2 for ES MDR."""
    user = getattr(gateway, name)
    srv = "4.6.2"
    canonical, _ = gateway.read(user, srv=srv)
    refused(gateway, gateway.send(user, canonical), "role-not-permitted", "E2")


def test_role_permitted(gateway):
    gateway.good(gateway.network)
    canonical, _ = gateway.read(gateway.other, srv="4.8.3")
    assert duis.Response(gateway.send(gateway.other, canonical).body).code == "I99"


def test_device_unknown(gateway):
    canonical, _ = gateway.read(device="00-DB-12-34-56-78-FF-FF")
    refused(gateway, gateway.send(gateway.supplier, canonical), "device-unknown", "E19")


def test_device_read_addressed_to_the_dsp(gateway):
    canonical, _ = gateway.read(device=duis.DSP)
    refused(gateway, gateway.send(gateway.supplier, canonical), "device-unknown", "E19")


def test_non_device_request_addressed_to_a_device(gateway):
    canonical = non_device(gateway.supplier, "8.2", inventory(gateway.meter2), gateway.meter2)
    refused(gateway, gateway.send(gateway.supplier, canonical, 8), "target", "E19")


@rows(srv_4_1_1=("4.1.1", "meter2", "E040101"), srv_4_6_2=("4.6.2", "meter1", "E11"),
      srv_4_17=("4.17", "meter1", "E11"))
def test_mdr_generation(gateway, case):
    """What a Meter Data Retriever may not ask of this device generation (MP162)."""
    srv, meter, code = case
    canonical, _ = gateway.read(gateway.mdr, getattr(gateway, meter), srv=srv)
    refused(gateway, gateway.send(gateway.mdr, canonical), "generation", code)


@rows(srv_4_1_1=("4.1.1", "meter1"), srv_4_2_second=("4.2", "meter2"), srv_4_2_first=("4.2", "meter1"),
      srv_4_6_2=("4.6.2", "meter2"), srv_4_8_3_second=("4.8.3", "meter2"),
      srv_4_8_3_first=("4.8.3", "meter1"), srv_4_17=("4.17", "meter2"))
def test_mdr_generation_permitted(gateway, case):
    srv, meter = case
    canonical, _ = gateway.read(gateway.mdr, getattr(gateway, meter), srv=srv)
    answer = gateway.send(gateway.mdr, canonical)
    assert duis.Response(answer.body).code == "I99", answer


def test_supplier_may_read_4_1_1_of_any_generation(gateway):
    for meter in (gateway.meter1, gateway.meter2):
        canonical, _ = gateway.read(device=meter, srv="4.1.1")
        answer = gateway.send(gateway.supplier, canonical)
        assert duis.Response(answer.body).code == "I99", answer


def test_retriever_in_an_older_version(gateway):
    canonical, _ = gateway.read(gateway.mdr, version="5.1")
    refused(gateway, gateway.send(gateway.mdr, canonical), "duis-version", "E2")


def test_mode(gateway):
    """7.2 is for on demand only; the schema lets every signed pre-command have a date."""
    body = ("<sr:SignedPreCommand><sr:ExecutionDateTime>2099-01-01T00:00:00.00Z"
            "</sr:ExecutionDateTime><sr:GBCSPayload>3wkB</sr:GBCSPayload></sr:SignedPreCommand>")
    canonical = duis.request(gateway.supplier.eui, gateway.meter2, counter.take(), 5, "7.2", body)
    refused(gateway, gateway.send(gateway.supplier, canonical, 5), "mode", "E2")


def test_local_command(gateway):
    """No commands for local delivery for a Meter Data Retriever."""
    canonical, _ = gateway.read(gateway.mdr, variant=2)
    refused(gateway, gateway.send(gateway.mdr, canonical, 2), "local-command", "E17")


def test_repeated_request_id(gateway):
    """The same counter again, in any case of letters and for any target."""
    gateway.csp.answers = False
    try:
        number = counter.take()
        canonical, _ = gateway.read(target_counter=number)
        assert duis.Response(gateway.send(gateway.supplier, canonical).body).code == "I99"
        refused(gateway, gateway.send(gateway.supplier, canonical), "request-id-repeated", "E100")
        request_id = re.search("RequestID>([^<]+)", canonical).group(1)
        lower = canonical.replace(request_id, request_id.lower())
        assert lower != canonical
        refused(gateway, gateway.send(gateway.supplier, lower), "request-id-repeated", "E100")
        other, _ = gateway.read(device=gateway.meter1, target_counter=number)
        refused(gateway, gateway.send(gateway.supplier, other), "request-id-repeated", "E100")
    finally:
        gateway.csp.answers = True
    upper = request_id.upper()
    wire.wait_until(lambda: [p for p in gateway.csp.posts
                             if p.headers["motorway-request-id"] == upper], 10, "dispatched")
    sent = [p for p in gateway.csp.posts if p.headers["motorway-request-id"] == upper]
    assert len(sent) == 1, f"dispatched {len(sent)} times"
    assert gateway.csp.respond(upper, b"\xdf\x09").status == 204


def test_repeated_many_at_once(gateway):
    """Twenty connections send the same request: one is accepted, nineteen are refused."""
    import threading
    octets = duis.sign(gateway.read()[0], gateway.supplier.signer)
    gateway.csp.answers = False
    codes = []
    try:
        threads = [threading.Thread(target=lambda: codes.append(
            duis.Response(gateway.post("S", octets).body).code)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gateway.csp.answers = True
    assert sorted(codes) == ["E100"] * 19 + ["I99"], codes
    request_id = duis.Request(octets).request_id
    wire.wait_until(lambda: [p for p in gateway.csp.posts
                             if p.headers["motorway-request-id"] == request_id], 10, "dispatched")
    assert gateway.csp.respond(request_id, b"\xdf\x09").status == 204


def test_largest_counter(gateway):
    """Counters are full unsigned 64-bit numbers; those below the window of 65,536 are refused."""
    user = gateway.counting

    def send(number):
        canonical, _ = gateway.read(user, target_counter=number or None)
        if number == 0:
            canonical = re.sub(r"(RequestID>[^<]*:)\d+<", r"\g<1>0<", canonical)
        return canonical, gateway.send(user, canonical)

    top = (1 << 64) - 1
    for number in (0, 1 << 63, top, top - 65535):
        canonical, answer = send(number)
        assert duis.Response(answer.body).code == "I99", answer
        assert duis.Response(answer.body).request_id in canonical
    for number in (top, top - 65535):
        refused(gateway, send(number)[1], "request-id-repeated", "E100")
    for number in (0, 1 << 63, top - 65536):
        refused(gateway, send(number)[1], "request-id-old", "E100")
    assert gateway.status()["data_plane"]["counters"]["request_id_old"] >= 2


def test_white_space_in_request_id(gateway):
    """RequestID is an xs:token: white space around it collapses."""
    canonical, _ = gateway.read()
    request_id = re.search("RequestID>([^<]+)", canonical).group(1)
    padded = canonical.replace(request_id, f"\n   {request_id} ")
    answer = gateway.send(gateway.supplier, padded)
    response = duis.Response(answer.body)
    assert response.code == "I99" and response.request_id == request_id, answer


def test_order_of_checks(gateway):
    """Everything wrong at once: each repair uncovers the next refusal, in the order of the table."""
    body = log_read("ReadExportProfileData")
    user = gateway.load
    unknown = "00-DB-12-34-56-78-FF-FF"

    def ask(variant, service, device, srv_body):
        canonical = duis.request(user.eui, device, counter.take(), variant, "4.6.2", srv_body)
        return gateway.send(user, canonical, service=service)
    right = log_read("RetrieveExportDailyReadLog")
    refused(gateway, ask(9, "T", unknown, body), "srv-mismatch", "E100")
    refused(gateway, ask(9, "T", unknown, right), "command-variant", "E12")
    refused(gateway, ask(1, "T", unknown, right), "service", "E13")
    refused(gateway, ask(1, "S", unknown, right), "role-not-permitted", "E2")
    user = gateway.supplier
    refused(gateway, ask(1, "S", unknown, right), "device-unknown", "E19")
