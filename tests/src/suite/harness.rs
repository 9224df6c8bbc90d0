//! The harness itself does what the other suites rely on.

use std::process::Command;

use libtest_mimic::Trial;

use expacti_tests::harness::cgroup::Cgroup;
use expacti_tests::harness::program::{program, program_32};
use expacti_tests::harness::{child, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("harness::a_child_is_in_its_cgroup_before_its_exec", a_child_is_in_its_cgroup_before_its_exec),
        test("harness::a_dropped_cgroup_is_empty_and_gone", a_dropped_cgroup_is_empty_and_gone),
        test("harness::programs_in_c_call_the_kernel_themselves", programs_in_c_call_the_kernel_themselves),
        test("harness::programs_in_c_exist_with_32_bits", programs_in_c_exist_with_32_bits),
    ]
}

fn a_child_is_in_its_cgroup_before_its_exec() {
    let agent = Cgroup::new("agent");
    let inner = agent.child("inner");
    let output = child::run(&inner, Command::new("cat").arg("/proc/self/cgroup")).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0::/tests/agent/inner\n");
    assert_ne!(agent.id(), inner.id());
}

fn a_dropped_cgroup_is_empty_and_gone() {
    let agent = Cgroup::new("agent");
    let path = agent.path().to_owned();
    let mut running = child::start(&agent, Command::new("sleep").arg("1000")).unwrap();
    assert_eq!(agent.processes(), [running.id()]);
    drop(agent);
    assert!(!child::wait(&mut running).success());
    assert!(!path.exists());
}

fn programs_in_c_call_the_kernel_themselves() {
    let agent = Cgroup::new("agent");
    let mut refused =
        child::start(&agent, Command::new(program("exec_raw")).args(["/does/not/exist", "x"])).unwrap();
    assert_eq!(child::printed(&mut refused), format!("errno {}\n", libc::ENOENT));
    let mut done =
        child::start(&agent, Command::new(program("exec_raw")).args(["/bin/echo", "echo", "hi"])).unwrap();
    assert_eq!(child::printed(&mut done), "hi\n");
}

fn programs_in_c_exist_with_32_bits() {
    let bytes = std::fs::read(program_32("exec_raw")).unwrap();
    // ELF's class is its fifth byte: 1 is 32 bits.
    assert_eq!(bytes[..5], *b"\x7fELF\x01");
    let output = Command::new(program_32("exec_raw")).args(["/bin/echo", "echo", "hi"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hi\n");
}
