# What busybox's applets read in /proc: tests/system/test_foreign.py compares with what has to be there.
# $1 is busybox; it is linked under the names of its applets, so that processes have these names.
mkdir /tmp/bin
for name in $("$1" --list); do ln -s "$1" "/tmp/bin/$name"; done
PATH=/tmp/bin
sleep 777 &
one=$!
sleep 888 &
two=$!
sh -c 'while :; do :; done' &
three=$!
usleep 60000
kill -STOP $two
echo "self $$ one $one two $two three $three"
echo '== ps'; ps -o pid,ppid,pgid,stat,comm,args
echo '== pidof'; pidof sleep | tr ' ' '\n' | sort -n | tr '\n' ' '
echo; echo '== top'; top -b -n1 | sed -n '/PID/,$p'
echo '== free'; free
echo '== uptime'; uptime
echo '== mount'; mount
echo '== df'; df -k /tmp
echo '== renice'; renice -n 5 -p $one; ps -o pid,nice | grep " *$one "
echo '== killall'; kill -CONT $two; killall sleep; wait $one; echo "one $?"; wait $two; echo "two $?"
kill $three; wait $three; echo "three $?"
echo '== time'; time sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done'
echo '== self'; cat /proc/self/comm; readlink /proc/self/exe; ls /proc/self/fd; ls -l /proc/self/fd/1 | wc -l
echo '== left'; ps -o args | grep -c '777\|888\|while'
echo end
