//! Programs of a script that are known only when it runs (docs/adr/0021).

use super::*;
use crate::evaluation::Level;
use crate::request::Script;

fn script(text: &str) -> ExecRequest {
    let script = Script { path: "/work/x.sh".into(), text: text.into(), ..Script::default() };
    ExecRequest { script: Some(script), ..argv_of(&["sh", "x.sh"]) }
}

fn forced() -> String {
    deny("argv = [\"git\", \"push\", \"...\"]\nany_flag = [\"--force\"]")
}

/// Whatever `"$@"` is, the kernel asks about it with all its words, and the deny rule is asked then.
#[test]
fn a_program_that_a_script_is_given_is_judged_when_it_starts() {
    let world = World::new();
    let rules = world.rules(&forced());
    for text in [
        "\"$@\"\n",
        "$X \"$@\"\n",
        "$CC -c conftest.c $CFLAGS\n",
        "exec $X \"$@\"\n",
        "f() { $X \"$@\"; }\nf \"$1\"\n",
        "sudo $X \"$@\"\n",
    ] {
        let evaluation = world.decide(&rules, script(text));
        assert_eq!(answer(&evaluation), (Decision::Hold, "Threshold".into()), "{text}");
        assert_eq!(evaluation.level, Level::Medium, "{text}: {:?}", evaluation.factors);
    }
    assert_eq!(world.answer(&rules, &["git", "push", "--force"]).0, Decision::Deny);
}

/// So are the words of a program that is known, and the rule is about them. What they may be counts for the score.
#[test]
fn words_that_a_script_is_given_are_judged_when_their_program_starts() {
    let world = World::new();
    let removes = deny("argv = [\"rm\", \"...\"]\nany_flag = [\"-r\"]\nany_arg = [{ path = \"/\" }]");
    for (rules, text) in [
        (forced(), "git push \"$@\"\n"),
        (forced(), "exec git push $FLAGS\n"),
        (removes, "./lib/rm-helper\n/bin/rm -rf \"$1\"\n"),
    ] {
        let rules = world.rules(&rules);
        let evaluation = world.decide(&rules, script(text));
        assert_eq!(answer(&evaluation), (Decision::Hold, "Threshold".into()), "{text}");
    }
    // Known words are as certain in a script as anywhere.
    let rules = world.rules(&forced());
    assert_eq!(answer(&world.decide(&rules, script("git push --force\n"))).0, Decision::Deny);
}

/// What follows is not judged again, or not here, or it hides on purpose.
#[test]
fn what_is_not_judged_again_stays_in_doubt() {
    let world = World::new();
    let held_by = |rules: &str, request| {
        let evaluation = world.decide(&world.rules(rules), request);
        assert!(evaluation.level >= Level::High || evaluation.decided_by != DecidedBy::Threshold);
        answer(&evaluation)
    };
    let by_rule = (Decision::Hold, "d".to_owned());
    // Typed by the agent, where no file says what it is about.
    assert_eq!(held_by(&forced(), argv_of(&["sh", "-c", "$X \"$@\""])), by_rule);
    // Another machine's kernel.
    assert_eq!(held_by(&forced(), script("docker exec web $X \"$@\"\n")), by_rule);
    // The shell itself does it: no exec follows.
    for own in ["kill", "eval", "source", ".", "exec", "cd", "printf"] {
        let rule = deny(&format!("argv = [{own:?}, \"...\"]"));
        assert_eq!(held_by(&rule, script("\"$@\"\n")), by_rule, "{own}");
    }
    // The shell is many programs in one file, and may run them without an exec.
    let mut in_busybox = script("git push \"$@\"\n");
    in_busybox.exe.path = "/bin/busybox".into();
    assert_eq!(held_by(&forced(), in_busybox), by_rule);
    // Typed by the agent, though the program is known.
    assert_eq!(held_by(&forced(), argv_of(&["sh", "-c", "git push \"$@\""])), by_rule);
    // What another command prints is a disguise in a script too, and so is text that is run.
    for text in [
        "$(cat x)\n",
        "`cat x`\n",
        "eval \"$X\"\n",
        "eval \"$(cat x)\"\n",
        "sh -c \"$X\"\n",
        ". \"$X\" | sh\n",
    ] {
        let evaluation = world.decide(&world.rules(&forced()), script(text));
        assert!(evaluation.level >= Level::High, "{text}: {:?}", evaluation.factors);
    }
    // What it does beside is seen as ever.
    let beside = world.decide(&world.rules(&forced()), script("\"$@\" > /etc/passwd\n"));
    assert!(beside.level >= Level::High, "{:?}", beside.factors);
}
