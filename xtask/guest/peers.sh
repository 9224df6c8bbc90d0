#!/bin/bash
# Lays the packages of the peers, which lie unpacked on a disk of their own, into the guest, and sets them up as
# installing them would have done. Sourced before anything is measured beside them.
mkdir -p /opt/peers
mount -t ext4 -o ro "$(findfs LABEL=peers)" /opt/peers
# Daemons refuse configuration that is a link; for the rest links are enough.
cp -an /opt/peers/etc/. /etc/
cp -asn /opt/peers/usr /opt/peers/var / 2> /dev/null
ldconfig

cat > /etc/fapolicyd/fapolicyd.conf << 'END'
permissive = 0
nice_val = 14
q_size = 800
uid = 0
gid = 0
do_stat_report = 0
detailed_report = 0
db_max_size = 50
subj_cache_size = 1549
obj_cache_size = 8191
watch_fs = ext4
trust = file
integrity = none
syslog_format = rule,dec,perm,auid,pid,exe,:,path,ftype,trust
rpm_sha256_only = 0
allow_filesystem_mark = 0
END
rm -rf /etc/fapolicyd/rules.d /etc/fapolicyd/trust.d
echo 'allow perm=any all : all' > /etc/fapolicyd/compiled.rules
echo '/opt/expacti/programs/nop 512 0000000000000000000000000000000000000000000000000000000000000000' > /etc/fapolicyd/fapolicyd.trust
mkdir -p /var/lib/fapolicyd /run/fapolicyd
cat > /usr/local/bin/fapolicyd-start << 'END'
#!/bin/bash
# Returns once it watches.
fapolicyd || exit
for _ in {1..600}; do
    grep -qsE '^fanotify (mnt_id|sdev)' /proc/"$(pidof fapolicyd)"/fdinfo/* && exit
    sleep 0.05
done
exit 1
END
cat > /usr/local/bin/fapolicyd-stop << 'END'
#!/bin/bash
# Returns once it is gone.
pid=$(pidof fapolicyd)
kill "$pid"
while [[ -e /proc/$pid ]]; do sleep 0.02; done
END
chmod +x /usr/local/bin/fapolicyd-*

cat > /etc/sudoers.d/bench << 'END'
Defaults intercept, intercept_type=trace, !use_pty, !fqdn
Defaults env_keep += ROUNDS
root ALL=(ALL:ALL) NOPASSWD: ALL
END
chmod 440 /etc/sudoers.d/bench
mkdir -p /var/log/audit /run/audit
