#!/usr/bin/env python3
"""`up` and `project` before their database is there, and without it later: they answer, say what they wait for, and take
posts as soon as the log is known.

waiting_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from program import SLUICE, Folder, Stopwatch, conversation, eventually, run, vote
from postgres import Cluster
from system import DEADLINE_SECONDS, Up, child


class Waiting(Up):
    def start(self):
        """Without waiting until it is ready."""
        with open(self.log, "a") as errors:
            self.process = child(self.command, stdout=subprocess.PIPE, stderr=errors, text=True)
        eventually("it answers", self.healthy)
        return self

    def healthy(self):
        try:
            with urllib.request.urlopen(self.http + "/healthz", timeout=DEADLINE_SECONDS) as reply:
                return reply.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def post(self, event):
        """The status of the reply, and what it says."""
        request = urllib.request.Request(self.http + "/v1/deliberation/events", event.encode(),
                                         {"Content-Type": "application/cloudevents+json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()


def before_its_database(up, database):
    up.start()
    eventually("it says what it waits for", lambda: "no connection to Postgres" in up.readiness())
    status, said = up.post(conversation("early"))
    assert status == 503 and "no connection to Postgres" in said, (status, said)
    with urllib.request.urlopen(up.http + "/metrics", timeout=DEADLINE_SECONDS) as metrics:
        assert metrics.status == 200
    eventually("the log has it", lambda: "waiting error=" in up.words())
    assert up.words().count("waiting error=") == 1, up.words()
    database.start()
    line = up.process.stdout.readline()
    assert '"ready":true' in line, line
    status, said = up.post(conversation("c"))
    assert status == 202, (status, said)
    eventually("it is ready", lambda: not up.readiness())


def without_it(up, database):
    database.stop()
    eventually("it is not ready", lambda: up.readiness())
    # To a partition that has no record yet, too.
    for n in range(20):
        status, said = up.post(conversation(f"later{n}"))
        assert status == 202, (status, said)
    database.start()
    eventually("it is ready", lambda: not up.readiness())
    status, said = up.post(vote("c", "p"))
    assert status == 202, (status, said)
    token = said.split('"token":"')[1].split('"')[0]
    run("wait", token, "--postgres", database.url, "--timeout", "60s", code=0)


def a_token_is_waited_for(up, database):
    """What hinders that is said once, within seconds, without the password; what comes back is waited for."""
    def waits(timeout):
        words = [SLUICE, "wait", token, "--postgres", database.url.replace("sluice@", "sluice:secret@"), "--timeout", timeout]
        return child(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    token = up.post(vote("c", "q"))[1].split('"token":"')[1].split('"')[0]
    for stop, start in [(database.stop, database.start),
                        (lambda: database.process.send_signal(signal.SIGSTOP),
                         lambda: database.process.send_signal(signal.SIGCONT))]:
        stop()
        watch = Stopwatch()
        patient = waits("100s")
        said = patient.stderr.readline()
        assert said.startswith(f"waiting until --timeout for the database {database.url}: "), said
        assert watch.took() < 5, (said, watch.seconds())
        brief = waits("3s")
        more = brief.communicate(timeout=60)[1].splitlines()
        assert brief.returncode == 2 and len(more) == 2 and more[1].startswith("sluice: no connection"), more
        assert patient.poll() is None
        start()
        rest = patient.communicate(timeout=100)[1]
        assert patient.returncode == 0 and rest == "", rest


def ends_while_it_waits(up, database):
    database.stop()
    up.start()
    eventually("it waits", lambda: "no connection to Postgres" in up.readiness())
    up.stop()


with Folder() as scratch, Cluster(scratch / "database") as cluster:
    cluster.stop()
    with Waiting(scratch / "data", ["--memory", "128MiB", "--postgres", cluster.url]) as running:
        before_its_database(running, cluster)
        without_it(running, cluster)
        a_token_is_waited_for(running, cluster)
        running.stop()
        ends_while_it_waits(running, cluster)
    cluster.start()
sys.exit(0)
