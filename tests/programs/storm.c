// storm MODE TIMES WORKERS FILE WORD...: starts FILE as `show WORD` again and again, the words in turn, and counts for each
// word what came of it. MODE is how: "storm", one after the other by each worker; "until", the same until standard
// input ends, whatever TIMES says; "bomb", all at once; "pace", WORKERS of them a second, whatever becomes of those before.
// Prints a line for each word: WORD ran A refused B other C; and one of how many milliseconds late the pace was at most.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 8, STACK = 16384 };
struct counts { int ran, refused, other; };

static const char *file;
static char **words;
static int word_count;
static struct counts *counts;

static int become(void *word) {
    char *arguments[] = {"show", word, 0}, *environment[] = {0};
    syscall(SYS_execve, file, arguments, environment);
    _exit(errno == EPERM ? 100 : 101);
}

static pid_t start(int word, int by_vfork) {
    pid_t pid = by_vfork ? vfork() : fork();
    if (pid == 0) become(words[word]);
    return pid;
}

static void count(int word, int status) {
    int *counter = &counts[word].other;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) counter = &counts[word].ran;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 100) counter = &counts[word].refused;
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static int told_to_end(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, 0) != 0;
}

static void work(int times, int until) {
    for (int i = 0; until ? !told_to_end() : i < times; i++) {
        int status, word = i % word_count;
        pid_t pid = start(word, 1);
        if (pid < 0 || waitpid(pid, &status, 0) != pid) _exit(3);
        count(word, status);
    }
}

static void explode(int times) {
    pid_t *children = calloc(times, sizeof *children);
    for (int i = 0; i < times; i++) children[i] = start(i % word_count, 0);
    for (int i = 0; i < times; i++) {
        int status;
        if (children[i] < 0 || waitpid(children[i], &status, 0) != children[i]) _exit(4);
        count(i % word_count, status);
    }
}

static long long now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long late_most;

// Who starts them must not wait for a processor behind them: they would be offered when there is room, and not at a pace.
static void go_first(void) {
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first)) _exit(6);
}

// In our memory until it has its own: to copy ours takes longer than there is time for one.
static pid_t start_beside(int word, char *stack) {
    return clone(become, stack + STACK, CLONE_VM | SIGCHLD, words[word]);
}

static void keep_pace(int times, int each_second) {
    go_first();
    pid_t *children = calloc(times, sizeof *children);
    // All at once: to change what is mapped has to wait for those who have begun.
    size_t size = (size_t)times * STACK;
    char *stacks = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!children || stacks == MAP_FAILED) _exit(4);
    long long begin = now();
    for (int i = 0, ended = 0; i < times || ended < times;) {
        long long due = begin + i * 1000000000LL / each_second, left = due - now();
        if (i < times && left <= 0) {
            if (-left > late_most) late_most = -left;
            children[i] = start_beside(i % word_count, stacks + (size_t)i * STACK);
            if (children[i++] < 0) _exit(4);
            continue;
        }
        int status;
        if (ended < i && waitpid(children[ended], &status, i < times ? WNOHANG : 0) == children[ended]) {
            count(ended++ % word_count, status);
        } else if (i < times) {
            struct timespec until = {due / 1000000000, due % 1000000000};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 6 || argc - 5 > WORDS) return 2;
    int times = atoi(argv[2]), workers = atoi(argv[3]), silence = open("/dev/null", O_WRONLY), said = dup(1);
    file = argv[4], words = argv + 5, word_count = argc - 5;
    counts = mmap(0, sizeof *counts * WORDS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED) return 2;
    fcntl(said, F_SETFD, FD_CLOEXEC);
    dup2(silence, 1);
    if (!strcmp(argv[1], "bomb")) {
        explode(times);
    } else if (!strcmp(argv[1], "pace")) {
        keep_pace(times, workers);
    } else {
        for (int i = 0; i < workers; i++) {
            if (fork() == 0) {
                work(times / workers, !strcmp(argv[1], "until"));
                _exit(0);
            }
        }
        int status, failed = 0;
        while (wait(&status) > 0) failed |= status;
        if (failed) return 5;
    }
    for (int i = 0; i < word_count; i++) {
        dprintf(said, "%s ran %d refused %d other %d\n", words[i], counts[i].ran, counts[i].refused, counts[i].other);
    }
    dprintf(said, "late %lld\n", late_most / 1000000);
    return 0;
}
