# on-linux.sh PROGRAM: runs a program of the guest's on the host, in namespaces that unshare has made, from
# /mnt and with an empty /tmp. The first process of the namespace stays this shell: it adopts orphans.
# Ends with 77 if the host cannot do that.
umask 022
mount -t tmpfs tmpfs /mnt && cp "$1" /mnt && mount -t tmpfs -o mode=1777 tmpfs /tmp && cd /tmp || exit 77
setsid "/mnt/${1##*/}" </dev/null 2>/dev/null
status=$?
[ $status -ne 126 ] || exit 77 # not a program that this kernel starts
exit $status
