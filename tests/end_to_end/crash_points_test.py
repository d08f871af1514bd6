#!/usr/bin/env python3
"""Death at every named step of ingest, taking, replay and flush, under load.

crash_points_test.py SLUICE REPOSITORY: once `up` on its own log and database, once `ingest` and
`project` on Kafka. Each death (exit 137) is at the next step of the list; producers retry through
all of them, and a reader looks all the time.
"""
import sys

from broker import Broker, skipped
from postgres import Cluster
from reader import Reader
from system import Folder, Ingest, Project, Up, chance, sluice
from traffic import Traffic, check

# The time at which it dies there. In an order in which each is reached: a replay follows a death
# between the commit and the state. (claim.state_cleared is restore_test's.)
STEPS = [
    ("claim.owned", 2),
    ("ingest.before_append", 5),
    ("ingest.after_append", 5),
    ("flush.emitted", 3),
    ("flush.before", 3),
    ("flush.rows_copied", 3),
    ("flush.committed", 3),
    ("replay.finished", 1),
    ("flush.state_written", 3),
    ("progress.shown", 2),
]


def die_everywhere(services, reader):
    """`services`: who reaches a step, by the step's first word. The view goes on after each."""
    for step, times in STEPS:
        service = services[step.split(".")[0]]
        service.kill()
        service.start(SLUICE_CRASH_AT=f"{step}:{times}")
        service.dies_at(step)
        if step != "flush.committed":  # state is behind: the next start is to die at its replay's end
            service.start()
            reader.sees_more()
        print(f"  died at {step}", flush=True)


def one_process(seed):
    with Folder() as folder:
        up = Up(folder / "data", [], "--flush-interval", "50ms")
        with up:
            up.start()
            with Traffic([up.http] * 3, seed) as traffic, Reader(up.postgres) as reader:
                die_everywhere(dict.fromkeys(("claim", "ingest", "flush", "replay", "progress"), up),
                               reader)
                check(traffic, reader, up.postgres, ["--data", folder / "data"])
            up.stop()
    print("passed: one process, embedded log")


def two_processes(seed):
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("death at every step, ingest and project on Kafka")
        broker.make_topic()
        with Cluster(folder / "postgres") as cluster:
            sluice("schema", "apply", "--postgres", cluster.url)
            ingest = Ingest(folder, broker.bootstrap)
            project = Project(folder / "projector", broker.bootstrap, cluster.url,
                              "--flush-interval", "50ms")
            with ingest, project:
                ingest.start()
                project.start()
                with Traffic([ingest.http] * 3, seed) as traffic, Reader(cluster.url) as reader:
                    die_everywhere({"ingest": ingest, "claim": project, "flush": project,
                                    "replay": project, "progress": project}, reader)
                    check(traffic, reader, cluster.url, ["--brokers", broker.bootstrap])
                project.stop()
                ingest.stop()
    print("passed: ingest and project, Kafka")
    return 0


def main():
    seed = chance().random()
    one_process(seed)
    return two_processes(seed)


if __name__ == "__main__":
    sys.exit(main())
