# Runs every command of a `commands` file and prints output and status of each behind delimiters. busybox's
# sh runs it with the same words on the host and in the guest: driver.sh COMMANDS APPLET [NAME...], where
# APPLET is what the applets' names link to. /tmp must be empty but for the files handed over.
umask 022
commands=$1 applet=$2
shift 2
mkdir -p /tmp/w/bin /tmp/w/tree /tmp/scripts
for name in $("$applet" --list); do
    ln -s "$applet" "/tmp/w/bin/$name"
done
export PATH=/tmp/w/bin HOME=/tmp/w TZ=UTC0 LC_ALL=C
unset OLDPWD

cd /tmp/w/tree
mkdir -p d1/sub d2 deep/one/two/three sizes times modes
printf 'first line here\nsecond line there\nthird word of all\n' >readme
printf 'pear\napple\nfig\nbanana\nword\nApple\n' >words
printf 'a word in a file\n' >d1/a.txt
printf 'nothing\n' >d1/b.c
printf 'the word below\n' >d1/sub/c.txt
printf 'far down\n' >deep/one/two/three/bottom.txt
printf '#!/tmp/w/bin/sh\necho run\n' >run
: >empty
ln -s readme link
ln -s nowhere dangling
mkfifo fifo
echo linked >hard1
ln hard1 hard2
for size in 1 4095 4096 4097 70000; do
    head -c $size /dev/zero >sizes/$size
done
head -c 1000 /dev/zero >sizes/a
seq 4000 >sizes/b
for year in 1999 2003 2001; do
    : >times/$year
done
: >modes/600
: >modes/4755
: >modes/000
chmod 600 modes/600
chmod 4755 modes/4755
chmod 000 modes/000
chmod 755 run
find . ! -type l -exec touch -d '2005-06-07 08:09:10' {} +
touch -h -d '2005-06-07 08:09:10' link dangling
for year in 1999 2003 2001; do
    touch -d "$year-01-01 00:00:00" times/$year
done
touch -d '2004-01-01 00:00:00' empty

awk '/^## / {file = "/tmp/scripts/" $2; print $2 >"/tmp/names"; next}
     file {print >file}' "$commands"
if [ $# = 0 ]; then
    set -- $(cat /tmp/names)
fi
for name in "$@"; do
    rm -rf /tmp/w/here
    mkdir /tmp/w/here
    cd /tmp/w/here
    timeout 20 sh "/tmp/scripts/$name" </dev/null >/tmp/output 2>&1
    status=$?
    echo "<<<<<<<< $name"
    cat /tmp/output
    echo
    echo ">>>>>>>> $name $status"
done
echo '======== end'
