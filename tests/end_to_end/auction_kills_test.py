#!/usr/bin/env python3
"""A flash sale on Kafka under kill -9: no acknowledged bid is lost, and none counts behind the end.

auction_kills_test.py SLUICE REPOSITORY TOPIC_ADMIN: 1,000 users place 50,000 bids at full speed through
HTTP in three sessions, one of which ends by its time on the way, while ingest and projectors are killed
at random. What is published must be what the log comes to, counted here. SLUICE_SEED=n decides otherwise.
"""
import datetime
import http.client
import json
import random
import sys
import threading
import time

from auction_model import Model, read_log
from broker import Broker, skipped
from postgres import Cluster, ask
from system import DEADLINE_SECONDS, Folder, Ingest, Project, chance, eventually, sluice, verify

BIDS, USERS, PRODUCERS, BATCH = 50_000, 1_000, 4, 10
INVENTORY, UPSET = 10, 10_000
TIMED_SECONDS = 3
SESSIONS = ["timed", "first", "second"]
SESSION = ["--kafka", "session.timeout.ms=6000"]
LATER = (408, 429, 503)


def event(event_id, fact, data):
    return {"specversion": "1.0", "id": event_id, "source": "/test", "type": fact, "actor": "shop",
            "actorrole": "service", "data": data}


class Producer(threading.Thread):
    """Posts its users' bids in order, each batch until it is acknowledged, some of them twice."""

    def __init__(self, number, url, seed):
        super().__init__(daemon=True)
        self.number, self.host = number, url.removeprefix("http://")
        self.random = random.Random(f"{seed}-{number}")
        self.connection = None
        self.acknowledged = []  # (session, event id)
        self.retries = 0
        self.failure = None

    def run(self):
        try:
            for batch in range(BIDS // PRODUCERS // BATCH):
                bids = [self.bid(f"{self.number}-{batch}-{n}") for n in range(BATCH)]
                self.deliver(bids)
                if self.random.random() < 0.05:
                    self.deliver(bids)
        except AssertionError as failure:
            self.failure = failure

    def bid(self, event_id):
        user = self.random.randrange(USERS // PRODUCERS) * PRODUCERS + self.number
        return event(event_id, "bid.placed", {
            "session_id": self.random.choice(SESSIONS), "user_id": f"u{user}",
            # So few prices that many tie; some are below the upset price.
            "price": UPSET + self.random.randrange(-5, 200), "weight": 1 + user % 3 / 10})

    def deliver(self, events):
        body = "\n".join(map(json.dumps, events))
        eventually("ingest is heard", lambda: self.post(body))
        self.acknowledged += [(each["data"]["session_id"], each["id"]) for each in events]

    def post(self, body):
        """Whether it was accepted; else it is to be tried again."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=30)
            self.connection.request("POST", "/v1/auction/events", body,
                                    {"Content-Type": "application/x-ndjson"})
            answer = self.connection.getresponse()
            reply = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            self.retries += 1
            return False
        assert answer.status == 202 or answer.status in LATER, (answer.status, reply)
        return answer.status == 202


def open_sessions(url):
    now = datetime.datetime.now(datetime.timezone.utc)
    facts = []
    for session in SESSIONS:
        data = {"session_id": session, "owner_id": "shop", "product": session, "alpha": 0.01,
                "beta": 100, "inventory": INVENTORY, "upset_price": UPSET,
                "starts_at": now.isoformat()}
        if session == "timed":
            data["ends_at"] = (now + datetime.timedelta(seconds=TIMED_SECONDS)).isoformat()
        facts.append(event(f"open-{session}", "session.created", data))
    Producer(0, url, "opener").deliver(facts)


def close_sessions(url):
    Producer(0, url, "closer").deliver([event(f"close-{session}", "session.closed",
                                              {"session_id": session}) for session in SESSIONS[1:]])


def kill_at_random(moment, producers, services):
    """While anybody posts, at moments that the seed decides."""
    kills = 0
    while any(producer.is_alive() for producer in producers):
        producers[0].join(moment.uniform(0.1, 1.2))
        for producer in producers:
            if producer.failure:
                raise producer.failure
        service = moment.choice(services)
        service.kill()
        service.start()
        kills += 1
    return kills


def rows(postgres, sql):
    return [tuple(row) for row in ask(postgres, sql)]


def text(number):
    """As Postgres shows a double."""
    return repr(number).removesuffix(".0")


def check_session(postgres, name, session):
    ranked = session.ranked()
    assert session.closed, name
    expected = [(user, str(rank), str(bid[0]), float(bid[2]), "t" if rank <= INVENTORY else "f")
                for rank, (user, bid) in enumerate(ranked, 1)]
    for table, order in (("ranking", "rank"), ):
        found = [(row[0], row[1], row[2], float(row[3]), row[4]) for row in rows(
            postgres, f"SELECT user_id, rank, price, score, is_winner FROM auction.{table} "
                      f"WHERE session_id = '{name}' ORDER BY {order}")]
        assert found == expected, f"{name}: {table}"
    found = rows(postgres, f"SELECT user_id, position, bid_count FROM auction.bid "
                           f"WHERE session_id = '{name}' ORDER BY score DESC, placed_at, position")
    assert found == [(user, str(bid[4]), str(bid[5])) for user, bid in ranked], f"{name}: bid"
    line = min(INVENTORY, len(ranked)) - 1
    highest = max(bid[0] for _, bid in ranked)
    found = rows(postgres, f"""
        SELECT status, winner_count, final_price, bidder_count, bid_count, highest_bid,
               (SELECT count(*) FROM auction.leaderboard WHERE session_id = '{name}')
        FROM auction.session JOIN auction.session_stats USING (session_id)
        WHERE session_id = '{name}'""")
    assert found == [("closed", str(line + 1), str(ranked[line][1][0]), str(len(ranked)),
                      str(sum(bid[5] for _, bid in ranked)), str(highest),
                      str(min(100, len(ranked))))], f"{name}: {found}"


def check(postgres, log, producers):
    partitions = read_log(log)
    models = {partition: Model(records) for partition, records in partitions.items()}
    stands = {(data["session_id"], event_id) for records in partitions.values()
              for _, _, event_id, fact, data in records if fact != "tick"}
    for producer in producers:
        lost = [each for each in producer.acknowledged if each not in stands]
        assert not lost, f"{len(lost)} acknowledged bids are not in the log: {lost[:3]}"
    for partition, records in partitions.items():
        eventually(f"partition {partition} is folded", lambda: rows(
            postgres, f"SELECT position FROM sluice.position WHERE projection = 'auction' "
                      f"AND partition = {partition}") == [(str(len(records)),)])
    for model in models.values():
        for name, session in model.sessions.items():
            check_session(postgres, name, session)
    rejected = sorted(each for model in models.values() for each in model.rejected)
    found = sorted(rows(postgres, "SELECT event_id, reason FROM sluice.rejection"))
    assert found == rejected, "rejections"
    late = sum(reason == "session.ended" for _, reason in rejected)
    assert late > 0, "nobody was late: the test proves nothing"
    assert rows(postgres, """
        SELECT count(*) FROM auction.bid JOIN auction.session USING (session_id)
        WHERE placed_at >= ends_at OR placed_at < starts_at""") == [("0",)]
    ticks = sum(fact == "tick" for records in partitions.values() for _, _, _, fact, _ in records)
    print(f"  {sum(len(p.acknowledged) for p in producers)} acknowledged, "
          f"{sum(p.retries for p in producers)} retries, {late} late, "
          f"{len(rejected) - late} refused otherwise, {ticks} ticks", flush=True)


def main():
    moment = chance()
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a flash sale under kill -9, Kafka")
        broker.make_topic()
        where = ["--brokers", broker.bootstrap]
        with Cluster(folder / "postgres") as cluster:
            sluice("schema", "apply", "--postgres", cluster.url)
            with (Ingest(folder, broker.bootstrap) as ingest,
                  Project(folder / "first", broker.bootstrap, cluster.url, *SESSION) as first,
                  Project(folder / "second", broker.bootstrap, cluster.url, *SESSION) as second):
                for service in (ingest, first, second):
                    service.start()
                open_sessions(ingest.http)
                producers = [Producer(n, ingest.http, moment.random()) for n in range(PRODUCERS)]
                begun = time.monotonic()
                for producer in producers:
                    producer.start()
                kills = kill_at_random(moment, producers, [ingest, first, second])
                for producer in producers:
                    producer.join(DEADLINE_SECONDS)
                    assert not producer.is_alive() and not producer.failure, producer.failure
                took = time.monotonic() - begun
                assert took > TIMED_SECONDS, "all was over before the timed session ended"
                print(f"  {BIDS} bids in {took:.1f} s, {kills} kills", flush=True)
                close_sessions(ingest.http)
                check(cluster.url, where, producers)
                verify(cluster.url, where, "auction")
                for service in (ingest, first, second):
                    service.stop()
    print("passed: a flash sale under kill -9, Kafka")
    return 0


if __name__ == "__main__":
    sys.exit(main())
