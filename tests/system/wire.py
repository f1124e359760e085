# SPDX-License-Identifier: Apache-2.0
"""HTTP over bare sockets, so that a test can send what no HTTP library would."""
import json
import random
import socket
import time

HOST = "127.0.0.1"


class Closed(Exception):
    """The peer closed the connection before a whole answer had come."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def reason(self):
        return self.headers.get("motorway-reason")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


def head(path, length, content_type="application/xml", method="POST", extra=(), host=HOST):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    lines.extend(extra)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Connection:
    """One connection; answers are read strictly by Content-Length."""

    def __init__(self, port, timeout_s=20):
        self.socket = socket.create_connection((HOST, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def _more(self):
        octets = self.socket.recv(65536)
        if not octets:
            raise Closed(f"closed after {self.rest[:100]!r}")
        self.rest += octets

    def read(self):
        while b"\r\n\r\n" not in self.rest:
            self._more()
        header, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = header.decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        if version != "HTTP/1.1":
            raise Closed(f"no HTTP/1.1 answer: {lines[0]}")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("transfer-encoding"):
            raise Closed("the gateway does not use transfer encodings")
        length = int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(int(status), headers, body)

    def post(self, path, body, **fields):
        self.send(head(path, len(body), **fields) + body)
        return self.read()

    def at_end(self, timeout_s=10):
        """True when the peer closes (or resets) the connection without another byte."""
        self.socket.settimeout(timeout_s)
        try:
            return not self.rest and self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def post(port, path, body, timeout_s=20, **fields):
    with Connection(port, timeout_s) as connection:
        return connection.post(path, body, **fields)


def wait_until(condition, timeout_s, what, interval_s=0.02):
    """The first true value of condition(); AssertionError with `what` when none came in time."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(interval_s)


taken_ports = set()


def free_port():
    """A port to listen on, below the range from which the kernel takes ports of its own."""
    while True:
        port = random.randrange(10000, 32000)
        if port in taken_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        taken_ports.add(port)
        return port


def listening(port):
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
