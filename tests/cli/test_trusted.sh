#!/bin/sh
# test_trusted: a chain without proof of work, from a peer that nobody has to
# trust: taken below a head that the user vouches for, and not otherwise.
. "$BLOCKPOOL_SOURCE_ROOT/tests/cli/tap.sh"

# Serves a file; $enode is where.
serve() {
    rm -f "$tmp/serve" # what an earlier one said must not be read again
    "$bp" serve "$@" --port 0 >"$tmp/serve" 2>&1 &
    pids="$pids $!"
    until_ok grep -q 'enode://' "$tmp/serve"
    enode=$(grep -o 'enode://[0-9a-f]*@127.0.0.1:[0-9]*' "$tmp/serve" | head -1)
}

# ---- proof of work that goes on past its end ----
echo "blocks 40" >"$tmp/script"
run 0 "makechain" "$bp" makechain --dev "$tmp/script" "$tmp/a.rlp"
sed 's/"terminal_total_difficulty": null/"terminal_total_difficulty": 800/' \
    "$BLOCKPOOL_SOURCE_ROOT/data/networks/dev.json" >"$tmp/ends.json"
run 3 "import of a chain past its end" "$bp" import --chain "$tmp/ends.json" \
    -d "$tmp/d8" "$tmp/a.rlp"
says "is invalid: terminal: "
last=$("$bp" status --json -d "$tmp/d8" | grep -o '"number":[0-9]*' | head -1)
serve --dev --file "$tmp/a.rlp"
run 4 "sync of it" "$bp" sync --chain "$tmp/ends.json" --peer "$enode" \
    --port 0 -d "$tmp/d9" --exitwhensynced --timeout 8
run 0 "  … ends with the last block of work" "$bp" status --json -d "$tmp/d9"
says "$last,"

chain=$data/chains/ethtest
if [ ! -r "$chain/chain.rlp" ]; then
    skip "sync to a trusted head" "no real data (BLOCKPOOL_TEST_DATA)"
    plan
    exit
fi
head=44e3809c9a3cda717f00aea3a9da336d149612c8d5657fbc0028176ef8d94d2a

serve --chain "$chain/genesis.json" --file "$chain/chain.rlp"

run 0 "sync to a trusted head" "$bp" sync --chain "$chain/genesis.json" \
    --peer "$enode" --port 0 -d "$tmp/d1" --exitwhensynced --timeout 60 \
    --trusted-head $head
says "Head 600 0x$head"
says "0 seals verified"
run 0 "  … and the store says what was verified" "$bp" status --json -d "$tmp/d1"
says '"from":1,"to":600,"checks":["rules","roots"]'
run 4 "without one nothing is taken" "$bp" sync --chain "$chain/genesis.json" \
    --peer "$enode" --port 0 -d "$tmp/d2" --exitwhensynced --timeout 5
says "Blocks without proof of work are not taken; --trusted-head"
run 0 "  … and the store is as it was" "$bp" status --json -d "$tmp/d2"
says '"number":0'
run 2 "a trusted head that is none" "$bp" sync --dev -d "$tmp/d3" \
    --trusted-head 0x12
says "--trusted-head: '0x12' is not a hash"
plan
