#!/bin/sh
# test_files: chains in files and datadirs, from a user's side: what goes in
# comes out, and whatever is wrong is named in one line with its exit code.
. "$BLOCKPOOL_SOURCE_ROOT/tests/cli/tap.sh"

cat >"$tmp/script" <<'S'
blocks 30
fork rival back 6
blocks 4
on main
blocks 8 txs 2 uncles
S

# ---- usage ----
run 0 "help" "$bp" help
says "makechain"
run 0 "help of a command" "$bp" import --help
says "--verify"
run 0 "version" "$bp" --version
run 2 "no command" "$bp"
one_line
run 2 "an unknown command" "$bp" fly
run 2 "an unknown option" "$bp" status --wings
says "'--wings' is not an option"
run 2 "an option of another command" "$bp" status --port 1
run 2 "a number out of range" "$bp" import --threads 0 x
run 2 "a chain that is not there" "$bp" status --chain "$tmp/none"

# ---- a chain goes in and comes out ----
run 0 "makechain" "$bp" makechain --dev "$tmp/script" "$tmp/a.rlp"
says "Mined 42 blocks (2 branches"
run 0 "the same seed makes the same chain" \
    "$bp" makechain --dev "$tmp/script" "$tmp/b.rlp"
holds "  … byte for byte" cmp "$tmp/a.rlp" "$tmp/b.rlp"
run 0 "import" "$bp" import --dev -d "$tmp/d1" "$tmp/a.rlp"
says "Imported 42 blocks (0 known, 0 invalid)"
run 0 "import again" "$bp" import --dev -d "$tmp/d1" "$tmp/a.rlp"
says "Imported 0 blocks (42 known, 0 invalid)"
run 0 "status without --chain" "$bp" status --json -d "$tmp/d1"
says '"chain":"dev"'
says '"number":38'
says '"checks":["seal","rules","roots"]'
odd=$tmp/$(printf 'd\377')
run 0 "import into a folder whose name is not UTF-8" \
    "$bp" import --dev -d "$odd" "$tmp/a.rlp"
run 1 "  … which JSON cannot say" "$bp" status --json -d "$odd"
head1=$(grep -o '"hash":"[^"]*"' "$out" | head -1)
run 0 "export" "$bp" export -d "$tmp/d1" "$tmp/c.rlp.gz"
run 0 "import of what was exported" "$bp" import --dev -d "$tmp/d2" "$tmp/c.rlp.gz"
run 0 "status of the copy" "$bp" status --json -d "$tmp/d2"
says "$head1"
run 0 "export to standard output" "$bp" export -d "$tmp/d2" - 1 10
cp "$out" "$tmp/ten.rlp"
run 0 "import from standard input" sh -c "'$bp' import --dev -d '$tmp/d3' - <'$tmp/ten.rlp'"
says "Imported 10 blocks"
run 0 "verify a datadir" "$bp" verify -d "$tmp/d1"
says "Verified 43 blocks"
run 0 "verify a range" "$bp" verify -d "$tmp/d1" 5 20
says "Verified 16 blocks"
run 0 "verify a file" "$bp" verify --dev --file "$tmp/a.rlp"
run 0 "show by number" "$bp" show -d "$tmp/d1" 31
says "transactions      2"
run 0 "show as JSON" "$bp" show --json -d "$tmp/d1" 31
says '"transaction_count":2'
run 0 "show the head's RLP" "$bp" show --rlp -d "$tmp/d1"
run 6 "show what is not stored" "$bp" show -d "$tmp/d1" 1000
one_line
run 6 "export what is not stored" "$bp" export -d "$tmp/d1" "$tmp/x.rlp" 1 1000
holds "  … leaves no file" test ! -e "$tmp/x.rlp"
run 2 "show what is no block" "$bp" show -d "$tmp/d1" 0xzz

# ---- bad input ----
run 6 "a datadir that is not there" "$bp" status -d "$tmp/none"
one_line
run 2 "a datadir of another chain" "$bp" import --mainnet -d "$tmp/d1" "$tmp/a.rlp"
says "dev"
says "mainnet"
one_line
run 2 "a file that is not there" "$bp" import --dev -d "$tmp/d1" "$tmp/none.rlp"
one_line
echo "this is no chain" >"$tmp/text"
run 3 "a file that is no chain" "$bp" import --dev -d "$tmp/d4" "$tmp/text"
says "$tmp/text"
one_line
size=$(wc -c <"$tmp/a.rlp")
head -c $((size - 100)) "$tmp/a.rlp" >"$tmp/cut.rlp"
run 3 "a truncated file" "$bp" import --dev -d "$tmp/d4" "$tmp/cut.rlp"
says "Imported 41 blocks"
one_line
# One bit of a nonce, deep in the file: what stands before it is kept.
python3 - "$tmp/a.rlp" "$tmp/flip.rlp" <<'P'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = 0
for block in range(20):  # step over whole blocks: lists of more than 255 bytes
    n = data[at] - 0xf7
    start = at
    at += 1 + n + int.from_bytes(data[at + 1:at + 1 + n], "big")
    if block == 19:
        n = data[start + 3] - 0xf7  # the header in the block
        end = start + 3 + 1 + n + int.from_bytes(
            data[start + 4:start + 4 + n], "big")
        data[end - 1] ^= 1
open(sys.argv[2], "wb").write(data)
P
run 3 "a bad seal" "$bp" import --dev -d "$tmp/d5" "$tmp/flip.rlp"
says "block 20 (0x"
says "is invalid: seal"
says "stored, up to 19"
run 0 "  … keeps what stood before it" "$bp" status --json -d "$tmp/d5"
says '"number":19'
run 0 "--verify none takes it and says so" \
    "$bp" import --verify none --dev -d "$tmp/d6" "$tmp/ten.rlp"
says "warning: --verify none"
run 0 "  … and the store remembers" "$bp" status --json -d "$tmp/d6"
says '"to":10,"checks":["rules","roots"]'
run 3 "a block that is not the required one" \
    "$bp" import --dev -d "$tmp/d9" --eth.requiredblocks "5=0x$(printf %064d 0)" "$tmp/a.rlp"
says "is invalid: required-hash"
says "stored, up to 4"
five=$("$bp" show --json -d "$tmp/d1" 5 | grep -o '"hash":"0x[0-9a-f]*"' | cut -d'"' -f4)
run 0 "a checkpoint that holds" \
    "$bp" import --dev -d "$tmp/d9" --checkpoint "5=$five" "$tmp/a.rlp"
says "Head 38"
run 2 "a checkpoint that is none" "$bp" import --dev -d "$tmp/d9" --checkpoint 5 "$tmp/a.rlp"
says "'5' is not N=HASH"
one_line
# The rival branch alone, then the longer one, which would undo ten blocks.
cat >"$tmp/deep" <<'S'
blocks 12
fork rival back 10
blocks 11
S
run 0 "a chain with a deep fork" "$bp" makechain --dev "$tmp/deep" "$tmp/deep.rlp"
run 0 "--max-reorg-hold keeps the head" "$bp" import --dev -d "$tmp/d10" --max-reorg 9 --max-reorg-hold "$tmp/deep.rlp"
says "undoes 10 blocks has more work; the head stays (--max-reorg)"
says "Head 12"
run 0 "  … and without it gives way" "$bp" import --dev -d "$tmp/d11" "$tmp/deep.rlp"
says "Head 13"
run 1 "a datadir below a file" "$bp" import --dev -d "$tmp/text/d" "$tmp/a.rlp"
one_line
run 5 "a full disk" sh -c "ulimit -f 100; exec '$bp' import --dev -d '$tmp/d7' '$tmp/a.rlp'"
one_line
run 0 "  … loses nothing" "$bp" import --dev -d "$tmp/d7" "$tmp/a.rlp"
says "Head 38"
printf 'blocks 3\nfork x back 9\n' >"$tmp/badscript"
run 2 "a script that asks too much" "$bp" makechain --dev "$tmp/badscript" "$tmp/y.rlp"
says "line 2"
holds "  … leaves no file" test ! -e "$tmp/y.rlp"

# ---- a datadir in use ----
mkfifo "$tmp/pipe"
"$bp" import --dev -d "$tmp/d8" - <"$tmp/pipe" >"$tmp/import.out" 2>&1 &
writer=$!
pids="$pids $writer"
exec 3>"$tmp/pipe"
until_ok test -e "$tmp/d8/data.mdb"
run 1 "a second writer" "$bp" import --dev -d "$tmp/d8" "$tmp/a.rlp"
says "$writer"
one_line
run 0 "status of a datadir in use" "$bp" status --json -d "$tmp/d8"
says '"number":0'
cat "$tmp/ten.rlp" >&3
kill -INT $writer
exec 3>&-
wait $writer
if [ $? = 0 ]; then ok "a signal ends an import in order"
else cp "$tmp/import.out" "$out"; not_ok "a signal ends an import in order"; fi
run 0 "  … and leaves a good store" "$bp" verify -d "$tmp/d8"

run 0 "removedb" "$bp" removedb --dev --yes -d "$tmp/d8"
run 6 "  … leaves no store" "$bp" status -d "$tmp/d8"
plan
