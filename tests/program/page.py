"""What a page shows is what comes: its commands are run, its outputs compared ("..." is anything, and k3f9q2 the
log's own letters).

`sluice up`, its folder and its port are replaced by those of a scratch folder and a free port, nothing else.
"""
import json
import os
import pathlib
import re
import subprocess

from program import SLUICE, Up


def blocks(page):
    """Code blocks that show commands, as pairs of command and output."""
    for block in re.findall(r"^```\n(\$ .*?)^```$", page, re.DOTALL | re.MULTILINE):
        yield list(commands(block.splitlines()))


def whole(command):
    """Whether bash would begin to run it: quotes are closed, and documents that it reads from here."""
    ends = re.findall(r"<<'(\w+)'", command)
    return (all(f"\n{end}" in command for end in ends)
            and subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0)


def commands(lines):
    at = 0
    while at < len(lines):
        assert lines[at].startswith("$ "), lines[at]
        command = lines[at][2:]
        at += 1
        while not whole(command):
            command += "\n" + lines[at]
            at += 1
        output = []
        while at < len(lines) and not lines[at].startswith("$ "):
            output.append(lines[at])
            at += 1
        yield command, "\n".join(output)


# In pages' tokens: what tells a log from all others, so no two readers have the same.
LOG = "k3f9q2"


def fits(shown, came):
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("..."))
    return re.fullmatch(pattern.replace(LOG, "[a-z0-9]{6}"), came.strip(), re.DOTALL)


class Reader:
    """Somebody who types what is shown."""

    def __init__(self, folder, at=None, program=SLUICE, seconds=120):
        self.folder = folder
        self.at = at or folder  # where commands are typed
        self.program = pathlib.Path(program).resolve()
        self.seconds = seconds
        self.up = Up(folder / "data", ["--memory", "128MiB"])
        self.up.command[0] = str(self.program)
        self.exports = []
        self.log = LOG

    def start_up(self, shown):
        self.up.start()
        ready = json.dumps(self.up.ready, separators=(",", ":"))
        assert fits(shown, ready.replace(self.up.http, "http://127.0.0.1:8080")), (shown, ready)

    def type(self, command, shown):
        if command.startswith("sluice up --data /tmp/sluice"):
            self.up.command += command.split()[4:]
            return self.start_up(shown)
        if command.startswith("export "):
            # The URLs are there once it runs; the path is where this build has the program.
            ready = getattr(self.up, "ready", {})
            for shown_value, value in (("http://127.0.0.1:8080", getattr(self.up, "http", "")),
                                       ("postgresql://sluice:...", ready.get("postgres", "")),
                                       ("postgresql://sluice_read:...", ready.get("reader", "")),
                                       ("$PWD/build/release/tools/sluice",
                                        str(self.program.parent))):
                command = command.replace(shown_value, value)
            self.exports.append(command)
            assert shown == ""
            return None
        command = command.replace("/tmp/sluice", str(self.folder / "data")).replace(LOG, self.log)
        ran = subprocess.run(["bash", "-c", "\n".join([*self.exports, command])], text=True,
                             cwd=self.at, capture_output=True, timeout=self.seconds)
        assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
        assert fits(shown, ran.stdout), f"{command}\nshown:\n{shown}\ncame:\n{ran.stdout}"
        if found := re.search("~([a-z0-9]{6}):", ran.stdout):
            self.log = found[1]
        return None


def follow(page, reader, least):
    """Types what the page shows; `least`: as many commands must be there, else it proves nothing."""
    os.environ.update(PAGER="cat", PSQL_PAGER="cat")
    typed = 0
    try:
        for block in blocks(page):
            for command, shown in block:
                reader.type(command, shown)
                typed += 1
    finally:
        reader.up.kill()
    assert typed >= least, typed
