#!/bin/bash
# Process 1 of a guest without systemd: mounts what a Debian system has mounted, then goes on to run.sh.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
mount -t bpf -o mode=700 bpf /sys/fs/bpf
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
for controller in cpu io memory pids; do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done 2>/dev/null

hostname -F /etc/hostname 2>/dev/null || cat /etc/hostname > /proc/sys/kernel/hostname
# What systemd would leave on, so that tests see what users see.
echo 1048576 > /proc/sys/fs/nr_open
ulimit -S -n 1024
ulimit -H -n 524288

. /opt/expacti/run.sh
