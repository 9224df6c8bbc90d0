#!/bin/busybox sh
# The guest's first program, alone in its initramfs: finds the disks, lays what xtask brought into the system, goes there.
/bin/busybox mkdir -p /proc /dev /system
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev

disk() {
    until found=$(/bin/busybox findfs "LABEL=$1" 2>/dev/null); do /bin/busybox usleep 20000; done
    echo "$found"
}

/bin/busybox mount -t ext4 -o noatime "$(disk root)" /system
/bin/busybox mkdir -p /system/usr/lib/modules
/bin/busybox mount -t ext4 -o ro "$(disk modules)" /system/usr/lib/modules
/bin/busybox cp -a /payload/. /system/
/bin/busybox mount -o move /dev /system/dev
/bin/busybox umount /proc

case $(/bin/busybox cat /system/opt/expacti/init) in
    systemd) exec /bin/busybox switch_root /system /lib/systemd/systemd ;;
    *) exec /bin/busybox switch_root /system /opt/expacti/init.sh ;;
esac
