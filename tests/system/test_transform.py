# SPDX-License-Identifier: Apache-2.0
"""Command variants 2 to 7: the transform provider's answer, checked, or a documented refusal."""
import re

import duis
import endpoints
import wire
from cases import rows
from gateway import MATERIAL, Gateway, counter

CONF = {"south": {"transform_timeout_ms": 1500}}
TRANSFORM = True


def critical(gateway, variant, number=None, body=None):
    """7.1 Enable Supply, a critical command: 4 is transformed, 5 to 7 come back signed."""
    if body is None:
        body = ("<sr:EnableSupply></sr:EnableSupply>" if variant == 4 else
                "<sr:SignedPreCommand><sr:GBCSPayload>3wkB</sr:GBCSPayload></sr:SignedPreCommand>")
    return duis.request(gateway.supplier.eui, gateway.meter2, number or counter.take(), variant,
                        "7.1", body)


def refused(gateway, answer, reason, code):
    assert answer.status == 200, answer
    response = duis.Response(answer.body)
    assert (response.code, answer.reason) == (code, reason), answer
    assert response.body_name is None
    gateway.schema().check(answer.body)


def passed_on(gateway, answer, canonical, element):
    response = duis.Response(answer.body)
    assert answer.status == 200 and response.code == "I0", answer
    assert response.body_name == element and response.request_id in canonical
    duis.verify(answer.body, gateway.dsp_certificate)
    gateway.schema().check(answer.body)
    return response


def test_pre_command(gateway):
    canonical = critical(gateway, 4)
    answer = gateway.send(gateway.supplier, canonical, 4)
    passed_on(gateway, answer, canonical, "PreCommand")


def test_what_the_transform_provider_gets(gateway):
    """The user's signed octets and the RequestID; neither mode nor attempt."""
    octets = duis.sign(critical(gateway, 4), gateway.supplier.signer)
    request_id = duis.Request(octets).request_id
    assert gateway.post("T", octets).status == 200
    post = gateway.transform.wait(
        lambda p: p.headers.get("motorway-request-id") == request_id)[0]
    assert post.body == octets and post.headers["content-type"] == "application/xml"
    assert "motorway-mode" not in post.headers and "motorway-attempt" not in post.headers


def test_signed_pre_command_after_pre_command(gateway):
    """Both share one RequestID: the replay filter lets the second pass."""
    number = counter.take()
    first = critical(gateway, 4, number)
    passed_on(gateway, gateway.send(gateway.supplier, first, 4), first, "PreCommand")
    second = critical(gateway, 5, number)
    answer = gateway.send(gateway.supplier, second, 5)
    response = duis.Response(answer.body)
    assert response.code in ("I0", "I99"), answer
    request_id = re.search("RequestID>([^<]+)", second).group(1)
    post = gateway.receiver.wait(endpoints.of_request(request_id))[0]
    gateway.check_delivery(post, gateway.supplier, request_id)


@rows(two=(2, False), three=(3, True))
def test_local_command(gateway, case):
    """2: the local command in the reply; 3: that and the device's own answer later."""
    variant, to_device = case
    canonical, _ = gateway.read(variant=variant)
    passed_on(gateway, gateway.send(gateway.supplier, canonical, variant), canonical, "LocalCommand")
    request_id = re.search("RequestID>([^<]+)", canonical).group(1)
    if to_device:
        post = gateway.receiver.wait(endpoints.of_request(request_id))[0]
        gateway.check_delivery(post, gateway.supplier, request_id)
    else:
        assert not [p for p in gateway.csp.posts if p.headers["motorway-request-id"] == request_id]


@rows(six=(6, False), seven=(7, True))
def test_signed_pre_command_for_local_delivery(gateway, case):
    variant, to_device = case
    canonical = critical(gateway, variant)
    passed_on(gateway, gateway.send(gateway.supplier, canonical, variant), canonical, "LocalCommand")
    if to_device:
        request_id = re.search("RequestID>([^<]+)", canonical).group(1)
        gateway.receiver.wait(endpoints.of_request(request_id))


def test_refusal_of_the_transform_provider(gateway):
    """An E-code is passed on, and a request for the device goes no further."""
    gateway.transform.behaviour = lambda post: (200, duis.transform_response(post.body, "E12"))
    try:
        canonical, _ = gateway.read(variant=3)
        answer = gateway.send(gateway.supplier, canonical, 3)
        response = duis.Response(answer.body)
        assert response.code == "E12" and response.body_name is None, answer
        request_id = re.search("RequestID>([^<]+)", canonical).group(1)
    finally:
        gateway.transform.behaviour = lambda post: (200, duis.transform_response(post.body))
    assert not [p for p in gateway.csp.posts if p.headers["motorway-request-id"] == request_id]


def other_request(post):
    return duis.transform_response(post.body).replace(
        duis.Request(post.body).request_id.encode(), f"{duis.DSP}:{duis.DSP}:1".encode(), 1)


def other_version(post):
    return duis.transform_response(post.body).replace(b'Version="5.4"', b'Version="5.1"', 1)


BROKEN = {
    "status_500": lambda post: 500,
    "status_404": lambda post: 404,
    "status_204": lambda post: 204,
    "empty": lambda post: (200, b""),
    "garbage": lambda post: (200, b"garbage"),
    "cut": lambda post: (200, duis.transform_response(post.body)[:-20]),
    "other_request": lambda post: (200, other_request(post)),
    "other_version": lambda post: (200, other_version(post)),
    "invalid": lambda post: (200, duis.transform_response(post.body).replace(b"I0<", b"X0<", 1)),
    "doctype": lambda post: (200, b"<!DOCTYPE a>" + duis.transform_response(post.body)),
    "request": lambda post: (200, post.body),
    "huge": lambda post: (200, b"<a>" + b"x" * 1_000_000 + b"</a>"),
    "no_request_id": lambda post: (200, re.sub(rb"<sr:RequestID>.*?</sr:RequestID>", b"",
                                               duis.transform_response(post.body))),
}


@rows(**BROKEN)
def test_broken(gateway, behaviour):
    """Nothing of a wrong answer reaches the user."""
    gateway.transform.behaviour = behaviour
    try:
        answer = gateway.send(gateway.supplier, critical(gateway, 4), 4)
        refused(gateway, answer, "transform-failed", "E100")
    finally:
        gateway.transform.behaviour = lambda post: (200, duis.transform_response(post.body))


def test_silent(gateway):
    gateway.transform.behaviour = lambda post: None
    try:
        answer = gateway.send(gateway.supplier, critical(gateway, 4), 4)
        refused(gateway, answer, "transform-failed", "E100")
    finally:
        gateway.transform.behaviour = lambda post: (200, duis.transform_response(post.body))


def test_user_gone_before_the_transform_answer(gateway):
    import time
    gateway.transform.behaviour = lambda post: (
        time.sleep(0.3), (200, duis.transform_response(post.body)))[1]
    try:
        for _ in range(5):
            octets = duis.sign(critical(gateway, 4), gateway.supplier.signer)
            connection = wire.Connection(gateway.port)
            connection.send(wire.head("/api/v1/serviceT", len(octets)) + octets)
            connection.close()
        time.sleep(0.6)
    finally:
        gateway.transform.behaviour = lambda post: (200, duis.transform_response(post.body))
    test_pre_command(gateway)


def test_every_critical_template(gateway):
    """All 110 templates of command variant 4 as the supplier: a pre-command for what a supplier may
    send, E2 for the two that only a load controller may, E5 for Commission Device to a meter that
    is commissioned already."""
    count = 0
    for path in sorted(MATERIAL.glob("templates/*.XML")):
        canonical = duis.minify(path.read_bytes())
        if "CommandVariant>4<" not in canonical:
            continue
        count += 1
        target = re.search("RequestID>[^:]*:([^:]*):", canonical).group(1)
        request_id = f"{gateway.supplier.eui}:{target}:{counter.take()}"
        canonical = re.sub("RequestID>[^<]*<", f"RequestID>{request_id}<", canonical, count=1)
        answer = gateway.send(gateway.supplier, canonical, 4)
        code = duis.Response(answer.body).code
        if ">7.16<" in canonical:
            assert code == "E2", (path.name, answer)
        elif ">8.1.1<" in canonical:
            assert code == "E5", (path.name, answer)
        else:
            assert code == "I0", (path.name, answer)
    assert count == 110, count


def test_absent():
    """No transform provider configured: a documented refusal."""
    with Gateway() as own:
        for variant in (4, 5, 6, 7):
            answer = own.send(own.supplier, critical(own, variant), variant)
            refused(own, answer, "transform-unavailable", "E17")
        for variant in (2, 3):
            answer = own.send(own.supplier, own.read(variant=variant)[0], variant)
            refused(own, answer, "transform-unavailable", "E17")
        own.good()


def test_down():
    """One is configured, but nobody listens there."""
    with Gateway({"south": {"transform_timeout_ms": 1000}}, provider_urls={
            "transform": f"http://{wire.HOST}:{wire.free_port()}/"}) as own:
        answer = own.send(own.supplier, critical(own, 4), 4)
        refused(own, answer, "transform-failed", "E100")
        own.good()
