#!/usr/bin/env python3
"""A broker that is restarted, and one that is killed, while producers post.

broker_restart_test.py SLUICE REPOSITORY: nothing is acknowledged that the log does not have, all
goes on by itself when the broker is back, and every acknowledged event counts once. SLUICE_ROUNDS=n
goes on for longer.
"""
import signal
import sys

from broker import Broker, skipped
from reader import Reader
from system import Folder, Up, chance, eventually, rounds
from traffic import Traffic, check

ROUNDS = 2


def main():
    moment = chance()
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a broker that is restarted and killed")
        with Up(folder / "data", ["--log", "kafka", "--brokers", broker.bootstrap]) as up:
            up.start()
            with Traffic([up.http] * 4, moment.random()) as traffic, Reader(up.postgres) as reader:
                for _ in range(rounds(ROUNDS)):
                    for how in (signal.SIGTERM, signal.SIGKILL):
                        traffic.goes_on()
                        reader.sees_more()
                        traffic.done.wait(moment.uniform(0.0, 1.0))
                        broker.stop(how)
                        broker.start()
                        print(f"  back after {how.name}", flush=True)
                traffic.goes_on()
                check(traffic, reader, up.postgres, ["--brokers", broker.bootstrap])
            eventually("it is ready again", lambda: up.readiness() == "")
            up.stop()
    print("passed: a broker that is restarted and killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
