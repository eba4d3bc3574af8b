# What every shell can do without other programs: tests/system/test_foreign.py. $1 is a directory to write in.
cd "$1" || exit
for i in 1 2 3; do echo "$i $((i * i))"; done
x=$(echo inner; echo second); echo "$x"
while read -r a b; do echo "$b-$a"; done <<END
one two
three four
END
echo to a file >file; read -r line <file; echo "$line"
(exit 7); echo $?
f() { echo "f $1 $#"; return 4; }
f a b || echo "status $?"
(echo through; echo two pipes) | while read -r l; do echo "<$l>"; done | while read -r l; do echo "[$l]"; done
trap 'echo trapped' USR1; kill -USR1 $$
(kill -9 $$0 2>/dev/null; exit 5) & wait $!; echo "background $?"
case abc in a*c) echo matched;; esac
: >g1; : >g2; echo g*
set -- x y z; shift; echo "$# $*"
y=${undefined:-default}; echo "${y%ult}"
trap 'echo bye' EXIT
no-such-program 2>/dev/null || echo "not found $?"
