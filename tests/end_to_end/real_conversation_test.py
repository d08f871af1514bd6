#!/usr/bin/env python3
"""A real conversation through a real broker into a real Postgres, killed on the way.

real_conversation_test.py SLUICE REPOSITORY: imports a Polis export through `sluice up`, which is
killed (kill -9) ten times meanwhile at moments that a seed decides, once on Kafka and once on the
embedded log; imports it again; and expects the counts of participants-votes.csv, which is counted
here, and an equal refold. SLUICE_SEED=n decides other moments.
"""
import json
import os
import random
import subprocess
import sys

from system import DEADLINE_SECONDS, EXPORT, SLUICE, Broker, Folder, Up, check, sluice

KILLS = 10


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


def live_through(name, up_log, verify_log, chance):
    with Folder() as folder:
        data = folder / "data"
        up = Up(data, up_log)
        up.start()
        try:
            imported = import_while_killing(up, chance)
            sluice("wait", imported["token"], "--postgres", up.postgres, "--timeout", "60s")
            check(up, verify_log or ["--data", data])
            again = json.loads(sluice("import", "polis", EXPORT, "--http", up.http).stdout)
            sluice("wait", again["token"], "--postgres", up.postgres, "--timeout", "60s")
            check(up, verify_log or ["--data", data])
        finally:
            up.stop()
        print(f"passed: {name}")


def main():
    seed = int(os.environ.get("SLUICE_SEED", "1"))
    print(f"seed {seed}")
    chance = random.Random(seed)
    live_through("embedded log, killed ten times, imported twice", ["--log", "embedded"], None,
                 chance)
    with Broker() as brokers:
        if brokers is None:
            print("SKIPPED (no Kafka jars): Kafka, killed ten times, imported twice")
            return 0
        live_through("Kafka, killed ten times, imported twice",
                     ["--log", "kafka", "--brokers", brokers], ["--brokers", brokers], chance)
    return 0


if __name__ == "__main__":
    sys.exit(main())
