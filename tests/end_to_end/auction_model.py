"""What the auction's rows must be after a list of records: written anew, plainly, for the tests.

It knows no timers: it asks the record time whether a session is open. Everything is sorted each time.
"""
import datetime
import json

from system import sluice


def read_log(log):
    """The whole log by partition, each a list of (offset, time, id, fact, data) in order."""
    partitions = {}
    for line in sluice("tail", "--all", "--domain", "auction", *log).stdout.splitlines():
        record = json.loads(line)
        partitions.setdefault(record["partition"], []).append(
            (record["offset"], milliseconds(record["stampedat"]), record.get("id"),
             record.get("type", "tick"), record.get("data")))
    return partitions


def milliseconds(text):
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (time - epoch) // datetime.timedelta(milliseconds=1)


class Session:
    def __init__(self, data):
        self.data = data
        self.starts = milliseconds(data["starts_at"])
        self.ends = milliseconds(data["ends_at"]) if "ends_at" in data else None
        self.closed = False
        self.bids = {}  # by user: (price, weight, score, time, offset, count)

    def pass_time(self, now):
        self.closed = self.closed or (self.ends is not None and now >= self.ends)

    def refuse(self, now, time, price):
        if self.closed:
            return "session.ended"
        if now < self.starts or time < self.starts:
            return "session.not_started"
        return "bid.below_upset" if price < int(self.data["upset_price"]) else None

    def place(self, offset, time, data):
        t = (time - self.starts) / 1000.0
        a = self.data["alpha"] * float(int(data["price"]))
        b = self.data["beta"] / (t + 1.0)
        score = (a + b) + self.data["gamma"] * data["weight"]
        count = self.bids[data["user_id"]][5] if data["user_id"] in self.bids else 0
        self.bids[data["user_id"]] = (int(data["price"]), data["weight"], score, time, offset,
                                      count + 1)

    def ranked(self):
        """(user, bid) best first."""
        return sorted(self.bids.items(), key=lambda each: (-each[1][2], each[1][3], each[1][4]))


class Model:
    """Sessions and rejections of one partition's log."""

    def __init__(self, records):
        self.sessions, self.rejected, seen, now = {}, [], set(), 0
        for offset, time, event_id, fact, data in records:
            now = max(now, time)
            for session in self.sessions.values():
                session.pass_time(now)
            if fact == "tick" or (data["session_id"], event_id) in seen:
                continue
            seen.add((data["session_id"], event_id))
            reason = self.fold(now, offset, time, fact, data)
            if reason:
                self.rejected.append((event_id, reason))

    def fold(self, now, offset, time, fact, data):
        if fact == "session.created":
            self.sessions[data["session_id"]] = Session(data)
            return None
        session = self.sessions[data["session_id"]]
        if fact == "session.closed":
            session.closed = True
            return None
        reason = session.refuse(now, time, int(data["price"]))
        if not reason:
            session.place(offset, time, data)
        return reason
