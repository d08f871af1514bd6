#!/usr/bin/env python3
"""What `sluice up` holds of memory and descriptors, whatever is sent to it.

limits_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import contextlib
import gzip
import http.client
import json
import pathlib
import resource
import socket
import subprocess
import sys
import threading

from program import SECONDS, SLUICE, Folder, cloud_event, eventually

MEBIBYTE = 1 << 20
MEMORY = 128
PATH = "/v1/deliberation/events"
LINES = "application/x-ndjson"


class Limited:
    """An `up` with 128 MiB and so many descriptors."""

    def __init__(self, folder, *flags, descriptors=None, listen="127.0.0.1:0"):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.errors = pathlib.Path(folder) / "errors"
        with open(self.errors, "w") as log:
            self.process = subprocess.Popen(
                [SLUICE, "up", "--data", str(folder / "data"), "--memory", f"{MEMORY}MiB", "--listen",
                 listen, *flags], stdout=subprocess.PIPE, stderr=log, text=True,
                preexec_fn=limit)
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        self.address = json.loads(line)["http"].removeprefix("http://")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(SECONDS)

    def mebibytes(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise AssertionError(name)

    def seconds_of_processor(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def post(self, body, kind=LINES, **fields):
        """Status, fields and text of the reply."""
        client = http.client.HTTPConnection(self.address, timeout=SECONDS)
        try:
            client.request("POST", PATH, body, {"Content-Type": kind, **fields})
            reply = client.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            client.close()

    def connect(self):
        host, port = self.address.split(":")
        return socket.create_connection((host, int(port)), timeout=SECONDS)


def opinions(first, count, body):
    return "".join(cloud_event(f"o{n}", "opinion.created", {
        "conversation_id": "c", "opinion_id": f"o{n}", "author_id": "a", "body": "x" * body}) + "\n"
        for n in range(first, first + count)).encode()


def of_16_mebibytes(number):
    """Lines of some 1,600 bytes, which fill a body with fewer than 10,000 events."""
    lines = []
    size = 0
    while size < 16 * MEBIBYTE - 2000:
        line = json.loads(opinions(number * 10_000 + len(lines), 1, 900))
        line["padding"] = "y" * 600
        lines.append(json.dumps(line).encode() + b"\n")
        size += len(lines[-1])
    return b"".join(lines)


def fifty_large_bodies_stay_within_the_number(folder):
    with Limited(folder) as up:
        assert up.post(opinions(0, 1, 10))[0] == 202
        body = of_16_mebibytes(1)
        replies = []

        def post():
            try:
                replies.append(up.post(body))
            except OSError:
                replies.append((None, {}, b""))  # refused while it still sent

        threads = [threading.Thread(target=post) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for status, fields, text in replies:
            assert status in (202, 503, None), (status, text[:500])
            assert status != 503 or fields["Retry-After"] == "1"
        assert any(status == 503 for status, _, _ in replies), replies
        assert up.mebibytes("VmHWM") <= MEMORY, up.mebibytes("VmHWM")
        # Alone it is taken, though a smaller share is HTTP's by right.
        eventually("one at a time they come through", lambda: up.post(body)[0] == 202)
        assert up.mebibytes("VmHWM") <= MEMORY, up.mebibytes("VmHWM")
        assert up.post(opinions(1, 1, 10))[0] == 202
        eventually("what they took is given back", lambda: up.mebibytes("RssAnon") < 60)


def half(number):
    """Of a request: a head without its end, or a body without its end."""
    if number % 2:
        return b"POST %b HTTP/1.1\r\nHost: a\r\nX: %b" % (PATH.encode(), b"x" * 30_000)
    return (b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
            b"Content-Length: 65000\r\n\r\n%b" % (PATH.encode(), b"x" * 60_000))


def half_sent_bodies_and_heads_stay_within_the_number(folder):
    """Small alone: 4,000 of some 45 KB each are more than the number together."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 10_000), hard))
    with Limited(folder, descriptors=min(hard, 10_000)) as up:
        clients = []
        for n in range(4000):
            client = up.connect()
            with contextlib.suppress(OSError):  # refused
                client.sendall(half(n))
            clients.append(client)
        assert up.mebibytes("VmHWM") <= MEMORY, up.mebibytes("VmHWM")
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        eventually("small posts are taken again", lambda: up.post(opinions(0, 1, 10))[0] == 202)


def a_packed_body_is_what_it_unpacks_to(folder):
    with Limited(folder) as up:
        lines = opinions(0, 100, 100)
        status, _, text = up.post(gzip.compress(lines), **{"Content-Encoding": "gzip"})
        assert status == 202 and json.loads(text)["accepted"] == 100, text
        status, fields, _ = up.post(lines, **{"Content-Encoding": "br"})
        assert status == 415 and fields["Accept-Encoding"] == "gzip"
        bomb = gzip.compress(b" " * (200 * MEBIBYTE))
        assert up.post(bomb, **{"Content-Encoding": "gzip"})[0] == 413
        assert up.mebibytes("VmHWM") <= MEMORY, up.mebibytes("VmHWM")


def out_of_descriptors_clients_are_answered(folder):
    with Limited(folder, "--domains", "auction", "--partitions", "1", descriptors=256) as up:
        clients = []
        for _ in range(400):
            client = up.connect()
            clients.append(client)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            client.settimeout(10)
            said = client.recv(4096)  # an answer or an end, no silence
            assert said == b"" or said.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 503 ")), said
        before = up.seconds_of_processor()
        threading.Event().wait(2)  # a span to measure, not a condition
        assert up.seconds_of_processor() - before < 1, "no busy loop"
        for client in clients:
            client.close()

        def healthy():
            client = http.client.HTTPConnection(up.address, timeout=SECONDS)
            client.request("GET", "/healthz")
            return client.getresponse().status == 200

        eventually("clients are served again", healthy)


def listening_beyond_this_machine_is_told(folder):
    said = "listening beyond this machine"
    with Limited(folder) as up:
        pass
    assert said not in up.errors.read_text()
    with Limited(folder, listen="0.0.0.0:0") as up:
        pass
    assert up.errors.read_text().count(said) == 1, up.errors.read_text()


for test in (fifty_large_bodies_stay_within_the_number,
             half_sent_bodies_and_heads_stay_within_the_number,
             a_packed_body_is_what_it_unpacks_to, out_of_descriptors_clients_are_answered,
             listening_beyond_this_machine_is_told):
    with Folder() as scratch:
        test(scratch)
    print(f"passed: {test.__name__}")
sys.exit(0)
