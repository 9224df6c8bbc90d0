#!/bin/bash
# The main job, on a terminal of root's: in a guest, or on a machine whose kernel loads LSM programs.

if expacti daemon --help > /dev/null 2>&1; then
    daemon='expacti daemon --help'
else
    daemon='(the gate itself is not in this build yet: see the table in README.md)'
fi
cat << END

  expacti on Linux $(uname -r). Try these:

    expacti explain -- rm -rf /srv/data              what would be decided, and why
    expacti explain -- bash -c 'git push --force'    the same, seen through a shell
    expacti rules --help                             rules are checked, tested and tried out from here
    $daemon
    exit                                             ends it, and leaves nothing behind

END
exec bash --login
