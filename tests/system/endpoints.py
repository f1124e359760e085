# SPDX-License-Identifier: Apache-2.0
"""The gateway's neighbours as tests play them: users' receive endpoints and service providers.

An endpoint records what it is sent and answers as `behaviour` says; a behaviour is called with the
Post and returns an HTTP status (or a pair of status and body), or None for "never answer".
"""
import collections
import http.server
import os
import threading
import time

import duis
import wire

Post = collections.namedtuple("Post", "path headers body time_s")


class Endpoint:
    """An HTTP server on its own port that keeps every POST."""

    def __init__(self, behaviour=None, port=0):
        self.behaviour = behaviour or (lambda post: 204)
        self.posts = []
        self.arrived = threading.Condition()
        self.ending = threading.Event()
        endpoint = self

        class Exchange(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                post = Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body,
                            time.monotonic())
                with endpoint.arrived:
                    endpoint.posts.append(post)
                    endpoint.arrived.notify_all()
                answer = endpoint.behaviour(post)
                if answer is None:
                    endpoint.ending.wait(60)
                    self.close_connection = True
                    return
                status, text = answer if isinstance(answer, tuple) else (answer, b"")
                self.send_response(status)
                if text:
                    self.send_header("Content-Type", "application/xml")
                if status != 204:
                    self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, *unused):
                pass  # the gateway may go while an answer is being written

        self.server = Server((wire.HOST, port or wire.free_port()), Exchange)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path="/"):
        return f"http://{wire.HOST}:{self.port}{path}"

    def close(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait(self, matches, timeout_s=20, count=1):
        """Wait for `count` posts for which matches(post) holds; returns them."""
        end = time.monotonic() + timeout_s
        with self.arrived:
            while True:
                found = [post for post in self.posts if matches(post)]
                if len(found) >= count:
                    return found
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(
                        f"{len(found)} of {count} posts came within {timeout_s} s")
                self.arrived.wait(left)


def of_request(request_id):
    """Matches dispatches of, and responses to, a request."""
    def matches(post):
        header = post.headers.get("motorway-request-id")
        if header is not None:
            return header == request_id
        return duis.Response(post.body).request_id == request_id
    return matches


def gbcs(length=112, counter=1):
    """Octets in the shape of a GBCS response: MAC header, grouping header, content."""
    octets = bytes.fromhex("dd00000000000077110000000000df0902") + counter.to_bytes(8, "big")
    return octets + os.urandom(max(0, length - len(octets)))


class Provider(Endpoint):
    """A CSP or S1SP: takes requests, and answers each after `delay_s` when `answers` is set."""

    def __init__(self, name, gateway_port=None, answers=True, delay_s=0.0, port=0):
        super().__init__(self._dispatched, port)
        self.name = name
        self.gateway_port = gateway_port
        self.answers = answers
        self.delay_s = delay_s
        self.status = 200
        self.statuses = []   # of the gateway's replies to our answers
        self.seen = set()

    def _dispatched(self, post):
        status = self.status(post) if callable(self.status) else self.status
        key = (post.headers.get("motorway-request-id"), post.headers.get("motorway-attempt"))
        taken = status is not None and 200 <= status < 300
        fresh = key not in self.seen
        if taken:
            self.seen.add(key)
        if self.answers and taken and fresh:
            threading.Timer(self.delay_s, self._answer, (key[0],)).start()
        return status

    def _answer(self, request_id):
        try:
            self.statuses.append(self.respond(request_id, gbcs()).status)
        except OSError as error:
            self.statuses.append(error)

    def respond(self, request_id, payload, outcome="I0", name=None, extra=(), **fields):
        """POST the device's answer to the gateway."""
        headers = [f"Motorway-Request-ID: {request_id}", f"Motorway-Outcome: {outcome}", *extra]
        return wire.post(self.gateway_port, f"/provider/v1/{name or self.name}/response", payload,
                         content_type="application/octet-stream", extra=headers, **fields)
