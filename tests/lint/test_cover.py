#!/usr/bin/env python3
"""test_cover: scripts/cover leaves out assertions and invariants, no more.

The records are what gcovr writes. Prints TAP.
"""
import importlib.machinery
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
path = os.path.join(os.environ["BLOCKPOOL_SOURCE_ROOT"], "scripts", "cover")
loader = importlib.machinery.SourceFileLoader("cover", path)
cover = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("cover", loader))
loader.exec_module(cover)

# name, file, its text, (line, times run, [times each branch was taken]) …,
# wanted sums, how many lines of what was missed.
CASES = [
    ("a line taken, and one that was not", "src/a/b.c", "one;\ntwo;\n",
     [(1, 3, []), (2, 0, [])], [1, 2, 0, 0], 1),
    ("branches of a line that ran", "src/a/b.c", "if (a) b();\n",
     [(1, 5, [5, 0])], [1, 1, 1, 2], 1),
    ("branches of a line that never ran count as missed", "src/a/b.c",
     "if (a) b();\n", [(1, 0, [0, 0])], [0, 1, 0, 2], 1),
    ("an assertion counts for nothing", "src/a/b.c",
     "assert(a && b);\nc();\n", [(1, 9, [9, 0, 9, 0]), (2, 9, [])],
     [1, 1, 0, 0], 0),
    ("an assertion of several lines", "src/a/b.c",
     "assert(a(1) &&\n       b);\nif (c) d();\n",
     [(1, 9, [9, 0]), (2, 9, [9, 0]), (3, 9, [4, 5])], [1, 1, 2, 2], 0),
    ("a condition before an assertion stands on the assertion's line",
     "src/a/b.c", "if (a) assert(b);\n", [(1, 9, [9, 0])], [0, 0, 0, 0], 0),
    ("what only sounds like an assertion counts", "src/a/b.c",
     "if (reassert(a)) b();\nif (bp_check_roots(c)) d();\n",
     [(1, 9, [9, 0]), (2, 9, [9, 0])], [2, 2, 2, 4], 2),
    ("the walk over the invariants counts for nothing", "src/a/invariant.c",
     "if (a) abort();\n", [(1, 0, [0, 0])], [0, 0, 0, 0], 0),
    ("a file that only sounds like it counts", "src/a/invariants.c",
     "if (a) abort();\n", [(1, 0, [0, 0])], [0, 1, 0, 2], 1),
]


def record(name, lines):
    return {"file": name,
            "lines": [{"line_number": n, "count": ran, "gcovr/noncode": False,
                       "branches": [{"count": b} for b in branches]}
                      for n, ran, branches in lines]}


def main():
    bad = 0
    print(f"1..{len(CASES)}")
    for n, (name, file, text, lines, wanted, n_missed) in enumerate(CASES, 1):
        sums, missed = cover.count(record(file, lines), text)
        ok = sums == wanted and len(missed) == n_missed
        bad += not ok
        print(f"{'ok' if ok else 'not ok'} {n} - {name}")
        if not ok:
            print(f"# {sums} {missed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
