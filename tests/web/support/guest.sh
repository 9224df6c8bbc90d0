#!/bin/bash
# A real gate in a guest, for guest.spec.js: an agent tries things, and the console is served over TLS on port 7443.
# What the test has to know is said in lines: `token TOKEN`, and `NAME ended CODE` for each thing that was tried.
set -e
mkdir -p /etc/expacti /sys/fs/cgroup/agent
# No ed25519, which Chromium does not take.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout /etc/expacti/key.pem -out /etc/expacti/certificate.pem 2> /dev/null
cat > /etc/expacti/expacti.toml <<'END'
[api]
tcp = "0.0.0.0:7443"
tls_certificate = "/etc/expacti/certificate.pem"
tls_key = "/etc/expacti/key.pem"

[[agent]]
name = "claude"
cgroup = "/sys/fs/cgroup/agent"
END
expacti daemon 2> /root/daemon.log &
daemon=$!
until grep -q ready /root/daemon.log; do
    kill -0 $daemon || { cat /root/daemon.log >&2; exit 1; }
    sleep 0.1
done
echo "token $(expacti reviewer add alice --role reviewer --role admin 2> /dev/null)"

# inside COMMAND...: as the agent. Its shell is the agent's from before the exec.
inside() {
    (
        echo $BASHPID > /sys/fs/cgroup/agent/cgroup.procs
        exec "$@"
    ) < /dev/null > /root/out 2> /root/err
}
try() {
    local name=$1 code=0
    shift
    inside "$@" || code=$?
    echo "$name ended $code"
}

try approved git push --force origin main
try denied git push --force origin release
sed 's/^/told: /' /root/err
# Until somebody makes a rule against it.
code=0
until (( code )); do inside /bin/echo hi || code=$?; done
echo "ruled ended $code"
# Until the browser has seen enough, and says so by adding somebody.
until expacti reviewer list | grep -q '^bob '; do sleep 0.2; done
kill $daemon
