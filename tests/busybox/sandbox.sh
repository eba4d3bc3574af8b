# Inside namespaces of its own: sandbox.sh STAGE BUSYBOX LAUNCHER DRIVER COMMANDS [NAME...]. A /tmp of its own,
# no /proc, and busybox where the kernel cannot run it natively: what starts it is the launcher, through
# qemu-i386. Status 77: this cannot be had here.
set -e
stage=$1 busybox=$2 launcher=$3 driver=$4 commands=$5
shift 5
mount -t tmpfs -o mode=1777 tmpfs "$stage" || exit 77
: >"$stage/busybox"
mount --bind "$busybox" "$stage/busybox" || exit 77
mount -o remount,bind,noexec,nosuid,nodev,ro "$stage/busybox" || exit 77
mkdir "$stage/launcher"
cp "$launcher" "$stage/launcher/busybox"
cp "$driver" "$stage/driver.sh"
cp "$commands" "$stage/commands"
mount --move "$stage" /tmp || exit 77
mount -t tmpfs -o ro tmpfs /proc || exit 77
cd /tmp
if /tmp/busybox true 2>/dev/null; then
    echo "busybox would run natively" >&2
    exit 77
fi
ln -s launcher/busybox sh
exec env -i PATH=/nowhere /tmp/sh /tmp/driver.sh /tmp/commands /tmp/launcher/busybox "$@"
