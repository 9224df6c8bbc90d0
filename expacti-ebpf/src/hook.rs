//! One hook a file.

mod cgroup_gone;
mod cgroup_made;
mod check;
mod committed;
mod exit;
mod mark;
mod task_alloc;

// Self-defence.
mod bpf;
mod file_open;
mod file_sigio;
mod inode_rename;
mod inode_unlink;
mod ptrace;
mod sb_umount;
mod setnice;
mod setrlimit;
mod setscheduler;
mod task_kill;
