#!/usr/bin/env python3
"""A view stands on one log: what happens when its topic is deleted, made anew, cut otherwise or set
wrong, and when a whole other log comes in its place.

another_log_test.py SLUICE REPOSITORY TOPIC_ADMIN: the domain whose log it is takes no posts (503, by
name) and waits for nothing of another log; other domains go on; `verify` says at once why it cannot.
"""
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

from broker import TOPIC, TOPIC_ADMIN, Broker, skipped
from postgres import Cluster, ask
from system import (DOMAIN, REPOSITORY, Folder, Ingest, Stopwatch, Up, eventually, sluice, verify,
                    wait_for)

AT_ONCE_SECONDS = 20
CONVERSATIONS = 12  # so that each partition has some


def send(http, domain, events):
    """Status and body of the reply."""
    request = urllib.request.Request(f"{http}/v1/{domain}/events", json.dumps(events).encode(),
                                     {"Content-Type": "application/cloudevents-batch+json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refusal:
        assert refusal.code != 503 or refusal.headers["Retry-After"], refusal.headers
        return refusal.code, json.load(refusal)


def event(kind, **data):
    return {"specversion": "1.0", "source": "test", "type": kind, "data": data}


def conversations(name, count=CONVERSATIONS):
    return [event("conversation.created", conversation_id=f"{name}{n}", owner_id="o", title="t")
            for n in range(count)]


def post(http, name, count=CONVERSATIONS):
    status, reply = send(http, DOMAIN, conversations(name, count))
    assert status == 202, reply
    assert re.fullmatch(rf"({DOMAIN}~[a-z0-9]{{6}}:\d+@\d+,?)+", reply["token"]), reply
    return reply["token"]


def refused(http, *words):
    def is_refused():
        status, reply = send(http, DOMAIN, conversations("refused"))
        return status == 503 and all(word in reply["detail"] for word in words)
    eventually(f"posts are refused with {words}", is_refused)


def others_go_on(http, postgres):
    """Another domain takes events and shows them."""
    session = event("session.created", session_id="s", owner_id="shop", product="p", inventory=1,
                    starts_at="2026-01-01T00:00:00Z", ends_at="2999-01-01T00:00:00Z")
    status, reply = send(http, "auction", [{**session, "actor": "shop", "actorrole": "service"}])
    assert status == 202, reply
    wait_for(reply["token"], postgres)


def at_once(*command, says):
    """It ends with exit 2 and one line that says why."""
    watch = Stopwatch()
    ran = sluice(*command, check=False)
    assert ran.returncode == 2 and all(word in ran.stderr for word in says), ran
    assert watch.took() < AT_ONCE_SECONDS, f"{command} took its time"


def cannot_verify(postgres, where, *words):
    """Nor is anything told of an event by a log that the view was not folded from."""
    at_once("verify", DOMAIN, "--postgres", postgres, *where, says=words)
    at_once("explain", f"{DOMAIN}:0@1", "--postgres", postgres, *where, says=words)
    at_once("explain", "an-event", "--domain", DOMAIN, "--postgres", postgres, *where, says=words)


def in_status(postgres, *words):
    def shown():
        troubles = json.loads(sluice("status", "--postgres", postgres, "--json", check=False).stdout)["troubles"]
        return any(each["projection"] == DOMAIN and all(word in each["trouble"] for word in words)
                   for each in troubles)
    eventually(f"status says {words}", shown)


def not_ready(up, *words):
    eventually(f"/readyz says {words}",
               lambda: all(word in up.readiness() for word in words))


def has_topic(broker):
    return "is not there" not in sluice("topics", "list", "--brokers", broker.bootstrap,
                                        "--domains", DOMAIN).stdout


def admin(broker, *words):
    subprocess.run([TOPIC_ADMIN, broker.bootstrap, *words], check=True)


def fold_anew(postgres):
    """As the page says, word for word."""
    page = (REPOSITORY / "docs/start_checks.md").read_text()
    command = re.search(r"### Folding anew\n`sluice ([^`]*)`", page)[1]
    sluice(*command.replace("DOMAIN", DOMAIN).replace("URL", postgres).split())


def deleted_while_nothing_ran(broker, up):
    where = ["--brokers", broker.bootstrap]
    up.start()
    old = post(up.http, "old")
    wait_for(old, up.postgres)
    up.stop()
    broker.delete_topic()
    eventually("it is gone", lambda: not has_topic(broker))
    up.start()
    refused(up.http, f"{TOPIC} is gone")
    not_ready(up, f"{TOPIC} is gone")
    in_status(up.postgres, f"{TOPIC} is gone")
    others_go_on(up.http, up.postgres)
    assert not has_topic(broker), "no topic is made where positions stand"
    cannot_verify(up.postgres, where, f"{TOPIC} is gone")
    wait_for(old, up.postgres)
    print("  deleted while nothing ran", flush=True)

    broker.make_topic()
    refused(up.http, TOPIC, "is empty, and its views were folded up to")
    cannot_verify(up.postgres, where, "is empty, and its views were folded up to")
    up.stop()
    up.start()
    refused(up.http, TOPIC, "is empty, and its views were folded up to")
    others_go_on(up.http, up.postgres)
    print("  made anew, empty", flush=True)

    # Others write to it, until every partition is past the positions.
    with Ingest(up.folder.parent, broker.bootstrap).start() as ingest:
        tokens = [post(ingest.http, f"new{n}-", 3 * CONVERSATIONS) for n in range(4)]
        ingest.stop()
    refused(up.http, TOPIC, "was deleted and made anew")
    cannot_verify(up.postgres, where, "was deleted and made anew")
    up.stop()
    up.start()
    refused(up.http, TOPIC, "was deleted and made anew")
    not_ready(up, "stands on the log")
    in_status(up.postgres, "stands on the log")
    for token in tokens:
        at_once("wait", token, "--postgres", up.postgres, says=["is of another log"])
    wait_for(old, up.postgres)
    assert ask(up.postgres, f"SELECT count(*) FROM {DOMAIN}.conversation") == [[str(CONVERSATIONS)]]
    print("  made anew, and grown past the positions", flush=True)

    up.stop()
    fold_anew(up.postgres)
    up.start()
    for token in tokens:
        wait_for(token, up.postgres)
    verify(up.postgres, where)
    post(up.http, "more")
    at_once("wait", old, "--postgres", up.postgres, says=["is of another log"])
    print("  folded anew", flush=True)


def made_anew_while_it_ran(broker, up):
    broker.delete_topic()
    refused(up.http, TOPIC)
    broker.make_topic()
    refused(up.http, TOPIC)
    others_go_on(up.http, up.postgres)
    up.stop()
    fold_anew(up.postgres)
    up.start()
    wait_for(post(up.http, "again"), up.postgres)
    print("  made anew while it ran", flush=True)


def partitions_added(broker, folder, up):
    where = ["--brokers", broker.bootstrap]
    words = (f"{TOPIC} has 5 partitions", "were made for 4")
    admin(broker, "partitions", TOPIC, "5")
    refused(up.http, *words)
    not_ready(up, *words)
    in_status(up.postgres, *words)
    others_go_on(up.http, up.postgres)
    assert up.process.poll() is None, "no process ends for it"
    cannot_verify(up.postgres, where, *words)
    up.stop()
    up.start()
    refused(up.http, *words)
    others_go_on(up.http, up.postgres)
    up.stop()
    log = ["--log", "kafka", *where]
    with Up(folder / "auction", log, "--postgres", up.postgres, "--domains", "auction") as other:
        other.start()
        others_go_on(other.http, other.postgres)
        other.stop()
    with Ingest(folder, broker.bootstrap).start() as ingest:
        refused(ingest.http, *words, "--partitions 5")
        status, reply = send(ingest.http, "auction", [])
        assert status == 202, reply
        ingest.stop()
    print("  partitions were added", flush=True)


def set_wrong(broker, folder):
    """Of a topic that no view stands on."""
    auctions = "auction.events"
    admin(broker, "set", auctions, "cleanup.policy", "compact")
    admin(broker, "set", auctions, "min.insync.replicas", "2")
    with Ingest(folder, broker.bootstrap).start() as ingest:
        status, reply = send(ingest.http, "auction", [])
        assert status == 503 and "cleanup.policy is compact" in reply["detail"], reply
        not_ready(ingest, auctions, "cleanup.policy is compact")
        assert "setting=min.insync.replicas" in ingest.words()
        listed = sluice("topics", "list", "--brokers", broker.bootstrap)
        assert "cleanup.policy is compact: " in listed.stdout, listed.stdout
        tried = sluice("topics", "apply", "--brokers", broker.bootstrap, "--dry-run", "--domains",
                       "auction")
        assert "would be set to delete" in tried.stderr, tried
        assert send(ingest.http, "auction", [])[0] == 503
        applied = sluice("topics", "apply", "--brokers", broker.bootstrap, "--domains", "auction")
        changed = json.loads(applied.stdout)["changed"][auctions]
        assert {each["setting"]: each["wanted"] for each in changed} == {
            "cleanup.policy": "delete", "min.insync.replicas": None}, changed
        eventually("it takes posts again", lambda: send(ingest.http, "auction", [])[0] == 202)
        # While it runs: told within a minute, and nothing ends.
        admin(broker, "set", auctions, "retention.ms", "604800000")
        not_ready(ingest, auctions, "retention.ms is 604800000")
        assert send(ingest.http, "auction", [])[0] == 202
        ingest.stop()
    sluice("topics", "apply", "--brokers", broker.bootstrap, "--domains", "auction")
    admin(broker, "set", auctions, "min.insync.replicas", "1")
    print("  set wrong", flush=True)


def on_kafka(folder, postgres):
    with Broker() as broker:
        if broker is None:
            return skipped("a view stands on one log, Kafka")
        log = ["--log", "kafka", "--brokers", broker.bootstrap]
        with Up(folder / "kafka", log, "--postgres", postgres) as up:
            deleted_while_nothing_ran(broker, up)
            made_anew_while_it_ran(broker, up)
            set_wrong(broker, folder)
            partitions_added(broker, folder, up)
        with Broker() as second:
            at_once("up", "--data", folder / "kafka", "--log", "kafka", "--brokers",
                    second.bootstrap, "--postgres", postgres, "--listen", "127.0.0.1:0",
                    says=["in this database stand on the log", "--postgres"])
            cannot_verify(postgres, ["--brokers", second.bootstrap], "stand on the log")
            assert not has_topic(second), "nothing is made on the other"
        print("  another cluster", flush=True)
    return 0


def other_folder(folder, postgres):
    with Up(folder / "one", [], "--postgres", postgres) as up:
        up.start()
        token = post(up.http, "one")
        wait_for(token, up.postgres)
        up.stop()
    at_once("up", "--data", folder / "other", "--postgres", postgres, "--listen", "127.0.0.1:0",
            says=["in this database stand on the log", "--postgres"])
    cannot_verify(postgres, ["--data", folder / "other"], "stand on the log")
    wait_for(token, postgres)
    # As the README has one set it: it is for other commands.
    with Up(folder / "third", []) as up:
        up.start(SLUICE_POSTGRES=postgres)
        assert up.postgres != postgres
        other = post(up.http, "third")
        wait_for(other, up.postgres)
        up.stop()
    at_once("wait", other, "--postgres", postgres, says=["is of another log"])
    print("  another data folder", flush=True)


def main():
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        ask(cluster.url, "CREATE DATABASE embedded")
        other_folder(folder, cluster.url.replace("/postgres", "/embedded"))
        result = on_kafka(folder, cluster.url)
    print("passed: a view stands on one log")
    return result


if __name__ == "__main__":
    sys.exit(main())
