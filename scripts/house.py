# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check_* scripts share: which files there are, and how a check ends."""
import os
import sys

SKIPPED = {"build", ".git", "__pycache__", ".pytest_cache", ".ipynb_checkpoints"}
PROGRAM = ("engine", "windows", "models", "connectors", "commands")


def files(*endings):
    """All files below the current folder with one of these endings, as relative paths."""
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(names):
            if not endings or name.endswith(endings):
                yield os.path.relpath(os.path.join(folder, name))


def program_files(*endings):
    """The files of the program itself: tillstream.c and its five folders."""
    for path in files(*endings):
        if path == "tillstream.c" or path.split("/")[0] in PROGRAM:
            yield path


def lines(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read().splitlines()


def end(offences, looked_at, rule):
    """Prints the offences; exit status 1 if there are any or nothing was looked at."""
    for offence in offences:
        print(offence)
    if not looked_at:
        print("nothing to look at")
    if offences:
        print(rule)
    sys.exit(1 if offences or not looked_at else 0)
