#!/usr/bin/env python3
"""/readyz while nothing is posted: 503 within five seconds of a database that is dead or hung, or of a broker that is
gone, and 200 within five seconds of its return. TERM meanwhile.

readiness_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import os
import signal
import sys

from program import Folder, Up, conversation, eventually, post, postgres_processes, run, within
from broker import Broker
from postgres import Cluster, ask, serves
from system import Project, Stopwatch

SECONDS = 5
LONG = 20  # a session of a group, and more
STOPS_WITHIN = 12  # ten, and what the machine takes


def stop_and_go(processes, number):
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:  # a helper that came and went
            continue


def hung(process, server, says):
    """The server stands still, and goes on."""
    processes = postgres_processes(server)
    stop_and_go(processes, signal.SIGSTOP)
    within(SECONDS, f"a hung database: {says}", lambda: says in process.readiness())
    stop_and_go(processes, signal.SIGCONT)
    within(SECONDS, "it is ready again", lambda: not process.readiness())


def stopped_while_it_hangs(process, others, says):
    """TERM ends it in time, whatever it waits for, with a word on what that means."""
    stop_and_go(others, signal.SIGSTOP)
    watch = Stopwatch()
    process.process.send_signal(signal.SIGTERM)
    code = process.process.wait(timeout=30)
    took = watch.took()
    stop_and_go(others, signal.SIGCONT)
    assert code == 1 and took < STOPS_WITHIN, (code, took, watch.seconds())
    assert says in process.words(), process.words()


def database(folder):
    with Up(folder / "data", ["--memory", "128MiB"]) as up:
        up.start()
        post(up, [conversation("c")])
        eventually("it is ready", lambda: not up.readiness())
        server = folder / "data/postgres/postgres"
        for _ in range(2):
            hung(up, server, "database: no answer for ")
        # Its owner starts it again.
        os.kill(postgres_processes(server)[0], signal.SIGKILL)
        within(SECONDS, "a dead database", lambda: up.readiness())
        eventually("Postgres is back", lambda: serves(up.postgres))
        within(SECONDS, "it is ready again", lambda: not up.readiness())
        hung(up, server, "database: no answer for ")
        log = up.words()
        assert log.count("does not answer who=database") <= 6, "once a change, not once a look"
        assert "answers again who=database" in log, log
        post(up, [conversation("d")])
        stopped_while_it_hangs(up, postgres_processes(server), "the last flush")
        up.start()
        eventually("what was posted is there", lambda: up.ask(
            "SELECT count(*) FROM deliberation.conversation") == [["2"]])
        up.stop()


def in_every_row(reader, says):
    troubles = [row[0] for row in ask(reader, "SELECT trouble FROM sluice.freshness")]
    return troubles and all(says in trouble for trouble in troubles)


def broker_away(process, broker):
    """A broker that hangs, shortly and for longer than a session, and one that dies."""
    for seconds in (0, LONG):
        broker.process.send_signal(signal.SIGSTOP)
        within(SECONDS, "a hung broker", lambda: "log: no answer for " in process.readiness())
        # A partition that asked the broker for something of its own just then says so itself.
        within(5, "readers hear of it", lambda: in_every_row(process.ready["reader"], "no answer "))
        if seconds:
            within(2 * seconds, "it says so long", lambda s=seconds: f"log: no answer for {s} s" in process.readiness())
        broker.process.send_signal(signal.SIGCONT)
        within(SECONDS if not seconds else 15, "it is ready again", lambda: not process.readiness())
    broker.stop(signal.SIGKILL)
    within(SECONDS, "a dead broker", lambda: "log: no answer for " in process.readiness())
    broker.start()
    within(15, "it is ready again", lambda: not process.readiness())


def projector(folder, broker):
    """`project` as `up`: its database hangs, goes, and comes back; then its broker."""
    with Cluster(folder / "cluster") as cluster:
        run("schema", "apply", "--postgres", cluster.url, code=0)
        with Project(folder / "project", broker.bootstrap, cluster.url, "--memory", "128MiB") as project:
            project.start()
            eventually("it is ready", lambda: not project.readiness())
            hung(project, cluster.folder, "database: no answer for ")
            cluster.stop()
            within(SECONDS, "a database that is gone", lambda: project.readiness())
            cluster.start()
            within(SECONDS, "it is ready again", lambda: not project.readiness())
            broker.process.send_signal(signal.SIGSTOP)
            within(SECONDS, "a hung broker", lambda: "log: no answer for " in project.readiness())
            broker.process.send_signal(signal.SIGCONT)
            within(SECONDS, "it is ready again", lambda: not project.readiness())
            project.stop()
            project.start()
            eventually("it is ready", lambda: not project.readiness())
            processes = postgres_processes(cluster.folder)
            stop_and_go(processes, signal.SIGSTOP)
            within(SECONDS, "a hung database", lambda: project.readiness())
            stopped_while_it_hangs(project, processes, "the last flush")


def kafka(folder):
    with Broker() as broker:
        if broker is None:
            print("SKIPPED (no Kafka jars): a broker that is away")
            return
        with Up(folder / "kafka", ["--log", "kafka", "--brokers", broker.bootstrap, "--memory", "128MiB"]) as up:
            up.start()
            post(up, [conversation("c")])
            eventually("it is ready", lambda: not up.readiness())
            broker_away(up, broker)
            post(up, [conversation("after")])
            up.stop()
        projector(folder, broker)


with Folder() as scratch:
    database(scratch)
    kafka(scratch)
sys.exit(0)
