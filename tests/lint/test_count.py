#!/usr/bin/env python3
"""test_count: scripts/check counts every kind of end of a test program.

The records are what Meson writes into its log; the outputs are what cmocka and
our shell tests print. Prints TAP.
"""
import importlib.machinery
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
path = os.path.join(os.environ["BLOCKPOOL_SOURCE_ROOT"], "scripts", "check")
loader = importlib.machinery.SourceFileLoader("check", path)
check = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("check", loader))
loader.exec_module(check)

# name, Meson's result, exit code, output, (passed, failed, skipped).
CASES = [
    ("each passing function counts", "OK", 0,
     "1..2\nok 1 - a\nok 2 - b\n", (2, 0, 0)),
    ("a failing function beside a passing one", "FAIL", 1,
     "1..2\nok 1 - a\nnot ok 2 - b\n# 0x1 != 0x2\n", (1, 1, 0)),
    ("cmocka writes a skip as not ok", "OK", 0,
     "1..2\nok 1 - a\nnot ok 2 # SKIP b\n", (1, 0, 1)),
    ("a shell test's skip", "OK", 0,
     "1..1\nok 1 - a # SKIP no node\n", (0, 0, 1)),
    ("two groups in one program", "OK", 0,
     "1..1\nok 1 - a\n# ok - group\n1..1\nok 1 - b\n", (2, 0, 0)),
    ("a crash without a failed line is one failure", "FAIL", -11,
     "1..2\nok 1 - a\n", (1, 1, 0)),
    ("a crash after a failed line is that failure", "FAIL", -6,
     "1..2\nnot ok 1 - a\n", (0, 1, 0)),
    ("a timeout is one failure", "TIMEOUT", -15, "", (0, 1, 0)),
    ("a program that could not start is one failure", "ERROR", 127, "",
     (0, 1, 0)),
    ("exit code 77 is a skip", "SKIP", 77, "", (0, 0, 1)),
    ("77 failures are not a skip", "SKIP", 77,
     "1..77\n" + "not ok 1 - a\n" * 77, (0, 77, 0)),
    ("256 failures are not a success", "OK", 0,
     "1..256\n" + "not ok 1 - a\n" * 256, (0, 256, 0)),
    ("a program without TAP is one test", "OK", 0, "hello\n", (1, 0, 0)),
    ("an end before the plan is done is a failure", "OK", 0,
     "1..3\nok 1 - a\n", (1, 1, 0)),
    ("a line that only looks like a result", "OK", 0,
     "1..1\nokay then\n# not ok - g\nok 1 - a\n", (1, 0, 0)),
]


def main():
    bad = 0
    print(f"1..{len(CASES)}")
    for n, (name, result, code, out, wanted) in enumerate(CASES, 1):
        *got, _ = check.count({"name": "blockpool:unit / x", "stdout": out,
                               "result": result, "returncode": code})
        good = tuple(got) == wanted
        bad += not good
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            print(f"# wanted {wanted}, got {tuple(got)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
