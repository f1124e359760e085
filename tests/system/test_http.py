# SPDX-License-Identifier: Apache-2.0
"""The HTTP surface: what is refused, with which status, and that the next request still works."""
import duis
import wire
from cases import rows

PATH = "/api/v1/serviceS"
SHORT = {"edge": {"header_timeout_ms": 1500, "body_timeout_ms": 1500, "idle_timeout_ms": 4000}}
CONF = SHORT


def refused(answer, status):
    assert answer.status == status, f"{answer} instead of {status}"
    if status != 503:
        assert answer.headers["content-type"].split(";")[0] == "application/json", answer
    assert b"\n" not in answer.body.strip(), "more than one line"
    fields = answer.json()
    assert {"code", "offset", "reason"} <= set(fields), fields
    return fields


def signed_read(gateway):
    return duis.sign(gateway.read()[0], gateway.supplier.signer)


@rows(text="text/xml", plain="text/plain", json="application/json", none=None, empty="",
      longer="application/xmlx", form="application/x-www-form-urlencoded")
def test_wrong_content_type(gateway, content_type):
    refused(wire.post(gateway.port, PATH, signed_read(gateway), content_type=content_type), 415)


@rows(charset="application/xml; charset=utf-8", upper="Application/XML",
      quoted='application/xml;charset="UTF-8"')
def test_right_content_type(gateway, content_type):
    answer = wire.post(gateway.port, PATH, signed_read(gateway), content_type=content_type)
    assert duis.Response(answer.body).code == "I99", answer


@rows(get="GET", put="PUT", delete="DELETE", options="OPTIONS", own="FROB")
def test_not_post(gateway, method):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, 0, method=method))
        answer = connection.read()
        refused(answer, 405)
        assert answer.headers["allow"] == "POST", answer


@rows(root="/", other="/api/v1/serviceX", longer=PATH + "/", upper="/api/v1/SERVICES",
      query_only="/?" + PATH, provider="/provider/v1/csp-north/response", escaped="/api/v1/%73erviceS",
      dots="/api/v1/x/../serviceS")
def test_unknown_path(gateway, path):
    refused(wire.post(gateway.port, path, b"<a/>"), 404)


def test_user_path_on_provider_port(gateway):
    refused(wire.post(gateway.provider_port, PATH, signed_read(gateway)), 404)


def test_no_length(gateway):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, None))
        refused(connection.read(), 411)


def test_chunked(gateway):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, None, extra=["Transfer-Encoding: chunked"]) +
                        b"4\r\n<a/>\r\n0\r\n\r\n")
        answer = connection.read()
        assert answer.status in (400, 411), answer


@rows(both=["Content-Length: 4", "Transfer-Encoding: chunked"],
      two_lengths=["Content-Length: 4", "Content-Length: 5"],
      negative=["Content-Length: -4"], plus=["Content-Length: +4"], hex=["Content-Length: 0x4"],
      list=["Content-Length: 4, 5"], huge=["Content-Length: 99999999999999999999999"],
      folded=["Content-Length: 4", "X: a", " b"], no_name=[": a", "Content-Length: 4"],
      blank_before_colon=["Content-Length : 4"], no_colon=["Content-Length: 4", "nonsense"],
      control=["Content-Length: 4", "X: a\x00b"])
def test_malformed_header(gateway, lines):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, None, extra=lines) + b"<a/>")
        answer = connection.read()
        assert answer.status in (400, 411, 413), answer
        refused(answer, answer.status)
        assert connection.at_end(), "after a malformed header the connection must be closed"


@rows(words=b"POST /api/v1/serviceS\r\n\r\n", blanks=b"POST  /api/v1/serviceS HTTP/1.1\r\n\r\n",
      binary=bytes(range(128, 256)) + b"\r\n\r\n", tls=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
      star=b"POST * HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
      lower=b"POST /api/v1/serviceS http/1.1\r\nContent-Length: 0\r\n\r\n")
def test_malformed_request_line(gateway, octets):
    with wire.Connection(gateway.port) as connection:
        connection.send(octets)
        answer = connection.read()
        assert 400 <= answer.status < 506, answer
        refused(answer, answer.status)


@rows(two=b"HTTP/2.0", nought=b"HTTP/0.9", three=b"HTTP/3.0")
def test_unknown_version(gateway, version):
    with wire.Connection(gateway.port) as connection:
        connection.send(b"POST " + PATH.encode() + b" " + version +
                        b"\r\nHost: a\r\nContent-Type: application/xml\r\nContent-Length: 0\r\n\r\n")
        refused(connection.read(), 505)


def test_headers_too_large(gateway):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, 4, extra=["X: " + "a" * 20000]))
        refused(connection.read(), 431)


def test_many_headers(gateway):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, 4, extra=[f"X{i}: a" for i in range(3000)]))
        refused(connection.read(), 431)


def test_body_too_large(gateway):
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, 65537))
        refused(connection.read(), 413)


def test_body_too_large_sent_whole(gateway):
    body = b"<a>" + b"x" * 300_000 + b"</a>"
    try:
        refused(wire.post(gateway.port, PATH, body), 413)
    except ConnectionError:
        pass  # the gateway may close before it has read what it does not want


def test_largest_body_that_is_allowed(gateway):
    body = b"<a>" + b"x" * (65536 - 7) + b"</a>"
    assert wire.post(gateway.port, PATH, body).status == 400


def test_truncated_body(gateway):
    """Fewer octets than Content-Length says, and then silence."""
    octets = signed_read(gateway)
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, len(octets)) + octets[:-10])
        refused(connection.read(), 408)
        assert connection.at_end()


def test_truncated_body_and_close(gateway):
    octets = signed_read(gateway)
    for part in (0, 1, len(octets) // 2, len(octets) - 1):
        with wire.Connection(gateway.port) as connection:
            connection.send(wire.head(PATH, len(octets)) + octets[:part])


def test_half_closed_body(gateway):
    octets = signed_read(gateway)
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, len(octets)) + octets[:100])
        connection.socket.shutdown(1)
        try:
            assert connection.read().status in (400, 408)
        except (wire.Closed, ConnectionError):
            pass


def test_slow_header(gateway):
    with wire.Connection(gateway.port) as connection:
        connection.send(b"POST " + PATH.encode() + b" HT")
        refused(connection.read(), 408)
        assert connection.at_end()


def test_slow_octet_by_octet(gateway):
    """A client that sends one octet at a time within the time-out is served."""
    octets = signed_read(gateway)
    with wire.Connection(gateway.port) as connection:
        header = wire.head(PATH, len(octets))
        for i in range(len(header)):
            connection.send(header[i:i + 1])
        for i in range(0, len(octets), 50):
            connection.send(octets[i:i + 50])
        assert duis.Response(connection.read().body).code == "I99"


def test_disconnects_half_way(gateway):
    octets = wire.head(PATH, 3000) + b"<a>"
    for part in (1, 10, 60, len(octets)):
        for _ in range(20):
            connection = wire.Connection(gateway.port)
            connection.send(octets[:part])
            connection.close()


def test_disconnects_before_the_answer(gateway):
    for _ in range(20):
        connection = wire.Connection(gateway.port)
        octets = signed_read(gateway)
        connection.send(wire.head(PATH, len(octets)) + octets)
        connection.close()


def test_reset_before_the_answer(gateway):
    import socket
    import struct
    for _ in range(20):
        connection = wire.Connection(gateway.port)
        octets = signed_read(gateway)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.send(wire.head(PATH, len(octets)) + octets)
        connection.close()


def test_pipelined(gateway):
    """Ten requests in one piece, among them bad ones: ten answers in order."""
    wanted = []
    octets = b""
    for i in range(10):
        if i % 3 == 2:
            body = b"<not-duis/>"
            wanted.append(None)
        else:
            canonical, _ = gateway.read()
            body = duis.sign(canonical, gateway.supplier.signer)
            wanted.append(duis.Request(body).request_id)
        octets += wire.head(PATH, len(body)) + body
    with wire.Connection(gateway.port) as connection:
        connection.send(octets)
        for request_id in wanted:
            answer = connection.read()
            if request_id is None:
                assert answer.status == 400, answer
            else:
                assert duis.Response(answer.body).request_id == request_id


def test_keep_alive(gateway):
    with wire.Connection(gateway.port) as connection:
        for _ in range(50):
            assert connection.post(PATH, signed_read(gateway)).status == 200


def test_connection_close_is_honoured(gateway):
    with wire.Connection(gateway.port) as connection:
        answer = connection.post(PATH, signed_read(gateway), extra=["Connection: close"])
        assert answer.status == 200
        assert connection.at_end(), "the connection stays open"


def test_http_1_0(gateway):
    octets = signed_read(gateway)
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, len(octets)).replace(b"HTTP/1.1", b"HTTP/1.0", 1) + octets)
        assert connection.read().status == 200
        assert connection.at_end()


def test_expect_continue(gateway):
    octets = signed_read(gateway)
    with wire.Connection(gateway.port) as connection:
        connection.send(wire.head(PATH, len(octets), extra=["Expect: 100-continue"]))
        connection.socket.settimeout(1)
        try:
            interim = connection.read()
            assert interim.status == 100, interim
        except TimeoutError:
            pass  # a client need not wait for ever, RFC 9110 10.1.1
        connection.socket.settimeout(20)
        connection.send(octets)
        assert connection.read().status == 200


def test_idle_connection_is_closed(gateway):
    with wire.Connection(gateway.port) as connection:
        assert connection.post(PATH, signed_read(gateway)).status == 200
        assert connection.at_end(8), "idle for longer than idle_timeout_ms"


def test_body_with_header_octets(gateway):
    body = b"POST / HTTP/1.1\r\n\r\n" * 10
    with wire.Connection(gateway.port) as connection:
        assert connection.post(PATH, body).status == 400
        assert connection.post(PATH, signed_read(gateway)).status == 200


def test_fuzzed_heads(gateway):
    """Two hundred heads with one octet changed: an answer or a closed connection, never silence."""
    import random
    chance = random.Random(20260101)
    octets = signed_read(gateway)
    whole = wire.head(PATH, len(octets)) + octets
    length = len(whole) - len(octets)
    for _ in range(200):
        changed = bytearray(whole)
        changed[chance.randrange(length)] = chance.randrange(256)
        with wire.Connection(gateway.port) as connection:
            try:
                connection.send(bytes(changed))
                assert connection.read().status in (200, 400, 404, 405, 408, 411, 413, 415, 431, 505)
            except (wire.Closed, ConnectionError):
                pass
