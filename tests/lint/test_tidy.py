#!/usr/bin/env python3
"""test_tidy: each analyser of scripts/tidy is shown to find a planted bug.

Makes a tree of one source with the flags in a compile_commands.json. Prints
TAP; an analyser that is not on the machine is skipped.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ["BLOCKPOOL_SOURCE_ROOT"]
CLEAN = "int f(int a) {\n    return a;\n}\n"
PLANTED = [
    ("cppcheck", "cppcheck",
     "int f(void);\nint f(void) {\n    int a[2] = { 1, 2 };\n"
     "    return a[2];\n}\n"),
    ("clang_tidy", "clang-tidy-14",
     "int f(int a);\nint f(int a) {\n    int *p = 0;\n"
     "    if (a == a) return *p;\n    return 1;\n}\n"),
    ("analyse", "gcc",
     "#include <stdlib.h>\nvoid f(int n);\nvoid f(int n) {\n"
     "    char *p = malloc(4);\n    if (p == NULL) return;\n"
     "    free(p);\n    if (n > 3) free(p);\n}\n"),
]


def tidy(source):
    with tempfile.TemporaryDirectory() as root:
        build = os.path.join(root, "build")
        os.makedirs(os.path.join(root, "src", "pool"))
        os.makedirs(build)
        shutil.copy(os.path.join(ROOT, ".clang-tidy"), root)
        with open(os.path.join(root, "src/pool/a.c"), "w",
                  encoding="utf-8") as f:
            f.write(source)
        with open(os.path.join(build, "compile_commands.json"), "w",
                  encoding="utf-8") as f:
            json.dump([{"directory": build, "file": "../src/pool/a.c",
                        "command": "gcc -std=gnu11 -o a.o -c "
                                   "../src/pool/a.c"}], f)
        ran = subprocess.run([os.path.join(ROOT, "scripts/tidy"), "build"],
                             cwd=root, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        return ran.returncode, ran.stdout.decode()


def main():
    missing = [tool for _, tool, _ in PLANTED if not shutil.which(tool)]
    if missing:
        print("1..0 # SKIP not here: " + " ".join(missing))
        return 77
    bad = 0
    print(f"1..{len(PLANTED) + 1}")
    code, text = tidy(CLEAN)
    for n, (name, tool, source) in enumerate(
            [("clean code", "none of them", CLEAN)] + PLANTED, 1):
        if n > 1:
            code, text = tidy(source)
            good = code == 1 and f"a.c: {name}:" in text
        else:
            good = code == 0
        bad += not good
        print(f"{'ok' if good else 'not ok'} {n} - {name}: a finding of "
              f"{tool}")
        if not good:
            print("".join(f"# {line}\n" for line in text.splitlines()),
                  end="")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
