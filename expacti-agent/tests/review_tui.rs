//! The terminal UI in a real terminal: tmux, 80 columns by 24 lines.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests; the lint knows only functions marked as tests"
)]

#[path = "support/daemon.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use more of it")]
mod daemon;

use std::process::Command;
use std::time::{Duration, Instant};

use daemon::{Daemon, EXPACTI, is_root};

/// A tmux server of its own, so that nobody's sessions are touched.
struct Terminal {
    server: String,
}

impl Terminal {
    fn start(daemon: &Daemon, environment: &str) -> Self {
        let server = format!("expacti-test-{}-{environment}", std::process::id());
        let terminal = Self { server };
        let command = format!(
            "env {environment} EXPACTI_SOCKET={} {EXPACTI} review; echo left with $?; sleep 60",
            daemon.socket().display()
        );
        let started = terminal.tmux(&["new-session", "-d", "-x", "80", "-y", "24", &command]);
        assert!(started.0, "{}", started.1);
        terminal
    }

    fn tmux(&self, args: &[&str]) -> (bool, String) {
        let output =
            Command::new("tmux").args(["-f", "/dev/null", "-L", &self.server]).args(args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    fn press(&self, key: &str) {
        let pressed = self.tmux(&["send-keys", key]);
        assert!(pressed.0, "{}", pressed.1);
    }

    /// The screen, as soon as it holds `text`.
    fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]).1;
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < deadline, "no {text:?} on:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn can_run() -> bool {
    let has_tmux = Command::new("tmux").arg("-V").output().is_ok();
    if !has_tmux || !is_root() {
        eprintln!("skipped: needs tmux, and root, who is a reviewer on the local socket without a token");
    }
    has_tmux && is_root()
}

#[test]
fn a_human_reads_decides_and_leaves() {
    if !can_run() {
        return;
    }
    let daemon = Daemon::start(&["--attempts", "6"]);
    let terminal = Terminal::start(&daemon, "NO_COLOR=1");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+m\d\ds", "[left]");
    settings.add_filter(r"\d+s ago", "[time] ago");
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!("first", terminal.wait_for("started by  4242"));
    terminal.press("Down");
    terminal.wait_for("ticket 2 ");
    terminal.press("Down");
    terminal.wait_for("ticket 5 ");
    terminal.wait_for("deploy.sh --now");
    terminal.press("Down");
    terminal.wait_for("ticket 6 ");
    insta::assert_snapshot!("invisible", terminal.wait_for("argv[2]"));
    terminal.press("N");
    for key in ["n", "o", "t", "Space", "n", "o", "w"] {
        terminal.press(key);
    }
    terminal.wait_for("note: not now_");
    terminal.press("Enter");
    // Nothing is decided within half a second of a card's appearance; this card has been there for that long by then.
    std::thread::sleep(Duration::from_millis(600));
    terminal.press("D");
    terminal.wait_for("ticket 6 denied: risk 62");
    insta::assert_snapshot!("after", terminal.wait_for("argv[0]     git"));
    terminal.press("q");
    terminal.wait_for("left with 0");
}

#[test]
fn a_daemon_that_goes_away_is_said() {
    if !can_run() {
        return;
    }
    let daemon = Daemon::start(&["--attempts", "1"]);
    let terminal = Terminal::start(&daemon, "TERM=screen");
    terminal.wait_for("ticket 1 ");
    drop(daemon);
    terminal.wait_for("OUT OF REACH");
    terminal.press("C-c");
    terminal.wait_for("left with 0");
}
