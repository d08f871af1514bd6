#!/usr/bin/env python3
"""Postgres is stopped at once (SIGQUIT, as `pg_ctl stop -m immediate`), again and again, mid-flush.

postgres_crash_test.py SLUICE REPOSITORY: once with an operator's Postgres, which is started again
from outside, once with the private one of `up`, which `up` has to start again by itself. Ingest
acknowledges meanwhile, and what was acknowledged is in the view afterwards, once. SLUICE_SEED=n
decides other moments, SLUICE_ROUNDS=n goes on for longer.
"""
import os
import signal
import sys

from postgres import Cluster, serves
from reader import Reader
from system import Folder, Up, chance, eventually, rounds
from traffic import Traffic, check

OPERATORS_ROUNDS = 5
PRIVATE_ROUNDS = 2


def crash_while_posting(up, crash, moment, times):
    """`crash` takes Postgres down and sees to it that it serves again."""
    with Traffic([up.http] * 3, moment.random()) as traffic, Reader(up.postgres) as reader:
        for _ in range(times):
            reader.sees_more()
            traffic.done.wait(moment.uniform(0.0, 1.0))
            crash(traffic)
            eventually("Postgres serves again", lambda: serves(up.postgres))
        traffic.goes_on()
        check(traffic, reader, up.postgres, ["--data", up.folder])
    eventually("it is ready again", lambda: up.readiness() == "")


def operators(moment):
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        with Up(folder / "data", [], "--postgres", cluster.url, "--flush-interval", "20ms") as up:
            up.start()

            def crash(traffic):
                cluster.stop(signal.SIGQUIT)
                traffic.goes_on()  # the log takes what the view cannot
                cluster.start()

            crash_while_posting(up, crash, moment, rounds(OPERATORS_ROUNDS))
            up.stop()
    print("passed: an operator's Postgres")


def private(moment):
    with Folder() as folder:
        with Up(folder / "data", [], "--flush-interval", "20ms") as up:
            up.start()
            url = up.postgres
            ways = [signal.SIGQUIT, signal.SIGKILL]

            def crash(traffic):
                postmaster = up.folder / "postgres/postgres/postmaster.pid"
                pid = int(postmaster.read_text().split()[0])
                ways.append(ways.pop(0))
                os.kill(pid, ways[-1])
                eventually("it is gone", lambda: not serves(url))
                traffic.goes_on()

            crash_while_posting(up, crash, moment, rounds(PRIVATE_ROUNDS))
            up.kill()
            up.start()
            assert up.postgres == url, "found again"
            up.stop()
    print("passed: the private Postgres")


if __name__ == "__main__":
    at = chance()
    operators(at)
    private(at)
    sys.exit(0)
