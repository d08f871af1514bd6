#!/usr/bin/env python3
"""What a newcomer types: help, mistakes, configuration, and bars on a terminal.

command_line_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import re
import subprocess
import sys

from program import Folder, Up, on_terminal, run, sluice
from system import REPOSITORY

WIDTH = 80


def commands(path=()):
    """Every command, from the help pages themselves."""
    page = sluice(*path, "--help").stdout
    below = page.split("Subcommands:\n")[1].split("\n\n")[0] if "Subcommands:" in page else ""
    yield path, page, bool(below)
    for name in re.findall(r"^  (\w\S*)", below, re.MULTILINE):
        yield from commands((*path, name))


def every_command_explains_itself():
    seen = set()
    for path, page, has_more in commands():
        seen.add(path)
        for line in page.splitlines():
            # An example may be longer than a terminal is wide.
            assert len(line) <= WIDTH or line.startswith("  sluice "), (path, line)
        assert "(required) (default" not in " ".join(page.split()), path
        if path:
            assert f"  sluice {' '.join(path)}" in page.split("Example:\n")[1], path
        if not has_more:
            assert "--json" in page, path
            run(*path, "--no-such-flag", code=2, says="--no-such-flag is not known to sluice")
    named = {("up",), ("post",), ("import", "polis"), ("wait",), ("status",), ("verify",),
             ("ingest",), ("project",), ("tail",), ("topics", "apply"), ("topics", "list"),
             ("schema", "print"), ("schema", "apply"), ("quarantine", "list"),
             ("quarantine", "show"), ("quarantine", "release"), ("quarantine", "discard"),
             ("simulate", "deliberation"), ("simulate", "auction"), ("import", "bids")}
    assert named <= seen, named - seen


def every_example_is_understood():
    """Only its names: what it would do is not done."""
    for path, page, _ in commands():
        if not path:
            continue
        words = page.split("Example:\n  sluice ")[1].split()
        run(*words, "--no-such-flag", code=2, says="--no-such-flag is not known")


def every_flag_can_be_set_from_outside(folder):
    """By its variable and by its key in the command's own table. The value may be a wrong one for it: then it is named."""
    file = folder / "flags.toml"
    count = 0
    for path, page, has_more in commands():
        if not path or has_more:
            continue
        flags = set(re.findall(r"^  (?:-\w,)?--([a-z][a-z-]*)", page, re.MULTILINE)) - {"help", "config"}
        assert "json" in flags, page
        for flag in flags:
            file.write_text(f"[{'.'.join(path)}]\n{flag} = \"true\"\n")
            variable = "SLUICE_" + flag.upper().replace("-", "_")
            for environment, origin in [({"SLUICE_CONFIG": str(file)}, f"{file}: {flag}: "),
                                        ({variable: "true"}, f"{variable}: ")]:
                ran = run(*path, "--no-such-flag", code=2, **environment)
                assert origin in ran.stderr or "--no-such-flag is not known" in ran.stderr, (path, flag, ran.stderr)
                count += 1
    assert count > 200, count


def named_commands():
    """Where a command is named, in a message or on a page: the file, and the words from `sluice` on."""
    tracked = subprocess.run(["git", "-C", REPOSITORY, "ls-files"], capture_output=True, text=True, check=True).stdout
    for name in tracked.split():
        if not (REPOSITORY / name).is_file():
            continue
        if re.fullmatch(r"(tools|storage|ingest|projectors|schemas)/.*\.(cc|h)", name) and "_test." not in name:
            # Literals that the compiler or a + joins are one text, and what is put in between is X.
            text = re.sub(r'"\s*\n\s*"', "", (REPOSITORY / name).read_text())
            text = re.sub(r'"\s*\+[^";]*\+\s*"', "X", text)
        elif re.fullmatch(r"(README|docs/.*|.*/README)\.md", name):
            text = (REPOSITORY / name).read_text()
        else:
            continue
        for found in re.findall(r"`(sluice [^`]*)`|^\$ (sluice [^|&\n]*)", text, re.MULTILINE):
            yield name, found[0] or found[1]


def every_named_command_exists():
    """A message or page that advises a command names one that there is, with flags that it has."""
    pages = {path: (page, has_more) for path, page, has_more in commands()}
    count = 0
    for file, text in named_commands():
        words = text.split()[1:]
        path = ()
        while words and (*path, words[0]) in pages:
            path = (*path, words.pop(0))
        assert path or words[0].startswith("-"), f"{file} names a command that there is not: {text}"
        below = pages[path][1] and words and re.fullmatch(r"[a-z]+", words[0])
        assert not (path and below), f"{file} names a command that there is not: {text}"
        for flag in re.findall(r"--[a-z][a-z-]*", text):
            assert flag in pages[path][0] or flag == "--version", f"{file}: {path} has no {flag}: {text}"
        count += 1
    assert count > 60, count


def mistakes_are_answered(folder):
    data = str(folder / "data")
    run(code=2, says="sluice --help")
    assert run("--version", code=0).stdout.startswith("sluice 0."), "a version"
    run("uq", code=2, says="did you mean up?")
    run("verfy", code=2, says="did you mean verify?")
    run("up", code=2, says="--data is required; see sluice up --help")
    run("up", "--dta", data, code=2, says="did you mean --data?")
    run("import", "pols", "x", code=2, says="did you mean polis?")
    run("up", "--data", data, "--log", "kafka", code=2, says="belong together")
    run("up", "--data", data, "--log", "kafak", code=2, says="none of embedded, kafka")
    run("up", "--data", data, "--memory", "512MB ", code=2, says="give a number with a unit")
    run("up", "--data", data, "--memory", "1MiB", code=2, says="at least 128MiB")
    run("up", "--data", data, "--listen", "8080", code=2, says="HOST:PORT")
    run("up", "--data", data, "--listen", "somewhere:8080", code=2, says="an address of this machine")
    run("up", "--data", data, "--domains", "deliberaton", code=2, says="there is no domain deliberaton; there are: ")
    run("up", code=2, says="did you mean SLUICE_DATA?", SLUICE_DAT="x")
    run("up", code=2, says="SLUICE_MEMORY: \"much\"", SLUICE_DATA=data, SLUICE_MEMORY="much")
    run("wait", "nonsense", "--postgres", "x", code=2, says="is no token")
    run("post", "--http", "localhost:1", "--domain", "d", "-", code=2, says="http://HOST:PORT")
    run("tail", "--domain", "deliberation", "--data", data, code=2, says="give --data the folder")
    run("topics", "list", code=2, says="either --data")
    run("import", "polis", folder, "--http", "http://127.0.0.1:1", code=2, says="no comments.csv")


def files_are_read(folder):
    for text, says in [("data = \"x", "line 1"), ("dta = \"x\"", "did you mean data?"),
                       ("[upp]\ndata = \"x\"", "did you mean up?"), ("memory = 1.5", "whole number"),
                       ("[up]\nhttp = \"x\"", "http is not known"),
                       ("memory = \"x\"", "memory: \"x\" is no size")]:
        (folder / "sluice.toml").write_text(text)
        run("up", "--config", folder / "sluice.toml", code=2, says=says)
        run("up", code=2, says=says, SLUICE_CONFIG=str(folder / "sluice.toml"))
    (folder / "sluice.toml").write_text("[schema.print]\ndomains = [\"nothing\"]\n")
    run("schema", "print", "--config", folder / "sluice.toml", code=2, says="no domain nothing")
    run("schema", "print", "--config", folder / "sluice.toml", "--domains", "deliberation", code=0)
    run("up", "--config", folder / "nothing.toml", code=2, says="cannot read")


def terminals_show_progress(folder):
    up = Up(folder / "data", ["--memory", "128MiB"])
    up.start()
    try:
        bar = re.compile(r"\r\[=* *\] \d+ of \d+ ")
        traffic = ["simulate", "deliberation", "--http", up.http, "--seconds", "2s"]
        assert bar.search(on_terminal(*traffic)), "simulate"
        verify = ["verify", "deliberation", "--postgres", up.postgres, "--data", folder / "data"]
        said = on_terminal(*verify)
        assert bar.search(said) and said.endswith("\x1b[K"), ("the bar goes at the end", said)
        ran = sluice(*verify)
        assert ran.stderr == "", ("no terminal, no bar", ran.stderr)
    finally:
        up.stop()


with Folder() as scratch:
    every_command_explains_itself()
    every_example_is_understood()
    every_named_command_exists()
    every_flag_can_be_set_from_outside(scratch)
    mistakes_are_answered(scratch)
    files_are_read(scratch)
    terminals_show_progress(scratch)
sys.exit(0)
