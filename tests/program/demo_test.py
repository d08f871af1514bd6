#!/usr/bin/env python3
"""tools/demo on a terminal: it goes on when `sluice up` is killed, and Ctrl-C leaves nothing behind.

demo_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import os
import pathlib
import pty
import re
import signal
import sys

from program import processes_below

DRAWN = "behind the log"


class Demo:
    def __init__(self, repository):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(repository)
            os.execl("tools/demo", "tools/demo")
        self.said = ""

    def read_until(self, holds):
        while not holds(self.said):
            try:
                chunk = os.read(self.terminal, 4096)
            except OSError:  # it has ended
                chunk = b""
            assert chunk, self.said
            self.said += chunk.decode(errors="replace")

    def drawn_again(self):
        times = self.said.count(DRAWN)
        self.read_until(lambda said: said.count(DRAWN) >= times + 2)


def main():
    demo = Demo(sys.argv[2])
    demo.drawn_again()
    folder = pathlib.Path(re.search(r"takes (\S+) away", demo.said)[1])
    assert folder.is_dir() and processes_below(folder)
    os.kill(int(re.search(r"kill -9 (\d+)", demo.said)[1]), signal.SIGKILL)
    demo.read_until(lambda said: "starting it again" in said)
    demo.drawn_again()
    os.write(demo.terminal, b"\x03")
    demo.read_until(lambda said: "stopping" in said)
    _, status = os.waitpid(demo.process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, demo.said
    assert not folder.exists() and processes_below(folder) == []


main()
