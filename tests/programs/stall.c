// stall FILE: once a line is read, execs FILE with an argv that does not fit into an event. Once another line is read,
// one page of that argv answers nobody any more. Prints "round" whenever the gate lets the exec begin anew, and "gone" once
// the page is.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, LONG = 20000 };

static int server;
static char *page;

static void say(const char *text) { write(1, text, strlen(text)); }
static void round_begins(int signal) { say("round\n"); }

static void *serve(void *unused) {
    static char content[PAGE] __attribute__((aligned(PAGE))) = "stalled";
    struct pollfd fds[] = {{server, POLLIN, 0}, {0, POLLIN, 0}};
    for (;;) {
        poll(fds, 2, -1);
        if (fds[1].revents) {
            madvise(page, PAGE, MADV_DONTNEED);
            say("gone\n");
            for (;;) pause();
        }
        struct uffd_msg fault;
        if (read(server, &fault, sizeof fault) != sizeof fault) continue;
        struct uffdio_copy copy = {.dst = (unsigned long)page, .src = (unsigned long)content, .len = PAGE};
        ioctl(server, UFFDIO_COPY, &copy);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    server = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    struct uffdio_api api = {.api = UFFD_API};
    page = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {
        .range = {(unsigned long)page, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (server < 0 || ioctl(server, UFFDIO_API, &api) || ioctl(server, UFFDIO_REGISTER, &range)) return 3;
    struct sigaction action = {.sa_handler = round_begins};
    sigaction(SIGCONT, &action, 0);
    char line;
    while (read(0, &line, 1) == 1 && line != '\n') { }
    pthread_t thread;
    if (pthread_create(&thread, 0, serve, 0)) return 4;
    char *padding = malloc(LONG + 1);
    memset(padding, 'x', LONG);
    padding[LONG] = 0;
    char *arguments[] = {argv[1], padding, page, 0}, *environment[] = {0};
    syscall(SYS_execve, argv[1], arguments, environment);
    for (;;) pause();
}
