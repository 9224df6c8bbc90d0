// Makes one system call against somebody else and prints the errno: attack CALL ARG...
// A libc would hide some of them, and tools make others first.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int attack(const char *call, int argc, char **argv) {
    long pid = argc > 0 ? atol(argv[0]) : 0;
    int number = argc > 1 ? atoi(argv[1]) : 0;
    if (!strcmp(call, "kill")) return kill(pid, number);
    if (!strcmp(call, "tgkill")) return syscall(SYS_tgkill, pid, pid, number);
    if (!strcmp(call, "pidfd_send_signal")) {
        int pidfd = syscall(SYS_pidfd_open, pid, 0);
        return pidfd < 0 ? -2 : syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
    }
    if (!strcmp(call, "sigio")) {
        // The owner of a socket gets a signal of our choice when something can be read.
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return -2;
        if (fcntl(pair[0], F_SETOWN, (int)pid) || fcntl(pair[0], F_SETSIG, number)) return -2;
        if (fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK)) return -2;
        return write(pair[1], "x", 1) == 1 ? 0 : -2;
    }
    if (!strcmp(call, "seize")) return ptrace(PTRACE_SEIZE, pid, 0, 0);
    if (!strcmp(call, "attach")) return ptrace(PTRACE_ATTACH, pid, 0, 0);
    if (!strcmp(call, "pidfd_getfd")) {
        int pidfd = syscall(SYS_pidfd_open, pid, 0);
        return pidfd < 0 ? -2 : syscall(SYS_pidfd_getfd, pidfd, 0, 0);
    }
    if (!strcmp(call, "writev")) {
        char byte = 0;
        struct iovec here = {&byte, 1}, there = {(void *)0x1000, 1};
        return process_vm_writev(pid, &here, 1, &there, 1, 0);
    }
    if (!strcmp(call, "bpf")) {
        char attributes[128] = {0};
        return syscall(SYS_bpf, (int)pid, attributes, sizeof attributes);
    }
    if (!strcmp(call, "read")) return open(argv[0], O_RDONLY | O_CLOEXEC);
    if (!strcmp(call, "write")) return open(argv[0], O_WRONLY | O_CLOEXEC);
    if (!strcmp(call, "readlink")) {
        char target[64];
        return readlink(argv[0], target, sizeof target);
    }
    if (!strcmp(call, "unlink")) return unlink(argv[0]);
    if (!strcmp(call, "rename")) return rename(argv[0], argv[1]);
    if (!strcmp(call, "umount")) return umount2(argv[0], MNT_DETACH);
    if (!strcmp(call, "prlimit")) {
        struct rlimit limit = {1, 1};
        return prlimit(pid, RLIMIT_CPU, &limit, NULL);
    }
    if (!strcmp(call, "affinity")) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(0, &set);
        return sched_setaffinity(pid, sizeof set, &set);
    }
    if (!strcmp(call, "module")) return syscall(SYS_finit_module, -1, "", 0);
    if (!strcmp(call, "nice")) return setpriority(PRIO_PROCESS, pid, 19);
    return -2;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    errno = 0;
    int result = attack(argv[1], argc - 2, argv + 2);
    if (result == -2) {
        printf("cannot even try: %s\n", strerror(errno));
        return 2;
    }
    printf("errno %d\n", result < 0 ? errno : 0);
    return 0;
}
