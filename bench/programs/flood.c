// flood COUNT FILE ARG...: starts FILE COUNT times side by side, each time with a last argument of its own, and waits for
// all of them. It says so once all are born.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    long count = atol(argv[1]);
    char **words = calloc(argc, sizeof *words), last[24];
    memcpy(words, argv + 2, (argc - 2) * sizeof *words);
    words[argc - 2] = last;
    for (long i = 0; i < count; i++) {
        snprintf(last, sizeof last, "%ld", i);
        pid_t child = fork();
        if (child < 0) return 3;
        if (child == 0) {
            execv(words[0], words);
            _exit(127);
        }
    }
    puts("born");
    fflush(stdout);
    while (wait(0) > 0) {}
    return 0;
}
