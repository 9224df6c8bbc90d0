// meddle MODE FILE: starts FILE with the argument AAAA, and when it reads a line changes it to EVIL while the exec is
// held. MODE is how: "thread", "writev" (process_vm_writev), "mem" (/proc/PID/mem), "ptrace", "registers" (the tracer
// lets argv lie elsewhere), or "chdir" and "chroot" (the directories instead).
// Prints "changed", or "could not change" with the errno, and at the end how the child ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static char word[8] = "AAAA";
static const char *mode, *file;
static pid_t child;
static char *others[] = {"show", "EVIL", 0};

static int start(void *unused) {
    char *arguments[] = {"show", word, 0}, *environment[] = {0};
    syscall(SYS_execve, file, arguments, environment);
    _exit(errno == EPERM ? 100 : 101);
}

static int meddle(void) {
    if (!strcmp(mode, "thread")) {
        memcpy(word, "EVIL", 4);
        return 0;
    }
    if (!strcmp(mode, "chdir")) return chdir("/var");
    if (!strcmp(mode, "chroot")) return chroot("/var");
    if (!strcmp(mode, "writev")) {
        struct iovec from = {"EVIL", 4}, to = {word, 4};
        return process_vm_writev(child, &from, 1, &to, 1, 0) == 4 ? 0 : -1;
    }
    if (!strcmp(mode, "mem")) {
        char path[32];
        snprintf(path, sizeof path, "/proc/%d/mem", child);
        int mem = open(path, O_RDWR);
        return mem >= 0 && pwrite(mem, "EVIL", 4, (off_t)word) == 4 ? 0 : -1;
    }
    if (ptrace(PTRACE_SEIZE, child, 0, 0)) return -1;
    if (ptrace(PTRACE_INTERRUPT, child, 0, 0)) return -1;
    if (waitpid(child, 0, __WALL) < 0) return -1;
    if (!strcmp(mode, "registers")) {
        struct user_regs_struct registers;
        if (ptrace(PTRACE_GETREGS, child, 0, &registers)) return -1;
        registers.rsi = (unsigned long)others;
        if (ptrace(PTRACE_SETREGS, child, 0, &registers)) return -1;
        return ptrace(PTRACE_DETACH, child, 0, 0);
    }
    long data = 0;
    memcpy(&data, "EVIL", 4);
    if (ptrace(PTRACE_POKEDATA, child, word, data)) return -1;
    return ptrace(PTRACE_DETACH, child, 0, 0);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    mode = argv[1], file = argv[2];
    static char stack[65536] __attribute__((aligned(16)));
    int shared = !strcmp(mode, "thread") || !strncmp(mode, "ch", 2) ? CLONE_VM | CLONE_FS : 0;
    child = clone(start, stack + sizeof stack, shared | SIGCHLD, 0);
    if (child < 0) return 3;
    char line[16];
    if (read(0, line, sizeof line) <= 0) return 4;
    if (meddle()) printf("could not change: errno %d\n", errno);
    else printf("changed\n");
    fflush(stdout);
    int status;
    while (waitpid(child, &status, __WALL) != child) { }
    if (WIFEXITED(status)) printf("exit %d\n", WEXITSTATUS(status));
    else printf("signal %d\n", WTERMSIG(status));
    return 0;
}
