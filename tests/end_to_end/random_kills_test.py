#!/usr/bin/env python3
"""kill -9 at random moments: of ingest, and of projectors that come and go.

random_kills_test.py SLUICE REPOSITORY: several producers post to `ingest` on Kafka, two `project`
processes share four partitions; each round something is killed, or goes and comes back later. In
the end every acknowledged event counts once, and no reader has ever seen anything else than a
prefix of the log. SLUICE_SEED=n decides otherwise, SLUICE_ROUNDS=n goes on for longer.
"""
import sys

from broker import Broker, skipped
from postgres import Cluster
from reader import Reader
from system import Folder, Ingest, Project, chance, rounds, sluice
from traffic import Traffic, check

ROUNDS = 16
# Shorter than ours, since nobody says good-bye: who goes is missed after this.
SESSION = ["--kafka", "session.timeout.ms=6000"]


class Chaos:
    def __init__(self, moment, ingest, projectors):
        self.chance = moment
        self.ingest = ingest
        self.running = list(projectors)
        self.gone = []

    def round(self):
        """One misfortune. Somebody always projects; who goes comes back by a later round."""
        deeds = [self.kill_ingest, self.kill_projector, self.kill_projector]
        deeds += [self.come] * 3 if self.gone else [self.go, self.kill_all]
        deed = self.chance.choice(deeds)
        deed()
        return deed.__name__.replace("_", " ")

    def kill_ingest(self):
        self.ingest.kill()
        self.ingest.start()

    def kill_projector(self):
        projector = self.chance.choice(self.running)
        projector.kill()
        projector.start()

    def kill_all(self):
        for service in [self.ingest, *self.running]:
            service.kill()
        for service in [*self.running, self.ingest]:
            service.start()

    def go(self):
        self.gone.append(self.running.pop(self.chance.randrange(len(self.running))))
        if self.chance.random() < 0.5:
            self.gone[-1].kill()
        else:
            self.gone[-1].stop()

    def come(self):
        self.running.append(self.gone.pop().start())


def main():
    moment = chance()
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("kill -9 at random, Kafka")
        broker.make_topic()
        with Cluster(folder / "postgres") as cluster:
            sluice("schema", "apply", "--postgres", cluster.url)
            with (Ingest(folder, broker.bootstrap) as ingest,
                  Project(folder / "first", broker.bootstrap, cluster.url, *SESSION) as first,
                  Project(folder / "second", broker.bootstrap, cluster.url, *SESSION) as second):
                for service in (ingest, first, second):
                    service.start()
                chaos = Chaos(moment, ingest, [first, second])
                with (Traffic([ingest.http] * 4, moment.random()) as traffic,
                      Reader(cluster.url) as reader):
                    for _ in range(rounds(ROUNDS)):
                        # The moment is what is random here, so nothing is waited for.
                        traffic.done.wait(moment.uniform(0.05, 2.0))
                        print(f"  {chaos.round()}", flush=True)
                    traffic.goes_on()
                    check(traffic, reader, cluster.url, ["--brokers", broker.bootstrap])
                for service in chaos.running:
                    service.stop()
    print("passed: kill -9 at random, Kafka")
    return 0


if __name__ == "__main__":
    sys.exit(main())
