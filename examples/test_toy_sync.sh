#!/bin/sh
# test_toy_sync: the toy is synced whole, and the liar is named. Prints TAP.
echo 1..4
said=$("$1" 3000) && echo "ok 1 - the chain is synced" || echo "not ok 1 - $said"
case $said in
*"3000 of 3000 blocks") echo "ok 2 - all of it" ;;
*) echo "not ok 2 - $said" ;;
esac
case $said in
*"peer 2 sent a header that breaks a rule"*) echo "ok 3 - who lied" ;;
*) echo "not ok 3 - $said" ;;
esac
case $said in
*"peer 1"*) echo "not ok 4 - $said" ;;
*) echo "ok 4 - nobody else did" ;;
esac
