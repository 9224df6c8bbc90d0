// notify FILE ARG...: starts FILE under a seccomp filter that asks us about every exec, and lets each go on, as the
// smallest responder to SECCOMP_RET_USER_NOTIF does. Ends as FILE does.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_to_execs(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int line[2], status;
    if (pipe(line)) return 3;
    pid_t child = fork();
    if (child == 0) {
        int listener = listen_to_execs();
        if (write(line[1], &listener, sizeof listener) != sizeof listener || listener < 0) _exit(126);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    int theirs;
    if (read(line[0], &theirs, sizeof theirs) != sizeof theirs || theirs < 0) return 4;
    int process = syscall(SYS_pidfd_open, child, 0);
    int listener = syscall(SYS_pidfd_getfd, process, theirs, 0);
    if (listener < 0) return 5;
    struct pollfd waits[2] = {{listener, POLLIN}, {process, POLLIN}};
    for (;;) {
        if (poll(waits, 2, -1) < 0) return 6;
        if (waits[0].revents & POLLIN) {
            struct seccomp_notif asked;
            memset(&asked, 0, sizeof asked);
            // Gone again, if whoever asked has died.
            if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) continue;
            struct seccomp_notif_resp answer = {asked.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        } else if (waits[1].revents) {
            break;
        }
    }
    if (waitpid(child, &status, 0) != child) return 7;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 8;
}
