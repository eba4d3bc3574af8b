# What bash can do without other programs: tests/system/test_foreign.py runs it by the host's bash and, in the
# guest, by Debian's bash-static for i386, and compares. $1 is a directory to write in.
set -u
shopt -s extglob lastpipe
cd "$1" || exit
declare -A colour=([apple]=red [pear]=green [plum]=blue)
for key in apple pear plum; do echo "$key ${colour[$key]}"; done |
    while read -r a b; do echo "$b $a"; done |
    (mapfile -t lines; printf '%s\n' "${lines[@]}" | { while read -r x; do [[ $x == *e* ]] && echo "e: $x"; done; })
x=abcdefgh; echo "${x:2:3} ${x^^} ${x//[aeiou]/_} ${#x}"
trap 'echo exit trap $?' EXIT
trap 'echo got USR1' USR1; kill -USR1 $$
double() { local -n value=$1; value=$((value * 2)); }; n=21; double n; echo $n
printf '%5.2f|%-8s|%08x\n' 3.14159 left 48879
(exit 3) & wait $!; echo "status $?"
for i in 1 2 3 4 5; do (exit $((i * 10))) & pids[i]=$!; done
for i in 5 3 1 2 4; do wait "${pids[i]}"; echo "child $i $?"; done
coproc ANSWER { read -r line; echo "co: $line"; }; echo hello >&"${ANSWER[1]}"; read -r said <&"${ANSWER[0]}"; echo "$said"
wait
copy() { local line; while IFS= read -r line; do printf '%s\n' "$line"; done; }
copy < <(echo substituted; echo twice)
copy <<< "here string"
copy <<END
here document $((6 * 7)) $(echo inner)
END
[[ 2024-05-06 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[2]} ${BASH_REMATCH[1]}"
case foobar in foo@(bar|baz)) echo extended;; esac
for ((i = 0; i < 3; i++)); do echo -n "$i "; done; echo
exec 3>three; echo to three >&3; exec 3>&-; read -r back <three; echo "$back"
exec 4<>both; echo first >&4; echo second >&4; copy <both; exec 4>&-
ulimit -n 64; ulimit -n; umask 027; umask; umask 022
set -o pipefail; true | false | true; echo "pipe ${PIPESTATUS[*]} $?"
set +o pipefail
no-such-program 2>/dev/null; echo "not found $?"
: > file; ./file 2>/dev/null; echo "not executable $?"
kill -l 15; echo $BASH_SUBSHELL "$(echo $BASH_SUBSHELL)"
(trap 'echo term; exit 9' TERM; kill -TERM $BASHPID; echo not reached); echo "trap $?"
(kill -KILL $BASHPID); echo "killed $?"
for name in b a c; do : > "glob-$name"; done; echo glob-* glob-[ab] glob-!(a)
read -t 0.01 -r nothing < <(read -t 5 -r x < <(:); wait; kill -STOP $BASHPID); echo "timed out $(($? > 128))"
jobs -p | copy | { read -r pid && kill -KILL "$pid"; } 2>/dev/null
seq_sum() { local sum=0 i; for ((i = 1; i <= $1; i++)); do ((sum += i)); done; echo $sum; }; seq_sum 1000
deep() { (($1 == 0)) && { echo bottom; return; }; deep $(($1 - 1)); }; deep 200
out=$(for i in {1..200}; do echo "line $i of a text that fills a pipe more than once, or nearly"; done); echo ${#out}
[ file -nt nothing ] && echo newer; [ -d . -a -w . ] && echo writable; [ -e nothing ] || echo none
exec 5< <(echo kept open); exec 6<&5 5<&-; read -r kept <&6; echo "$kept"
echo done
