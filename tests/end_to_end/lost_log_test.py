#!/usr/bin/env python3
"""A log that has lost what was folded: deleted, made anew, trimmed by retention, cut at its end.

lost_log_test.py SLUICE REPOSITORY TOPIC_ADMIN: each time the partition stops and says which it is
and what to do, on stderr, in /readyz and in `sluice status`; nothing of it changes in Postgres; and
other partitions go on. While the projector runs, and again when it starts.
"""
import json
import signal
import sys
import urllib.error
import urllib.request

from broker import TOPIC, Broker, skipped
from model import read_log
from postgres import Cluster, ask
from system import DOMAIN, Folder, Ingest, Stopwatch, Up, chance, eventually, sluice, wait_for
from traffic import Traffic, event

ALL = (0, 1, 2, 3)
GONE = (f"{TOPIC} is gone: restore it", "fold anew what there is")
ROWS = "conversation conversation_stats opinion opinion_stats ballot".split()


def post(http, seed, events):
    """Returns the token of it."""
    with Traffic([http] * 2, seed) as traffic:
        traffic.goes_on(events)
        return traffic.finish()


def published(postgres, log, partition):
    """All that a partition has in Postgres, but who owns it and when it was last heard of."""
    keys = sorted({f"'{key}'" for _, key, _, _ in log[partition]})
    rows = [ask(postgres, f"SELECT t::text FROM deliberation.{table} t WHERE conversation_id IN "
                          f"({','.join(keys)}) ORDER BY 1") for table in ROWS]
    return rows + [
        ask(postgres, f"SELECT {columns} FROM sluice.{table} WHERE projection = '{DOMAIN}' "
                      f"AND partition = {partition} ORDER BY position")
        for table, columns in [("position", "position, digest, emits_from, record_time"),
                               ("rejection", "*"), ("quarantine", "*")]]


def position(postgres, partition):
    return int(ask(postgres, f"SELECT position FROM sluice.position WHERE projection = '{DOMAIN}' "
                             f"AND partition = {partition}")[0][0])


def heard(text, words):
    return all(word in text for word in words)


def misses(up, partition):
    """It says so of the partition, or of a worker that has none: the group took it away, or was about
    to give it to another than its last owner."""
    return any(each.startswith((f"{DOMAIN}:{partition}:", f"{DOMAIN} worker "))
               and heard(each, GONE) for each in up.readiness().split("; "))


def says(up, partition, *words):
    """In all three places; `words` are of the message about the partition."""
    def in_status():
        shown = json.loads(sluice("status", "--postgres", up.postgres, "--json", check=False).stdout)
        return any((each["projection"], each["partition"]) == (DOMAIN, partition)
                   and heard(each["trouble"], words) for each in shown["troubles"])

    def in_readiness():
        return any(each.startswith(f"{DOMAIN}:{partition}:") and heard(each, words)
                   for each in up.readiness().split("; "))

    eventually(f"/readyz says {words} of {partition}", in_readiness)
    eventually(f"status says {words} of {partition}", in_status)
    about = (f"projection={DOMAIN} ", f" partition={partition} ")
    lines = [line for line in up.words().splitlines() if heard(line, about)]
    assert any(heard(line, words) for line in lines), f"stderr does not say {words} of {partition}"


class Kept:
    """What is published of some partitions, which must not change."""

    def __init__(self, postgres, log, partitions):
        self.postgres, self.log = postgres, log
        self.before = {each: published(postgres, log, each) for each in partitions}
        assert all(rows[0] for rows in self.before.values()), "each has something to lose"

    def check(self):
        for partition, rows in self.before.items():
            for was, now in zip(rows, published(self.postgres, self.log, partition), strict=True):
                assert was == now, f"{partition} changed, from\n{was}\nto\n{now}"


def deleted_and_made_anew(broker, folder, up, seed):
    up.start()
    wait_for(post(up.http, seed, 600), up.postgres)
    log = read_log(["--brokers", broker.bootstrap])
    kept = Kept(up.postgres, log, ALL)

    broker.delete_topic()
    for partition in ALL:
        eventually(f"{partition} is missed", lambda: misses(up, partition))
    assert heard(up.words(), GONE)
    broker.make_topic()
    for partition in ALL:
        end = f"the log ends at 0 and the view was folded up to {len(log[partition])}"
        says(up, partition, "nothing was changed", end, "Restore it", "fold anew")
    kept.check()
    print("  deleted, and made anew", flush=True)

    # Others write to it, and the new log grows past the old positions.
    with Ingest(folder, broker.bootstrap).start() as ingest:
        post(ingest.http, seed + 1, 1800)
    up.stop()
    grown = read_log(["--brokers", broker.bootstrap])
    assert all(len(grown[each]) > len(log[each]) for each in ALL), "grown past each position"
    up.start()
    for partition in ALL:
        says(up, partition, "nothing was changed", "stands on the log",
             "it was deleted and made anew")
    kept.check()
    up.stop()
    print("  grown past the positions", flush=True)


def cut_and_trimmed(broker, folder, up, seed):
    up.start()
    wait_for(post(up.http, seed, 600), up.postgres)
    cut, trimmed = 2, 1
    log = read_log(["--brokers", broker.bootstrap])
    folded = len(log[cut])
    kept = Kept(up.postgres, log, [cut])
    broker.stop(signal.SIGKILL)
    broker.cut_tail(cut)
    broker.start()
    says(up, cut, "nothing was changed", f"and the view was folded up to {folded}",
         "Restore it")
    cannot_verify(up, broker, f"{TOPIC}/{cut} ends at ", "the log lost its tail")
    takes_nothing(up.http, cut)
    # Who has no database cannot know it.
    with Ingest(folder, broker.bootstrap).start() as ingest:
        token = post(ingest.http, seed + 1, 300)
    wait_for_others(up, token, [cut])
    kept.check()
    print("  the log lost its tail", flush=True)

    # It stands still while others append, and retention takes what it has not read: all but what the
    # broker may have answered already.
    up.signal(signal.SIGSTOP)
    with Ingest(folder, broker.bootstrap).start() as ingest:
        token = post(ingest.http, seed + 2, 600)
    begin = len(read_log(["--brokers", broker.bootstrap])[trimmed]) - 1
    broker.trim(trimmed, begin)
    up.signal(signal.SIGCONT)
    begins = f"the log begins at {begin} and folding must go on at "
    says(up, trimmed, "nothing was changed", begins, "Restore them")
    kept = Kept(up.postgres, log, [cut, trimmed])
    assert position(up.postgres, trimmed) < begin
    wait_for_others(up, token, [cut, trimmed])
    kept.check()
    cannot_verify(up, broker, f"partition {trimmed} begins at {begin}")
    print("  retention passed the position", flush=True)

    # By now what was cut has grown past the position again.
    up.stop()
    up.start()
    says(up, trimmed, "nothing was changed", begins, "Restore them")
    says(up, cut, "nothing was changed", f"the record at {folded - 1} is not the one")
    kept.check()
    up.stop()


def cannot_verify(up, broker, *words):
    """At once and by name: nothing is read in vain."""
    watch = Stopwatch()
    ran = sluice("verify", DOMAIN, "--postgres", up.postgres, "--brokers", broker.bootstrap, check=False)
    assert ran.returncode == 2 and heard(ran.stderr, words), ran
    assert watch.took() < 20, "it took its time"


def takes_nothing(http, partition):
    """Its offsets are not given out again, and other partitions take what is theirs. The events change no row: there is
    no such conversation."""
    statuses = {}
    for n in range(32):
        body = json.dumps(event(f"probe{n}", "vote.set", {"conversation_id": f"nowhere{n}", "opinion_id": "1",
                                                          "participant_id": "p", "choice": "agree"})).encode()
        request = urllib.request.Request(f"{http}/v1/{DOMAIN}/events", body,
                                         {"content-type": "application/cloudevents+json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                statuses[json.load(reply)["token"].split(":")[1].split("@")[0]] = reply.status
        except urllib.error.HTTPError as refusal:
            detail = refusal.read().decode()
            assert refusal.code == 503 and f"{TOPIC}/{partition} ends at " in detail, (refusal.code, detail)
            statuses[str(partition)] = refusal.code
            if len(statuses) > 1:
                break
    assert statuses.pop(str(partition)) == 503 and set(statuses.values()) == {202}, statuses


def wait_for_others(up, token, stopped):
    """The partitions that are not stopped have folded all of it."""
    parts = token.split(",")
    others = [part for part in parts if int(part.split(":")[1].split("@")[0]) not in stopped]
    assert others
    wait_for(",".join(others), up.postgres)


def main():
    seed = chance().randrange(1000)
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a log that lost what was folded")
        flags = ["--log", "kafka", "--brokers", broker.bootstrap]
        with Cluster(folder / "postgres") as cluster:
            with Up(folder / "first", flags, "--postgres", cluster.url) as up:
                deleted_and_made_anew(broker, folder, up, seed)
            broker.delete_topic()
            ask(cluster.url, "CREATE DATABASE second")
            second = cluster.url.replace("/postgres", "/second")
            # One worker: what stops one partition may not stop its neighbours.
            with Up(folder / "second", flags, "--postgres", second, "--workers", "1") as up:
                cut_and_trimmed(broker, folder, up, seed)
    print("passed: a log that lost what was folded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
