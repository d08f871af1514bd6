"""What the tests of the program share, beside what the end-to-end tests have."""
import contextlib
import json
import os
import pathlib
import pty
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "end_to_end"))
import broker  # noqa: E402
import system  # noqa: E402
from system import (SLUICE, Folder, Stopwatch, children_of, eventually, free_port, sluice,  # noqa: E402,F401
                    within)

SECONDS = 120


class Up(system.Up):
    def ask(self, sql):
        """Rows of text."""
        ran = subprocess.run(["psql", self.postgres, "-qAtc", sql], capture_output=True, text=True)
        assert ran.returncode == 0, (sql, ran.stderr)
        return [line.split("|") for line in ran.stdout.splitlines()]


@contextlib.contextmanager
def brokers():
    """A broker's address; None where there are no jars and nobody insists."""
    with broker.Broker() as one:
        yield one and one.bootstrap


def run(*arguments, code, says="", stdin=None, **environment):
    """Runs a command, which must end with `code` and say the text on stderr, an error in one line."""
    ran = subprocess.run([SLUICE, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                         timeout=SECONDS, env={**os.environ, **environment})
    told = f"sluice {arguments}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}"
    assert ran.returncode == code, told
    assert says in ran.stderr, f"{told}\nnot said: {says}"
    if code == 2:
        errors = [line for line in ran.stderr.splitlines() if line.startswith("sluice")]
        assert len(errors) == 1, told
    return ran


def result(*arguments, code=0, **more):
    """The JSON on the last line of stdout."""
    return json.loads(run(*arguments, code=code, **more).stdout.splitlines()[-1])


def on_terminal(*arguments):
    """Runs a command whose stderr is a terminal; what it said there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([SLUICE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    process.stdout.read()
    assert process.wait(SECONDS) == 0, said
    return said.decode()


def cloud_event(event_id, kind, data):
    return json.dumps({"specversion": "1.0", "source": "test", "id": event_id, "type": kind,
                       "data": data})


def conversation(name, opinions=3):
    return cloud_event(f"{name}/created", "conversation.created", {
        "conversation_id": name, "owner_id": "o", "title": name,
        "seeds": [{"opinion_id": str(n), "body": f"opinion {n}"} for n in range(opinions)]})


def vote(name, participant, opinion="0", choice="agree"):
    return cloud_event(f"{name}/{participant}/{opinion}/{choice}", "vote.set", {
        "conversation_id": name, "opinion_id": opinion, "participant_id": participant,
        "choice": choice})


def post(up, events, *flags):
    """Posts events and waits until the view has them; the reply."""
    posted = result("post", "--http", up.http, "--domain", "deliberation", "-", *flags,
                    stdin="\n".join(events) + "\n")
    run("wait", posted["token"], "--postgres", up.postgres, "--timeout", "60s", code=0)
    return posted


def postgres_processes(folder):
    """The server whose data are in the folder, and its sessions and helpers."""
    server = int((folder / "postmaster.pid").read_text().split()[0])
    return [server, *children_of(server)]


def processes_below(folder):
    """Command lines of processes that work in or on the folder."""
    found = []
    for about in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (about / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in words or os.readlink(about / "cwd").startswith(str(folder)):
                found.append(words)
        except OSError:  # it has ended
            continue
    return found
