#!/usr/bin/env python3
"""A network that cuts connections, swallows what is sent one way or both, drips and is late.

network_test.py SLUICE REPOSITORY: between `up` and its broker, and between it and its Postgres, by
turns. Whatever is acknowledged is in the view at the end, once, and no reader sees anything else.
SLUICE_SEED=n gives other moments, SLUICE_ROUNDS=n a longer run.
"""
import sys

from broker import Broker, skipped
from postgres import Cluster
from proxy import Proxy
from reader import Reader
from system import Folder, Up, chance, free_port, rounds
from traffic import Traffic, check

ROUNDS = 1
SECONDS = (1.0, 3.0)  # less than what would be given up


def disturb(proxy, traffic, moment):
    for way in moment.sample(Proxy.WAYS, len(Proxy.WAYS)):
        traffic.goes_on(100)
        proxy.way = way
        traffic.done.wait(moment.uniform(*SECONDS))
        if moment.random() < 0.5:
            proxy.cut()
        proxy.way = "carry"
        traffic.goes_on(100)
        proxy.cut()
        print(f"  {way}, and cut", flush=True)


def main():
    moment = chance()
    port = free_port()
    with Folder() as folder, Broker(advertised=port) as broker:
        if broker is None:
            return skipped("a bad network")
        with (Proxy(broker.port, port) as to_kafka, Cluster(folder / "postgres") as cluster,
              Proxy(cluster.port) as to_postgres):
            log = ["--brokers", f"127.0.0.1:{port}"]
            with Up(folder / "data", ["--log", "kafka", *log], "--flush-interval", "50ms",
                    "--postgres", cluster.url_at(to_postgres.port)) as up:
                up.start()
                with Traffic([up.http] * 2, moment.random()) as traffic, Reader(cluster.url) as reader:
                    for _ in range(rounds(ROUNDS)):
                        for proxy in (to_kafka, to_postgres):
                            disturb(proxy, traffic, moment)
                            reader.sees_more()
                    check(traffic, reader, cluster.url, log)
                up.stop()
    print("passed: a bad network")
    return 0


if __name__ == "__main__":
    sys.exit(main())
