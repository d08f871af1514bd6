#!/usr/bin/env python3
"""What stands in Kafka and cannot be folded waits in sight, and holds up nobody else.

quarantine_test.py SLUICE REPOSITORY: writes garbage to the topic with kcat, under the key of a
conversation and under keys that are no text; the conversation waits, another goes on; a user who is
deleted meanwhile goes from what waits; after `sluice quarantine discard` the rest is folded in order,
and a refold agrees. Then over the same log with a short retention: what nobody can read ages out
though nobody posts, `sluice quarantine release` reads it from the log again, and says when the log no
longer has it.
"""
import base64
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


def release(broker, offset, code=0, key="quiet"):
    ran = sluice("quarantine", "release", "--domain", "deliberation", "--key", key, "--offset",
                 offset, "--brokers", broker.bootstrap, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def age_out(up, broker):
    secret = b"\xff\xffsecret"
    post(up, conversation("quiet"))
    produce(broker, "quiet", b"quiet", secret)
    post(up, [vote("quiet", "p9")])
    eventually("the bytes have aged out", lambda: ask(
        up.postgres, "SELECT count(*) FROM sluice.quarantine WHERE key = 'quiet' AND bytes IS NULL")
        == [["1"]])
    early = ("SELECT count(*) FROM sluice.quarantine JOIN sluice.position USING (projection, "
             "generation, partition) WHERE bytes IS NULL AND record_time < appended_at + '2 s'")
    assert ask(up.postgres, early) == [["0"]], "not before"
    waiting = waiting_for(up, "quiet")
    assert [row[2] for row in waiting] == ["not an Envelope",
                                           "waits behind an earlier record of its key"], waiting
    partition, offset = waiting[0][:2]
    where = f"key = 'quiet' AND position = {offset}"
    rows = json.loads(sluice("quarantine", "list", "--postgres", up.postgres, "--json",
                             check=False).stdout)
    assert {"size": None, "aged_out": True}.items() <= next(
        row for row in rows if row["key"] == "quiet").items(), rows
    assert '"value":null' in sluice("quarantine", "show", "--domain", "deliberation", "--partition",
                                    partition, "--offset", offset, "--postgres",
                                    up.postgres).stdout

    token = json.loads(release(broker, offset))["token"]
    wait_for(token, up.postgres)
    released = sluice("tail", "--all", "--domain", "deliberation", "--key", "quiet", "--brokers",
                      broker.bootstrap).stdout.splitlines()[-1]
    assert base64.b64encode(secret).decode() in released, "read from the log, for the fold"
    assert ask(up.postgres, f"SELECT bytes IS NULL FROM sluice.quarantine WHERE {where}") == [["t"]]
    assert len(waiting_for(up, "quiet")) == 2, "this program cannot read it either"
    assert "is of another key" in release(broker, int(offset) - 1, 2, "nobody")
    assert "has no record at 99999" in release(broker, 99999, 2)
    verify(up.postgres, ["--brokers", broker.bootstrap])

    broker.trim(partition, int(offset) + 1)
    assert f"the log no longer has the record at {offset}" in release(broker, offset, 2)
    sluice("quarantine", "discard", "--domain", "deliberation", "--key", "quiet", "--offset",
           offset, "--brokers", broker.bootstrap)
    eventually("what waited is folded", lambda: votes(up, "quiet") == "1")
    assert waiting_for(up, "quiet") == []


def main():
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("quarantine over Kafka")
        with Up(folder / "data", ["--log", "kafka", "--brokers", broker.bootstrap]) as up:
            up.start()
            wait_and_discard(up, broker)
            up.stop()
        with Up(folder / "later", ["--log", "kafka", "--brokers", broker.bootstrap],
                "--quarantine-retention", "2s") as up:
            up.start()
            age_out(up, broker)
            up.stop()
    print("passed: quarantine over Kafka")
    return 0


if __name__ == "__main__":
    sys.exit(main())
