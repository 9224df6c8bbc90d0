#!/bin/bash
# Runs what xtask was asked to run, and tells it how that went. Sourced by init.sh, or a service of systemd.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LOGNAME=root LANG=C.UTF-8
. /opt/expacti/settings

# Built in on newer kernels. Without udev nobody else loads them.
for module in virtio_pci virtio_console virtio_net; do modprobe -q "$module"; done

# port NAME: the device of one of the lines that xtask holds the other end of.
port() {
    local name
    for _ in {1..500}; do
        for name in /sys/class/virtio-ports/*/name; do
            if [[ -e $name && $(< "$name") == "$1" ]]; then
                name=${name%/name}
                echo "/dev/${name##*/}"
                return
            fi
        done
        sleep 0.02
    done
    echo "no virtio port $1" > /dev/console
}
control=$(port expacti.control)
exec 3<> "$control"

# Before anything runs that may talk to itself. The rest in the background, because nothing here waits for the network.
ip link set lo up
(
    for _ in {1..500}; do
        for device in /sys/class/net/e*; do
            if [[ -e $device ]]; then
                device=${device##*/}
                ip address add 10.0.2.15/24 dev "$device"
                ip link set "$device" up
                ip route add default via 10.0.2.2
                exit
            fi
        done
        sleep 0.02
    done
) 3>&- &

# Tells xtask that this guest lives, and does what it says meanwhile. No process is started for a beat.
(
    while true; do
        if read -r -t 5 word rows columns <&3; then
            [[ $word == size ]] && stty -F /dev/hvc0 rows "$rows" cols "$columns"
        elif (( $? <= 128 )); then
            exit
        fi
        echo beat >&3
    done
) &

cd /root
read -r uptime _ < /proc/uptime
echo "ready $uptime" >&3
if [[ $MODE == shell ]]; then
    program='bash --login'
    [[ ! -e /opt/expacti/script ]] || program=/opt/expacti/script
    # The size is forgotten when the terminal is closed, so it is set from inside. Opened once for reading and writing, as
    # a login does it: tmux writes to its standard input.
    size=${ROWS:+stty rows $ROWS cols $COLUMNS_HERE;}
    TERM=$TERM_HERE setsid --ctty bash -c "$size exec $program" \
        <> /dev/hvc0 >&0 2>&1 3>&-
    echo "exit $?" >&3
else
    out=$(port expacti.out) err=$(port expacti.err)
    /opt/expacti/script < /dev/null > "$out" 2> "$err" 3>&-
    echo "exit $?" >&3
fi
# xtask ends the machine now; this is for when it does not.
sleep 20
echo o > /proc/sysrq-trigger
sleep 20
