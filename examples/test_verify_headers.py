#!/usr/bin/env python3
"""test_verify_headers: the example on a real chain, and on a damaged copy."""
import os
import subprocess
import sys
import tempfile

RESULTS = []


def check(name, holds):
    RESULTS.append(holds)
    print(("ok" if holds else "not ok"), len(RESULTS), "-", name)


def run(program, path):
    done = subprocess.run([program, path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


def main(program):
    data = os.environ.get("BLOCKPOOL_TEST_DATA") or os.path.join(
        os.environ.get("BLOCKPOOL_SOURCE_ROOT", "."), "..", "shared", "data")
    chain = os.path.join(data, "chains", "ethtest-pow", "halfchain.rlp")
    if not os.path.exists(chain):
        print("1..0 # SKIP real chains are not here (BLOCKPOOL_TEST_DATA)")
        return 77
    code, out, _ = run(program, chain)
    check("a whole chain", code == 0 and out == [
        "999 seals hold, 0 do not, 0 headers have none"])
    with open(chain, "rb") as f:
        raw = bytearray(f.read())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "damaged.rlp")
        # The first block begins with two prefixes of three bytes and one of
        # one byte: this is the last byte of its parent's hash.
        raw[3 + 3 + 1 + 31] ^= 1
        with open(path, "wb") as f:
            f.write(raw)
        code, out, _ = run(program, path)
        check("one damaged header", code == 1 and out[0].startswith("block 1:")
              and out[-1].startswith("998 seals hold, 1 do not"))
        with open(path, "wb") as f:
            f.write(raw[:-1])
        code, out, err = run(program, path)
        check("a file cut short", code == 2 and "byte" in err)
        code, _, err = run(program, os.path.join(folder, "none"))
        check("no file", code == 2 and "cannot be read" in err)
    print(f"1..{len(RESULTS)}")
    return 0 if all(RESULTS) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
