#!/usr/bin/env python3
"""What the README shows is what comes: see page.py.

readme_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import pathlib
import sys

from page import Reader, follow
from program import Folder


def main():
    with Folder() as folder:
        follow((pathlib.Path(sys.argv[2]) / "README.md").read_text(), Reader(folder), least=9)


main()
