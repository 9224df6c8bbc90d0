// sharing FILE: a child that shares its working directory execs FILE. For each line that is read, twenty more such
// children are asked for, and how many the kernel refused is printed.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child(void) { return syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0); }

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (child() == 0) {
        execl(argv[1], argv[1], (char *)0);
        _exit(100);
    }
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        int refused = 0;
        for (int i = 0; i < 20; i++) {
            pid_t one = child();
            if (one == 0) _exit(0);
            if (one < 0) refused++;
            else waitpid(one, 0, 0);
        }
        printf("refused %d\n", refused);
        fflush(stdout);
    }
    return 0;
}
