//! Commands that made-up agents try, with everything that a reviewer looks at.

use expacti_core::evaluation::Factor;
use expacti_core::request::{Agent, Ancestor, ExecRequest, Executable, GitContext, Script, Stdin};

use super::{Simulation, held};

/// One scene: whose, what, how risky and why.
struct Scene {
    agent: &'static str,
    argv: &'static [&'static str],
    score: u8,
    factors: &'static [(&'static str, i16, &'static str)],
    script: Option<&'static str>,
}

const SCENES: [Scene; 6] = [
    Scene {
        agent: "claude",
        argv: &["git", "push", "origin", "main"],
        score: 45,
        factors: &[("push", 40, "sends commits to a remote"), ("main", 5, "the branch is main")],
        script: None,
    },
    Scene {
        agent: "claude",
        argv: &["psql", "postgres://prod-db/app", "-c", "DROP TABLE sessions"],
        score: 95,
        factors: &[
            ("sql.drop-table", 85, "drops a table"),
            ("production", 10, "the host looks like production"),
        ],
        script: None,
    },
    Scene {
        agent: "codex",
        argv: &["npm", "install"],
        score: 40,
        factors: &[("install", 40, "runs scripts of packages")],
        script: None,
    },
    Scene {
        agent: "codex",
        argv: &["kubectl", "delete", "deployment/api"],
        score: 98,
        factors: &[("delete", 88, "deletes a deployment"), ("production", 10, "the context is production")],
        script: None,
    },
    Scene {
        agent: "claude",
        argv: &["sh", "./deploy.sh", "--now"],
        score: 72,
        factors: &[
            ("script", 50, "runs a script that copies files to a server"),
            ("force", 22, "asks no questions"),
        ],
        script: Some(
            "#!/bin/sh\nset -e\nnpm run build\nrsync -a --delete dist/ web@prod:/srv/app/\nssh web@prod systemctl restart app\n",
        ),
    },
    Scene {
        agent: "codex",
        argv: &["echo", "all \u{202e}dne\u{202c} \u{200b}well\u{1b}[2J\r\n", "\u{430}pt"],
        score: 62,
        factors: &[("invisible", 62, "holds characters that a reader does not see")],
        script: None,
    },
];

/// Plays a scene. Numbers beyond the scenes play them again with another argument. The ticket is given back.
pub(crate) fn play(simulation: &Simulation, number: usize) -> u64 {
    let scene = &SCENES[number % SCENES.len()];
    let again = number / SCENES.len();
    let mut argv: Vec<_> = scene.argv.iter().map(|word| (*word).into()).collect();
    if again > 0 {
        argv.push(format!("again-{again}").into());
    }
    let cwd = "/home/dev/app";
    let request = ExecRequest {
        argv,
        agent: Agent {
            name: scene.agent.to_owned(),
            cgroup: format!("/simulated/{}", scene.agent),
            ..Agent::default()
        },
        exe: Executable { path: format!("/usr/bin/{}", scene.argv[0]).into(), ..Executable::default() },
        cwd: Some(cwd.into()),
        stdin: Stdin::Null,
        tty: Some("/dev/pts/3".into()),
        lineage: vec![
            Ancestor {
                pid: 4711,
                exe: "/bin/bash".into(),
                argv: vec!["bash".into(), "-c".into(), "make ship".into()],
            },
            Ancestor { pid: 4242, exe: "/usr/bin/node".into(), argv: vec![scene.agent.into()] },
        ],
        git: Some(GitContext {
            work_tree: cwd.into(),
            branch: Some("main".into()),
            remote: Some("git@example.org:team/app.git".into()),
        }),
        script: scene.script.map(|text| Script {
            path: "/home/dev/app/deploy.sh".into(),
            sha256: "0".repeat(64),
            text: text.into(),
            truncated: false,
        }),
        ..ExecRequest::default()
    };
    let mut evaluation = held(scene.score, "");
    let factor = |(name, points, because): &(&str, i16, &str)| Factor {
        name: (*name).to_owned(),
        points: *points,
        because: (*because).to_owned(),
    };
    evaluation.factors = scene.factors.iter().map(factor).collect();
    simulation.kernel.attempt(&simulation.desk, request, evaluation)
}
