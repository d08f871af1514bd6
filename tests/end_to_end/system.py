"""What the end-to-end tests share: `sluice` processes that can be killed and started again."""
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
import time
import urllib.error
import urllib.request

from stacks import stacks

SLUICE, REPOSITORY = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
DEADLINE_SECONDS = 120
KILLED_AT_CRASH_POINT = 137
DOMAIN = "deliberation"


def chance():
    """The test's own randomness: says its seed, and takes another from SLUICE_SEED."""
    seed = int(os.environ.get("SLUICE_SEED", "1"))
    print(f"seed {seed}", flush=True)
    return random.Random(seed)


def rounds(short_form):
    """How often a loop of faults runs: SLUICE_ROUNDS says otherwise, SLUICE_TIMES so many times as often."""
    return int(os.environ.get("SLUICE_ROUNDS", short_form * int(os.environ.get("SLUICE_TIMES", "1"))))


def eventually(what, condition):
    """Until `condition` holds; returns what it was then."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"not in {DEADLINE_SECONDS} s: {what}"
        time.sleep(0.05)
    return found


def machine_stalled():
    """Seconds so far in which something waited for a core or a disk of this machine; 0 where the kernel does not count."""
    total = 0
    for resource in ("cpu", "io"):
        try:
            with open(f"/proc/pressure/{resource}") as file:
                total += int(file.readline().rsplit("total=", 1)[1])
        except OSError:
            continue
    return total / 1e6


class Stopwatch:
    """For what is promised in a time: that in which the machine made somebody wait is told apart."""

    def __init__(self):
        self.begun, self.stalled = time.monotonic(), machine_stalled()

    def seconds(self):
        return time.monotonic() - self.begun

    def stalls(self):
        return min(machine_stalled() - self.stalled, self.seconds())

    def took(self):
        """No more than this, had the machine had time."""
        return self.seconds() - self.stalls()


def within(seconds, what, condition):
    """What is promised in that time, on a machine that has time."""
    watch = Stopwatch()
    while not (found := condition()):
        assert watch.took() < seconds and watch.seconds() < DEADLINE_SECONDS, (
            f"not in {watch.seconds():.1f} s, {watch.took():.1f} s without stalls: {what}")
        time.sleep(0.05)
    return found


def free_port():
    """Not of those that clients are given: one that reaches for a dead server could get its port."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first_of_clients = int(file.read().split()[0])
    while True:
        port = random.SystemRandom().randrange(10000, first_of_clients)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def child(words, user=None, **options):
    """A process that the kernel kills when this one dies, however that dies."""
    become = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
    return subprocess.Popen(["setpriv", *become, "--pdeathsig", "KILL", "--", *map(str, words)],
                            **options)


def children_of(process):
    """Process ids, as far as they have not ended since."""
    found = []
    for about in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if about.read_text().rsplit(")", 1)[1].split()[1] == str(process):
                found.append(int(about.parent.name))
        except OSError:
            continue
    return found


def sluice(*arguments, check=True):
    ran = subprocess.run([SLUICE, *map(str, arguments)], capture_output=True, text=True,
                         timeout=DEADLINE_SECONDS)
    if check and ran.returncode != 0:
        raise SystemExit(f"sluice {arguments}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran


def verify(postgres, log, domain=DOMAIN):
    """A refold of the whole log equals every published row. `log`: where the log is, as flags."""
    ran = sluice("verify", domain, "--postgres", postgres, *log, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["differences"] == 0
    assert json.loads(ran.stdout)["rows"] > 0, "a view without rows proves nothing"


def wait_for(token, postgres):
    ran = sluice("wait", token, "--postgres", postgres, "--timeout", f"{DEADLINE_SECONDS - 20}s",
                 check=False)
    if ran.returncode != 0:
        raise AssertionError(f"{token} was not reached:\n{ran.stdout}{ran.stderr}"
                             + sluice("status", "--postgres", postgres, check=False).stdout)


class Folder:
    """A folder that the database's user can pass through; gone at the end."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-"))
        os.chmod(self.path, 0o711)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Service:
    """A `sluice` that serves until it is stopped, and says when it does; gone at the end."""

    def __init__(self, log, *arguments):
        self.port = free_port()
        self.http = f"http://127.0.0.1:{self.port}"
        self.command = [SLUICE, *map(str, arguments), "--listen", f"127.0.0.1:{self.port}"]
        self.log = log
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        said = ""
        if kind and self.process and self.process.poll() is None:
            said = self.last_word()
            print(f"--- threads of {self.command[1]}\n{stacks(self.process.pid)}", file=sys.stderr)
        self.kill()
        if said:
            print(f"--- /readyz: {said}", file=sys.stderr)
        if kind:
            print(f"--- end of {self.log}\n{self.words()[-6000:]}", file=sys.stderr)

    def start(self, **environment):
        with open(self.log, "a") as errors:
            self.process = child(self.command, stdout=subprocess.PIPE, stderr=errors, text=True,
                                 env={**os.environ, **environment})
        line = self.process.stdout.readline()
        if not line and "SLUICE_CRASH_AT" in environment:
            self.process.wait(DEADLINE_SECONDS)  # it may die before it is ready
            return self
        if not line:
            raise SystemExit(f"{self.command} does not start:\n{self.words()[-2000:]}")
        self.ready = json.loads(line)
        return self

    def words(self):
        """What it has said on stderr, in all its starts."""
        return pathlib.Path(self.log).read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()
            self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(DEADLINE_SECONDS) == 0, "TERM ends it with exit 0"

    def dies_at(self, crash_point):
        """It was started to die there."""
        status = self.process.wait(DEADLINE_SECONDS)
        assert status == KILLED_AT_CRASH_POINT, f"{crash_point}: ended with {status}"

    def last_word(self):
        """What /readyz says to somebody who looks for the reason of a failure."""
        try:
            return self.readiness(timeout=5) or "ready"
        except (OSError, ValueError, AssertionError) as failure:
            return repr(failure)

    def readiness(self, timeout=DEADLINE_SECONDS):
        """Empty when it says that it is ready; else why not."""
        try:
            with urllib.request.urlopen(self.http + "/readyz", timeout=timeout):
                return ""
        except urllib.error.HTTPError as refusal:
            assert refusal.code == 503
            return json.load(refusal)["detail"]


class Up(Service):
    """`sluice up`, started again on the same folder and port each time."""

    def __init__(self, folder, log, *arguments):
        self.folder = folder
        super().__init__(folder.parent / f"{folder.name}.log", "up", "--data", folder, *log,
                         *arguments)

    @property
    def postgres(self):
        return self.ready["postgres"]


class Ingest(Service):
    def __init__(self, folder, brokers):
        super().__init__(folder / "ingest.log", "ingest", "--brokers", brokers)


class Project(Service):
    def __init__(self, folder, brokers, postgres, *arguments):
        self.folder = folder
        super().__init__(folder.parent / f"{folder.name}.log", "project", "--data", folder,
                         "--brokers", brokers, "--postgres", postgres, *arguments)
