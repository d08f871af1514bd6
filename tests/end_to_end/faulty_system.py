"""Processes to which the operating system does wrong: see tests/support/faulty_system.cc."""
import os
import pathlib
import struct
import sys

from system import Up

LIBRARY = pathlib.Path(sys.argv[3]).parent / "libfaulty_system.so"
CALLS = {"fsync": 1, "fdatasync": 2, "write": 4, "pwrite": 8}


class FaultySystem:
    """What processes meet that are started with `environment`: nothing is wrong at first."""

    def __init__(self, page):
        self.page = page
        self.page.write_bytes(bytes(40))
        self.environment = {"LD_PRELOAD": str(LIBRARY), "FAULTY_SYSTEM": str(page)}

    def clock_is_off(self, seconds):
        self.write(0, struct.pack("q", seconds))

    def fails(self, call, error, of_a_thousand=1000):
        """So many of a thousand such calls."""
        self.write(8, struct.pack("iIQ", error, of_a_thousand, CALLS[call]))

    def goes_well(self):
        """No call fails."""
        self.write(8, bytes(16))

    def syncs_take_longer(self, milliseconds):
        self.write(24, struct.pack("q", milliseconds))

    def leaks(self, size):
        """So many bytes are held by each of the processes, of no use to it."""
        self.write(32, struct.pack("Q", size))

    def write(self, at, what):
        with open(self.page, "r+b") as page:
            os.pwrite(page.fileno(), what, at)


class FaultyUp(Up):
    """Its Postgres, which begins with an environment of its own, is spared."""

    def __init__(self, folder, log, *arguments):
        super().__init__(folder, log, *arguments)
        self.system = FaultySystem(folder.parent / "faults")

    def start(self, **environment):
        return super().start(**self.system.environment, **environment)
