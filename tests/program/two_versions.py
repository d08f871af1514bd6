"""`sluice` in versions of the domain `counters` (tests/support/two_versions), who posts to it and who reads it."""
import contextlib
import http.client
import json
import subprocess
import sys
import urllib.request

from background import Background
from postgres import Away, Session
from program import Up, cloud_event

DOMAIN = "counters"
# Beside the usual arguments: programs of versions 2 and 3.
PROGRAMS = {1: sys.argv[1], 2: sys.argv[4], 3: sys.argv[5]}
SMALL = ["--memory", "128MiB", "--flush-interval", "50ms"]
POSITIONS = ("SELECT partition, position FROM sluice.position JOIN sluice.projection g USING (projection, generation) "
             f"WHERE g.live AND projection = '{DOMAIN}' ORDER BY 1")
# By counters whose totals are those of version 1, of version 2, all, and what was ever added.
SEEN = ("SELECT count(*) FILTER (WHERE total = additions), count(*) FILTER (WHERE total = 2 * additions), count(*), "
        f"sum(additions) FROM {DOMAIN}.counter WHERE counter_id LIKE 'b%'")


def version(up, number):
    """The same folder and flags, from now on with this program."""
    up.command[0] = PROGRAMS[number]
    return up


class Counters(Up):
    def __init__(self, folder, *flags, program=1):
        super().__init__(folder, [*SMALL, *flags])
        version(self, program)

    def sluice(self, number, *arguments, code=0):
        """JSON of a command of that version's program, about the domain."""
        ran = subprocess.run([PROGRAMS[number], *map(str, arguments), "--postgres", self.postgres],
                             capture_output=True, text=True, timeout=120)
        assert code in (None, ran.returncode), (arguments, ran.returncode, ran.stdout, ran.stderr)
        return json.loads(ran.stdout.splitlines()[-1]) if ran.stdout else {}

    def generations(self):
        return {each["generation"]: each for each in self.sluice(2, "generations", DOMAIN)["generations"]}

    def statuses(self):
        """{1: "standing", 2: "live"}; asked of Postgres, so that it takes no second."""
        return {int(n): status for n, status in self.ask(
            f"SELECT generation, status FROM sluice.projection WHERE projection = '{DOMAIN}' ORDER BY 1")}

    def verify(self, number, *log):
        found = self.sluice(number, "verify", DOMAIN, *(log or ("--data", self.folder)))
        assert found["differences"] == 0 and found["rows"] > 0, found


def added(counter, at, amount=1):
    return cloud_event(f"{counter}/{at}", "counter.added", {"counter_id": counter, "amount": amount})


def send(up, events):
    """One batch, accepted or not."""
    request = urllib.request.Request(
        f"{up.http}/v1/{DOMAIN}/events", data=("[" + ",".join(events) + "]").encode(),
        headers={"Content-Type": "application/cloudevents-batch+json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)["token"]


class Poster(Background):
    """Posts until it is stopped, whoever serves at the address; a batch that was not answered comes again."""

    PAUSE_SECONDS = 0.01

    def __init__(self, up, counters=range(40)):
        super().__init__()
        self.up, self.counters, self.posted, self.token = up, counters, 0, None

    def work(self):
        while self.again():
            batch = [added(f"{'ab'[n % 2]}{n}", self.posted + n) for n in self.counters]
            try:
                self.token = send(self.up, batch)
                self.posted += len(batch)
            except (OSError, http.client.HTTPException):  # it is down, or refuses: the same ids again
                continue


class Reader(Background):
    """Looks until it is stopped. No statement shows two versions, and nothing goes back."""

    PAUSE_SECONDS = 0.005

    def __init__(self, url):
        super().__init__()
        self.url = url
        self.seen = []  # versions, in turn
        self.looks = 0

    def work(self):
        before, sum_before = {}, 0
        with contextlib.closing(Session(self.url)) as session:
            while self.again():
                try:
                    (first, second, rows, additions), = session.ask(SEEN)[0]
                    positions = {partition: int(position) for partition, position in session.ask(POSITIONS)[0]}
                except Away:
                    continue
                assert rows in (first, second), f"a mix: {first} of version 1, {second} of version 2, {rows} in all"
                assert int(additions or 0) >= sum_before, f"rows went back from {sum_before} to {additions}"
                for partition, position in before.items():
                    assert positions[partition] >= position, f"positions went back from {before} to {positions}"
                before, sum_before = positions, int(additions or 0)
                if rows != "0":
                    number = 1 if rows == first else 2
                    self.looks += 1
                    if self.seen[-1:] != [number]:
                        self.seen.append(number)
