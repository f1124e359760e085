# SPDX-License-Identifier: Apache-2.0
"""North: what the gateway does when a user's receive endpoint is not well."""
import re
import threading
import time

import duis
import endpoints
import wire
from gateway import Gateway

NORTH = {"north": {"delivery_timeout_ms": 1000, "delivery_backoff_ms": 100,
                   "delivery_backoff_max_ms": 400}}
CONF = NORTH


def ask(gateway, user):
    canonical, _ = gateway.read(user, gateway.meter2)
    answer = gateway.send(user, canonical)
    assert duis.Response(answer.body).code == "I99", answer
    return re.search("RequestID>([^<]+)", canonical).group(1)


def test_500_then_204(gateway):
    """Tried again until it is taken; every attempt carries the same response."""
    replies = iter([500, 503, 400])
    user = gateway.network
    gateway.receiver.behaviour = lambda post: next(replies, 204) if post.path == "/network" else 204
    try:
        request_id = ask(gateway, user)
        posts = gateway.receiver.wait(endpoints.of_request(request_id), count=4)
        seen = {(r.response_id, r.payload()) for r in (duis.Response(p.body) for p in posts)}
        assert len(seen) == 1, "another attempt, another response"
        for post in posts:
            gateway.check_delivery(post, user, request_id)
    finally:
        gateway.receiver.behaviour = lambda post: 204
    time.sleep(0.6)
    count = len([p for p in gateway.receiver.posts if endpoints.of_request(request_id)(p)])
    assert count == 4, f"delivered {count} times"


def test_hangs_then_204(gateway):
    user = gateway.network
    first = []

    def hang_once(post):
        if post.path == "/network" and not first:
            first.append(post)
            return None
        return 204
    gateway.receiver.behaviour = hang_once
    try:
        request_id = ask(gateway, user)
        posts = gateway.receiver.wait(endpoints.of_request(request_id), count=2)
        assert posts[1].time_s - posts[0].time_s > 0.9, "did not wait delivery_timeout_ms"
    finally:
        gateway.receiver.behaviour = lambda post: 204


def test_one_user_s_fault_is_not_another_s(gateway):
    """While one endpoint hangs, fifty responses reach another user."""
    gateway.receiver.behaviour = lambda post: None if post.path == "/network" else 204
    try:
        stuck = [ask(gateway, gateway.network) for _ in range(20)]
        start = time.monotonic()
        for _ in range(50):
            gateway.good()
        assert time.monotonic() - start < 20
    finally:
        gateway.receiver.behaviour = lambda post: 204
        again = time.monotonic()
    for request_id in stuck:
        matches = endpoints.of_request(request_id)
        gateway.receiver.wait(lambda p, m=matches: p.time_s > again and m(p), timeout_s=40)


def test_any_2xx_is_taken(gateway):
    """204 is what users answer; 200 with a body is accepted as well."""
    for reply in (200, 201, 202, (200, b"<ok/>")):
        gateway.receiver.behaviour = lambda post, reply=reply: reply
        request_id = gateway.good()
        time.sleep(0.3)
        count = len([p for p in gateway.receiver.posts if endpoints.of_request(request_id)(p)])
        gateway.receiver.behaviour = lambda post: 204
        assert count == 1, f"{reply}: delivered {count} times"


def test_refuses_then_listens():
    """Nobody listens at first; what was answered meanwhile arrives once somebody does."""
    port = wire.free_port()
    with Gateway(NORTH, callback_urls={"network": f"http://{wire.HOST}:{port}/network"}) as own:
        ids = [ask(own, own.network) for _ in range(30)]
        for request_id in ids:
            own.csp.wait(endpoints.of_request(request_id))
        own.good()
        late = endpoints.Endpoint(port=port)
        try:
            for request_id in ids:
                post = late.wait(endpoints.of_request(request_id))[0]
                own.check_delivery(post, own.network, request_id)
            assert len(late.posts) == len(ids), "something was delivered twice"
        finally:
            late.close()


def test_connection_closed_by_the_user():
    """A receiver that closes after each answer is served all the same."""
    with Gateway(NORTH) as own:
        own.receiver.server.RequestHandlerClass.protocol_version = "HTTP/1.0"
        for _ in range(30):
            own.good()


def test_many_in_parallel():
    """Eight users' threads at once: everything accepted is delivered exactly once."""
    with Gateway({"data_plane": {"lcores": 2}}) as own:
        ids, lock = [], threading.Lock()

        def send(user):
            for _ in range(40):
                request_id = ask(own, user)
                with lock:
                    ids.append(request_id)
        threads = [threading.Thread(target=send, args=(user,))
                   for user in [own.supplier, own.network] * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ids) == 320, len(ids)
        wire.wait_until(lambda: len(own.receiver.posts) >= 320, 60,
                        lambda: f"{len(own.receiver.posts)} of 320 delivered")
        time.sleep(0.5)
        got = sorted(duis.Response(post.body).request_id for post in own.receiver.posts)
        assert got == sorted(ids), "lost or delivered twice"
        for post in own.receiver.posts:
            duis.verify(post.body, own.dsp_certificate)


def test_body_of_user_reply_is_not_trusted():
    """Enormous and malformed replies of a receive endpoint."""
    with Gateway(NORTH) as own:
        replies = iter([(200, b"x" * 3_000_000)])
        own.receiver.behaviour = lambda post: next(replies, 204)
        request_id = ask(own, own.supplier)
        own.receiver.wait(endpoints.of_request(request_id))
        own.good()
