"""What deliberation's rows must be after a list of records: written anew, plainly, for the tests.

It knows the facts that `traffic.py` posts, and counts from the ballots each time it is asked.
"""
import hashlib
import json

from system import DOMAIN, sluice

CHOICES = ("agree", "disagree", "pass")


def read_log(log):
    """The whole log by partition, each a list of (event id, key, type, data) in order."""
    partitions = {}
    shown = sluice("tail", "--domain", DOMAIN, *log).stdout
    for line in shown.splitlines():
        record = json.loads(line)
        records = partitions.setdefault(record["partition"], [])
        assert record["offset"] == len(records), "offsets without a gap"
        records.append((record["id"], record["subject"], record["type"], record["data"]))
    return partitions


def digest(parts):
    return hashlib.md5(",".join(parts).encode()).hexdigest()


def ballot_text(votes):
    """As Postgres shows jsonb: shorter keys first."""
    members = [f'"{o}": "{votes[o]}"' for o in sorted(votes, key=lambda o: (len(o), o))]
    return "{" + ", ".join(members) + "}"


class Conversation:
    def __init__(self, seeds):
        self.moderation = {seed: "none" for seed in seeds}  # by opinion
        self.ballots = {}  # by participant: choice by opinion

    def vote(self, participant, opinion, choice):
        if choice != "none":
            self.ballots.setdefault(participant, {})[opinion] = choice
        elif participant in self.ballots:
            self.ballots[participant].pop(opinion, None)

    def counted(self, votes):
        return sum(1 for opinion in votes if self.moderation[opinion] == "none")

    def counters(self):
        """In the order of the columns of conversation_stats."""
        states = list(self.moderation.values())
        ballots = self.ballots.values()
        return [states.count("none"),
                sum(self.counted(votes) for votes in ballots),
                sum(1 for votes in ballots if self.counted(votes)),
                len(states),
                sum(len(votes) for votes in ballots),
                sum(1 for votes in ballots if votes),
                states.count("move"),
                states.count("hide")]

    def opinion_counts(self):
        counts = {opinion: dict.fromkeys(CHOICES, 0) for opinion in self.moderation}
        for votes in self.ballots.values():
            for opinion, choice in votes.items():
                counts[opinion][choice] += 1
        return [":".join([opinion, *(str(counts[opinion][choice]) for choice in CHOICES)])
                for opinion in sorted(counts)]

    def ballot_texts(self):
        return [f"{participant}:{ballot_text(self.ballots[participant])}"
                for participant in sorted(self.ballots)]

    def row(self):
        """As the queries of `reader.py` see it."""
        return [str(counter) for counter in self.counters()] + [
            digest(self.opinion_counts()), digest(self.ballot_texts())]


class Model:
    """The fold of a prefix of the log. Each event id counts once for its key."""

    def __init__(self):
        self.conversations = {}
        self.rejected = []  # event ids
        self.seen = set()

    def fold(self, event_id, key, fact, data):
        """Returns the key of what may have changed."""
        if (key, event_id) in self.seen:
            return key
        self.seen.add((key, event_id))
        conversation = self.conversations.get(key)
        if fact == "conversation.created":
            assert conversation is None, "traffic makes each conversation under one event id"
            self.conversations[key] = Conversation(s["opinion_id"] for s in data["seeds"])
        elif fact == "opinion.created":
            conversation.moderation[data["opinion_id"]] = "none"
            conversation.vote(data["author_id"], data["opinion_id"], "agree")
        elif data["opinion_id"] not in conversation.moderation:
            self.rejected.append(event_id)
        elif fact == "opinion.moderated":
            conversation.moderation[data["opinion_id"]] = data["state"]
        else:
            assert fact == "vote.set", fact
            conversation.vote(data["participant_id"], data["opinion_id"], data["choice"])
        return key
