#!/usr/bin/env python3
"""A disk that fails: fsync and write give EIO, once and for a while. What was acknowledged is kept.

failing_disk_test.py SLUICE REPOSITORY: calls of `up` to the operating system fail while it runs. Behind a failed fsync
nothing is appended to the log until it was opened again, since the kernel may have dropped what it could not write; nothing is
acknowledged meanwhile, and /readyz says why. SLUICE_SEED=n decides otherwise, SLUICE_ROUNDS=n goes on for longer.
"""
import errno
import sys

from broker import Broker, skipped
from faulty_system import FaultyUp
from reader import Reader
from system import Folder, chance, eventually, rounds
from traffic import Traffic, check

ROUNDS = 1
CALLS = ("fdatasync", "fsync", "pwrite", "write")
ALL = 1000  # of a thousand
SOME = 50


def settled(up):
    return up.process.poll() is not None or up.readiness() == ""


def fail_a_while(up, call, many, traffic, reader, log_is_here):
    """All fdatasync fail: what is acknowledged must be on the disk, so nothing is, and that is told. The rest may pass."""
    traffic.goes_on(100)
    up.system.fails(call, errno.EIO, many)
    if log_is_here and call == "fdatasync" and many == ALL:
        eventually("it says so", lambda: "the log takes no records" in up.readiness())
        before = traffic.acknowledged()
        traffic.done.wait(1.0)
        assert traffic.acknowledged() == before, "acknowledged, and not on the disk"
    else:
        traffic.done.wait(1.0)
    up.system.goes_well()
    eventually("it goes on, or ends", lambda: settled(up))
    ended = up.process.poll()
    print(f"  {call}, {many / 10:g} %: {'goes on' if ended is None else f'ended with {ended}'}", flush=True)
    if ended is not None:
        up.start()
    traffic.goes_on(100)
    reader.sees_more()


def live_through(name, flags, log, moment):
    with Folder() as folder, FaultyUp(folder / "data", flags) as up:
        up.start()
        with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
            for _ in range(rounds(ROUNDS)):
                for call in CALLS:
                    for many in (ALL, SOME):
                        fail_a_while(up, call, many, traffic, reader, log is None)
            check(traffic, reader, up.postgres, log or ["--data", up.folder])
        up.stop()
    print(f"passed: a failing disk, {name}")


def main():
    moment = chance()
    live_through("embedded log", [], None, moment)
    with Broker() as broker:
        if broker is None:
            return skipped("a failing disk, Kafka")
        where = ["--brokers", broker.bootstrap]
        live_through("Kafka", ["--log", "kafka", *where], where, moment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
