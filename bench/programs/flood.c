// flood BATCH FILE ARG...: starts FILE BATCH times side by side for each byte on its input, each time with a last argument
// of its own; at the input's end it waits for all of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    long batch = atol(argv[1]), number = 0;
    char **words = calloc(argc, sizeof *words), last[24], byte;
    memcpy(words, argv + 2, (argc - 2) * sizeof *words);
    words[argc - 2] = last;
    while (read(0, &byte, 1) == 1) {
        for (long i = 0; i < batch; i++) {
            snprintf(last, sizeof last, "%ld", number++);
            pid_t child = fork();
            if (child < 0) return 3;
            if (child == 0) {
                execv(words[0], words);
                _exit(127);
            }
        }
    }
    while (wait(0) > 0) {}
    return 0;
}
