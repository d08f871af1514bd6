#!/usr/bin/env python3
"""A projector that is stopped longer than its session, while another takes over, changes nothing.

zombie_test.py SLUICE REPOSITORY: `up` and a second process, `project`, share a group on Kafka. The
second is stopped (SIGSTOP) under load until the first has all partitions, then goes on (SIGCONT).
Positions never go back, every snapshot is a prefix, and the refold is equal.
"""
import signal
import sys

from broker import Broker, skipped
from postgres import ask
from reader import Reader
from system import DOMAIN, Folder, Project, Up, chance, eventually
from traffic import Traffic, check


def owners(postgres):
    """How many processes own partitions."""
    return int(ask(postgres, "SELECT count(DISTINCT split_part(owner, '/', 1)) "
                             f"FROM sluice.position WHERE projection = '{DOMAIN}' AND owner <> ''")[0][0])


def main():
    moment = chance()
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a stopped projector changes nothing")
        with Up(folder / "data", ["--log", "kafka", "--brokers", broker.bootstrap]) as up:
            up.start()
            # So seldom that there is something folded and not flushed when it is stopped.
            seldom = ["--flush-interval", "3s"]
            with (Project(folder / "other", broker.bootstrap, up.postgres, *seldom) as other,
                  Traffic([up.http] * 2, moment.random()) as traffic,
                  Reader(up.postgres) as reader):
                other.start()
                eventually("both have partitions", lambda: owners(up.postgres) == 2)
                traffic.goes_on()
                other.signal(signal.SIGSTOP)
                eventually("the first takes over", lambda: owners(up.postgres) == 1)
                traffic.goes_on()
                other.signal(signal.SIGCONT)
                eventually("the other is back", lambda: owners(up.postgres) == 2)
                traffic.goes_on()
                check(traffic, reader, up.postgres, ["--brokers", broker.bootstrap])
                assert " fenced " in other.words(), "what it had folded was refused"
                other.stop()
            up.stop()
    print("passed: a stopped projector changes nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
