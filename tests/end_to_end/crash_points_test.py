#!/usr/bin/env python3
"""Death at every named step of ingest and flush, with nothing lost and nothing counted twice.

crash_points_test.py SLUICE REPOSITORY: for each step a `sluice up` that dies there (exit 137) in the
middle of an import is started again without it; the import, which retries by itself, must come to
the counts of the export, an equal refold, and positions that never went back.
"""
import json
import subprocess
import sys

from system import DEADLINE_SECONDS, EXPORT, SLUICE, Folder, Up, check, sluice

# The step, and how many times it is reached before the process dies there.
STEPS = {
    "ingest.before_append": 20,
    "ingest.after_append": 20,
    "flush.emitted": 2,
    "flush.before": 2,
    "flush.committed": 2,
    "flush.state_written": 2,
}
KILLED = 137


def die_at(step, times):
    with Folder() as folder:
        data = folder / "data"
        up = Up(data, ["--flush-interval", "20ms"])
        up.start(SLUICE_CRASH_AT=f"{step}:{times}")
        importing = subprocess.Popen([SLUICE, "import", "polis", str(EXPORT), "--http", up.http,
                                      "--batch", "500", "--retry-for", "120s"],
                                     stdout=subprocess.PIPE, text=True)
        assert up.process.wait(DEADLINE_SECONDS) == KILLED, f"{step} was never reached"
        up.start()
        try:
            out, _ = importing.communicate(timeout=DEADLINE_SECONDS)
            assert importing.returncode == 0
            sluice("wait", json.loads(out)["token"], "--postgres", up.postgres, "--timeout", "60s")
            check(up, ["--data", data])
        finally:
            up.stop()
        print(f"passed: died at {step}")


for step, times in STEPS.items():
    die_at(step, times)
sys.exit(0)
