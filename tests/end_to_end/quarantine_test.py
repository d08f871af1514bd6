#!/usr/bin/env python3
"""What stands in Kafka and cannot be folded waits in sight, and holds up nobody else.

quarantine_test.py SLUICE REPOSITORY: writes garbage to the topic with kcat, under the key of a
conversation and under keys that are no text; the conversation waits, another goes on; a user who is
deleted meanwhile goes from what waits; after `sluice quarantine discard` the rest is folded in order,
and a refold agrees.
"""
import json
import subprocess
import sys

from broker import TOPIC, Broker, skipped
from postgres import ask
from system import Folder, Up, eventually, sluice, verify, wait_for


def event(event_id, kind, data, **attributes):
    return json.dumps({"specversion": "1.0", "source": "test", "id": event_id, "type": kind,
                       "data": data, **attributes})


def post(up, events, domain="deliberation"):
    posted = subprocess.run(["curl", "-sS", "--fail", "-X", "POST", "-H",
                             "content-type: application/x-ndjson", "--data-binary", "@-",
                             f"{up.http}/v1/{domain}/events"],
                            input="\n".join(events), capture_output=True, text=True)
    assert posted.returncode == 0, posted.stderr
    wait_for(json.loads(posted.stdout)["token"], up.postgres)


def conversation(name):
    return [event(f"{name}-c", "conversation.created",
                  {"conversation_id": name, "owner_id": "o", "title": name,
                   "seeds": [{"opinion_id": "s", "body": "text"}]})]


def vote(name, participant):
    return event(f"{name}-{participant}", "vote.set",
                 {"conversation_id": name, "opinion_id": "s", "participant_id": participant,
                  "choice": "agree"})


def produce(broker, where, key, value):
    """Into the partition of the conversation `where`."""
    partition = broker.partition_of(where)
    ran = subprocess.run(["kcat", "-b", broker.bootstrap, "-P", "-t", TOPIC, "-p", partition, "-K",
                          "\t"], input=key + b"\t" + value, capture_output=True)
    assert ran.returncode == 0, ran.stderr


def votes(up, name):
    return ask(up.postgres, "SELECT total_vote_count FROM deliberation.conversation_stats "
               f"WHERE conversation_id = '{name}'")[0][0]


def waiting_for(up, key):
    return ask(up.postgres, "SELECT partition, position, reason FROM sluice.quarantine "
                            f"WHERE key = '{key}' ORDER BY position")


def wait_and_discard(up, broker):
    post(up, conversation("bad") + conversation("good") + [vote("bad", "p0")])
    produce(broker, "bad", b"bad", b"\xff\xffgarbage")
    produce(broker, "good", b"\xfe\x01", b"not an envelope")
    post(up, [vote("bad", "p1"), vote("bad", "p2"), vote("good", "p1")])
    assert votes(up, "good") == "1", "another conversation goes on"
    assert votes(up, "bad") == "1", "the parked one waits"
    waiting = waiting_for(up, "bad")
    assert len(waiting) == 3 and waiting[0][2] == "not an Envelope", waiting
    forget(up, "p1")
    listed = sluice("quarantine", "list", "--postgres", up.postgres, "--json", check=False)
    assert "not an Envelope" in listed.stdout, listed.stdout + listed.stderr
    shown = sluice("quarantine", "show", "--domain", "deliberation", "--partition", waiting[0][0],
                   "--offset", waiting[0][1], "--postgres", up.postgres)
    assert "//9nYXJiYWdl" in shown.stdout, shown.stdout  # the very bytes, base64
    sluice("quarantine", "discard", "--domain", "deliberation", "--key", "bad", "--offset",
           waiting[0][1], "--brokers", broker.bootstrap)
    post(up, [vote("bad", "p3")])
    assert votes(up, "bad") == "3", "what waited is folded: p0, p2 and p3"
    assert waiting_for(up, "bad") == []
    for domain in ("deliberation", "people"):
        verify(up.postgres, ["--brokers", broker.bootstrap], domain)


def forget(up, user):
    post(up, [event(f"{user}-deleted", "user.deleted", {"user_id": user}, actor=user)],
         "people")
    eventually("nothing of the user waits", lambda: ask(
        up.postgres, "SELECT count(*) FROM sluice.quarantine "
                     f"WHERE position(convert_to('{user}', 'utf8') in bytes) > 0 "
                     "AND position(convert_to('participant.removed', 'utf8') in bytes) = 0")
        [0][0] == "0")


def main():
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("quarantine over Kafka")
        with Up(folder / "data", ["--log", "kafka", "--brokers", broker.bootstrap]) as up:
            up.start()
            wait_and_discard(up, broker)
            up.stop()
    print("passed: quarantine over Kafka")
    return 0


if __name__ == "__main__":
    sys.exit(main())
