#!/bin/bash
# native.sh FOLDER MATERIALS ARGUMENTS...: measures on this machine, in a mount namespace of its own: nothing that is
# mounted or laid down here stays. MATERIALS is a disk image, or empty.
set -eu
folder=$1 materials=$2
shift 2
mount -t tmpfs tmpfs /opt
cp -a "$folder/opt/." /opt/
if [[ -n $materials ]]; then
    mkdir /opt/materials
    mount -o loop,ro "$materials" /opt/materials
fi
mkdir -p /opt/expacti/bin
cp "$folder/usr/local/bin/expacti" /opt/expacti/bin/
# Last, because all of the above may lie below it.
mount -t tmpfs tmpfs /home
cd /
export PATH=/opt/expacti/bin:$PATH
# Many attempts wait at once in some measures.
ulimit -n 65536 2> /dev/null || ulimit -n "$(ulimit -H -n)"
exec /opt/expacti/expacti-bench "$@"
