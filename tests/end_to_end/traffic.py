"""Producers that post and retry, and the account that they keep of what was acknowledged."""
import collections
import http.client
import json
import random
import threading

from model import ballot_text, read_log
from postgres import ask
from system import DEADLINE_SECONDS, DOMAIN, eventually, verify, wait_for

CONVERSATIONS = [f"c{n}" for n in range(12)]
SEEDS = [f"s{n}" for n in range(6)]
PARTICIPANTS = 40  # of a producer
BATCH = 20
PAUSE_SECONDS = 0.04
LATER = (408, 429, 503)


def event(event_id, fact, data, **attributes):
    return {"specversion": "1.0", "source": "test", "id": event_id, "type": fact, "data": data,
            **attributes}


def positions_of(token):
    """By partition."""
    parts = [part.split(":")[1].split("@") for part in token.split(",")]
    return {int(partition): int(position) for partition, position in parts}


class Producer(threading.Thread):
    """Posts batches in order, each until it is acknowledged, and now and then an old one again.

    Participants and opinions are its own, so that what they come to depends on nobody else.
    """

    def __init__(self, name, url, seed, done):
        super().__init__(daemon=True)
        self.name, self.done = name, done
        self.host = url.removeprefix("http://")
        self.random = random.Random(seed)
        self.connection = None
        self.made = 0
        self.opinions = []  # (conversation, opinion)
        self.acknowledged = {}  # event id -> token
        self.reached = {}  # partition -> position, by all tokens
        self.old = collections.deque(maxlen=50)  # batches
        self.retries = 0
        self.ballots = collections.defaultdict(dict)  # by (conversation, participant)
        self.rejected = []
        self.failure = None

    def run(self):
        try:
            while not self.done.wait(PAUSE_SECONDS):
                batch = [self.next_event() for _ in range(BATCH)]
                self.deliver(batch)
                self.old.append(batch)
                if self.random.random() < 0.2:
                    self.deliver(self.random.choice(self.old))
        except AssertionError as failure:
            self.failure = failure

    def next_event(self):
        self.made += 1
        event_id = f"{self.name}-{self.made}"
        conversation = self.random.choice(CONVERSATIONS)
        person = f"{self.name}-p{self.random.randrange(PARTICIPANTS)}"
        kind = self.random.random()
        if kind < 0.05:
            opinion = f"{self.name}-o{self.made}"
            self.opinions.append((conversation, opinion))
            self.ballots[conversation, person][opinion] = "agree"
            return event(event_id, "opinion.created", {
                "conversation_id": conversation, "opinion_id": opinion, "author_id": person,
                "body": opinion})
        if kind < 0.10 and self.opinions:
            conversation, opinion = self.random.choice(self.opinions)
            return event(event_id, "opinion.moderated", {
                "conversation_id": conversation, "opinion_id": opinion,
                "state": self.random.choice(("none", "move", "hide"))}, actorrole="moderator")
        choice = self.random.choice(("agree", "agree", "disagree", "pass", "none"))
        opinion = self.random.choice(SEEDS)
        if kind > 0.98:
            opinion = "nobody-wrote-this"
            self.rejected.append(event_id)
        elif choice != "none":
            self.ballots[conversation, person][opinion] = choice
        elif (conversation, person) in self.ballots:
            self.ballots[conversation, person].pop(opinion, None)
        return event(event_id, "vote.set", {
            "conversation_id": conversation, "opinion_id": opinion, "participant_id": person,
            "choice": choice})

    def deliver(self, batch):
        body = "\n".join(map(json.dumps, batch))

        def accepted():
            reply = self.post(body)
            self.retries += reply is None
            return reply

        reply = eventually(f"{self.name} is heard", accepted)
        ids = [each["id"] for each in batch]
        assert reply["ids"] == ids and reply["accepted"] == len(ids), reply
        for event_id in ids:
            self.acknowledged.setdefault(event_id, reply["token"])
        for partition, position in positions_of(reply["token"]).items():
            self.reached[partition] = max(self.reached.get(partition, 0), position)

    def post(self, body):
        """The reply to a 202; None when it is to be tried again."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, timeout=30)
            self.connection.request("POST", f"/v1/{DOMAIN}/events", body,
                                    {"Content-Type": "application/x-ndjson"})
            answer = self.connection.getresponse()
            reply = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.connection.close()
            self.connection = None
            return None
        assert answer.status == 202 or answer.status in LATER, (answer.status, reply)
        return reply if answer.status == 202 else None


class Traffic:
    """Several producers at once, from the first conversation to the last acknowledgement."""

    def __init__(self, urls, seed):
        self.done = threading.Event()
        self.opener = Producer("opener", urls[0], 0, self.done)
        self.producers = [Producer(f"p{n}", url, f"{seed}-{n}", self.done)
                          for n, url in enumerate(urls)]

    def __enter__(self):
        self.opener.deliver([
            event(f"open-{name}", "conversation.created", {
                "conversation_id": name, "owner_id": "owner", "title": name,
                "seeds": [{"opinion_id": seed, "body": seed} for seed in SEEDS]})
            for name in CONVERSATIONS])
        for producer in self.producers:
            producer.start()
        return self

    def __exit__(self, *_):
        self.done.set()

    def all(self):
        return [self.opener, *self.producers]

    def acknowledged(self):
        """How many so far."""
        return sum(len(producer.acknowledged) for producer in self.all())

    def goes_on(self, events=300):
        """Until so many more are acknowledged."""
        target = self.acknowledged() + events
        eventually("producers are heard again", lambda: self.acknowledged() >= target
                   or any(producer.failure for producer in self.producers))
        for producer in self.producers:
            if producer.failure:
                raise producer.failure

    def finish(self):
        """Ends it, and returns the token of everything."""
        self.done.set()
        reached = {}
        for producer in self.producers:
            producer.join(DEADLINE_SECONDS)
            assert not producer.is_alive(), f"{producer.name} does not end"
        for producer in self.all():
            if producer.failure:
                raise producer.failure
            for partition, position in producer.reached.items():
                reached[partition] = max(reached.get(partition, 0), position)
        print(f"  {self.acknowledged()} events acknowledged, "
              f"{sum(producer.retries for producer in self.producers)} retries", flush=True)
        return ",".join(f"{DOMAIN}:{partition}@{reached[partition]}" for partition in reached)

    def check_log(self, log):
        """No wrong 2xx: each acknowledged event stands below its token's position."""
        first = {}
        for partition, records in log.items():
            for offset, (event_id, _, _, _) in enumerate(records):
                first.setdefault(event_id, (partition, offset))
        for producer in self.all():
            for event_id, token in producer.acknowledged.items():
                assert event_id in first, f"{event_id} was acknowledged and is not in the log"
                partition, offset = first[event_id]
                assert offset < positions_of(token)[partition], f"{event_id}: {token}"

    def check_view(self, postgres):
        """Each event counted once: what the producers know is all that there is."""
        ballots = {key: ballot_text(votes) for producer in self.producers
                   for key, votes in producer.ballots.items()}
        found = ask(postgres, "SELECT conversation_id, participant_id, votes FROM "
                              "deliberation.ballot")
        assert {(row[0], row[1]): row[2] for row in found} == ballots, "ballots"
        opinions = sorted(written for producer in self.producers for written in producer.opinions)
        opinions += [(name, seed) for name in CONVERSATIONS for seed in SEEDS]
        found = ask(postgres, "SELECT conversation_id, opinion_id FROM deliberation.opinion")
        assert sorted(map(tuple, found)) == sorted(opinions), "opinions"
        found = ask(postgres, f"SELECT event_id FROM sluice.rejection WHERE projection = '{DOMAIN}'")
        rejected = sorted(event_id for producer in self.producers for event_id in producer.rejected)
        found = sorted(row[0] for row in found)
        assert found == rejected, f"rejections: {found}, expected {rejected}"
        assert ask(postgres, "SELECT count(*) FROM sluice.quarantine") == [["0"]]


def check(traffic, reader, postgres, log, moments=10):
    """The end of a test under load: all that was promised. `log`: where the log is, as flags."""
    reader.sees_moments(moments)
    wait_for(traffic.finish(), postgres)
    records = read_log(log)
    traffic.check_log(records)
    traffic.check_view(postgres)
    reader.check(records)
    for domain in (DOMAIN, "people"):
        verify(postgres, log, domain)
