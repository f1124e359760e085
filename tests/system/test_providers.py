# SPDX-License-Identifier: Apache-2.0
"""South: dispatch to providers and their answers (doc/providers.md)."""
import re

import duis
import endpoints
import wire
from cases import rows
from gateway import Gateway

SOUTH = {"south": {"dispatch_timeout_ms": 1000, "dispatch_attempts_max": 3,
                   "response_timeout_ms": 20000}}
CONF = SOUTH


def ask(gateway, user=None, device=None):
    """Send a read that is accepted; returns its RequestID."""
    user = user or gateway.supplier
    canonical, _ = gateway.read(user, device)
    answer = gateway.send(user, canonical)
    assert duis.Response(answer.body).code == "I99", answer
    return re.search("RequestID>([^<]+)", canonical).group(1)


def waiting(gateway, provider=None):
    """A request that has been dispatched and waits for its answer."""
    provider = provider or gateway.csp
    provider.answers = False
    try:
        request_id = ask(gateway, device={"csp-north": gateway.meter2, "s1sp-1": gateway.meter1,
                                          "csp-south-central": gateway.south2}[provider.name])
        provider.wait(endpoints.of_request(request_id))
    finally:
        provider.answers = True
    return request_id


def finish(gateway, request_id, provider=None, code="I0"):
    """Answer a waiting request and see the user get it."""
    provider = provider or gateway.csp
    outcome = "I0" if code == "I0" else code
    answer = provider.respond(request_id, endpoints.gbcs() if code == "I0" else b"", outcome)
    assert answer.status == 204, answer
    post = gateway.receiver.wait(endpoints.of_request(request_id))[0]
    return gateway.check_delivery(post, gateway.supplier, request_id, code)


def test_dispatch(gateway):
    """The provider gets the user's own octets and the three headers."""
    canonical, _ = gateway.read()
    octets = duis.sign(canonical, gateway.supplier.signer)
    request_id = duis.Request(octets).request_id
    assert gateway.post("S", octets).status == 200
    post = gateway.csp.wait(endpoints.of_request(request_id))[0]
    assert post.body == octets, "the body is not the user's own"
    assert post.headers["content-type"] == "application/xml"
    assert post.headers["motorway-mode"] == "on-demand"
    assert post.headers["motorway-attempt"] == "1"
    gateway.receiver.wait(endpoints.of_request(request_id))


def test_each_device_to_its_provider(gateway):
    for provider, device in ((gateway.csp, gateway.meter2), (gateway.s1sp, gateway.meter1),
                             (gateway.csp_other, gateway.south2)):
        request_id = gateway.good(device=device)
        for other in (gateway.csp, gateway.s1sp, gateway.csp_other):
            seen = [p for p in other.posts if p.headers["motorway-request-id"] == request_id]
            assert bool(seen) == (other is provider), f"{request_id} at {other.name}"


def test_payload_arrives_unchanged(gateway):
    """Every size, every octet: what the meter said is what the user gets."""
    import os
    for size in (1, 2, 3, 72, 111, 1229, 5000, 20000):
        payload = os.urandom(size)
        request_id = waiting(gateway)
        assert gateway.csp.respond(request_id, payload).status == 204
        post = gateway.receiver.wait(endpoints.of_request(request_id))[0]
        response = gateway.check_delivery(post, gateway.supplier, request_id)
        assert response.payload() == payload, f"{size} octets changed"
        originator, target, number = request_id.rsplit(":", 2)
        assert response.response_id == f"{target}:{originator}:{number}", response.response_id


def test_answer_before_dispatch_returns(gateway):
    """A provider that answers before its own 200 has been read."""
    def eager(post):
        gateway.csp.answers = False
        gateway.csp.respond(post.headers["motorway-request-id"], endpoints.gbcs())
        return 200
    gateway.csp.status = eager
    try:
        request_id = ask(gateway)
        post = gateway.receiver.wait(endpoints.of_request(request_id))[0]
        gateway.check_delivery(post, gateway.supplier, request_id)
    finally:
        gateway.csp.status = 200
        gateway.csp.answers = True


@rows(no_headers=[], no_outcome=["Motorway-Request-ID: {id}"], no_id=["Motorway-Outcome: I0"],
      bad_id=["Motorway-Request-ID: 1:2:3", "Motorway-Outcome: I0"],
      long_id=["Motorway-Request-ID: " + "9" * 500, "Motorway-Outcome: I0"],
      bad_outcome=["Motorway-Request-ID: {id}", "Motorway-Outcome: OK"],
      unknown_outcome=["Motorway-Request-ID: {id}", "Motorway-Outcome: E999"],
      acknowledgement=["Motorway-Request-ID: {id}", "Motorway-Outcome: I99"],
      empty_outcome=["Motorway-Request-ID: {id}", "Motorway-Outcome:"])
def test_garbage(gateway, lines):
    """Not understood: 400, and the request goes on waiting for the right answer."""
    request_id = waiting(gateway)
    headers = [line.replace("{id}", request_id) for line in lines]
    # A failure has no body, so that the outcome alone is at fault here.
    body = b"" if lines and lines[-1].endswith("E999") else b"garbage"
    answer = wire.post(gateway.provider_port, "/provider/v1/csp-north/response", body,
                       content_type="application/octet-stream", extra=headers)
    assert answer.status == 400, answer
    assert "code" in answer.json()
    finish(gateway, request_id)


def test_success_without_payload(gateway):
    request_id = waiting(gateway)
    assert gateway.csp.respond(request_id, b"").status == 400
    finish(gateway, request_id)


def test_failure_with_payload(gateway):
    request_id = waiting(gateway)
    assert gateway.csp.respond(request_id, b"payload", "E20").status == 400
    finish(gateway, request_id)


@rows(text="text/plain", xml="application/xml", none=None)
def test_wrong_content_type(gateway, content_type):
    request_id = waiting(gateway)
    headers = [f"Motorway-Request-ID: {request_id}", "Motorway-Outcome: I0"]
    answer = wire.post(gateway.provider_port, "/provider/v1/csp-north/response", b"\xdf\x09",
                       content_type=content_type, extra=headers)
    assert answer.status == 415, answer
    finish(gateway, request_id)


def test_unknown_request_id(gateway):
    request_id = f"{gateway.supplier.eui}:{gateway.meter2}:4711"
    assert gateway.csp.respond(request_id, endpoints.gbcs()).status == 404


def test_unknown_provider_name(gateway):
    request_id = waiting(gateway)
    assert gateway.csp.respond(request_id, endpoints.gbcs(), name="nobody").status == 404
    finish(gateway, request_id)


def test_another_provider_s_request(gateway):
    request_id = waiting(gateway)
    assert gateway.s1sp.respond(request_id, endpoints.gbcs()).status == 404
    assert gateway.csp_other.respond(request_id, endpoints.gbcs()).status == 404
    finish(gateway, request_id)


def test_answered_twice(gateway):
    request_id = waiting(gateway)
    finish(gateway, request_id)
    assert gateway.csp.respond(request_id, endpoints.gbcs()).status == 404
    delivered = [p for p in gateway.receiver.posts
                 if duis.Response(p.body).request_id == request_id]
    assert len(delivered) == 1, f"delivered {len(delivered)} times"


def test_lower_case_request_id(gateway):
    """Identifiers compare without regard to case."""
    request_id = waiting(gateway)
    assert gateway.csp.respond(request_id.lower(), endpoints.gbcs()).status == 204
    gateway.receiver.wait(endpoints.of_request(request_id))


def test_request_id_stays_used(gateway):
    """Answered and delivered, a RequestID is no longer in progress, and still may not come again."""
    request_id = gateway.good()
    number = int(request_id.rsplit(":", 1)[1])
    canonical, _ = gateway.read(target_counter=number)
    answer = duis.Response(gateway.send(gateway.supplier, canonical).body)
    assert answer.code == "E100", answer.code
    gateway.good()
    assert len(gateway.csp.wait(endpoints.of_request(request_id))) == 1


@rows(no_communication="E20", no_response="E21")
def test_failure(gateway, code):
    """What the provider says of the device reaches the user."""
    finish(gateway, waiting(gateway), code=code)


def test_payload_too_large(gateway):
    request_id = waiting(gateway)
    try:
        answer = gateway.csp.respond(request_id, bytes(20 * 1024 * 1024))
        assert answer.status == 413, answer
    except ConnectionError:
        pass  # refused while still being sent
    finish(gateway, request_id)


def test_disconnects_half_way(gateway):
    request_id = waiting(gateway)
    for part in (0, 10):
        with wire.Connection(gateway.provider_port) as connection:
            connection.send(wire.head("/provider/v1/csp-north/response", 100,
                                      "application/octet-stream",
                                      extra=[f"Motorway-Request-ID: {request_id}",
                                             "Motorway-Outcome: I0"]) + bytes(part))
    finish(gateway, request_id)


def test_refused_then_taken(gateway):
    """500, then 503, then 200: attempts are numbered, the body stays the same."""
    replies = iter([500, 503, 200])
    gateway.csp.status = lambda post: next(replies, 200)
    try:
        request_id = ask(gateway)
        posts = gateway.csp.wait(endpoints.of_request(request_id), count=3)
        assert [p.headers["motorway-attempt"] for p in posts] == ["1", "2", "3"]
        assert len({p.body for p in posts}) == 1
        gaps = [b.time_s - a.time_s for a, b in zip(posts, posts[1:])]
        assert gaps[0] > 0.005 and gaps[1] > gaps[0] * 0.9, f"waits do not grow: {gaps}"
        gateway.receiver.wait(endpoints.of_request(request_id))
    finally:
        gateway.csp.status = 200


def test_hangs_then_taken(gateway):
    """A provider that does not answer in time is asked again."""
    first = []

    def hang_once(post):
        if not first:
            first.append(post)
            return None
        return 200
    gateway.csp.status = hang_once
    try:
        request_id = ask(gateway)
        posts = gateway.csp.wait(endpoints.of_request(request_id), count=2)
        assert posts[1].time_s - posts[0].time_s > 0.9, "did not wait dispatch_timeout_ms"
        assert [p.headers["motorway-attempt"] for p in posts] == ["1", "1"], "in doubt, so the same"
        gateway.receiver.wait(endpoints.of_request(request_id))
    finally:
        gateway.csp.status = 200


def test_refuses_for_good(gateway):
    """After dispatch_attempts_max attempts the user is told E20; later answers meet 404."""
    gateway.csp.status = 500
    try:
        request_id = ask(gateway)
        post = gateway.receiver.wait(endpoints.of_request(request_id), timeout_s=40)[0]
        gateway.check_delivery(post, gateway.supplier, request_id, "E20")
    finally:
        gateway.csp.status = 200
    attempts = [p for p in gateway.csp.posts if p.headers["motorway-request-id"] == request_id]
    assert len(attempts) == 3, f"{len(attempts)} attempts"
    assert gateway.csp.respond(request_id, endpoints.gbcs()).status == 404


def test_strange_replies_of_a_provider(gateway):
    """Whether a provider with broken HTTP has the request, nobody knows: E21, and never E20."""
    import socket
    import threading
    octets = iter([b"", b"\x00\x01", b"HTTP/1.1 200", b"SSH-2.0-x\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"])
    server = socket.create_server((wire.HOST, 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
                connection.settimeout(2)
                connection.recv(65536)
                connection.sendall(next(octets, b"nonsense\r\n\r\n"))
                connection.close()
            except OSError:
                return
    threading.Thread(target=serve, daemon=True).start()
    with Gateway({**SOUTH}, provider_urls={
            "csp-south-central": f"http://{wire.HOST}:{server.getsockname()[1]}/"}) as own:
        request_id = ask(own, device=own.south2)
        post = own.receiver.wait(endpoints.of_request(request_id), timeout_s=40)[0]
        own.check_delivery(post, own.supplier, request_id, "E21")
        own.good()
    server.close()


def test_endpoint_down():
    """Nobody listens at the provider's URL: E20. One provider's fault is not another's."""
    with Gateway(SOUTH, provider_urls={"csp-south-central": f"http://{wire.HOST}:{wire.free_port()}/"}) as own:
        request_id = ask(own, device=own.south2)
        for _ in range(20):
            own.good()
        post = own.receiver.wait(endpoints.of_request(request_id), timeout_s=40)[0]
        own.check_delivery(post, own.supplier, request_id, "E20")
        own.good()


def test_silent_device():
    """No answer within response_timeout_ms: E21; the late answer meets 404."""
    with Gateway({"south": {"response_timeout_ms": 1500}}) as own:
        own.csp.answers = False
        request_id = ask(own)
        post = own.receiver.wait(endpoints.of_request(request_id), timeout_s=20)[0]
        own.check_delivery(post, own.supplier, request_id, "E21")
        assert own.csp.respond(request_id, endpoints.gbcs()).status == 404
        own.csp.answers = True
        own.good()


def test_many_waiting_and_capacity():
    """pending_max requests wait; one more gets 503 and Retry-After, and nothing is lost."""
    with Gateway({"messages": {"pending_max": 64}, "edge": {"retry_after_s": 7}}) as own:
        own.csp.answers = False
        ids = [ask(own) for _ in range(64)]
        answer = own.send(own.supplier, own.read()[0])
        assert answer.status == 503, answer
        assert answer.headers["retry-after"] == "7", answer
        for request_id in ids:
            own.csp.wait(endpoints.of_request(request_id))
            assert own.csp.respond(request_id, endpoints.gbcs()).status == 204
        for request_id in ids:
            own.receiver.wait(endpoints.of_request(request_id))
        own.csp.answers = True
        wire.wait_until(lambda: own.send(own.stranger, own.read(own.stranger)[0]).status == 403, 5,
                        "still refusing")
        own.good()


def test_connections_are_bounded():
    """One connection more than connections_max is refused or closed; others are not disturbed."""
    with Gateway({"edge": {"connections_max": 32}}) as own:
        held = []
        try:
            for _ in range(64):
                held.append(wire.Connection(own.port, timeout_s=5))
            served = 0
            for connection in held:
                try:
                    served += connection.post("/api/v1/serviceS", b"<a/>").status == 400
                except (wire.Closed, ConnectionError, TimeoutError):
                    pass
            assert 1 <= served <= 32, f"{served} served"
        finally:
            for connection in held:
                connection.close()
        wire.wait_until(lambda: attempt(own), 10, "no connection after all were closed")


def attempt(gateway):
    try:
        gateway.good()
        return True
    except (wire.Closed, ConnectionError):
        return False
