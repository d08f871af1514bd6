#!/usr/bin/env python3
"""Projectors come and go every few seconds, some as static members of the group, some not.

rebalance_storm_test.py SLUICE REPOSITORY: on Kafka, with TERM and with kill -9. Nothing is lost or doubled, no reader sees
anything but prefixes, and when the storm is over all of the log is in the view. Then two are restarted in turn, as for an
upgrade: no partition of the other moves, and none is stale for long. SLUICE_SEED=n decides otherwise,
SLUICE_ROUNDS=n goes on for longer.
"""
import contextlib
import sys

from background import Background
from broker import Broker, skipped
from postgres import Cluster, Session, ask
from reader import Reader
from system import DOMAIN, Folder, Ingest, Project, chance, eventually, rounds, sluice
from traffic import Traffic, check

ROUNDS = 8
SECONDS = 3.0
SESSION = ["--kafka", "session.timeout.ms=6000"]
# A restart takes less, however busy the machine is.
LONG_SESSION = ["--kafka", "session.timeout.ms=45000"]
STALE_SECONDS = 15
STALEST = f"SELECT max(freshness_seconds) FROM sluice.freshness WHERE projection = '{DOMAIN}'"


def members(folder, broker, postgres):
    """Two of the first four static: one that comes back within its session takes its partitions up again. Two for the calm."""
    for name in ("first", "second", "third", "fourth"):
        static = ["--kafka", f"group.instance.id={name}"] if name in ("first", "second") else []
        yield Project(folder / name, broker.bootstrap, postgres, *SESSION, *static)
    for name in ("fifth", "sixth"):
        yield Project(folder / name, broker.bootstrap, postgres, *LONG_SESSION)


class Storm:
    def __init__(self, moment, projectors, calm):
        self.chance = moment
        self.calm = calm
        self.away = list(projectors)
        self.here = []
        self.come()

    def come(self):
        self.here.append(self.away.pop(self.chance.randrange(len(self.away))).start())

    def go(self):
        one = self.here.pop(self.chance.randrange(len(self.here)))
        self.away.append(one)
        if self.chance.random() < 0.5:
            one.kill()
        else:
            one.stop()

    def over(self):
        """Others take over, who stay."""
        for projector in self.here:
            projector.stop()
        self.here = [projector.start() for projector in self.calm]

    def turn(self):
        """One comes or goes; somebody always projects."""
        if not self.away or (len(self.here) > 1 and self.chance.random() < 0.5):
            self.go()
        else:
            self.come()
        print(f"  {len(self.here)} project", flush=True)


def stalest(postgres):
    return float(ask(postgres, STALEST)[0][0])


class Staleness(Background):
    """Looks all the time how stale the stalest partition is."""

    PAUSE_SECONDS = 0.05

    def __init__(self, url):
        super().__init__()
        self.url, self.most, self.looks = url, 0.0, 0

    def work(self):
        with contextlib.closing(Session(self.url)) as session:
            while self.again():
                (seconds,), = session.ask(STALEST)[0]
                self.most, self.looks = max(self.most, float(seconds)), self.looks + 1


def owners(postgres):
    """{partition: (process, and how often it took it)}."""
    return {partition: (int(process), owner) for partition, process, owner in ask(
        postgres, "SELECT partition, split_part(owner, ':', 2), owner FROM sluice.position "
                  f"WHERE projection = '{DOMAIN}' AND owner <> ''")}


def shared(postgres, projectors):
    """Who has what, once each has as much as the others; else None."""
    found = owners(postgres)
    has = [sum(process == each.process.pid for process, _ in found.values()) for each in projectors]
    return found if sum(has) == len(found) and max(has) == min(has) > 0 else None


def restarted_in_turn(projectors, postgres):
    eventually("each has its part", lambda: shared(postgres, projectors))
    eventually("the storm's lag is gone", lambda: stalest(postgres) < 1)
    with Staleness(postgres) as staleness:
        for each in projectors:
            before, pid = owners(postgres), each.process.pid
            each.stop()
            each.start()
            eventually("it has its partitions back", lambda e=each: shared(postgres, projectors) and not e.readiness())
            after = owners(postgres)
            others = {partition: of for partition, of in before.items() if of[0] != pid}
            print(f"  restarted: stale for {staleness.most:.1f} s at most so far", flush=True)
            assert others == {partition: after[partition] for partition in others}, (before, after)
    assert staleness.looks > 10 and staleness.most < STALE_SECONDS, (staleness.looks, staleness.most)
    print(f"  restarted in turn: stale for {staleness.most:.1f} s at most", flush=True)


def main():
    moment = chance()
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a storm of rebalances")
        broker.make_topic()
        with Cluster(folder / "postgres") as cluster, Ingest(folder, broker.bootstrap) as ingest:
            sluice("schema", "apply", "--postgres", cluster.url)
            ingest.start()
            projectors = list(members(folder, broker, cluster.url))
            try:
                storm = Storm(moment, projectors[:-2], calm=projectors[-2:])
                with Traffic([ingest.http] * 3, moment.random()) as traffic, Reader(cluster.url) as reader:
                    for _ in range(rounds(ROUNDS)):
                        traffic.done.wait(SECONDS)
                        storm.turn()
                    reader.sees_more()
                    storm.over()
                    restarted_in_turn(storm.here, cluster.url)
                    check(traffic, reader, cluster.url, ["--brokers", broker.bootstrap])
                for projector in storm.here:
                    projector.stop()
            finally:
                for projector in projectors:
                    projector.__exit__(*sys.exc_info())
            ingest.stop()
    print("passed: a storm of rebalances")
    return 0


if __name__ == "__main__":
    sys.exit(main())
