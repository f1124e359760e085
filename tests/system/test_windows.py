# SPDX-License-Identifier: Apache-2.0
"""Windows and caps in real time, with windows of seconds around now; and the operators' commands.

A Meter Data Retriever's reads on demand have 24 hours: they wait for an off-peak window. The provider
here is one thread that notes when each request has come, and answers it at once.
"""
import contextlib
import datetime
import json
import re
import selectors
import signal
import socket
import threading
import time

import duis
import wire
from gateway import Gateway, log_read, write_yaml

RETRY_MS = 200
# A thread that the machine does not let run notes an arrival late; never one early.
LATE_S = 0.25


class Counter:
    """A provider that takes every request. `stall_s`: once, so long, it neither reads nor answers."""

    def __init__(self):
        self.arrivals = []   # (wall clock, RequestID, attempt, mode)
        self.stall_s = 0.0
        self.ended = False
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server((wire.HOST, 0), backlog=128)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def url(self):
        return f"http://{wire.HOST}:{self.listener.getsockname()[1]}/csp-north"

    def close(self):
        self.ended = True
        self.thread.join()
        self.listener.close()

    def _run(self):
        while not self.ended:
            for key, _ in self.selector.select(0.05):
                if self.stall_s > 0:
                    time.sleep(self.stall_s)
                    self.stall_s = 0.0
                if key.data is None:
                    connection, _ = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(connection, selectors.EVENT_READ, bytearray())
                else:
                    self._receive(key.fileobj, key.data)

    def _receive(self, connection, held):
        try:
            octets = connection.recv(65536)
        except OSError:
            octets = b""
        now = time.time()
        if not octets:
            self.selector.unregister(connection)
            connection.close()
            return
        held += octets
        while True:
            end = held.find(b"\r\n\r\n")
            if end < 0:
                return
            fields = dict(line.lower().split(": ", 1)
                          for line in held[:end].decode().split("\r\n")[1:])
            whole = end + 4 + int(fields["content-length"])
            if len(held) < whole:
                return
            del held[:whole]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            self.arrivals.append((now, fields["motorway-request-id"].upper(),
                                  int(fields["motorway-attempt"]), fields["motorway-mode"]))

    def times(self, since=0.0):
        return [at for at, *_ in list(self.arrivals) if at >= since]


@contextlib.contextmanager
def site():
    """A gateway whose csp-north is a Counter. What was asked for is answered in the end."""
    north = Counter()
    try:
        with Gateway({"south": {"window_retry_ms": RETRY_MS}, "data_plane": {"drain_s": 1}},
                     provider_urls={"csp-north": north.url()}) as own:
            own.north = north
            yield own
            own.motorway.stop(signal.SIGKILL)
            own.motorway = None
    finally:
        north.close()


def window(start_s, length_s, cap_tps, name="now", **fields):
    """One that begins start_s from now, at a whole second."""
    begin = datetime.datetime.fromtimestamp(int(time.time()) + start_s, datetime.timezone.utc)
    end = begin + datetime.timedelta(seconds=length_s)
    row = {"name": name, "kind": "off-peak", "from": f"{begin:%H:%M:%S}", "to": f"{end:%H:%M:%S}",
           "cap_tps": cap_tps, "pace": "cap", "gap": "none", **fields}
    if end.date() != begin.date():
        row["next_day"] = True
    return row, begin.timestamp(), end.timestamp()


def write_windows(own, rows, **over):
    path = own.path("other.yaml")
    write_yaml(path, {"zone": "UTC", "providers": [{"provider": "csp-north", "windows": rows}],
                      **over})
    return path


def north_now(own):
    """How the provider's gate stands, as the data plane tells it."""
    rows = own.status()["data_plane"]["windows"]["providers"]
    return next(row for row in rows if row["provider"] == "csp-north")


def ctl(own, *words):
    result = own.ctl(*words, "--json")
    assert result.returncode == 0, f"{words}: {result.stderr}"
    return json.loads(result.stdout)


def set_windows(own, *rows, **over):
    """Put them in force, and wait until the data plane has them."""
    before = own.status()["control"]["generation_applied"]
    reply = ctl(own, "window", "set", "--file", write_windows(own, rows, **over))
    assert reply["changed"]
    wire.wait_until(lambda: own.status()["control"]["generation_applied"] > before, 20,
                    lambda: "the windows are not in force")


def closed():
    """A window that opens in hours."""
    return window(7200, 600, 1, "later")[0]


def ask(own, count, user=None, srv="4.8.1"):
    """So many reads, each accepted; returns their RequestIDs."""
    ids = []
    for _ in range(count):
        canonical, variant = own.read(user or own.mdr, srv=srv,
                                      body=log_read("ReadActiveImportProfileData"))
        answer = own.send(user or own.mdr, canonical, variant)
        assert answer.status == 200 and duis.Response(answer.body).code == "I99", answer
        ids.append(re.search("RequestID>([^<]+)", canonical).group(1))
    return ids


def most(times, within_s=1.0):
    """The most that came within such an interval, wherever it begins."""
    times, first, highest = sorted(times), 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= within_s:
            first += 1
        highest = max(highest, last - first + 1)
    return highest


def rate(times, begin, end):
    return sum(begin <= at < end for at in times) / (end - begin)


def wait_count(own, count, timeout_s=30):
    wire.wait_until(lambda: len(own.north.arrivals) >= count, timeout_s,
                    lambda: f"{len(own.north.arrivals)} of {count} came")


def sleep_until(at):
    time.sleep(max(0.0, at - time.time()))


def test_in_its_window():
    """Nothing comes before it opens, nothing after it closes, in no second more than the cap; what
    is short on demand does not wait; the cap is used while reads wait."""
    cap, count = 50, 300
    with site() as own:
        set_windows(own, closed())
        ask(own, count)
        row, begin, end = window(3, 4, cap)
        set_windows(own, row)
        assert north_now(own)["state"] == "closed" and not own.north.arrivals
        canonical, variant = own.read(own.supplier)
        assert duis.Response(own.send(own.supplier, canonical, variant).body).code == "I99"
        wait_count(own, 1)
        assert own.north.times()[0] < begin, "on demand with a short target has waited"
        shown = ctl(own, "window", "show", "csp-north")
        assert [row["state"] for row in shown["windows"]][0] == "ahead", shown
        assert shown["data_plane"]["waiting"] == count
        sleep_until(end + 1)
        times = own.north.times()[1:]
        assert begin - 0.01 <= times[0] and times[-1] <= end + LATE_S, (begin, times[0], times[-1], end)
        assert most(times) <= cap, f"{most(times)} in one second"
        took_s = times[-1] - times[0]
        # How much of the cap is used is proven on a clock of its own (test_traffic_window); here the
        # machine has its say.
        assert len(times) >= 0.8 * cap * took_s, f"{len(times)} in {took_s:.3f} s"
        north = north_now(own)
        assert north["state"] == "closed" and north["waiting_off_peak"] == count - len(times), north
        assert own.status()["data_plane"]["windows"]["waiting"] == count - len(times)


def test_short_target_of_a_supplier():
    """4.8.1 by a supplier has 5600 s on demand: it does not wait for the window; an MDR's has 24 h."""
    with site() as own:
        set_windows(own, closed())
        waits = ask(own, 1)
        goes = ask(own, 1, own.supplier)
        wait_count(own, 1)
        time.sleep(1)
        assert [row[1] for row in own.north.arrivals] == goes
        assert waits[0] not in goes and north_now(own)["waiting_off_peak"] == 1


def test_cap_set_live():
    """A cap that is set follows within a second; no second has more than the larger one, nor, once it
    is in force, than the new one; a rollback takes it back."""
    with site() as own:
        set_windows(own, closed())
        ask(own, 500)
        set_windows(own, window(-60, 3600, 60)[0])
        wait_count(own, 60)
        reply = ctl(own, "cap", "set", "provider", "csp-north", "window", "now", "cap_tps=20",
                    "--reason", "the test")
        lower_at = time.time()
        assert reply["differences"] == [{"provider": "csp-north", "window": "now", "what": "cap_tps",
                                         "old": "60", "new": "20"}], reply
        time.sleep(4)
        assert north_now(own)["cap_tps"] == 20
        ctl(own, "cap", "set", "provider", "csp-north", "window", "now", "cap_tps=40")
        higher_at = time.time()
        time.sleep(3)
        back = ctl(own, "window", "rollback")
        back_at = time.time()
        assert back["differences"][0]["new"] == "20", back
        time.sleep(3)
        times = own.north.times()
        assert most(times) <= 60, most(times)
        slow = [at for at in times if lower_at + 1 <= at < higher_at - LATE_S]
        assert most(slow) <= 20 and rate(times, lower_at + 2, higher_at - LATE_S) >= 0.9 * 20, slow
        assert rate(times, higher_at + 1, back_at - LATE_S) >= 0.9 * 40
        assert most([at for at in times if at >= higher_at]) <= 40
        assert most([at for at in times if at >= back_at + 1]) <= 20
        versions = ctl(own, "window", "history")["versions"]
        assert versions[0]["in_force"] and [v["reason"] for v in versions].count("the test") == 1
        # One in doubt is sent again under its number: when the machine was too busy to answer a POST.
        twice = len(times) - len({row[1:3] for row in own.north.arrivals})
        failed = own.status()["data_plane"]["counters"]["dispatch_failed"]
        assert twice <= failed, f"{twice} were sent twice, {failed} POSTs failed"


def test_restart_in_a_window():
    """Whoever starts in the middle of a window is silent for a second: nobody knows what went before."""
    cap = 40
    with site() as own:
        set_windows(own, closed())
        ask(own, 200)
        set_windows(own, window(-60, 3600, cap)[0])
        wait_count(own, cap)
        own.motorway.stop(signal.SIGKILL)
        began = time.time()
        before = len(own.north.arrivals)
        own.start_motorway()
        own.wait_ready()
        wire.wait_until(lambda: north_now(own)["state"] == "open", 10, lambda: north_now(own))
        ask(own, 2 * cap)
        wait_count(own, before + 2 * cap)
        times = own.north.times()
        assert times[before] - began >= 1.0, times[before] - began
        assert most(times) <= cap, most(times)


def test_stalled_provider():
    """A provider that does not read for 1.5 s and then lets go of everything sees no second over its
    cap."""
    cap, count = 50, 250
    with site() as own:
        set_windows(own, closed())
        ask(own, count)
        set_windows(own, window(-60, 3600, cap)[0])
        wait_count(own, cap)
        own.north.stall_s = 1.5
        wait_count(own, count)
        times = own.north.times()
        assert max(b - a for a, b in zip(times, times[1:])) >= 1.4, "it did not stall"
        assert most(times) <= cap, f"{most(times)} in one second"
        assert len({row[1] for row in own.north.arrivals}) == count


def test_retries_alone_in_the_gap():
    """Behind the window what has failed goes on, under the cap, and nothing else."""
    cap = 5
    with site() as own:
        set_windows(own, closed())
        ids = ask(own, 40)
        row, _, end = window(2, 3, cap, gap="next")
        set_windows(own, row)
        sleep_until(end + 0.5)
        first = list(own.north.arrivals)
        assert cap <= len(first) < len(ids), len(first)
        assert {attempt for _, _, attempt, _ in first} == {1}
        assert north_now(own)["state"] == "gap"
        failed = [request_id for _, request_id, _, _ in first]
        provider = own.csp
        for request_id in failed:
            assert provider.respond(request_id, b"", "E20").status == 204
        wait_count(own, 2 * len(first))
        time.sleep(1)
        again = own.north.arrivals[len(first):]
        assert sorted(row[1] for row in again) == sorted(failed)
        assert {attempt for _, _, attempt, _ in again} == {2}
        assert most(own.north.times()) <= cap
        status = own.status()["data_plane"]
        assert status["counters"]["attempts_repeated"] == len(failed)
        assert status["windows"]["waiting"] == len(ids) - len(first)
        assert "permissions_expired" in status["counters"]


def test_faulty_file():
    """SIGHUP with an error in windows.yaml: it is named with line and column, the old ones stay."""
    with site() as own:
        set_windows(own, closed())
        shown = ctl(own, "window", "show")["windows"]
        path = own.path("conf", "windows.yaml")
        with open(path, encoding="utf-8") as file:
            good = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write("zone: UTC\nproviders:\n  - provider: csp-north\n    windows:\n"
                       "      - {name: day, kind: peak, from: 25:00, to: 08:00, cap_tps: 0}\n")
        own.control.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: own.status()["control"]["counters"]["reloads_refused"] == 1, 20,
                        lambda: "not refused")
        assert re.search(r"windows\.yaml:5:39: .*25:00", own.control.text()), own.control.tail()
        assert re.search(r"windows\.yaml:5:\d+: .*cap_tps", own.control.text()), own.control.tail()
        assert ctl(own, "window", "show")["windows"] == shown
        with open(path, "w", encoding="utf-8") as file:
            file.write(good)
        own.control.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: own.status()["control"]["counters"]["reloads"] == 2, 20,
                        lambda: "not read")
        assert ctl(own, "window", "show")["windows"] == shown, "the operator's change was lost"


def test_plan():
    """What a change would do is told, and is not done."""
    with site() as own:
        row, begin, end = window(3600, 1000, 2)
        set_windows(own, row)
        ask(own, 100)
        wire.wait_until(lambda: north_now(own)["waiting_off_peak"] == 100, 20, lambda: "not waiting")
        words = ["provider", "csp-north", "window", "now", "cap_tps=4"]
        for command in "cap", "window":
            plan = ctl(own, command, "plan", *words)
            assert [(d["old"], d["new"]) for d in plan["differences"]] == [("2", "4")]
            today = plan["windows"][0]
            assert today["waiting"] == 100 and today["planned"] == 0 and today["rate_tps"] == 4
            assert today["margin_s"] == end - begin - 25 and today["left"] == 0, today
            assert plan["unknown"]
        plan = ctl(own, "window", "plan", "total", "off_peak_tps=1", "and", *words)
        assert plan["windows"][0]["margin_s"] == end - begin - 100, plan
        assert len(plan["differences"]) == 2
        assert ctl(own, "cap", "show")["windows"][0]["slots"][0]["cap_tps"] == 2
        assert len(ctl(own, "window", "history")["versions"]) == 2
        text = own.ctl("window", "plan", *words).stdout
        assert "csp-north window now cap_tps: 2 -> 4" in text and "waiting 100" in text, text


WRONG = {
    "overlap": (["provider", "csp-north", "window", "1", "to=03:30"], "change:1:29: "),
    "end before start": (["provider", "csp-north", "window", "1", "to=00:30"], "change:1:29: "),
    "no rate": (["provider", "csp-north", "window", "1", "cap_tps=0"], "change:1:"),
    "unknown provider": (["provider", "nobody", "window", "1", "cap_tps=1"], "change:1:10: "),
    "hour 25": (["provider", "csp-north", "window", "1", "to=25:00"], "change:1:"),
    "second of two": (["total", "off_peak_tps=3", "and", "total", "peak_tps=-1"], "change:2:"),
    "above the largest": (["total", "off_peak_tps=16385"], "change:1:"),
}


def test_wrong_changes():
    """Each is refused with its column, by window and by plan alike, and nothing changes."""
    with site() as own:
        rows = [{"name": "one", "kind": "peak", "from": "01:00", "to": "02:00", "cap_tps": 10},
                {"name": "two", "kind": "off-peak", "from": "03:00", "to": "04:00", "cap_tps": 10}]
        set_windows(own, *rows)
        history = ctl(own, "window", "history")
        for name, (words, place) in WRONG.items():
            for action in "plan", "set":
                result = own.ctl("window", action, *words)
                assert result.returncode == 1 and place in result.stderr, (name, result)
        result = own.ctl("cap", "set", "provider", "csp-north", "window", "1", "to=02:30")
        assert result.returncode == 1 and "change:1:29: " in result.stderr, result
        rows[1]["from"] = "01:30"
        result = own.ctl("window", "set", "--file", write_windows(own, rows))
        assert result.returncode == 1 and re.search(r"other\.yaml:\d+:\d+: ", result.stderr), result
        assert own.ctl("window", "set").returncode == 2
        assert own.ctl("cap", "rollback").returncode == 2
        assert own.ctl("status", "--reason", "x").returncode == 2
        assert own.ctl("window", "show", "nobody").returncode == 1
        assert ctl(own, "window", "set", "total", "peak_tps=unlimited")["changed"] is False
        assert ctl(own, "window", "history") == history
        assert ctl(own, "window", "rollback")["changed"]
        assert own.ctl("window", "rollback").returncode == 1
