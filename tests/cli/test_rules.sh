#!/bin/sh
# test_rules: what a user decides about the chain beyond its rules: blocks that
# it must have, how readily branches are changed, what is trusted where there
# is no proof of work, and networks of one's own.
. "$BLOCKPOOL_SOURCE_ROOT/tests/cli/tap.sh"

# One cache of the first epoch for all of them.
export BLOCKPOOL_ETHASH_CACHEDIR="$tmp/caches"
false_hash=0x1111111111111111111111111111111111111111111111111111111111111111

# serve NAME OPTIONS...: starts a server on a free port; its enode is in
# $enode.
serve() {
    name=$1
    shift
    "$bp" serve --port 0 --identity "$name" "$@" \
        >"$tmp/$name.enode" 2>"$tmp/$name.log" &
    pids="$pids $!"
    until_ok test -s "$tmp/$name.enode" || cat "$tmp/$name.log"
    enode=$(head -n 1 "$tmp/$name.enode")
}

# sync DIR OPTIONS...
sync() {
    dir=$1
    shift
    timeout 60 "$bp" sync -d "$dir" --port 0 --log.format logfmt "$@"
}

# hash DIR NUMBER: of a stored block.
hash() {
    "$bp" show -d "$1" --json $3 $4 "$2" |
        sed 's/.*"hash":"\(0x[0-9a-f]*\)".*/\1/'
}

unsaid() {
    if grep -qF -- "$1" "$out" "$err"; then not_ok "  … and does not say: $1"
    else ok "  … and does not say: $1"; fi
}

# The same seed and beginning: the same first twenty blocks.
echo 'blocks 20' >"$tmp/main"
printf 'blocks 20\nfork rival back 6\nblocks 9\n' >"$tmp/both"
"$bp" makechain --dev "$tmp/main" "$tmp/main.rlp" 2>/dev/null || exit 1
"$bp" makechain --dev "$tmp/both" "$tmp/both.rlp" 2>/dev/null || exit 1
"$bp" import --dev -d "$tmp/d1" "$tmp/main.rlp" >/dev/null 2>&1 || exit 1
hash7=$(hash "$tmp/d1" 7)
hash20=$(hash "$tmp/d1" 20)
serve both --dev --file "$tmp/both.rlp"
both=$enode

# ---- required blocks ----
for value in 7 7= =$hash7 7=0x12 x=$hash7 "7=${hash7}00" "$hash7=7"; do
    run 2 "required block '$value'" "$bp" import --dev -d "$tmp/none" \
        --eth.requiredblocks "$value" "$tmp/main.rlp"
    says "--eth.requiredblocks: '$value' is not N=HASH"
    one_line
done
run 2 "the second of a list" "$bp" verify --dev --file "$tmp/main.rlp" \
    --eth.requiredblocks "7=$hash7,8=no"
says "'8=no' is not N=HASH"
run 2 "another genesis" sync "$tmp/none" --dev --eth.requiredblocks \
    "0=$false_hash"
says "block 0 of chain dev is to be 0x"
run 2 "two blocks at one number" "$bp" import --dev -d "$tmp/none" \
    --eth.requiredblocks "7=$hash7" --eth.requiredblocks "7=$false_hash" \
    "$tmp/main.rlp"
says "is to be $hash7 already"
holds "  … and nothing was touched" test ! -e "$tmp/none"
run 0 "import of the required chain" "$bp" import --dev -d "$tmp/d2" \
    --eth.requiredblocks "7=$hash7,20=$hash20" "$tmp/main.rlp"
says "Imported 20 blocks"
run 3 "import of another chain" "$bp" import --dev -d "$tmp/d3" \
    --eth.requiredblocks "7=$hash7,12=$false_hash" "$tmp/main.rlp"
says "block 12 (0x"
says "required-hash"
says "Imported 11 blocks"
one_line
run 0 "verify of the required chain" "$bp" verify -d "$tmp/d1" \
    --eth.requiredblocks "7=$hash7"
run 3 "verify of another chain" "$bp" verify -d "$tmp/d1" \
    --eth.requiredblocks "7=$false_hash"
says "block 7 (0x"
says "required-hash"
run 0 "sync of the required chain" sync "$tmp/d4" --dev --peer "$both" \
    --eth.requiredblocks "7=$hash7" --exitwhensynced
says "Head 23"
run 2 "a bad value where the datadir names the chain" "$bp" verify -d "$tmp/d1" \
    --eth.requiredblocks 7
run 4 "sync of another chain" sync "$tmp/d5" --dev --peer "$both" \
    --eth.requiredblocks "7=$false_hash" --timeout 3
says "for 3 s: no usable peer"
says "required-hash"
run 0 "  … stores nothing of its chain" "$bp" status --json -d "$tmp/d5"
says '"number":0'

# ---- deep reorganisations ----
run 2 "--max-reorg 0" "$bp" import --dev -d "$tmp/none" --max-reorg 0 x
says "--max-reorg: '0' is not a whole number"
run 0 "import undoes six blocks" "$bp" import --dev -d "$tmp/d1" \
    --log.format logfmt "$tmp/both.rlp"
says "Head 23"
unsaid "reorganisation"
cp -r "$tmp/d2" "$tmp/d6" && cp -r "$tmp/d2" "$tmp/d7"
cp -r "$tmp/d2" "$tmp/d8" && cp -r "$tmp/d2" "$tmp/d9"
run 0 "import at the limit" "$bp" import --dev -d "$tmp/d6" --max-reorg 6 \
    --log.format logfmt "$tmp/both.rlp"
says "Head 23"
unsaid "reorganisation"
run 0 "import beyond it" "$bp" import --dev -d "$tmp/d7" --max-reorg 5 \
    --log.format logfmt "$tmp/both.rlp"
says "Head 23"
says "warning: a reorganisation undoes 6 blocks, more than --max-reorg"
cp -r "$tmp/d8" "$tmp/d10"
run 0 "import that holds" "$bp" import --dev -d "$tmp/d8" --max-reorg 5 \
    --max-reorg-hold --log.format logfmt "$tmp/both.rlp"
says "Head 20 $hash20"
says "undoes 6 blocks has more work; the head stays (--max-reorg)"
run 0 "sync beyond the limit" sync "$tmp/d9" --dev --peer "$both" \
    --max-reorg 5 --exitwhensynced
says "Head 23"
says 'lvl=warn msg="Deep reorganisation" undoes=6'
run 0 "sync that holds" sync "$tmp/d10" --dev --peer "$both" --max-reorg 5 \
    --max-reorg-hold --exitwhensynced
says "Head 20 $hash20"
says 'msg="Branch with more work is held back" undoes=6 by=max-reorg'
run 0 "  … and stores the rival beside it" "$bp" status --json -d "$tmp/d10"
says '"blocks":30'

# ---- ECBP-1100 ----
mess='{ "activation": 0, "deactivation": 1000000 }'
sed "s/\"name\": \"dev\"/\"name\": \"messy\", \"ecbp1100\": $mess/" \
    "$BLOCKPOOL_SOURCE_ROOT/data/networks/dev.json" >"$tmp/messy.json"
echo 'blocks 20 every 900' >"$tmp/main"
printf 'blocks 20 every 900\nfork rival back 6\nblocks 9 every 9\n' \
    >"$tmp/both"
for f in main both; do
    "$bp" makechain --chain "$tmp/messy.json" "$tmp/$f" "$tmp/messy-$f.rlp" \
        2>/dev/null || exit 1
done
run 2 "--mess on a chain without it" "$bp" import --dev --mess \
    -d "$tmp/none" "$tmp/main.rlp"
says "chain dev has no ECBP-1100"
for d in m1 m2 m3 m4; do
    "$bp" import --chain "$tmp/messy.json" -d "$tmp/$d" "$tmp/messy-main.rlp" \
        >/dev/null 2>&1
done
serve messy --chain "$tmp/messy.json" --file "$tmp/messy-both.rlp"
run 0 "a late branch without --mess" "$bp" import --chain "$tmp/messy.json" \
    -d "$tmp/m1" --log.format logfmt "$tmp/messy-both.rlp"
says "Head 23"
run 0 "a late branch with --mess" "$bp" import --chain "$tmp/messy.json" \
    --mess -d "$tmp/m2" --log.format logfmt "$tmp/messy-both.rlp"
says "Head 20"
says "undoes 6 blocks has more work; the head stays (--mess)"
run 0 "sync without --mess" sync "$tmp/m3" --chain "$tmp/messy.json" \
    --peer "$enode" --exitwhensynced
says "Head 23"
run 0 "sync with --mess" sync "$tmp/m4" --chain "$tmp/messy.json" --mess \
    --peer "$enode" --exitwhensynced
says "Head 20"
says 'msg="Branch with more work is held back" undoes=6 by=mess'

# ---- a checkpoint of a chain with proof of work ----
run 2 "a checkpoint that is none" sync "$tmp/none" --dev --checkpoint 7
says "--checkpoint: '7' is not N=HASH"
run 2 "a trusted head that is none" sync "$tmp/none" --dev --trusted-head 7
says "--trusted-head: '7' is not a hash"
holds "  … and nothing was touched" test ! -e "$tmp/none"
run 0 "sync over a checkpoint" sync "$tmp/c1" --dev --peer "$both" \
    --checkpoint "7=$hash7" --exitwhensynced
says 'msg="Reached the target" number=7'
says "Head 23"
run 0 "  … whose blocks were not verified, the others were" \
    "$bp" status --json -d "$tmp/c1"
says '"from":1,"to":7,"checks":["rules","roots"]'
says '"from":8,"to":23,"checks":["seal","rules","roots"]'
run 0 "verify makes up for it" "$bp" verify -d "$tmp/c1"
run 4 "a checkpoint of another chain" sync "$tmp/c2" --dev --peer "$both" \
    --checkpoint "7=$false_hash" --timeout 3
says "required-hash"
run 0 "a trusted head wins over work" sync "$tmp/c3" --dev --peer "$both" \
    --trusted-head "$hash7"
says "Head 7 $hash7"

# ---- networks of one's own, in geth's form ----
cat >"$tmp/own.json" <<'J'
{
 "config": { "chainId": 4242, "homesteadBlock": 0, "eip150Block": 0,
  "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
  "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0,
  "ethash": {},
  "minimumDifficulty": 16 },
 "difficulty": "0x10", "gasLimit": "0x47b760", "timestamp": "0x0",
 "extraData": "0x", "nonce": "0x0000000000000042",
 "alloc": { "0x00000000000000000000000000000000000000aa":
  { "balance": "0x100" } }
}
J
printf 'blocks 6\n' >"$tmp/own"
run 0 "makechain on an own network" timeout 60 "$bp" makechain --chain "$tmp/own.json" \
    "$tmp/own" "$tmp/own.rlp"
run 0 "import into it" "$bp" import --chain "$tmp/own.json" -d "$tmp/o1" \
    "$tmp/own.rlp"
says "Head 6"
serve own --chain "$tmp/own.json" --file "$tmp/own.rlp"
run 0 "sync in it" sync "$tmp/o2" --chain "$tmp/own.json" --peer "$enode" \
    --exitwhensynced
says "Head 6"
run 4 "its peers are on another chain than dev's" sync "$tmp/o3" --dev \
    --peer "$enode" --timeout 3
run 2 "a datadir of an own network needs its file" "$bp" verify -d "$tmp/o1"
says "--chain FILE"
run 0 "  … and is verified with it" "$bp" verify -d "$tmp/o1" \
    --chain "$tmp/own.json"
for edit in 's/"chainId": 4242/"chainId": "many"/;config.chainId' \
    's/"byzantiumBlock": 0/"byzantiumBlock": -1/;config.byzantiumBlock' \
    's/"difficulty": "0x10"/"difficulty": "0xzz"/;difficulty' \
    's/"balance": "0x100"/"balance": []/;alloc.0x'; do
    sed "${edit%%;*}" "$tmp/own.json" >"$tmp/bad.json"
    for command in "import -d $tmp/none $tmp/own.rlp" "sync -d $tmp/none" \
        "serve --file $tmp/own.rlp"; do
        run 2 "a bad ${edit##*;} for ${command%% *}" timeout 20 "$bp" \
            $command --chain "$tmp/bad.json"
        says "$tmp/bad.json"
        says "${edit##*;}"
        one_line
    done
done

# ---- chains without proof of work ----
if [ ! -d "$data/chains/ethtest" ]; then
    skip "a chain without proof of work" "no test data"
    plan
fi
chain=$data/chains/ethtest
spec=$chain/spec.json
for name in pos1 pos2; do
    serve $name --chain "$spec" --file "$chain/chain.rlp"
    eval "$name=\$enode"
done
head=$(sed -n 's/.*"hash": "\(0x[0-9a-f]*\)".*/\1/p' "$chain/headblock.json")
pos_sync() {
    dir=$1
    shift
    sync "$dir" --chain "$spec" --peer "$pos1" --peer "$pos2" "$@"
}
run 0 "sync to a trusted head" pos_sync "$tmp/p1" --trusted-head "$head" \
    --timeout 20
says "Head 600 $head"
says "0 seals verified"
run 0 "  … and the store knows that nobody proved it" \
    "$bp" status --json --chain "$spec" -d "$tmp/p1"
says '"from":1,"to":600,"checks":["rules","roots"]'
run 0 "verify without proof of work" "$bp" verify --chain "$spec" -d "$tmp/p1"
says "Verified 601 blocks"
hash300=$(hash "$tmp/p1" 300 --chain "$spec")
run 4 "a trusted head that nobody has" pos_sync "$tmp/p2" \
    --trusted-head "$false_hash" --timeout 3
says "no progress for 3 s: no peer brought the trusted block $false_hash"
one_line
run 0 "  … and nothing came in" "$bp" status --json --chain "$spec" -d "$tmp/p2"
says '"blocks":1,'
run 0 "sync to a checkpoint" pos_sync "$tmp/p4" --checkpoint "300=$hash300" \
    --until 300
says "Head 300 $hash300"
run 0 "  … and from there to a trusted head" pos_sync "$tmp/p4" \
    --trusted-head "$head" --checkpoint "300=$hash300"
says "Head 600 $head"
says "Stored 300 blocks"
run 4 "a checkpoint at another number" pos_sync "$tmp/p5" \
    --checkpoint "299=$hash300" --timeout 3

# ---- from proof of work to proof of stake ----
cat >"$tmp/fixture.py" <<'P'
# Writes a fixture that crosses the merge as a specification and a chain file,
# prints the hash of its head and the number of the last block with work.
import gzip, json, sys
folder, out = sys.argv[1:]
rows = map(json.loads, gzip.open(folder + "/pos-transition.jsonl.gz", "rt"))
row = next(r for r in rows if r["name"].startswith("difficultyFormula_Arrow"))
spec = json.load(open(folder + "/networks.json"))[row["network"]]
spec.update(name="merge", network_id=1, genesis_hash=row["genesis_hash"],
            genesis_header_rlp=row["genesis_header"])
json.dump(spec, open(out + "/merge.json", "w"))
blocks = [b for b in row["blocks"] if b["valid"]]
with open(out + "/merge.rlp", "wb") as f:
    for b in blocks:
        f.write(bytes.fromhex(b["rlp"].removeprefix("0x")))
ttd = int(spec["terminal_total_difficulty"])
work = min(b["number"] for b in blocks if int(b["td"]) >= ttd)
print("0x" + row["last_hash"].removeprefix("0x"), len(blocks), work)
P
set -- $(python3 "$tmp/fixture.py" "$data/fixtures" "$tmp")
head=$1 count=$2 last_work=$3
run 0 "import over the merge" "$bp" import --chain "$tmp/merge.json" \
    --verify none -d "$tmp/t1" "$tmp/merge.rlp"
says "Imported $count blocks (0 known, 0 invalid)"
says "Head $count $head"
run 0 "verify over the merge" "$bp" verify --chain "$tmp/merge.json" \
    --verify none -d "$tmp/t1"
says "Verified $((count + 1)) blocks"
serve merge --chain "$tmp/merge.json" --file "$tmp/merge.rlp"
run 4 "sync stops at the merge" sync "$tmp/t2" --chain "$tmp/merge.json" \
    --verify none --peer "$enode" --timeout 3
says "Head $last_work 0x"
says "Blocks without proof of work are not taken"
says "no progress for 3 s: block $((last_work + 1)) waits until a target covers"
run 0 "  … and crosses it for a trusted head" sync "$tmp/t2" \
    --chain "$tmp/merge.json" --verify none --peer "$enode" \
    --trusted-head "$head"
says "Head $count $head"
plan
