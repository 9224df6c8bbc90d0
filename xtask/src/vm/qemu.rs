//! The machine's arguments, each odd one with its reason.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::{Clock, Guest, Task};
use crate::cache::Cache;
use crate::setup::{qemu, user_land};

/// The emulated processor, and words for its kernel. A real one clears and copies memory quickly by one repeated
/// instruction. An emulator does each repetition, and counts it: a page that is cleared would be 4,096 instructions. So
/// the kernel and the C library are told to take plain loops. It saves an eighth of a guest's time, too.
const PLAIN_LOOPS: (&str, &str) = ("max,-erms,-fsrm,-fsrs,-fzrm", " clearcpuid=rep_good");

/// The lines between a guest and us, as sockets in `folder`.
pub(crate) fn lines(task: &Task) -> &'static [&'static str] {
    match task {
        Task::Shell(_) => &["console", "control", "terminal"],
        Task::Script(..) => &["console", "control", "out", "err"],
    }
}

/// QEMU for one guest. Its own complaints go to `qemu.log` in `folder`.
pub(crate) fn command(cache: &Cache, guest: &Guest, folder: &Path) -> Result<Command> {
    let kernel = guest.kernel.files(cache)?;
    let root = user_land::image(cache)?;
    let mut qemu = qemu::command(cache)?;
    qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-M", "q35"])
        // A panicking guest asks for a reboot: QEMU ends instead.
        .arg("-no-reboot")
        .args(["-m", &guest.memory.to_string()]);
    // panic=-1 reboots at once. On a loaded machine an emulated timer may be late: neither is it broken then, nor is a
    // stall real that lasts only for a while.
    let mut words =
        "console=ttyS0 quiet panic=-1 oops=panic no_timer_check rcupdate.rcu_cpu_stall_timeout=40 watchdog_thresh=30"
            .to_owned();
    match guest.clock {
        Clock::Wall if kvm() => qemu.args(["-smp", "2", "-accel", "kvm", "-cpu", "host"]),
        // Not found out by trying: KVM inside of some virtual machines starts, and then dies in the guest's boot.
        Clock::Wall => {
            words.push_str(PLAIN_LOOPS.1);
            qemu.args(["-smp", "2", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", PLAIN_LOOPS.0])
        }
        Clock::Instructions => {
            words.push_str(PLAIN_LOOPS.1);
            // What a kernel draws at random decides where things lie, and so how many instructions finding them takes.
            words.push_str(" nokaslr norandmaps random.trust_cpu=on");
            qemu.args(["-smp", "1", "-accel", "tcg,thread=single,tb-size=512", "-cpu", PLAIN_LOOPS.0]).args([
                "-icount",
                "shift=0",
                "-seed",
                "1",
                "-rtc",
                "base=2027-01-01,clock=vm",
            ])
        }
    };

    qemu.arg("-kernel").arg(kernel.image).arg("-initrd").arg(folder.join("initramfs"));
    if guest.systemd {
        // The serial console is the kernel's, no login there; and what systemd says would look like the kernel's.
        words.push_str(" systemd.wants=expacti-guest.service systemd.getty_auto=no systemd.show_status=no");
    }
    qemu.args(["-append", &words]);

    // NVMe, because all the kernels have it built in. What is written goes to a temporary file that is gone afterwards.
    let more = guest.disks.iter().enumerate().map(|(number, file)| (format!("more{number}"), file));
    let system = [("root".to_owned(), &root), ("modules".to_owned(), &kernel.modules)];
    for (name, file) in system.into_iter().chain(more) {
        let file = file.display().to_string().replace(',', ",,");
        qemu.arg("-drive").arg(format!("if=none,id={name},format=raw,snapshot=on,cache=unsafe,file={file}"));
        qemu.arg("-device").arg(format!("nvme,drive={name},serial={name}"));
    }

    for name in lines(&guest.task) {
        let path = folder.join(name).display().to_string().replace(',', ",,");
        qemu.arg("-chardev").arg(format!("socket,id={name},path={path}"));
    }
    qemu.args(["-serial", "chardev:console", "-device", "virtio-serial-pci"]);
    for name in &lines(&guest.task)[1..] {
        qemu.arg("-device").arg(match *name {
            "terminal" => "virtconsole,chardev=terminal".to_owned(),
            name => format!("virtserialport,chardev={name},name=expacti.{name}"),
        });
    }

    let mut network = "user,id=network".to_owned();
    for (host, inside) in &guest.forward {
        write!(network, ",hostfwd=tcp:127.0.0.1:{host}-:{inside}")?;
    }
    // Without a boot ROM: it is not booted from.
    qemu.args(["-netdev", &network, "-device", "virtio-net-pci,netdev=network,romfile="]);

    let log = std::fs::File::create(folder.join("qemu.log"))?;
    qemu.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(qemu)
}

/// Whether the user says that KVM works here.
pub(crate) fn kvm() -> bool {
    std::env::var_os("EXPACTI_KVM").is_some()
}
