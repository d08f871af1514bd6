#!/usr/bin/env python3
"""docs/own_domain.md as a newcomer follows it: its files are written, its commands typed, its outputs compared.

own_domain_test.py SLUICE REPOSITORY TOPIC_ADMIN: in a copy of the repository below the build folder, where
only what is new is built the next time.
"""
import pathlib
import re
import shutil
import subprocess
import sys

from page import Reader, follow
from program import SLUICE, Folder

REPOSITORY = pathlib.Path(sys.argv[2]).resolve()
BUILDING_SECONDS = 1700
FOLDERS = ("cmake", "docs", "ingest", "projectors", "schemas", "storage", "tests", "tools")
FILES = ("CMakeLists.txt", "CMakePresets.json")


def copy_of_the_repository():
    """Files that did not change keep their times, so that what was built stays built."""
    copy = pathlib.Path(SLUICE).resolve().parents[2] / "own_domain"
    for folder in FOLDERS:
        for source in (REPOSITORY / folder).rglob("*"):
            place(source, copy / source.relative_to(REPOSITORY))
        for there in sorted((copy / folder).rglob("*"), reverse=True):
            if not (REPOSITORY / there.relative_to(copy)).exists():
                there.rmdir() if there.is_dir() else there.unlink()
    for name in FILES:
        place(REPOSITORY / name, copy / name)
    return copy


def place(source, target):
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def files_of(page):
    return re.findall(r"^`([\w/.]+)`\n```\w+\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def main():
    page = (REPOSITORY / "docs/own_domain.md").read_text()
    copy = copy_of_the_repository()
    files = files_of(page)
    lines = sum(len(text.splitlines()) for path, text in files if not path.endswith("_test.cc"))
    assert len(files) == 5 and lines < 100, f"{len(files)} files, {lines} lines"
    for path, text in files:
        assert re.match(r"(schemas|projectors)/lockers/", path), path
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text(text)
    unseen = subprocess.run([copy / "tools/layers", copy], capture_output=True, text=True)
    assert unseen.returncode == 0, unseen.stdout
    with Folder() as folder:
        program = copy / "build/release/tools/sluice/sluice"
        follow(page, Reader(folder, copy, program, BUILDING_SECONDS), least=11)


main()
