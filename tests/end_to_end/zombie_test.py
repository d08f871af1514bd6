#!/usr/bin/env python3
"""A projector that is stopped longer than its session, while another takes over, changes nothing.

zombie_test.py SLUICE REPOSITORY: `up` and a second process, `project`, share a group on Kafka. The
second is stopped (SIGSTOP) under load until the first has all partitions, then goes on (SIGCONT).
Positions never go back, and the refold is equal.
"""
import json
import signal
import subprocess
import sys
import time

from system import DEADLINE_SECONDS, SLUICE, Broker, Folder, Up, free_port, sluice


def owners(up):
    """How many processes own partitions."""
    return int(up.ask("SELECT count(DISTINCT split_part(owner, '/', 1)) FROM sluice.position")[0][0])


def eventually(what, condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def main():
    with Broker() as brokers, Folder() as folder:
        if brokers is None:
            print("SKIPPED (no Kafka jars): a stopped projector changes nothing")
            return 0
        up = Up(folder / "data", ["--log", "kafka", "--brokers", brokers])
        up.start()
        other = subprocess.Popen([SLUICE, "project", "--data", str(folder / "other"), "--brokers",
                                  brokers, "--postgres", up.postgres, "--listen",
                                  f"127.0.0.1:{free_port()}"], stdout=subprocess.DEVNULL)
        load = subprocess.Popen([SLUICE, "simulate", "deliberation", "--http", up.http, "--rate",
                                 "500", "--seconds", "30"], stdout=subprocess.PIPE, text=True)
        try:
            eventually("both processes have partitions", lambda: owners(up) == 2)
            other.send_signal(signal.SIGSTOP)
            eventually("the first takes over", lambda: owners(up) == 1)
            other.send_signal(signal.SIGCONT)
            out, _ = load.communicate(timeout=DEADLINE_SECONDS)
            assert load.returncode == 0
            token = json.loads(out.splitlines()[-1])["token"]
            sluice("wait", token, "--postgres", up.postgres, "--timeout", "60s")
            verified = sluice("verify", "deliberation", "--postgres", up.postgres, "--brokers",
                              brokers)
            assert json.loads(verified.stdout)["differences"] == 0
            other.terminate()
            assert other.wait(DEADLINE_SECONDS) == 0
        finally:
            load.kill()
            other.kill()
            up.stop()
    print("passed: a stopped projector changes nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
