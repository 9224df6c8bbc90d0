// ROUNDS=N spawn [-n] [-d] [-c CLOCK] FILE ARG...: starts FILE N times and waits for its end each time. (How often stands
// in the environment, so that it is the same command to the gate.)
// Prints what each round took, a line each: nanoseconds, or with -c tsc what the processor's counter counts, which is
// instructions where the emulator says so. With -n each round has a last argument of its own, its number.
// Fails if FILE does not run, or with -d if it does.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

static int by_counter;

static uint64_t now(void) {
    if (by_counter) return __rdtsc();
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

// The number of a round as text of a fixed length, so that each round does the same.
static void number(char *text, uint64_t n) {
    for (int at = 8; at--; n /= 10) text[at] = '0' + n % 10;
    text[8] = 0;
}

int main(int argc, char **argv) {
    int numbered = 0, denied = 0, option;
    while ((option = getopt(argc, argv, "+nc:d")) != -1) {
        if (option == 'n') numbered = 1;
        else if (option == 'd') denied = 1;
        else if (option == 'c') by_counter = !strcmp(optarg, "tsc");
        else return 2;
    }
    char *rounds = getenv("ROUNDS");
    int given = argc - optind;
    if (given < 1 || !rounds) return 2;
    long count = atol(rounds);
    char **words = calloc(given + 2, sizeof *words), text[9];
    memcpy(words, argv + optind, given * sizeof *words);
    if (numbered) words[given] = text;
    uint64_t *took = calloc(count, sizeof *took);
    // Pages that are touched for the first time in the loop would be counted as the gate's.
    memset(took, 1, count * sizeof *took);
    // As many variables as an agent's shell has.
    char *environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LOGNAME=root",
        "SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=xterm-256color", "PWD=/root", "OLDPWD=/", "SHLVL=2", "EDITOR=vi",
        "PAGER=cat", "TMPDIR=/tmp", "XDG_RUNTIME_DIR=/run/user/0", "NO_COLOR=1", "CI=true", 0,
    };
    unsigned start = getpid() * 1000u;
    for (long i = 0; i < count; i++) {
        int status;
        volatile int error = 0;
        if (numbered) number(text, start + i);
        uint64_t before = now();
        pid_t child = vfork();
        if (child == 0) {
            execve(words[0], words, environment);
            error = errno;
            _exit(127);
        }
        if (child < 0 || waitpid(child, &status, 0) != child) return 3;
        took[i] = now() - before;
        if (denied ? error != EPERM : error != 0 || status != 0) {
            fprintf(stderr, "round %ld: error %d, status %#x\n", i, error, status);
            return 4;
        }
    }
    for (long i = 0; i < count; i++) printf("%lu\n", took[i]);
    return 0;
}
