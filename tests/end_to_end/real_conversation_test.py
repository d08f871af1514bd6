#!/usr/bin/env python3
"""A real conversation through a real broker into a real Postgres, killed on the way.

real_conversation_test.py SLUICE REPOSITORY: imports a Polis export through `sluice up`, which is
killed (kill -9) ten times meanwhile at moments that a seed decides, once on Kafka and once on the
embedded log; imports it again; and expects the counts of participants-votes.csv, which is counted
here, and an equal refold. SLUICE_SEED=n decides other moments.
"""
import collections
import csv
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SLUICE, REPOSITORY = sys.argv[1], pathlib.Path(sys.argv[2])
EXPORT = REPOSITORY.parent / "shared/data/polis/opendata/vtaiwan.uberx"
KILLS = 10
DEADLINE_SECONDS = 180


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sluice(*arguments, check=True):
    ran = subprocess.run([SLUICE, *map(str, arguments)], capture_output=True, text=True,
                         timeout=DEADLINE_SECONDS)
    if check and ran.returncode != 0:
        raise SystemExit(f"sluice {arguments}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran


class Up:
    """`sluice up`, started again on the same folder and port each time it was killed."""

    def __init__(self, folder, log):
        self.command = [SLUICE, "up", "--data", str(folder), "--listen", f"127.0.0.1:{free_port()}",
                        *log]
        self.errors = open(folder.parent / "up.log", "a")
        self.postgres = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True)
        ready = self.process.stdout.readline()
        if not ready:
            raise SystemExit(f"up did not start, see {self.errors.name}:\n"
                             + pathlib.Path(self.errors.name).read_text()[-2000:])
        ready = json.loads(ready)
        self.http, self.postgres = ready["http"], ready["postgres"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(DEADLINE_SECONDS) == 0, "TERM ends it with exit 0"

    def ask(self, sql):
        text = subprocess.run(["psql", self.postgres, "-qAtc", sql], capture_output=True, text=True,
                              check=True).stdout
        return [line.split("|") for line in text.splitlines()]


def expected_counts():
    """Current votes by statement, from the export's final matrix."""
    counts = collections.defaultdict(lambda: [0, 0, 0])
    with open(EXPORT / "participants-votes.csv", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for row in reader:
            for name, vote in zip(header, row):
                if name.isdigit() and vote:
                    counts[name][{"1": 0, "-1": 1, "0": 2}[vote]] += 1
    return counts


def import_while_killing(up, chance):
    """One import that retries by itself while up dies under it, then dies no more."""
    importing = subprocess.Popen([SLUICE, "import", "polis", str(EXPORT), "--http", up.http,
                                  "--batch", "200", "--retry-for", "120s"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    positions = []
    for _ in range(KILLS):
        # The moment is what is random here, so nothing is waited for.
        try:
            importing.wait(chance.uniform(0.02, 0.35))
        except subprocess.TimeoutExpired:
            pass
        up.kill()
        up.start()
        position = sum(int(p) for (p,) in up.ask("SELECT position FROM sluice.position"))
        assert not positions or position >= positions[-1], "no position goes back"
        positions.append(position)
    out, errors = importing.communicate(timeout=DEADLINE_SECONDS)
    assert importing.returncode == 0, errors
    return json.loads(out)


def check(up, log):
    assert up.ask("SELECT count(*) FROM deliberation.opinion") == [["197"]]
    assert up.ask("SELECT total_vote_count FROM deliberation.conversation_stats") == [["49443"]]
    assert up.ask("SELECT count(*) FROM deliberation.vote") == [["49443"]]
    counts = expected_counts()
    rows = up.ask("SELECT opinion_id, agrees, disagrees, passes FROM deliberation.opinion_stats")
    found = {row[0]: [int(n) for n in row[1:]] for row in rows}
    assert found == {statement: counts[statement] for statement in found}, "counts by statement"
    assert len(found) == 197
    assert up.ask("SELECT count(*) FROM sluice.rejection") == [["0"]]
    assert up.ask("SELECT count(*) FROM sluice.quarantine") == [["0"]]
    verified = sluice("verify", "deliberation", "--postgres", up.postgres, *log, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["differences"] == 0


def live_through(name, up_log, verify_log, chance):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-"))
    os.chmod(folder, 0o711)
    data = folder / "data"
    up = Up(data, up_log)
    data.mkdir()
    try:
        up.start()
        imported = import_while_killing(up, chance)
        sluice("wait", imported["token"], "--postgres", up.postgres, "--timeout", "60s")
        check(up, verify_log or ["--data", data])
        again = json.loads(sluice("import", "polis", EXPORT, "--http", up.http).stdout)
        sluice("wait", again["token"], "--postgres", up.postgres, "--timeout", "60s")
        check(up, verify_log or ["--data", data])
        up.stop()
        print(f"passed: {name}")
    finally:
        if up.process.poll() is None:
            up.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    seed = int(os.environ.get("SLUICE_SEED", "1"))
    print(f"seed {seed}")
    chance = random.Random(seed)
    live_through("embedded log, killed ten times, imported twice", ["--log", "embedded"], None,
                 chance)
    fetch = subprocess.run([REPOSITORY / "tools/kafka/fetch"], capture_output=True, text=True)
    if fetch.returncode != 0:
        print("SKIPPED (no Kafka jars): Kafka, killed ten times, imported twice")
        return 1 if os.environ.get("SLUICE_REQUIRE_KAFKA") == "1" else 0
    broker = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-broker-"))
    run = REPOSITORY / "tools/kafka/broker"
    subprocess.run([run, "start", broker], check=True, capture_output=True)
    try:
        brokers = (broker / "bootstrap").read_text().strip()
        live_through("Kafka, killed ten times, imported twice",
                     ["--log", "kafka", "--brokers", brokers], ["--brokers", brokers], chance)
    finally:
        subprocess.run([run, "stop", broker], capture_output=True)
        shutil.rmtree(broker, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
