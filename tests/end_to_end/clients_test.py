#!/usr/bin/env python3
"""Clients that nobody here wrote: curl, wrk, Python's http.client and urllib, and kcat.

clients_test.py SLUICE REPOSITORY: each posts votes in its own way to a `sluice up`, kcat writes an
envelope to Kafka directly; every vote is then in its conversation's counts.
"""
import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from broker import TOPIC, Broker
from postgres import ask
from system import DEADLINE_SECONDS, Folder, Up, verify, wait_for

PATH = "/v1/deliberation/events"
STRUCTURED = "application/cloudevents+json"
VOTERS = iter(range(10**9))


def event(kind, data, event_id):
    return {"specversion": "1.0", "id": event_id, "source": "/clients", "type": kind,
            "data": {"conversation_id": "c", **data}}


def vote():
    voter = f"p{next(VOTERS)}"
    return event("vote.set", {"opinion_id": "s", "participant_id": voter, "choice": "agree"}, voter)


def run(*command, data=None):
    ran = subprocess.run(command, input=data, capture_output=True, timeout=DEADLINE_SECONDS)
    assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
    return ran.stdout


def curl(up, *options, data=None, status=202):
    out = run("curl", "-sS", "-w", "\n%{http_code}", *options, up.http + PATH, data=data).decode()
    body, _, found = out.rpartition("\n")
    assert int(found) == status, (options, out)
    return body


def try_curl(up):
    """Every way in which curl sends a body; returns how many votes it posted."""
    kind = ("-H", "content-type: " + STRUCTURED)
    ways = [(), ("-0",), ("--http2",), ("-H", "Transfer-Encoding: chunked"),
            ("-H", "Expect: 100-continue"), ("-0", "-H", "Connection: keep-alive"),
            ("-H", "Accept-Encoding: gzip", "--compressed")]
    for way in ways:
        curl(up, *kind, *way, "--data-binary", "@-", data=json.dumps(vote()).encode())
    curl(up, *kind, "-T", "-", "-X", "POST", data=json.dumps(vote()).encode())
    data = json.dumps(vote()["data"])
    context = [("-H", f"ce-{name}: {value}") for name, value in
               (("specversion", "1.0"), ("type", "vote.set"), ("source", "x"))]
    curl(up, *sum(context, ()), "-H", "content-type: application/json", "-d", data)
    lines = "\n".join(json.dumps(vote()) for _ in range(5000)).encode()
    # Large enough for curl to ask first (Expect: 100-continue).
    curl(up, "-H", "content-type: application/x-ndjson", "--data-binary", "@-", data=lines)
    curl(up, "-d", "a=b", status=415)
    curl(up, "-X", "PUT", "-d", "x", status=405)
    curl(up, *kind, "--data-binary", "@-", data=bytes(17 << 20), status=413)
    return len(ways) + 2 + 5000


def try_python(up):
    typed = {"Content-Type": STRUCTURED}
    body = json.dumps(vote()).encode()
    request = urllib.request.Request(up.http + PATH, data=body, headers=typed)
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as reply:
        assert reply.status == 202
    try:
        urllib.request.urlopen(urllib.request.Request(up.http + PATH, data=b"{", headers=typed))
        raise AssertionError("that is no JSON")
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 400 and json.load(refusal)["status"] == 400
    # One connection, kept, also across refusals that are the event's and not the connection's.
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(up.http).netloc,
                                            timeout=DEADLINE_SECONDS)
    connection.connect()
    kept = connection.sock
    for chunked in (False, True):
        body = json.dumps(vote()).encode()
        parts = iter([body[:9], body[9:]]) if chunked else body
        connection.request("POST", PATH, body=parts, headers=typed, encode_chunked=chunked)
        reply = connection.getresponse()
        assert reply.status == 202 and json.load(reply)["accepted"] == 1
        connection.request("POST", PATH, body=b"{}", headers=typed)
        reply = connection.getresponse()
        assert reply.status == 422 and json.load(reply)["errors"]
    assert connection.sock is kept
    return 3


def try_wrk(up, folder):
    """The same vote, again and again: it counts once."""
    script = folder / "post.lua"
    script.write_text('wrk.method = "POST"\n'
                      f'wrk.headers["Content-Type"] = "{STRUCTURED}"\n'
                      f"wrk.body = [==[{json.dumps(vote())}]==]\n")
    out = run("wrk", "-t1", "-c16", "-d1s", "-s", script, up.http + PATH).decode()
    assert "Requests/sec" in out and "Non-2xx" not in out and "Socket errors" not in out, out
    return 1


def field(number, content):
    """A protobuf field of bytes, shorter than 128."""
    return bytes([number << 3 | 2, len(content)]) + content


def try_kcat(up, broker, folder):
    """An Envelope, by hand, without ingest."""
    voter = vote()["id"].encode()
    fact = field(1, b"c") + field(2, b"s") + field(3, voter) + bytes([4 << 3, 1])  # agree
    envelope = (field(1, voter) + field(2, b"vote.set") + field(3, b"deliberation") + field(4, b"c")
                + field(8, b"/kcat") + field(9, field(1, fact)))
    # A file is one message; lines of standard input would be one each, and bytes have line feeds.
    message = folder / "envelope"
    message.write_bytes(envelope)
    run("kcat", "-b", broker.bootstrap, "-P", "-t", TOPIC, "-p", broker.partition_of("c"), "-k",
        "c", str(message))
    return 1


def post_from_everywhere(up, broker, folder):
    created = event("conversation.created", {"owner_id": "o", "title": "t", "seeds": [
        {"opinion_id": "s", "body": "text"}]}, "created")
    curl(up, "-H", "content-type: " + STRUCTURED, "-d", json.dumps(created))
    votes = try_curl(up) + try_python(up) + try_wrk(up, folder)
    if broker:
        votes += try_kcat(up, broker, folder)
    else:
        print("SKIPPED (no Kafka jars): kcat")
    # What stands before it in the log is seen with it.
    last = curl(up, "-H", "content-type: " + STRUCTURED, "-d", json.dumps(vote()))
    wait_for(json.loads(last)["token"], up.postgres)
    counted = ask(up.postgres, "SELECT total_vote_count FROM deliberation.conversation_stats")
    assert counted == [[str(votes + 1)]], (counted, votes + 1)
    assert ask(up.postgres, "SELECT count(*) FROM sluice.quarantine") == [["0"]]


def main():
    with Broker() as broker, Folder() as folder:
        log = ["--log", "kafka", "--brokers", broker.bootstrap] if broker else []
        with Up(folder / "data", log) as up:
            up.start()
            post_from_everywhere(up, broker, folder)
            verify(up.postgres, log[2:] or ["--data", folder / "data"])
            up.stop()
    print("passed: clients that nobody here wrote")
    return 0


if __name__ == "__main__":
    sys.exit(main())
