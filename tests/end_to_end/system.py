"""What the end-to-end tests share: `sluice up` as a process that can be killed and started again, and
what the real conversation must come to."""
import collections
import csv
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SLUICE, REPOSITORY = sys.argv[1], pathlib.Path(sys.argv[2])
EXPORT = REPOSITORY.parent / "shared/data/polis/opendata/vtaiwan.uberx"
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

    def start(self, **environment):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True, env={**os.environ, **environment})
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
    check_verified(up, log)


def check_verified(up, log):
    verified = sluice("verify", "deliberation", "--postgres", up.postgres, *log, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["differences"] == 0


class Folder:
    """A folder that the database's user can pass through; gone at the end."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-"))
        os.chmod(self.path, 0o711)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Broker:
    """A real broker, or None where its jars cannot be fetched and nobody insists."""

    def __enter__(self):
        self.run = REPOSITORY / "tools/kafka/broker"
        self.folder = None
        if subprocess.run([REPOSITORY / "tools/kafka/fetch"], capture_output=True).returncode != 0:
            if os.environ.get("SLUICE_REQUIRE_KAFKA") == "1":
                raise SystemExit("no Kafka jars, and SLUICE_REQUIRE_KAFKA=1 asks for them")
            return None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-broker-"))
        subprocess.run([self.run, "start", self.folder], check=True, capture_output=True)
        return (self.folder / "bootstrap").read_text().strip()

    def __exit__(self, *_):
        if self.folder:
            subprocess.run([self.run, "stop", self.folder], capture_output=True)
            shutil.rmtree(self.folder, ignore_errors=True)
