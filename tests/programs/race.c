// race MODE TIMES FILE: starts FILE again and again with an argument that somebody changes all the while, and counts
// what ran. MODE is who changes it: "thread" of the caller, or "sibling", a process that shares the caller's memory.
// Prints: asked A, unasked B, refused R, killed K. Nobody may ever see B run.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char word[8] = "AAAA";
static volatile int ended;

static int change(void *unused) {
    unsigned random = 1;
    while (!ended) {
        random = random * 1103515245u + 12345u;
        *(volatile unsigned *)word = 0x42424242;
        for (volatile unsigned i = 0; i < (random >> 16 & 63); i++) { }
        *(volatile unsigned *)word = 0x41414141;
        for (volatile unsigned i = 0; i < (random >> 20 & 255); i++) { }
    }
    return 0;
}

static void *change_in_thread(void *unused) {
    change(0);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int times = atoi(argv[2]), asked = 0, unasked = 0, refused = 0, killed = 0, other = 0;
    static char stack[65536] __attribute__((aligned(16)));
    pthread_t thread;
    pid_t sibling = 0;
    if (!strcmp(argv[1], "thread")) {
        if (pthread_create(&thread, 0, change_in_thread, 0)) return 3;
    } else {
        sibling = clone(change, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, 0);
        if (sibling < 0) return 3;
    }
    for (int i = 0; i < times; i++) {
        int pipes[2];
        if (pipe(pipes)) return 4;
        char *arguments[] = {"show", (char *)word, 0}, *environment[] = {0};
        // The child shares our memory until its exec, so the change goes on under it.
        pid_t child = vfork();
        if (child == 0) {
            dup2(pipes[1], 1);
            syscall(SYS_execve, argv[3], arguments, environment);
            _exit(errno == EPERM ? 100 : 101);
        }
        close(pipes[1]);
        char said[8] = "";
        int got = 0, more;
        while ((more = read(pipes[0], said + got, sizeof said - got)) > 0) got += more;
        close(pipes[0]);
        int status;
        while (waitpid(child, &status, 0) != child) { }
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !got) killed++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == 100) refused++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !memcmp(said, "AAAA\n", 5)) asked++;
        else if (memchr(said, 'B', got)) unasked++;
        else other++;
    }
    ended = 1;
    if (sibling) waitpid(sibling, 0, 0);
    else pthread_join(thread, 0);
    printf("asked %d unasked %d refused %d killed %d other %d\n", asked, unasked, refused, killed, other);
    return 0;
}
