#!/usr/bin/env python3
"""Users who are deleted and merged while the process dies again and again: derived facts once.

people_test.py SLUICE REPOSITORY: five users vote in every conversation; one is deleted and one is
merged, and more of their votes come afterwards. The process dies between sending derived facts and
saying so, behind saying so, and by kill -9 at any time, on the embedded log and on Kafka; there also
as two projectors apart, who share four partitions of each domain and come and go. In the end nothing
is left of the two, every count is that of the other three, and both refolds are equal.
"""
import json
import random
import subprocess
import sys
import time

from broker import Broker, skipped
from postgres import Away, Cluster, ask
from system import (KILLED_AT_CRASH_POINT, SLUICE, Folder, Ingest, Project, Up,
                    eventually, sluice, verify)

CONVERSATIONS, LATE, OPINIONS = 30, 5, 2
USERS = ["u1", "u2", "u3", "u4", "u5"]


def event(domain_type, data, number):
    return json.dumps({"specversion": "1.0", "id": f"{domain_type}-{number}", "source": "/test",
                       "type": domain_type, "actor": "svc", "actorrole": "service", "data": data})


def votes(conversations, users, time_of_day="early"):
    return [event("vote.set", {"conversation_id": f"c{c}", "opinion_id": f"o{o}",
                               "participant_id": user, "choice": "agree"}, f"{c}-{o}-{user}-{time_of_day}")
            for c in conversations for user in users for o in range(OPINIONS)]


def conversations():
    lines = []
    for c in range(CONVERSATIONS + LATE):
        lines.append(event("conversation.created", {"conversation_id": f"c{c}", "title": "t",
                                                    "owner_id": f"owner{c}"}, c))
        lines += [event("opinion.created", {"conversation_id": f"c{c}", "opinion_id": f"o{o}",
                                            "author_id": f"owner{c}", "body": "b",
                                            "auto_vote": False}, f"{c}-{o}")
                  for o in range(OPINIONS)]
    return lines


def post(up, domain, lines):
    """Tries until it is accepted: ids make it count once. It tries by itself for long: who dies meanwhile is started
    again at once."""
    def accepted():
        up.revive()
        with subprocess.Popen([SLUICE, "post", "--http", up.http, "--domain", domain, "-"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as posting:
            posting.stdin.write("\n".join(lines) + "\n")
            posting.stdin.close()
            while True:
                try:
                    return posting.wait(0.2) == 0
                except subprocess.TimeoutExpired:
                    up.revive()

    eventually(f"{domain} is accepted", accepted)


class Mortal(Up):
    """Started again whenever it is found dead; dies at each of `deaths` in turn."""

    def __init__(self, folder, log, deaths):
        super().__init__(folder, log, "--flush-interval", "20ms")
        self.deaths = list(deaths)
        self.died = 0

    def start_next(self):
        death = self.deaths.pop(0) if self.deaths else None
        self.start(**({"SLUICE_CRASH_AT": death} if death else {}))

    def revive(self):
        # Also one that dies before it is ready.
        while self.process.poll() is not None:
            assert self.process.returncode in (KILLED_AT_CRASH_POINT, -9), self.process.returncode
            self.died += 1
            self.start_next()


class Apart:
    """Ingest and two projectors, as Mortal is one process: each is started again when found dead."""

    SESSION = ["--kafka", "session.timeout.ms=6000", "--flush-interval", "20ms"]

    def __init__(self, folder, broker, cluster, deaths):
        self.postgres = cluster.url
        self.ingest = Ingest(folder, broker.bootstrap)
        self.projectors = [Project(folder / name, broker.bootstrap, cluster.url, *self.SESSION)
                           for name in ("first", "second")]
        self.services = [self.ingest, *self.projectors]
        self.deaths = list(deaths)
        self.died = 0
        self.chance = random.Random(1)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for service in self.services:
            service.__exit__(*failure)

    @property
    def http(self):
        return self.ingest.http

    def start_next(self):
        self.ingest.start()
        for projector in self.projectors:
            self.start_projector(projector)

    def start_projector(self, projector):
        death = self.deaths.pop(0) if self.deaths else None
        projector.start(**({"SLUICE_CRASH_AT": death} if death else {}))

    def revive(self):
        for service in self.services:
            if (status := service.process.poll()) is None:
                continue
            assert status in (KILLED_AT_CRASH_POINT, -9), status
            self.died += 1
            if service is self.ingest:
                service.start()
            else:
                self.start_projector(service)

    def kill(self):
        """One or both of the projectors, or ingest."""
        for service in self.chance.choice([self.services[:1], self.services[1:2],
                                           self.services[2:], self.projectors]):
            service.kill()

    def stop(self):
        for service in self.services:
            service.stop()


def expected():
    every, both = str(CONVERSATIONS + LATE), 3 * CONVERSATIONS + LATE
    # u1's votes are gone; u2's are u3's, also where u3 never voted.
    return {
        "SELECT participant_id, count(*) FROM deliberation.vote GROUP BY 1 ORDER BY 1":
            [["u3", str((CONVERSATIONS + LATE) * OPINIONS)],
             ["u4", str(CONVERSATIONS * OPINIONS)], ["u5", str(CONVERSATIONS * OPINIONS)]],
        "SELECT count(*) FROM deliberation.ballot WHERE participant_id IN ('u1', 'u2')": [["0"]],
        "SELECT sum(vote_count), sum(participant_count) FROM deliberation.conversation_stats":
            [[str(both * OPINIONS), str(both)]],
        "SELECT sum(agrees) FROM deliberation.opinion_stats": [[str(both * OPINIONS)]],
        "SELECT user_id, status, \"into\" FROM people.person ORDER BY 1":
            [["u1", "deleted", ""], ["u2", "merged", "u3"]],
        "SELECT user_id, count(*) FROM people.participation WHERE user_id LIKE 'u_' GROUP BY 1"
        " ORDER BY 1": [["u3", every], ["u4", str(CONVERSATIONS)], ["u5", str(CONVERSATIONS)]],
        "SELECT count(*) FROM sluice.quarantine": [["0"]],
        # Only a conversation that knows already refuses, and only them.
        "SELECT count(*) FROM sluice.rejection WHERE reason <> 'participant.removed'": [["0"]],
    }


def difference(up):
    """The first of what is expected that is not so yet; None when all is."""
    for sql, rows in expected().items():
        up.revive()
        try:
            found = ask(up.postgres, sql)
        except Away:
            return f"{sql}: no answer"
        if found != rows:
            return f"{sql}: {found}"
    return None


def check(up, log):
    wrong = None

    def equal():
        nonlocal wrong
        wrong = difference(up)
        return wrong is None

    try:
        eventually("all is as expected", equal)
    except AssertionError as late:
        raise AssertionError(wrong) from late
    for domain in ("deliberation", "people"):
        verify(up.postgres, log, domain)


def live_and_die(name, up, where, kills=0):
    with up:
        up.start_next()
        post(up, "deliberation", conversations() + votes(range(CONVERSATIONS), USERS))
        for kill in range(kills):
            # The moment is what is random here, so nothing is waited for.
            time.sleep(random.Random(kill).uniform(0, 0.3))
            up.kill()
            up.revive()
        post(up, "people", [event("user.deleted", {"user_id": "u1"}, 1),
                            event("user.merged", {"user_id": "u2", "into": "u3"}, 1)])
        # In flight: some conversations know by now, those that are late cannot.
        post(up, "deliberation", votes(range(CONVERSATIONS + LATE), USERS[:2], "late"))
        check(up, where)
        assert up.died >= max(1, kills), f"{name} was never reached"
        up.stop()
    print(f"passed: {name}, died {up.died} times")


def on_embedded_log(name, deaths, kills=0):
    with Folder() as folder:
        data = folder / "data"
        live_and_die(name, Mortal(data, [], deaths), ["--data", data], kills)


def on_kafka(broker):
    where = ["--brokers", broker.bootstrap]
    deaths = ["flush.emitted:4", "flush.committed:4"]
    with Folder() as folder:
        up = Mortal(folder / "data", ["--log", "kafka", *where], deaths)
        live_and_die("kill -9 on Kafka", up, where, kills=3)


def apart_on_kafka(broker):
    where = ["--brokers", broker.bootstrap]
    deaths = ["flush.emitted:4", "flush.committed:4", "flush.emitted:3", "flush.committed:6"]
    sluice("topics", "apply", *where)
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        sluice("schema", "apply", "--postgres", cluster.url)
        up = Apart(folder, broker, cluster, deaths)
        live_and_die("two projectors apart, on Kafka", up, where, kills=4)


def main():
    for step in ("flush.emitted", "flush.committed"):
        on_embedded_log(step, [f"{step}:{n}" for n in (2, 5, 9, 3)])
    on_embedded_log("kill -9", [], kills=5)
    for run in (on_kafka, apart_on_kafka):
        with Broker() as broker:
            if broker is None:
                return skipped("users deleted and merged, on Kafka")
            run(broker)
    return 0


if __name__ == "__main__":
    sys.exit(main())
