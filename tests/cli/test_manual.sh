#!/bin/sh
# test_manual: the man page names every command and option that the program
# has, and none that it has not.
. "$BLOCKPOOL_SOURCE_ROOT/tests/cli/tap.sh"

page=$BLOCKPOOL_SOURCE_ROOT/docs/man/blockpool.1.scd
run 0 "help" "$bp" help
sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' "$out" | sort >"$tmp/commands"
grep -o -e '^ .*--[a-z.-]*' "$out" | grep -o -e '--[a-z][a-z.-]*' | sort -u \
    >"$tmp/options"
sed -n '/^# COMMANDS/,/^# OPTIONS/p' "$page" | grep '^\*' |
    grep -o '\*[a-z]*\*' | tr -d '*' | sort >"$tmp/page-commands"
sed -n '/^# OPTIONS/,/^# EXIT/p' "$page" | grep '^\*-' |
    grep -o -e '\*--[a-z.-]*\*' | tr -d '*' | sort -u >"$tmp/page-options"
holds "there are commands and options" \
    test -s "$tmp/commands" -a -s "$tmp/options"
holds "the page has the commands" diff "$tmp/commands" "$tmp/page-commands"
holds "the page has the options" diff "$tmp/options" "$tmp/page-options"
plan
