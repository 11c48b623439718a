#!/usr/bin/env python3
"""test_lint: every check of scripts/lint is shown to fail.

Makes a small tree that has no findings, plants one violation at a time, and
wants exactly the finding that belongs to it, at the line where it stands.
Prints TAP.
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ["BLOCKPOOL_SOURCE_ROOT"]

GOOD = {
    "Makefile": "all:\n\t@true\n",
    "README.md": "See [the guide](docs/HACKING.md).\n",
    "docs/HACKING.md": "# Guide\n",
    "include/blockpool/base.h":
        "#include <stdint.h>\n\nBP_API int bp_one(void);\n",
    "include/blockpool/pool.h": '#include "blockpool/base.h"\n',
    "src/base/meson.build": "'one.c'\n",
    "src/base/one.c": '#include "blockpool/base.h"\n\n'
                      'int bp_one(void) {\n    return 1;\n}\n',
    "src/pool/meson.build": "'engine.c'\n",
    "src/pool/engine.c": '#include "blockpool/pool.h"\n',
    "src/store/meson.build": "'lmdb.c'\n",
    "src/store/lmdb.c": "#include <lmdb.h>\n",
    "src/node/meson.build": "'clock.c'\n",
    "src/node/clock.c": "#include <uv.h>\n\n"
                        "long now_ms(void) {\n    return uv_now(0);\n}\n",
    "tests/unit/meson.build": "test_one.c test_engine.c test_lmdb.c\n",
    "tests/unit/base/test_one.c": '#include "blockpool/base.h"\n',
    "tests/unit/pool/test_engine.c": '#include "blockpool/pool.h"\n',
    "tests/unit/store/test_lmdb.c": '#include "blockpool/base.h"\n',
}

LONG_FUNCTION = ("void bp_long(void) {\n" + "    step();\n" * 80 + "}\n")
OWN = '#include "blockpool/pool.h"\n'

# name, file, its text, the finding: "file:line: check:", part of the message.
PLANTED = [
    ("the pool includes Ethereum", "src/pool/engine.c",
     OWN + '#include "blockpool/rlp.h"\n',
     "src/pool/engine.c:2: layers:", "pool may not include"),
    ("the pool includes a private header of the chain", "src/pool/engine.c",
     '#include "chain/header.h"\n' + OWN,
     "src/pool/engine.c:1: layers:", "pool may not include"),
    ("rlpx includes the chain", "src/rlpx/meson.build",
     {"src/rlpx/frame.c": '#include "blockpool/chain.h"\n',
      "src/rlpx/meson.build": "'frame.c'\n",
      "tests/unit/rlpx/test_frame.c": "int frame;\n"},
     "src/rlpx/frame.c:1: layers:", "rlpx may not include"),
    ("a new layer without a row", "src/extra/x.c",
     {"src/extra/x.c": "int x;\n", "src/extra/meson.build": "'x.c'\n"},
     "src/extra/x.c:1: layers:", "src/extra is no layer"),
    ("a public header of no layer", "include/blockpool/odd.h",
     {"include/blockpool/odd.h": "BP_API int bp_odd(void);\n",
      "src/node/clock.c": '#include "blockpool/odd.h"\n'},
     "include/blockpool/odd.h:1: layers:", "belongs to no layer"),
    ("a public header needs a package", "include/blockpool/pool.h",
     "#include <openssl/evp.h>\n",
     "include/blockpool/pool.h:1: layers:", "a public header may not"),
    ("LMDB outside its file", "src/node/clock.c", "#include <lmdb.h>\n",
     "src/node/clock.c:1: layers:", "only src/store/lmdb.c"),
    ("libuv outside the node", "src/store/lmdb.c",
     "#include <lmdb.h>\n#include <uv.h>\n",
     "src/store/lmdb.c:2: layers:", "only src/node/"),
    ("the source knows the tests", "src/base/one.c",
     '#include "lib/test.h"\n',
     "src/base/one.c:1: layers:", "src/ may not include"),
    ("the simulator uses a private header", "sim/main.c",
     {"sim/main.c": '#include "pool/engine.h"\n',
      "sim/meson.build": "'main.c'\n"},
     "sim/main.c:1: layers:", "sim may not include"),
    ("a socket in the pool", "src/pool/engine.c",
     OWN.replace(OWN, "#include <sys/socket.h>\n\n" + OWN),
     "src/pool/engine.c:1: sans-io:", "may not include"),
    ("a thread in the pool", "src/pool/engine.c",
     "#include <pthread.h>\n\n" + OWN,
     "src/pool/engine.c:1: sans-io:", "may not include"),
    ("a file read in base", "src/base/one.c",
     'int one(void) {\n    return fopen("x", "r") != 0;\n}\n',
     "src/base/one.c:2: sans-io:", "fopen()"),
    ("the heap behind the caller's back", "src/pool/engine.c",
     OWN + "\nvoid *get(void) {\n    return malloc(1);\n}\n",
     "src/pool/engine.c:4: sans-io:", "malloc()"),
    ("a clock outside clock.c", "src/store/lmdb.c",
     "#include <lmdb.h>\n\nlong t(void) {\n    return time(0);\n}\n",
     "src/store/lmdb.c:4: clock:", "time()"),
    ("entropy outside entropy.c", "src/node/clock.c",
     "int e(void) {\n    return getrandom(0, 0, 0);\n}\n",
     "src/node/clock.c:2: entropy:", "getrandom()"),
    ("the entropy device outside entropy.c", "src/node/clock.c",
     'const char *e = "/dev/urandom";\n',
     "src/node/clock.c:1: entropy:", "source of entropy"),
    ("a banned function", "src/node/clock.c",
     "void f(char *a) {\n    strcpy(a, a);\n}\n",
     "src/node/clock.c:2: banned:", "strcpy()"),
    ("memcmp beside secrets", "src/rlpx/frame.c",
     {"src/rlpx/frame.c": "int f(void) {\n    return memcmp(0, 0, 0);\n}\n",
      "src/rlpx/meson.build": "'frame.c'\n",
      "tests/unit/rlpx/test_frame.c": "int frame;\n"},
     "src/rlpx/frame.c:2: banned:", "CRYPTO_memcmp"),
    ("our headers before the library's", "src/base/one.c",
     '#include "base/try.h"\n\n#include <string.h>\n',
     "src/base/one.c:3: includes:", "after our headers"),
    ("includes out of order", "src/base/one.c",
     "#include <string.h>\n#include <stdlib.h>\n",
     "src/base/one.c:2: includes:", "out of order"),
    ("a source without a unit test", "src/base/two.c",
     {"src/base/two.c": "int two;\n", "src/base/meson.build":
      "'one.c' 'two.c'\n"},
     "src/base/two.c:1: tests:", "no unit test"),
    ("a source tested by a test that is not there", "src/base/two.c",
     {"src/base/two.c": "int two;\n", "src/base/meson.build":
      "'one.c' 'two.c'\n", "scripts/lint-exceptions":
      "tests src/base/two.c tests/unit/base/test_gone.c\n"},
     "scripts/lint-exceptions:1: tests:", "test_gone.c is not there"),
    ("a long function", "src/node/clock.c", LONG_FUNCTION,
     "src/node/clock.c:1: sizes:", "bp_long() has 82 lines"),
    ("a long file", "src/node/clock.c", "int x;\n" * 801,
     "src/node/clock.c:801: sizes:", "801 lines"),
    ("an export in the source", "src/node/clock.c",
     "BP_API int f(void);\n", "src/node/clock.c:1: exports:", "BP_API"),
    ("a public function that is not exported", "include/blockpool/pool.h",
     "int bp_pool_new(void);\n",
     "include/blockpool/pool.h:1: exports:", "without BP_API"),
    ("a source that nothing builds", "src/node/lost.c", "int lost;\n",
     "src/node/lost.c:1: unreferenced:", "no meson.build"),
    ("a header that nothing includes", "src/node/lost.h", "int lost;\n",
     "src/node/lost.h:1: unreferenced:", "nothing includes it"),
    ("a document that nothing names", "docs/LOST.md", "Lost.\n",
     "docs/LOST.md:1: unreferenced:", "nothing names"),
    ("inputs of no fuzz target", "fuzz/corpus/lost/1", "x",
     "fuzz/corpus/lost/1:1: unreferenced:", "no fuzz target"),
    ("blanks at the end of a line", "README.md", "A line. \n",
     "README.md:1: text:", "blanks"),
    ("a left-over note", "docs/HACKING.md", "A line.\nTOD" + "O: more\n",
     "docs/HACKING.md:2: text:", "left-over"),
    ("a path of a machine", "README.md", "See /hom" + "e/ann/x\n",
     "README.md:1: text:", "machine"),
    ("a wide line", "src/node/clock.c", "/* %s */\n" % ("x" * 80),
     "src/node/clock.c:1: text:", "80 columns"),
    ("a package that a bare machine lacks", "src/base/meson.build",
     {"scripts/deps": "#!/bin/sh\nbuild='gcc libuv1-dev'\n",
      "src/base/meson.build":
      "'one.c'\ndependency('libuv')\ndependency('odd')\n"},
     "src/base/meson.build:3: deps:", "brings odd"),
    ("a link to nothing", "README.md", "[a](docs/b.md)\n",
     "README.md:1: links:", "docs/b.md"),
    ("a statement of 2015 whose test is gone", "docs/protocol/2015.md",
     {"docs/protocol/2015.md": "# A\n\n- **seed** `tests/t.c`\n\n"
      "| N1 | words | covered | seed `gone` |\n",
      "README.md": "[a](docs/protocol/2015.md)\n[g](docs/HACKING.md)\n"},
     "docs/protocol/2015.md:5: 2015:", "tests/t.c runs no test gone"),
    ("… that is superseded by nothing", "docs/protocol/2015.md",
     "| N1 | words | superseded | [0999](../decisions/0999-x.md) |\n",
     "docs/protocol/2015.md:1: 2015:", "no decision"),
    ("a defect of 2015 without a row", "docs/protocol/2015.md", "# A\n",
     "docs/protocol/2015.md:1: 2015:", "D66 has no row"),
    ("the page of 2015 is gone", "src/host/host.c",
     {"src/host/host.c": "int h;\n", "src/host/meson.build": "'host.c'\n",
      "tests/unit/host/test_host.c": "int t;\n"},
     "docs/protocol/2015.md:1: 2015:", "is not there"),
    ("a scenario of the catalogue that is gone",
     "docs/protocol/catalogue.md", "| B1 | words | links | |\n",
     "docs/protocol/catalogue.md:1: catalogue:",
     "there is no sim/scenarios/B1.scn"),
    ("… that is not in the suite", "docs/protocol/catalogue.md",
     {"docs/protocol/catalogue.md": "| B1 | words | links | |\n",
      "sim/scenarios/meson.build": "scenarios = [\n  'B2',\n]\n",
      "sim/scenarios/B1.scn": "scenario B1\n"},
     "docs/protocol/catalogue.md:1: catalogue:", "B1.scn is not in"),
    ("… that runs for fewer kinds of peers", "docs/protocol/catalogue.md",
     {"docs/protocol/catalogue.md": "| B1 | words | links plain bare | |\n",
      "sim/scenarios/meson.build": "scenarios = ['B1']\n",
      "sim/scenarios/B1.scn": "scenario B1\nkinds links\n"},
     "docs/protocol/catalogue.md:1: catalogue:",
     "its scenarios run for links;"),
    ("… whose test is gone", "docs/protocol/catalogue.md",
     {"docs/protocol/catalogue.md":
      "- **one** `tests/t.c`\n\n| N12 | words | none | one `gone` |\n",
      "tests/t.c": "int t;\n", "README.md": "`tests/t.c`\n"},
     "docs/protocol/catalogue.md:3: catalogue:", "runs no test gone"),
    ("… that has nothing", "docs/protocol/catalogue.md",
     "| N12 | words | none | |\n",
     "docs/protocol/catalogue.md:1: catalogue:", "neither a scenario"),
    ("a row of the catalogue that is gone", "docs/protocol/catalogue.md",
     "# A\n", "docs/protocol/catalogue.md:1: catalogue:", "X30 has no row"),
    ("a broken shell script", "scripts/x.sh", "#!/bin/sh\nif\n",
     "scripts/x.sh:1: scripts:", ""),
    ("a broken Python script", "scripts/x.py", "def f(:\n",
     "scripts/x.py:1: scripts:", ""),
    ("an excuse that nothing needs", "scripts/lint-exceptions",
     "sizes src/node/clock.c it was long once\n",
     "scripts/lint-exceptions:1: exceptions:", "no longer"),
    ("an excuse without a reason", "scripts/lint-exceptions",
     "sizes src/node/clock.c\n",
     "scripts/lint-exceptions:1: exceptions:", "no reason"),
]
UNFORMATTED = ("a file not formatted", "src/node/clock.c",
               "int  f( void );\n", "src/node/clock.c:1: format:", "make fmt")

count = 0


def tap(good, name, text=""):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    if not good:
        print("".join(f"# {line}\n" for line in text.splitlines()), end="")
    return good


def write(root, files):
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def lint(files, checks):
    with tempfile.TemporaryDirectory() as root:
        write(root, {**GOOD, **files})
        shutil.copy(os.path.join(ROOT, ".clang-format"), root)
        ran = subprocess.run(
            [os.path.join(ROOT, "scripts/lint"), "--root", root] + checks,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return ran.returncode, ran.stdout.decode()


def main():
    fmt = shutil.which("clang-format-14") is not None
    checks = ["banned", "includes", "tests", "sizes", "exports", "unreferenced",
              "text", "links", "scripts", "layers", "deps", "2015",
              "catalogue"]
    print(f"1..{len(PLANTED) + 3}")
    code, text = lint({}, checks)
    good = tap(code == 0, "a good tree has no findings", text)
    for name, file, body, finding, message in PLANTED:
        files = body if isinstance(body, dict) else {file: body}
        code, text = lint(files, checks)
        found = [l for l in text.splitlines() if l.startswith(finding)
                 and message in l]
        good &= tap(code == 1 and bool(found), name,
                    f"wanted {finding} {message}\n{text}")
    name, file, body, finding, message = UNFORMATTED
    if fmt:
        code, text = lint({file: body}, ["format"])
        good &= tap(code == 1 and finding in text, name, text)
    else:
        print(f"ok {count + 1} - {name} # SKIP clang-format-14 is not here")
    code, text = lint({}, ["nonsense"])
    good &= tap(code == 2, "a check that does not exist is refused", text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
