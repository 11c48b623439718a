#!/bin/sh
# test_sync: nodes of the built program sync from each other on loopback, with
# honest peers, with liars, and with what users do to them.
. "$BLOCKPOOL_SOURCE_ROOT/tests/cli/tap.sh"

cat >"$tmp/script" <<'S'
blocks 14
fork rival back 3
blocks 2
on main
blocks 18 txs 1 uncles
S
"$bp" makechain --dev "$tmp/script" "$tmp/a.rlp" 2>/dev/null || exit 1

# serve NAME OPTIONS...: starts a server on a free port; its enode is in
# $enode, its pid in $server.
serve() {
    name=$1
    shift
    "$bp" serve --dev --port 0 --identity "$name" "$@" \
        >"$tmp/$name.enode" 2>"$tmp/$name.log" &
    server=$!
    pids="$pids $server"
    until_ok test -s "$tmp/$name.enode" || cat "$tmp/$name.log"
    enode=$(head -n 1 "$tmp/$name.enode")
}

# sync DIR OPTIONS...
sync() {
    dir=$1
    shift
    timeout 60 "$bp" sync --dev -d "$dir" --port 0 --log.format logfmt \
        --timeout 30 "$@"
}

# background DIR OPTIONS...: a node that runs until it is told to end; $node is
# its pid.
background() {
    dir=$1
    shift
    "$bp" sync --dev -d "$dir" --port 0 --log.format logfmt --peer "$one" "$@" \
        >"$tmp/background.out" 2>"$tmp/background.err" &
    node=$!
    pids="$pids $node"
}

serve one --file "$tmp/a.rlp"
one=$enode
serve two --file "$tmp/a.rlp"
two=$enode

# ---- the main job ----
run 0 "sync until it is synced" sync "$tmp/d1" --peer "$one" --peer "$two" \
    --exitwhensynced
says "Head 32"
says "Stored 32 blocks"
run 0 "status" "$bp" status --json -d "$tmp/d1"
says '"number":32'
says '"checks":["seal","rules","roots"]'
run 0 "verify what was synced" "$bp" verify -d "$tmp/d1"
run 0 "sync again finds nothing new" sync "$tmp/d1" --peer "$one" \
    --exitwhensynced
says "Stored 0 blocks"
run 0 "--until a number" sync "$tmp/d2" --peer "$one" --until 20
run 0 "  … stops there" "$bp" status --json -d "$tmp/d2"
says '"number":20'
run 0 "  … and goes on later" sync "$tmp/d2" --peer "$one" --exitwhensynced
says "Head 32"
for eth in 68 69; do
    run 0 "eth/$eth alone" sync "$tmp/eth$eth" --peer "$one" --exitwhensynced \
        --eth.min $eth --eth.max $eth
    says "eth=$eth"
    says "Head 32"
done
printf '# peers\n%s\n\n  %s # two\n' "$one" "$two" >"$tmp/peers"
run 0 "--peers-file" sync "$tmp/d3" --peers-file "$tmp/peers" --exitwhensynced

# ---- the run of the pool, recorded and played again ----
replay=$BLOCKPOOL_BUILD_ROOT/blockpool-sim
run 0 "--record" sync "$tmp/rec" --peer "$one" --peer "$two" \
    --exitwhensynced --record "$tmp/run.rec"
run 0 "  … replays" "$replay" replay "$tmp/run.rec"
says "the same actions, byte for byte"
says "head 32, 32 blocks inserted"
holds "  … to its end" sh -c '! "$1" replay "$2" | grep "ends early"' sh \
    "$replay" "$tmp/run.rec"
run 2 "an option that a command has no use for is refused" \
    "$replay" worlds --what-if workers=1
says "worlds takes no --what-if"
printf 'blocks 0..3\npeer 1 head 3 join=0\nexpect chain 0..3\n' >"$tmp/good.scn"
run 0 "a free peer in three lines" "$replay" run "$tmp/good.scn"
run 1 "what does not fail is not shrunk" "$replay" shrink "$tmp/good.scn"
says "does not fail"
if [ -w /dev/full ]; then
    run 0 "a record that cannot be written ends no sync" \
        sync "$tmp/rec2" --peer "$one" --exitwhensynced --record /dev/full
    says "Head 32"
    says "record"
fi

# ---- a datadir serves, and a synced node serves what it has ----
serve three -d "$tmp/d1"
run 0 "sync from a datadir" sync "$tmp/d4" --peer "$enode" --exitwhensynced
says "Head 32"

# ---- liars ----
# liar NAME LIE OFFENCE: the sync ends right, and this one is named for it.
liar() {
    serve "$1" --file "$tmp/a.rlp" --lie "$2"
    id=$(echo "$enode" | cut -c9-16)
    run 0 "a peer that lies: $2" sync "$tmp/$1" --peer "$enode" \
        --peer "$one" --peer "$two" --exitwhensynced
    says "Head 32"
    cat "$out" "$err" >"$tmp/both"
    if grep -q "$3" "$tmp/both"; then
        if grep "$3" "$err" | grep -q "$id"; then ok "  … is named for it"
        else not_ok "  … is named for it"; fi
    else
        # It depends on who is asked: then the lie was never told.
        skip "  … is named for it" "nobody asked it"
    fi
    if grep 'Peer committed an offence' "$err" | grep -v "$id" >/dev/null
    then not_ok "  … and nobody else is"
    else ok "  … and nobody else is"; fi
}
liar bodies bodies:1 BODY_MISMATCH
liar header header:16 UNLINKED
liar stall stall:1 LATE
liar genesis genesis "genesis"

# A lie that stands alone: nothing but the liar is there.
serve alone --file "$tmp/a.rlp" --lie header:9
run 4 "nobody but a liar" sync "$tmp/d5" --peer "$enode" --exitwhensynced \
    --timeout 3
says "UNLINKED"
run 0 "  … and nothing of the lie is stored" "$bp" status --json -d "$tmp/d5"
run 4 "nobody there" sync "$tmp/d6" --exitwhensynced --timeout 2 \
    --peer "enode://$(echo "$one" | cut -c9-136)@127.0.0.1:1"
one_line

# ---- wrong usage ----
run 2 "a malformed enode" sync "$tmp/d7" --peer enode://abc@127.0.0.1:1
says "--peer: "
one_line
echo "enode://xyz" >"$tmp/badpeers"
run 2 "a malformed enode in a file" sync "$tmp/d7" --peers-file "$tmp/badpeers"
says "$tmp/badpeers:1"
run 2 "a malformed --until" sync "$tmp/d7" --until x
port=$(echo "$one" | sed 's/.*://')
run 1 "a port in use" sync "$tmp/d7" --port "$port"
says "$port"
one_line
run 2 "a wrong chain" "$bp" sync --mainnet -d "$tmp/d1" --port 0
says "mainnet"
one_line
run 2 "a file of another network" "$bp" serve --mainnet --port 0 \
    --file "$tmp/a.rlp"
one_line

# ---- what users do ----
background "$tmp/d8"
until_ok grep -q 'Nothing heavier' "$tmp/background.err"
run 0 "status while a node runs" "$bp" status --json -d "$tmp/d8"
says '"number":32'
run 1 "a second node on one datadir" sync "$tmp/d8" --peer "$one"
says "$node"
kill -INT $node
wait $node
if [ $? = 0 ]; then ok "SIGINT ends it in order"; else not_ok "SIGINT"; fi
run 0 "  … with a good store" "$bp" verify -d "$tmp/d8"

ignored=$(sed -n 's/^SigIgn:[[:space:]]*/0x/p' /proc/self/status)
if [ $((ignored & 1)) = 1 ]; then
    skip "SIGHUP" "it is ignored here, as under nohup"
else
    background "$tmp/d10" --log.file "$tmp/d10.log"
    until_ok grep -q 'Nothing heavier' "$tmp/d10.log"
    mv "$tmp/d10.log" "$tmp/d10.old"
    kill -HUP $node
    until_ok test -e "$tmp/d10.log"
    kill -USR1 $node
    until_ok grep -q 'Status' "$tmp/d10.log"
    holds "SIGHUP opens the log file anew" grep -q 'Status' "$tmp/d10.log"
    kill -TERM $node
    wait $node
    background "$tmp/d11"
    until_ok grep -q 'Nothing heavier' "$tmp/background.err"
    kill -HUP $node
    wait $node
    if [ $? = 0 ]; then ok "  … and ends what logs to no file"
    else not_ok "  … and ends what logs to no file"; fi
fi

# Killed at any moment, it goes on.
rm -rf "$tmp/d9"
for wait in 0.05 0.15 0.3; do
    background "$tmp/d9"
    sleep $wait
    kill -9 $node
    wait $node 2>/dev/null
done
run 0 "killed three times, it goes on" sync "$tmp/d9" --peer "$one" \
    --exitwhensynced
says "Head 32"
run 0 "  … with a good store" "$bp" verify -d "$tmp/d9"
plan
