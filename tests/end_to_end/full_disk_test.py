#!/usr/bin/env python3
"""No file of the process can grow for a while: its disk is full. Then there is room again.

full_disk_test.py SLUICE REPOSITORY: with the log on the same disk, which refuses posts meanwhile,
and on Kafka, where only the state is. Its owner hears of it in /readyz; with room again everything
goes on by itself, and nothing that was acknowledged is missing.
"""
import subprocess
import sys

from broker import Broker, skipped
from reader import Reader
from system import DOMAIN, Folder, Up, chance, eventually
from traffic import Traffic, check


def file_sizes_up_to(limit, process):
    """Of what it writes from now on; Postgres, its child, is another process."""
    subprocess.run(["prlimit", "--pid", str(process.pid), f"--fsize={limit}:unlimited"], check=True)


def full_for_a_while(up, log, moment):
    up.start()
    with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
        traffic.goes_on()
        file_sizes_up_to(0, up.process)
        eventually("it says so", lambda: f"{DOMAIN}:0: " in up.readiness())
        file_sizes_up_to("unlimited", up.process)
        traffic.goes_on()
        eventually("it is ready again", lambda: up.readiness() == "")
        check(traffic, reader, up.postgres, log)
    up.stop()


def main():
    moment = chance()
    with Folder() as folder, Up(folder / "data", []) as up:
        full_for_a_while(up, ["--data", up.folder], moment)
    print("passed: a full disk, with the log on it")
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a full disk, with the log on Kafka")
        log = ["--brokers", broker.bootstrap]
        with Up(folder / "data", ["--log", "kafka", *log]) as up:
            full_for_a_while(up, log, moment)
    print("passed: a full disk, with the log on Kafka")
    return 0


if __name__ == "__main__":
    sys.exit(main())
