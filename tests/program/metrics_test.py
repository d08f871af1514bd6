#!/usr/bin/env python3
"""/metrics and `sluice status` tell the truth, as SQL has it: on both logs, by `up` and by `project`, while a process
has the views and after it is gone.

metrics_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import json
import os
import pty
import signal
import subprocess
import sys
import urllib.request

import metrics_page
from program import (SECONDS, SLUICE, Folder, brokers, cloud_event, conversation, eventually, free_port, post,
                     result, run, vote)
from postgres import Cluster, ask
from system import REPOSITORY, Project, Stopwatch, Up

MEMORY = 128 << 20
SMALL = ["--memory", "128MiB"]
KEY = "nobody-may-see-this-key"
PARTITIONS_KEYS = {"projection", "partition", "generation", "live", "position", "log_end", "lag", "freshness_seconds",
                   "record_time", "age", "owned", "events_a_second", "dirty_rows", "dirty_bytes", "flush_seconds",
                   "owner", "trouble", "note", "began"}
KEYS = {"partitions", "generations", "computations", "troubles", "rejected", "quarantined", "audit", "processes",
        "postgres"}


def traffic(up):
    """Votes, one of them posted twice, one under an id that another has, and some that are not admissible."""
    events = [conversation(KEY), conversation("other")]
    events += [vote(name, f"p{n}") for name in (KEY, "other") for n in range(20)]
    post(up, events)
    again = cloud_event(f"{KEY}/p1/0/agree", "vote.set", {"conversation_id": KEY, "opinion_id": "0",
                                                          "participant_id": "p1", "choice": "disagree"})
    post(up, [vote(KEY, "p0"), again, *(vote("nowhere", f"p{n}") for n in range(5)), vote(KEY, "p0", "99")])
    return len(events)


def by_partition(url, sql):
    """{(projection, partition): number}."""
    return {(row[0], row[1]): float(row[2]) for row in ask(url, sql)}


def is_true(http, url):
    """What the page says of partitions is what SQL says, and each counter the count of what it counts."""
    page = metrics_page.read(http)

    def shown(name):
        return metrics_page.values(page, name, "projection", "partition")

    def counted(name):
        return {key: value for key, value in shown(name).items() if value}

    positions = by_partition(url, "SELECT projection, partition, position FROM sluice.freshness")
    ends = by_partition(url, "SELECT projection, partition, log_end FROM sluice.freshness")
    rejected = {tuple(row[:3]): float(row[3]) for row in ask(
        url, "SELECT projection, partition, reason, count(*) FROM sluice.rejection GROUP BY 1, 2, 3")}
    quarantined = by_partition(url, "SELECT projection, partition, count(*) FROM sluice.quarantine GROUP BY 1, 2")
    ballots = float(ask(url, "SELECT count(*) FROM deliberation.ballot")[0][0])
    folded = {key: value for key, value in positions.items() if value}
    return (shown("sluice_position") == positions and shown("sluice_log_end") == ends
            and set(shown("sluice_lag_records").values()) == {0}
            and set(shown("sluice_freshness_seconds").values()) == {0}
            and set(shown("sluice_generation_lag_records").values()) == {0}
            and counted("sluice_records_folded_total") == folded
            and metrics_page.values(page, "sluice_rejected_total", "projection", "partition", "reason") == rejected
            and counted("sluice_quarantined_total") == quarantined
            and metrics_page.values(page, "sluice_rows_flushed_total", "table").get(("ballot",)) == ballots
            and page)


def counts_are_those_of_the_traffic(page):
    """Of a process that has folded all of it, and nothing twice."""
    duplicates = metrics_page.values(page, "sluice_duplicates_total", "projection")
    assert duplicates[("deliberation",)] == 2, duplicates
    records = metrics_page.values(page, "sluice_records_folded_total", "projection")
    visible = metrics_page.values(page, "sluice_event_visible_seconds_count", "projection")
    assert visible[("deliberation",)] == records[("deliberation",)] - 2, (visible, records)
    age = metrics_page.values(page, "sluice_event_visible_seconds_sum", "projection")[("deliberation",)]
    assert 0 < age / visible[("deliberation",)] < 30, age
    flushes = metrics_page.values(page, "sluice_flush_duration_seconds_count", "projection")
    batches = metrics_page.values(page, "sluice_fold_batch_duration_seconds_count", "projection")
    assert flushes[("deliberation",)] >= 1 and batches[("deliberation",)] >= 1, (flushes, batches)
    # Once each, and again where the group was dealt anew.
    started = metrics_page.values(page, "sluice_recoveries_total", "from")
    here = len(metrics_page.values(page, "sluice_position", "projection", "partition"))
    dealt = sum(metrics_page.values(page, "sluice_rebalances_total", "projection").values())
    assert started[("start",)] >= here, started
    assert sum(started.values()) >= (dealt + here) / 2, (started, dealt, here)


def is_clean(page, http):
    assert list(metrics_page.faults(page)) == []
    with urllib.request.urlopen(http + "/metrics", timeout=SECONDS) as answer:
        assert KEY not in answer.read().decode()
    assert metrics_page.values(page, "sluice_build_info") == {(): 1}
    memory = metrics_page.values(page, "sluice_memory_bytes", "part")
    assert memory[("number",)] == MEMORY and memory[("resident",)] > 1 << 20, memory
    assert {("state",), ("log",), ("dedupe",), ("dirty_rows",), ("row_cache",), ("orders",), ("http",)} < memory.keys()
    assert metrics_page.values(page, "sluice_postgres_up") == {(): 1}


def status_is_true(process, url, start):
    eventually("the process has told of all its partitions", lambda: all(
        row["began"] and row["events_a_second"] is not None for row in told_of(url)["partitions"]))
    told = result("status", "--postgres", url, "--json")
    assert told.keys() == KEYS and isinstance(told["audit"], list), told.keys()
    versions = {row[0]: int(row[1]) for row in ask(url, "SELECT projection, version FROM sluice.projection")}
    assert told["generations"] == [{"projection": name, "generation": 1, "version": version, "status": "live",
                                    "phase": "following", "live": True}
                                   for name, version in sorted(versions.items())], told["generations"]
    for row in told["partitions"]:
        assert row.keys() == PARTITIONS_KEYS, row.keys()
        assert row["owner"]["pid"] == process.process.pid and row["owner"]["since"].endswith("Z"), row
        assert row["lag"] == 0 and row["freshness_seconds"] == 0 and row["trouble"] is None, row
        began = row["began"]
        assert began.keys() == {"from", "position", "records", "seconds", "refused"}, began
        # Of what never had a record there is no state.
        assert began["from"] == (start if row["position"] else "start") and began["refused"] == [] and began["seconds"] >= 0, row
        assert row["dirty_rows"] == 0 and row["events_a_second"] >= 0, row
    rejected = [{"projection": row[0], "reason": row[1], "rejected": int(row[2])} for row in ask(
        url, "SELECT projection, reason, count(*) FROM sluice.rejection GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2")]
    assert told["rejected"] == rejected and rejected, told["rejected"]
    one, = told["processes"]
    assert one["pid"] == process.process.pid and one["memory"]["number"] == MEMORY, one
    assert one["memory"]["resident"] > 1 << 20 and one["rocksdb"]["stores"] > 0, one
    assert one["version"] and one["postgres"]["answers"], one
    assert told["postgres"]["connections"] > 0, told["postgres"]
    text = run("status", "--postgres", url, code=0).stdout
    assert str(process.process.pid) in text and "freshness" in text, text
    return told


def told_of(url):
    ran = subprocess.run([SLUICE, "status", "--postgres", url, "--json"], capture_output=True, text=True,
                         timeout=SECONDS)
    assert ran.returncode in (0, 1), ran.stderr
    return json.loads(ran.stdout)


def grows_without_owner(up, url):
    """One that was killed: what it last showed grows old, and it is not listed for long."""
    up.kill()
    first = [row["freshness_seconds"] for row in told_of(url)["partitions"]]

    def grown():
        rows = told_of(url)["partitions"]
        return (all(row["owner"] is None for row in rows)
                and all(row["freshness_seconds"] > before + 5 for row, before in zip(rows, first)))

    eventually("freshness grows", grown)
    eventually("the process is not listed any more", lambda: told_of(url)["processes"] == [])
    assert ask(url, "SELECT count(*) FROM sluice.process") == [["1"]], "until another removes it"


def watched(url):
    """Painted anew on a terminal, a document a line with --json, until it is ended."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([SLUICE, "status", "--postgres", url, "--watch"], stdout=theirs)
    os.close(theirs)
    said = b""
    while said.count(b"\x1b[H") < 3:
        said += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0, said
    os.close(ours)
    last = said.decode().split("\x1b[H")[1]
    assert last.count("projection") >= 1 and "deliberation" in last and last.endswith("\x1b[J"), last

    with subprocess.Popen([SLUICE, "status", "--postgres", url, "--watch", "--json"], stdout=subprocess.PIPE,
                          text=True) as process:
        watch = Stopwatch()
        turns = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert watch.seconds() > 3 and watch.took() < 30, "each two seconds"
        assert all(turn.keys() == KEYS for turn in turns)
        process.stdout.close()
        assert process.wait(SECONDS) == 0, "nobody reads it any more"


def watching_outlives_the_database(folder):
    nowhere = f"postgresql://127.0.0.1:{free_port()}/x"
    with subprocess.Popen([SLUICE, "status", "--postgres", nowhere, "--watch", "--json"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        for _ in range(2):
            assert "no connection to Postgres" in process.stderr.readline()
        process.terminate()
        assert process.wait(SECONDS) == 1, "what it last knew was not well"


def on_embedded(folder, cluster):
    with Up(folder / "data", [*SMALL, "--postgres", cluster.url]) as up:
        up.start()
        traffic(up)
        page = eventually("the page is true", lambda: is_true(up.http, cluster.url))
        counts_are_those_of_the_traffic(page)
        is_clean(page, up.http)
        assert not metrics_page.values(page, "sluice_kafka_brokers"), "no Kafka here"
        assert status_is_true(up, cluster.url, "start")["processes"][0]["kafka"] is None
        watched(cluster.url)
        up.stop()
        assert told_of(cluster.url)["processes"] == [], "it has ended in order"
        up.start()
        eventually("it has all", lambda: not up.readiness())
        # From its state, and nothing of what was visible before counts again.
        status_is_true(up, cluster.url, "state")
        page = metrics_page.read(up.http)
        assert not any(metrics_page.values(page, "sluice_event_visible_seconds_count", "projection").values())
        grows_without_owner(up, cluster.url)


def on_kafka(folder):
    with brokers() as address, Cluster(folder / "kafka-cluster") as cluster:
        if address is None:
            print("SKIPPED (no Kafka jars): metrics on Kafka")
            return
        with Up(folder / "kafka", ["--log", "kafka", "--brokers", address, *SMALL, "--postgres", cluster.url]) as up:
            up.start()
            traffic(up)
            page = eventually("the page is true", lambda: is_true(up.http, cluster.url))
            counts_are_those_of_the_traffic(page)
            page = eventually("librdkafka has told of itself", lambda: (
                page := metrics_page.read(up.http)) and "sluice_kafka_brokers" in page and page)
            is_clean(page, up.http)
            assert metrics_page.values(page, "sluice_kafka_brokers_up") == {(): 1}
            assert metrics_page.values(page, "sluice_kafka_received_bytes_total")[()] > 1000
            eventually("a round of the audit is through",
                       lambda: "sluice_audit_proved_position" in metrics_page.read(up.http))
            told = metrics_page.documented((REPOSITORY / "docs/operate.md").read_text())
            assert len(told) > 25 and not (found := list(metrics_page.departures(metrics_page.read(up.http), told))), found
            kafka = eventually("status has it, too",
                               lambda: status_is_true(up, cluster.url, "start")["processes"][0]["kafka"])
            assert kafka["brokers"] == 1 and kafka["readers"] > 0, kafka
            up.stop()
        by_project(folder, address, cluster)


def by_project(folder, address, cluster):
    """A process without state: it folds again what is visible already, which counts nowhere but in how it began."""
    with Project(folder / "project", address, cluster.url, *SMALL) as project:
        project.start()
        eventually("it is ready", lambda: not project.readiness())
        positions = by_partition(cluster.url, "SELECT projection, partition, position FROM sluice.freshness")
        page = eventually("it has all", lambda: (page := metrics_page.read(project.http)) and metrics_page.values(
            page, "sluice_position", "projection", "partition") == positions and page)
        assert list(metrics_page.faults(page)) == []
        assert metrics_page.values(page, "sluice_records_folded_total") == {(): 0}
        began = eventually("what was folded again is told", lambda: (
            rows := told_of(cluster.url)["partitions"]) and all(
                row["began"] and row["began"]["seconds"] is not None for row in rows) and rows)
        for row in began:
            assert row["began"]["from"] == "start" and row["began"]["records"] == row["position"], row
        project.stop()


with Folder() as scratch:
    with Cluster(scratch / "cluster") as database:
        on_embedded(scratch, database)
    watching_outlives_the_database(scratch)
    on_kafka(scratch)
sys.exit(0)
