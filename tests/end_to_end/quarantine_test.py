#!/usr/bin/env python3
"""What stands in Kafka and cannot be folded waits in sight, and holds up nobody else.

quarantine_test.py SLUICE REPOSITORY: writes garbage to the topic with kcat, under the key of a
conversation and under keys that are no text; the conversation waits, another goes on; after
`sluice quarantine discard` what waited is folded in order, and a refold agrees.
"""
import json
import subprocess
import sys

from system import Broker, Folder, Up, sluice

TOPIC = "deliberation.events"


def event(event_id, kind, data):
    return json.dumps({"specversion": "1.0", "source": "test", "id": event_id, "type": kind,
                       "data": data})


def post(up, events):
    posted = subprocess.run(["curl", "-sS", "--fail", "-X", "POST", "-H",
                             "content-type: application/x-ndjson", "--data-binary", "@-",
                             f"{up.http}/v1/deliberation/events"],
                            input="\n".join(events), capture_output=True, text=True)
    assert posted.returncode == 0, posted.stderr
    sluice("wait", json.loads(posted.stdout)["token"], "--postgres", up.postgres, "--timeout", "30s")


def conversation(name):
    return [event(f"{name}-c", "conversation.created",
                  {"conversation_id": name, "owner_id": "o", "title": name,
                   "seeds": [{"opinion_id": "s", "body": "text"}]})]


def vote(name, participant):
    return event(f"{name}-{participant}", "vote.set",
                 {"conversation_id": name, "opinion_id": "s", "participant_id": participant,
                  "choice": "agree"})


def produce(brokers, partition, key, value):
    ran = subprocess.run(["kcat", "-b", brokers, "-P", "-t", TOPIC, "-p", partition, "-K", "\t"],
                         input=key + b"\t" + value, capture_output=True)
    assert ran.returncode == 0, ran.stderr


def votes(up, name):
    return up.ask("SELECT total_vote_count FROM deliberation.conversation_stats "
                  f"WHERE conversation_id = '{name}'")[0][0]


def main():
    with Broker() as brokers, Folder() as folder:
        if brokers is None:
            print("SKIPPED (no Kafka jars): quarantine over Kafka")
            return 0
        up = Up(folder / "data", ["--log", "kafka", "--brokers", brokers])
        up.start()
        try:
            post(up, conversation("bad") + conversation("good") + [vote("bad", "p0")])
            partitions = {key: find_partition(brokers, key) for key in ("bad", "good")}
            produce(brokers, partitions["bad"], b"bad", b"\xff\xffgarbage")
            produce(brokers, partitions["good"], b"\xfe\x01", b"not an envelope")
            post(up, [vote("bad", "p1"), vote("bad", "p2"), vote("good", "p1")])
            assert votes(up, "good") == "1", "another conversation goes on"
            assert votes(up, "bad") == "1", "the parked one waits"
            waiting = up.ask("SELECT partition, position, reason FROM sluice.quarantine "
                             "WHERE key = 'bad' ORDER BY position")
            assert len(waiting) == 3 and waiting[0][2] == "not an Envelope", waiting
            listed = sluice("quarantine", "list", "--postgres", up.postgres, "--json", check=False)
            assert "not an Envelope" in listed.stdout, listed.stdout + listed.stderr
            shown = sluice("quarantine", "show", "--domain", "deliberation", "--partition",
                           waiting[0][0], "--offset", waiting[0][1], "--postgres", up.postgres)
            assert "//9nYXJiYWdl" in shown.stdout, shown.stdout  # the very bytes, base64
            sluice("quarantine", "discard", "--domain", "deliberation", "--key", "bad", "--offset",
                   waiting[0][1], "--brokers", brokers)
            post(up, [vote("bad", "p3")])
            assert votes(up, "bad") == "4", "what waited is folded"
            left = up.ask("SELECT count(*) FROM sluice.quarantine WHERE key = 'bad'")
            assert left == [["0"]], left
            verified = sluice("verify", "deliberation", "--postgres", up.postgres, "--brokers",
                              brokers)
            assert json.loads(verified.stdout)["differences"] == 0
        finally:
            up.stop()
    print("passed: quarantine over Kafka")
    return 0


def find_partition(brokers, key):
    """Where the key's records stand."""
    shown = subprocess.run(["kcat", "-b", brokers, "-C", "-t", TOPIC, "-e", "-q", "-f", "%k %p\n"],
                           capture_output=True, text=True, check=True).stdout
    return next(line.split()[1] for line in shown.splitlines() if line.split()[0] == key)


if __name__ == "__main__":
    sys.exit(main())
