// Calls execve as it is, without a libc in between: exec_raw FILE ARG...
// Prints the errno and exits with 1 if that returns.
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <errno.h>

int main(int argc, char **argv, char **envp) {
    if (argc < 3) return 2;
    syscall(SYS_execve, argv[1], argv + 2, envp);
    printf("errno %d\n", errno);
    return 1;
}
