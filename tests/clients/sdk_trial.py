"""Posts events as Python's CloudEvents SDK and HTTP clients write them.

sdk_trial.py URL, in a virtualenv with `cloudevents` and `requests`: see README.md. Prints what was
not accepted, and ends with exit code 1 if anything was not.
"""
import datetime
import http.client
import json
import sys
import urllib.parse
import urllib.request
from importlib.metadata import version

import requests

URL = sys.argv[1].rstrip("/") + "/v1/deliberation/events"
DATA = {"conversation_id": "sdk", "opinion_id": "o", "participant_id": "p", "choice": "agree"}
checks = failed = 0


def expect(what, status, reply_status, body):
    global checks, failed
    checks += 1
    if reply_status != status:
        failed += 1
        print(f"FAILED {what}: {reply_status} {body[:300]}")


def attributes(event_id):
    return {"id": event_id, "source": "/sdk?a=b&c=d", "type": "vote.set", "actor": "u1",
            "time": datetime.datetime.now(datetime.timezone.utc)}


def post(what, headers, body, event_id):
    reply = requests.post(URL, headers=headers, data=body, timeout=30)
    expect(what, 202, reply.status_code, reply.text)
    if reply.status_code == 202:
        expect(what + ": its id", [event_id], reply.json()["ids"], reply.text)


IDS = ("plain", "with space", "100%", "\"quoted\"", "%41", "caf\u00e9 \U0001f600")


def with_version_1():
    from cloudevents.conversion import to_binary, to_structured
    from cloudevents.http import CloudEvent
    for event_id in IDS:
        for data in (DATA, json.dumps(DATA).encode()):
            shape = type(data).__name__
            fields = {**attributes(event_id), "time": "2026-01-31T12:00:00.123456+00:00"}
            event = CloudEvent({**fields, "datacontenttype": "application/json"}, data)
            post(f"1.x structured {shape} {event_id}", *to_structured(event), event_id)
            # It encodes nothing in a header: what is no Latin-1 cannot leave, and Latin-1 is no UTF-8.
            # As it encodes no percent sign either, "%41" arrives as "A".
            if event_id.isascii() and event_id not in ("\"quoted\"", "%41"):
                post(f"1.x binary {shape} {event_id}", *to_binary(event), event_id)


def with_version_2():
    from cloudevents.core.bindings import http as binding
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent
    for event_id in IDS:
        for data in (DATA, json.dumps(DATA).encode()):
            shape = type(data).__name__
            fields = {**attributes(event_id), "specversion": "1.0",
                      "datacontenttype": "application/json"}
            event = CloudEvent(attributes=fields, data=data)
            for mode in ("structured", "binary"):
                message = getattr(binding, "to_" + mode)(event, JSONFormat())
                post(f"2.x {mode} {shape} {event_id}", message.headers, message.body, event_id)


def event(event_id):
    return {"specversion": "1.0", "id": event_id, "source": "/plain", "type": "vote.set",
            "data": DATA}


def plain_clients():
    typed = {"Content-Type": "application/cloudevents+json"}
    body = json.dumps(event("u")).encode()
    request = urllib.request.Request(URL, data=body, headers=typed)
    with urllib.request.urlopen(request, timeout=30) as reply:
        expect("urllib", 202, reply.status, "")
    place = urllib.parse.urlsplit(URL)
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    for chunked in (False, True):
        connection.request("POST", place.path, body=iter([body[:9], body[9:]]) if chunked else body,
                           headers=typed, encode_chunked=chunked)
        reply = connection.getresponse()
        expect(f"http.client chunked={chunked}", 202, reply.status, reply.read().decode())
    with requests.Session() as session:
        for generator in (False, True):
            lines = [json.dumps(event(str(i))).encode() + b"\n" for i in range(1000)]
            reply = session.post(URL, data=iter(lines) if generator else b"".join(lines),
                                 headers={"Content-Type": "application/x-ndjson"}, timeout=30)
            expect(f"requests, lines, chunked={generator}", 202, reply.status_code, reply.text)
        reply = session.post(URL, json=event("x"), timeout=30)
        expect("requests with json=, which is no CloudEvents type", 415, reply.status_code,
               reply.text)


if __name__ == "__main__":
    if version("cloudevents").startswith("1."):
        with_version_1()
    else:
        with_version_2()
    plain_clients()
    print(f"cloudevents {version('cloudevents')}, requests {version('requests')}: "
          + f"{checks} checks, {failed} failed")
    sys.exit(failed > 0)
