#!/usr/bin/env python3
"""Whatever can go wrong, at random and one after the other, for as long as it is asked.

soak_test.py SLUICE REPOSITORY TOPIC_ADMIN: ingest and two projectors on Kafka and an operator's Postgres, each behind a bad network.
Processes are killed and stopped for a while, the broker and Postgres die and come back, connections are cut, silent, dripping and
late, the disk of a projector is full. Between faults all goes on by itself. At the end every event counts once, no reader saw
anything but prefixes, and what the processes hold of memory and descriptors is what they held before.
SLUICE_SEED=n decides otherwise, SLUICE_ROUNDS=n goes on for longer.
"""
import pathlib
import signal
import subprocess
import sys

from broker import Broker, skipped
from postgres import Cluster
from proxy import Proxy
from reader import Reader
from system import Folder, Ingest, Project, chance, eventually, free_port, rounds, sluice
from traffic import Traffic, check

ROUNDS = 10
SESSION = ["--kafka", "session.timeout.ms=6000"]
SECONDS = (0.5, 3.0)
MEBIBYTE = 1 << 20
GROWTH = 96 * MEBIBYTE  # of caches that fill


def held(service):
    """Bytes of memory and descriptors."""
    about = pathlib.Path(f"/proc/{service.process.pid}")
    resident = next(line for line in (about / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) * 1024, len(list((about / "fd").iterdir()))


class Soak:
    def __init__(self, moment, broker, cluster, proxies, ingest, projectors, done):
        self.chance, self.broker, self.cluster, self.proxies = moment, broker, cluster, proxies
        self.ingest, self.projectors, self.done = ingest, projectors, done

    def a_while(self):
        self.done.wait(self.chance.uniform(*SECONDS))

    def round(self):
        fault = self.chance.choice((self.kill_ingest, self.kill_projector, self.stop_projector, self.restart_broker,
                                    self.restart_postgres, self.bad_network, self.bad_network, self.full_disk,
                                    self.kill_all))
        print(f"  {fault.__name__.replace('_', ' ')}", flush=True)
        fault()

    def kill_ingest(self):
        self.ingest.kill()
        self.a_while()
        self.ingest.start()

    def kill_projector(self):
        projector = self.chance.choice(self.projectors)
        projector.kill()
        self.a_while()
        projector.start()

    def kill_all(self):
        services = [self.ingest, *self.projectors]
        for service in services:
            service.kill()
        for service in services:
            service.start()

    def stop_projector(self):
        """At times for longer than its session."""
        projector = self.chance.choice(self.projectors)
        projector.signal(signal.SIGSTOP)
        self.done.wait(self.chance.uniform(1.0, 9.0))
        projector.signal(signal.SIGCONT)

    def restart_broker(self):
        self.broker.stop(self.chance.choice((signal.SIGTERM, signal.SIGKILL)))
        self.a_while()
        self.broker.start()

    def restart_postgres(self):
        self.cluster.stop(self.chance.choice((signal.SIGINT, signal.SIGQUIT)))
        self.a_while()
        self.cluster.start()

    def bad_network(self):
        proxy = self.chance.choice(self.proxies)
        proxy.way = self.chance.choice(Proxy.WAYS)
        self.a_while()
        if self.chance.random() < 0.5:
            proxy.cut()
        proxy.way = "carry"
        proxy.cut()

    def full_disk(self):
        projector = self.chance.choice(self.projectors)
        for limit in ("0", "unlimited"):
            subprocess.run(["prlimit", "--pid", str(projector.process.pid), f"--fsize={limit}:unlimited"], check=True)
            self.a_while()


def live_through(moment, broker, cluster, proxies, ingest, projectors):
    everyone = [ingest, *projectors]
    with Traffic([ingest.http] * 3, moment.random()) as traffic, Reader(cluster.url) as reader:
        traffic.goes_on()
        before = None
        soak = Soak(moment, broker, cluster, proxies, ingest, projectors, traffic.done)
        for number in range(rounds(ROUNDS)):
            soak.round()
            traffic.goes_on(100)
            reader.sees_more()
            if number == rounds(ROUNDS) // 2:
                before = [(service.process.pid, held(service)) for service in everyone]
        eventually("all are ready again", lambda: not any(service.readiness() for service in everyone))
        for service, (pid, (memory, descriptors)) in zip(everyone, before):
            now_memory, now_descriptors = held(service)
            if service.process.pid == pid:  # else it began anew
                assert now_memory < memory + GROWTH, (service.command, memory, now_memory)
                assert now_descriptors < descriptors + 50, (service.command, descriptors, now_descriptors)
        check(traffic, reader, cluster.url, ["--brokers", broker.bootstrap])
    for service in everyone:
        service.stop()


def main():
    moment = chance()
    port = free_port()
    with Broker(advertised=port) as broker, Folder() as folder:
        if broker is None:
            return skipped("a soak")
        with Proxy(broker.port, port) as to_kafka, Cluster(folder / "postgres") as cluster, Proxy(cluster.port) as to_postgres:
            brokers, postgres = f"127.0.0.1:{port}", cluster.url_at(to_postgres.port)
            sluice("topics", "apply", "--brokers", brokers)
            sluice("schema", "apply", "--postgres", cluster.url)
            with (Ingest(folder, brokers) as ingest, Project(folder / "first", brokers, postgres, *SESSION) as first,
                  Project(folder / "second", brokers, postgres, *SESSION) as second):
                for service in (ingest, first, second):
                    service.start()
                live_through(moment, broker, cluster, [to_kafka, to_postgres], ingest, [first, second])
    print("passed: a soak")
    return 0


if __name__ == "__main__":
    sys.exit(main())
