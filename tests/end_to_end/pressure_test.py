#!/usr/bin/env python3
"""More than can be shown at once: a hot key, ever new keys, a slow database and a slow broker. Memory stays within its number.

pressure_test.py SLUICE REPOSITORY: `up` with 128 MiB and on Kafka, its broker and its Postgres behind a slow network. Nine of ten
votes go to one conversation, each by somebody new, as fast as they are taken. Who posts is told to wait (429 or 503, with
Retry-After) where the log cannot follow, and is not held up by Postgres. Every acknowledged vote counts once.
"""
import http.client
import json
import pathlib
import sys
import threading

from broker import Broker, skipped
from postgres import Cluster, ask
from proxy import Proxy
from system import DOMAIN, Folder, Up, chance, eventually, free_port, verify, wait_for
from traffic import LATER, event

MEBIBYTE = 1 << 20
MEMORY = 128
# What the number does not count: code, stacks, librdkafka's queues, and the allocator's slack.
BESIDE = 160
HOT, OTHERS = "hot", [f"c{n}" for n in range(9)]
BATCH = 400
VOTES = 40_000


class Voter(threading.Thread):
    """Posts until so many of its votes are acknowledged; keeps what it was told."""

    def __init__(self, number, up, votes):
        super().__init__(daemon=True)
        self.number, self.up, self.votes = number, up, votes
        self.tokens, self.refusals, self.counted = [], [], dict.fromkeys([HOT, *OTHERS], 0)
        self.failure = None

    def run(self):
        try:
            for first in range(0, self.votes, BATCH):
                self.deliver([self.vote(number) for number in range(first, first + BATCH)])
        except AssertionError as failure:
            self.failure = failure

    def vote(self, number):
        where = HOT if number % 10 else OTHERS[number // 10 % len(OTHERS)]
        self.counted[where] += 1
        person = f"p{self.number}-{number}"
        return event(person, "vote.set", {"conversation_id": where, "opinion_id": "s", "participant_id": person,
                                          "choice": "agree"})

    def deliver(self, batch):
        body = "\n".join(map(json.dumps, batch))
        self.tokens.append(eventually("a batch is taken", lambda: self.post(body))["token"])

    def post(self, body):
        client = http.client.HTTPConnection(self.up.http.removeprefix("http://"), timeout=60)
        try:
            client.request("POST", f"/v1/{DOMAIN}/events", body, {"Content-Type": "application/x-ndjson"})
            reply = client.getresponse()
            said = json.loads(reply.read())
        except OSError:
            return None
        finally:
            client.close()
        if reply.status == 202:
            return said
        assert reply.status in LATER and reply.headers["Retry-After"], (reply.status, said)
        self.refusals.append(reply.status)
        return None


def resident(up):
    about = pathlib.Path(f"/proc/{up.process.pid}/status").read_text().splitlines()
    return int(next(line for line in about if line.startswith("VmRSS")).split()[1]) / 1024


def open_all(up):
    Voter(0, up, 0).deliver([
        event(f"open-{name}", "conversation.created", {"conversation_id": name, "owner_id": "o", "title": name,
                                                       "seeds": [{"opinion_id": "s", "body": "s"}]})
        for name in [HOT, *OTHERS]])


def flood(up, voters, slow):
    for voter in voters:
        voter.start()
    most = 0
    for proxy, way in slow:
        proxy.way = way
        voters[0].join(3.0)
        most = max(most, resident(up))
        proxy.way = "carry"
    while any(voter.is_alive() for voter in voters):
        voters[0].join(0.2)
        most = max(most, resident(up))
        if not voters[0].is_alive():
            for voter in voters:
                voter.join(120)
    for voter in voters:
        if voter.failure:
            raise voter.failure
    return most


def main():
    chance()
    port = free_port()
    with Folder() as folder, Broker(advertised=port) as broker:
        if broker is None:
            return skipped("pressure")
        with (Proxy(broker.port, port) as to_kafka, Cluster(folder / "postgres") as cluster,
              Proxy(cluster.port) as to_postgres):
            log = ["--brokers", f"127.0.0.1:{port}"]
            with Up(folder / "data", ["--log", "kafka", *log], "--memory", f"{MEMORY}MiB", "--postgres",
                    cluster.url_at(to_postgres.port)) as up:
                up.start()
                open_all(up)
                voters = [Voter(number, up, VOTES // 4) for number in range(4)]
                most = flood(up, voters, [(to_postgres, "late"), (to_kafka, "late"), (to_postgres, "silent"),
                                          (to_kafka, "silent"), (to_postgres, "drip")])
                assert most < MEMORY + BESIDE, f"{most:.0f} MiB"
                for token in {token for voter in voters for token in voter.tokens[-20:]}:
                    wait_for(token, cluster.url)
                most = max(most, resident(up))
                expected = {name: str(sum(voter.counted[name] for voter in voters)) for name in [HOT, *OTHERS]}
                found = ask(cluster.url, f"SELECT conversation_id, vote_count FROM {DOMAIN}.conversation_stats")
                assert dict(found) == expected, (found, expected)
                eventually("it is ready again", lambda: up.readiness() == "")
                verify(cluster.url, log)
                print(f"  {most:.0f} MiB at most, {sum(len(voter.refusals) for voter in voters)} refusals", flush=True)
                up.stop()
    print("passed: pressure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
