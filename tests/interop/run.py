#!/usr/bin/env python3
"""Our program against a peer written on other people's libraries.

  tests/interop/run.py BUILD [NAME...]

BUILD/blockpool syncs from ethpeer's serve.mjs, honest and not, and ethpeer's
fetch.mjs reads and checks our serve, over eth/68 and eth/69. Wants node, npm,
ethpeer (BLOCKPOOL_ETHPEER, or ../shared/tools/ethpeer) and the real chains
(BLOCKPOOL_TEST_DATA, or ../shared/data); says what it skips without them.
The last line counts: N passed, N failed, N skipped.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
DATA = Path(os.environ.get("BLOCKPOOL_TEST_DATA", SHARED / "data"))
ETHPEER = Path(os.environ.get("BLOCKPOOL_ETHPEER", SHARED / "tools/ethpeer"))
CHAIN = DATA / "chains/mainnet-00000-5ec1ffb8.era1"
TRUTH = DATA / "truth/mainnet-00000-5ec1ffb8.blocks.tsv.gz"
LIMIT = 1000  # blocks of a short sync
WITH_UNCLES = 985  # a block whose body is not empty: others are never asked for
PATIENCE = 60  # seconds for anything


class Failure(Exception):
    pass


class Scene:
    """A scratch folder and the processes of one case."""

    def __init__(self, tools, program):
        self.dir = Path(tempfile.mkdtemp(prefix="blockpool-interop-"))
        self.tools, self.program, self.running = tools, program, []

    def start(self, command, out, err):
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL,
            stdout=open(out, "w"), stderr=open(err, "w"), cwd=self.tools)
        self.running.append(process)
        return process

    def first_line(self, process, path, err):
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            text = Path(path).read_text()
            if "\n" in text:
                return text.split("\n")[0]
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise Failure(f"{process.args[:3]} did not start: "
                      + Path(err).read_text()[-300:])

    def server(self, name, command):
        out, err = self.dir / f"{name}.out", self.dir / f"{name}.err"
        process = self.start(command, out, err)
        return process, self.first_line(process, out, err)

    def theirs(self, name, *options, limit=LIMIT):
        key = f"{len(self.running) + 1:02x}" * 32
        return self.server(name, ["node", "serve.mjs", "--key", key, "--limit",
                                  limit, *options, CHAIN])

    def ours(self, name, chain=CHAIN):
        return self.server(name, [
            self.program, "serve", "--mainnet", "--file", chain, "--port", 0,
            "--log.format", "json"])

    def sync(self, peers, *options):
        log = self.dir / "sync.log"
        command = [self.program, "sync", "--mainnet", "--datadir",
                   self.dir / "data", "--port", 0, "--log.format", "json",
                   "--timeout", PATIENCE, *options]
        for enode in peers:
            command += ["--peer", enode]
        return self.start(command, self.dir / "sync.out", log), log

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def lines(log):
    out = []
    for line in Path(log).read_text().splitlines():
        try:
            out.append(json.loads(line))
        except ValueError:
            pass
    return out


def named(log):
    """(peer, offence or fault) of every accusation."""
    return [(entry["peer"], entry.get("offence") or entry.get("fault"))
            for entry in lines(log)
            if entry.get("msg") in ("Peer committed an offence",
                                    "Peer is at fault")]


def short(enode):
    rest = enode[len("enode://"):]
    return rest[:8] + "@" + rest.split("@")[1]


def truth(number):
    import gzip
    with gzip.open(TRUTH, "rt") as rows:
        for row in rows:
            cells = row.split("\t")
            if cells[0] == str(number):
                return cells[1].removeprefix("0x"), cells[2]
    raise Failure(f"no truth about block {number}")


def wait(process, log):
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failure("sync did not end: " + Path(log).read_text()[-400:])
    if code != 0:
        raise Failure(f"sync ended with {code}: "
                      + Path(log).read_text()[-400:])


def expect_head(scene, number):
    status = json.loads(subprocess.check_output(
        [scene.program, "status", "--mainnet", "--datadir",
         scene.dir / "data", "--json"]))
    want, td = truth(number)
    head = status["head"]
    if (head["number"], head["hash"].removeprefix("0x"),
            head["total_difficulty"]) != (number, want, td):
        raise Failure(f"the head is {head}")
    checks = {name for row in status["verified"] for name in row["checks"]}
    if not {"seal", "rules", "roots"} <= checks:
        raise Failure(f"verified says {status['verified']}")


# ---- cases -------------------------------------------------------------------


def syncs_from_them(version):
    def case(scene):
        peers = [scene.theirs(f"s{i}", "--eth", version)[1] for i in range(3)]
        process, log = scene.sync(peers, "--exitwhensynced")
        wait(process, log)
        expect_head(scene, LIMIT - 1)
        if named(log):
            raise Failure(f"honest peers were accused: {named(log)}")
    return case


def serves_them(version):
    def case(scene):
        _, enode = scene.ours("server")
        done = subprocess.run(
            ["node", "fetch.mjs", "--eth", version, "--strict", "--probe",
             "--receipts", "--to", "1500", "--chain", CHAIN, enode],
            cwd=scene.tools, capture_output=True, text=True, timeout=PATIENCE)
        result = json.loads(done.stdout)
        if done.returncode != 0 or not result["ok"]:
            raise Failure(f"{result['failures'][:5]}")
        if result["counts"]["bodies"] != 1501:
            raise Failure(f"counts {result['counts']}")
    return case


def survives(options, want, limit=LIMIT):
    """One bad peer alone at first; honest ones wake once it is named."""

    def case(scene):
        _, bad = scene.theirs("bad", *options, limit=limit)
        honest = [scene.theirs("good", limit=limit),
                  scene.theirs("good2", limit=limit)]
        for process, _ in honest:
            process.send_signal(signal.SIGSTOP)
        process, log = scene.sync([bad] + [enode for _, enode in honest],
                                  "--until", limit - 1)
        deadline = time.time() + PATIENCE
        while not named(log) and process.poll() is None:
            if time.time() > deadline:
                raise Failure("nobody was named: "
                              + Path(log).read_text()[-400:])
            time.sleep(0.1)
        for good, _ in honest:
            good.send_signal(signal.SIGCONT)
        wait(process, log)
        expect_head(scene, limit - 1)
        accused = named(log)
        if any(peer != short(bad) for peer, _ in accused):
            raise Failure(f"somebody else was accused: {accused}")
        if not any(what in want for _, what in accused):
            raise Failure(f"accused of {accused}, not of {want}")
    return case


CASES = {
    "sync from ethpeer over eth/68": syncs_from_them("68"),
    "sync from ethpeer over eth/69": syncs_from_them("69"),
    "ethpeer reads our serve over eth/68": serves_them("68"),
    "ethpeer reads our serve over eth/69": serves_them("69"),
    "a corrupt body": survives(["--corrupt-body-at", WITH_UNCLES],
                               {"BODY_MISMATCH"}),
    "a corrupt header": survives(["--corrupt-header-at", 500],
                                 {"UNLINKED", "BAD_SEAL"}),
    "another genesis": survives(["--wrong-genesis"], {"WRONG_CHAIN"}),
    "another network": survives(["--wrong-network"], {"WRONG_CHAIN"}),
    "another fork": survives(["--wrong-forkid"], {"WRONG_CHAIN"}),
    "a peer that stalls": survives(["--stall-after", 2], {"LATE"}),
    "a peer that drops": survives(["--drop-after", 2], {"GONE"}),
    "a peer that goes empty": survives(["--empty-after", 2],
                                       {"EMPTY", "LACKING"}),
    "a wrong request id": survives(["--wrong-request-id"], {"TOO_MUCH"}),
    "one header too many": survives(["--extra-header"], {"TOO_MUCH"},
                                    limit=1500),
    "a head that nobody has": survives(["--claim-head", 500],
                                       {"LACKING", "EMPTY", "WRONG_TD"}),
    "a body that is missing": survives(["--missing-body-at", WITH_UNCLES],
                                       {"EMPTY", "LACKING"}),
}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = Path(sys.argv[1]).resolve() / "blockpool"
    names = [n for n in CASES
             if len(sys.argv) == 2 or any(w in n for w in sys.argv[2:])]
    missing = None
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing = "node is not installed"
    elif not (ETHPEER / "serve.mjs").exists():
        missing = f"ethpeer is not in {ETHPEER}"
    elif not CHAIN.exists():
        missing = f"there is no {CHAIN}"
    if missing:
        print(f"skipped: {missing}")
        print(f"0 passed, 0 failed, {len(names)} skipped")
        return 0
    scratch = tempfile.mkdtemp(prefix="blockpool-ethpeer-")
    tools = Path(scratch) / "ethpeer"
    passed = failed = 0
    try:
        shutil.copytree(ETHPEER, tools)
        for path in [tools, *tools.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"],
                       cwd=tools, check=True, stdout=subprocess.DEVNULL)
        for name in names:
            scene, begin = Scene(tools, program), time.time()
            try:
                CASES[name](scene)
                passed += 1
                print(f"ok      {name} ({time.time() - begin:.1f} s)",
                      flush=True)
            except (Failure, subprocess.SubprocessError, ValueError,
                    KeyError) as why:
                failed += 1
                print(f"FAILED  {name}: {why}", flush=True)
            finally:
                scene.end()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
