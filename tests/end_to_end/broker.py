"""A real Kafka broker of a test's own."""
import base64
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from system import DEADLINE_SECONDS, DOMAIN, REPOSITORY, child, free_port, sluice

TOPIC = f"{DOMAIN}.events"
TOPIC_ADMIN = sys.argv[3]


def skipped(what):
    """Where its jars cannot be fetched, and nobody insists, a test says so and ends."""
    print(f"SKIPPED (no Kafka jars): {what}")
    return 0


def status_of(process):
    """What the kernel says of it, for who looks for the reason."""
    if process.poll() is not None:
        return f"ended with {process.returncode}"
    return pathlib.Path(f"/proc/{process.pid}/status").read_text()


class Broker:
    """Killed, stopped and started again on its data and port. None where there are no jars.

    `advertised`: the port at which clients are to look for it, where that is not its own; `settings`: "key=value".
    """

    def __init__(self, advertised=None, settings=()):
        self.advertised = advertised
        self.settings = settings

    def __enter__(self):
        self.script = REPOSITORY / "tools/kafka/broker"
        self.folder = None
        if subprocess.run([REPOSITORY / "tools/kafka/fetch"], capture_output=True).returncode != 0:
            if os.environ.get("SLUICE_REQUIRE_KAFKA") == "1":
                raise SystemExit("no Kafka jars, and SLUICE_REQUIRE_KAFKA=1 asks for them")
            return None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-broker-"))
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.start()
        return self

    def __exit__(self, *_):
        if self.folder:
            self.stop(signal.SIGKILL)
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        # Of the last run: `ready` reads them.
        (self.folder / "log").write_text("")
        (self.folder / "pid").unlink(missing_ok=True)
        settings = list(self.settings)
        if self.advertised:
            settings.append(f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.advertised}")
        sets = [word for setting in settings for word in ("--set", setting)]
        self.process = child([self.script, "run", self.folder, "--port", self.port,
                              "--heap", "256m", "--jvm", "-XX:TieredStopAtLevel=1", *sets],
                             stdin=subprocess.DEVNULL)
        if subprocess.run([self.script, "ready", self.folder, "--within", "90"]).returncode != 0:
            raise SystemExit(f"process {self.process.pid}: {status_of(self.process)}\n"
                             + (self.folder / "log").read_text()[-20000:])

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(DEADLINE_SECONDS)

    def make_topic(self):
        sluice("topics", "apply", "--brokers", self.bootstrap)

    def delete_topic(self):
        subprocess.run([TOPIC_ADMIN, self.bootstrap, "delete", TOPIC], check=True)

    def trim(self, partition, offset):
        """Deletes the records before `offset`, as retention would."""
        subprocess.run([TOPIC_ADMIN, self.bootstrap, "trim", TOPIC, str(partition), str(offset)],
                       check=True)

    def cut_tail(self, partition):
        """Of a killed broker: the partition's last batch is torn, and goes when it starts again."""
        log = self.folder / f"data/{TOPIC}-{partition}/00000000000000000000.log"
        with open(log, "r+b") as segment:
            segment.truncate(log.stat().st_size - 1)

    def partition_of(self, key):
        """Where the key's records stand."""
        shown = subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-t", TOPIC, "-e", "-q",
                                "-f", "%k %p\n"], capture_output=True, text=True, errors="replace",
                               check=True)
        lines = [line.split() for line in shown.stdout.splitlines()]
        return next(line[1] for line in lines if line[0] == key)


class Second(Broker):
    """One more broker of the cluster that the first has."""

    def __init__(self, first):
        super().__init__()
        self.first = first

    def start(self):
        """Made as the first was, but for what says who it is."""
        made = (self.first.folder / "data/meta.properties").read_text().splitlines()
        own = base64.b64encode(os.urandom(16), b"AB").decode().rstrip("=")
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "data/meta.properties").write_text("\n".join(
            [line for line in made if not line.startswith(("node.id", "directory.id"))]
            + ["node.id=2", f"directory.id={own}", ""]))
        quorum = next(line for line in (self.first.folder / "server.properties").read_text().splitlines()
                      if line.startswith("controller.quorum.voters="))
        self.settings = ["process.roles=broker", "node.id=2", quorum, f"listeners=PLAINTEXT://127.0.0.1:{self.port}"]
        super().start()


def on_each_log(what, live_through):
    """live_through(name, flags, where) on the embedded log, then on Kafka: the flags of `up`, and how other commands
    find the log, which is None where it is in up's folder."""
    live_through(f"{what}, embedded log", [], None)
    with Broker() as broker:
        if broker is None:
            return skipped(f"{what}, Kafka")
        where = ["--brokers", broker.bootstrap]
        live_through(f"{what}, Kafka", ["--log", "kafka", *where], where)
    return 0
