#!/usr/bin/env python3
"""docs/operate.md, "A rule has changed", as an operator follows it who reads only that page: a counter's rule is another one in
the new program, and events come all the time.

rule_change_test.py SLUICE_V1 REPOSITORY TOPIC_ADMIN SLUICE_V2 SLUICE_V3: on Kafka, where both programs run. Each command of the
page is typed as it stands, with the new program, and answers as the page shows it.
"""
import re
import subprocess
import sys
import pathlib

from page import blocks, fits
from program import Folder, brokers, eventually
from two_versions import DOMAIN, PROGRAMS, Counters, Poster, Reader, added, send

# Commands of which the page says that they exit with 1 here.
FINDS = ("schema diff", "compare")


class Operator:
    """Types the page's commands, and says once more what they answer."""

    def __init__(self, page, scratch, postgres):
        self.blocks = [block for block in blocks(page)]
        self.typed = 0
        self.environment = {"PATH": f"{self.named_sluice(scratch, 2)}:/usr/bin:/bin", "SLUICE_POSTGRES": postgres}

    @staticmethod
    def named_sluice(scratch, number):
        """A folder with that version's program by its name."""
        folder = scratch / f"v{number}"
        folder.mkdir()
        (folder / "sluice").symlink_to(pathlib.Path(PROGRAMS[number]).resolve())
        return folder

    def types(self, begins):
        """The one block that begins so; every answer is as shown."""
        block, = [block for block in self.blocks if block[0][0].startswith(begins)]
        for command, shown in block:
            ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120,
                                 env=self.environment)
            expected = 1 if any(word in command for word in FINDS) else 0
            assert ran.returncode == expected, (command, ran.returncode, ran.stdout, ran.stderr)
            assert not shown or fits(shown, ran.stdout), f"{command}\nshown:\n{shown}\ncame:\n{ran.stdout}"
            self.typed += 1


def posted(up):
    """Of the first counter that is counted otherwise 31, before and without what comes later."""
    token = send(up, [added("b1", f"one{n}") for n in range(31)])
    send(up, [added(f"{'ab'[n % 2]}{n % 40}", f"first{n}") for n in range(2, 40)])
    up.sluice(1, "wait", token, "--timeout", "60s")


def follow(page, scratch, bootstrap):
    log = ["--log", "kafka", "--brokers", bootstrap]
    with Counters(scratch / "old", *log) as old:
        old.start()
        posted(old)
        with Counters(scratch / "new", *log, "--postgres", old.postgres, "--rebuild", "ask", program=2) as new, \
                Reader(old.ready["reader"]) as reader, Poster(old, counters=range(2, 40)) as poster:
            operator = Operator(page, scratch, old.postgres)
            operator.types("sluice schema diff")
            new.start()
            eventually("it waits", lambda: "`sluice rebuild counters` of this program" in new.readiness())
            operator.types("sluice rebuild")
            operator.types("sluice compare")
            operator.types("sluice promote")
            eventually("readers see the new rules", lambda: reader.seen == [1, 2])
            eventually("nothing stands still", lambda: not new.readiness())
            operator.types("sluice rollback")
            eventually("readers see the old rules", lambda: reader.seen == [1, 2, 1])
            # The other way again, so that the old one can be taken away.
            operator.types("sluice promote")
            eventually("readers see the new rules", lambda: reader.seen == [1, 2, 1, 2])
            operator.types("sluice retire")
            done = poster.token
            eventually("events come", lambda: poster.token != done)
            poster.done.set()
            poster.join()
            old.sluice(2, "wait", poster.token, "--timeout", "60s")
            assert old.statuses() == {1: "retired", 2: "live"}, old.statuses()
            old.verify(2, "--brokers", bootstrap)
            assert operator.typed >= 8, operator.typed
            assert reader.looks > 20 and poster.posted > 1000, (reader.looks, poster.posted)


def main():
    page = (pathlib.Path(sys.argv[2]) / "docs/operate.md").read_text()
    section = re.search(r"^### A rule has changed$(.*)", page, re.DOTALL | re.MULTILINE)[1]
    assert DOMAIN in section
    with Folder() as scratch, brokers() as bootstrap:
        if bootstrap:
            follow(section, scratch, bootstrap)


main()
