// ringlevel FILE: looks at a ring that is pinned in a BPF file system, 200 times a second and from outside, until its
// input ends. Then prints the most bytes that waited in it. Says "ready" first.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// A ring begins with a page for how far it is read, and one for how far it is written.
static volatile uint64_t *position(int ring, int page) {
    long size = sysconf(_SC_PAGESIZE);
    void *mapped = mmap(0, size, PROT_READ, MAP_SHARED, ring, page * size);
    return mapped == MAP_FAILED ? 0 : mapped;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.pathname = (uintptr_t)argv[1];
    // Not BPF_F_RDONLY: what is opened for reading alone cannot be mapped shared, and so not at all.
    int ring = syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof attr);
    if (ring < 0) {
        perror(argv[1]);
        return 1;
    }
    volatile uint64_t *read_to = position(ring, 0), *written_to = position(ring, 1);
    if (!read_to || !written_to) {
        perror("mmap");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    uint64_t most = 0;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    while (poll(&input, 1, 5) == 0) {
        // In this order, so that what is read meanwhile makes it less and not more.
        uint64_t written = *written_to, read = *read_to;
        if (written > read && written - read > most) most = written - read;
    }
    printf("%llu\n", (unsigned long long)most);
    return 0;
}
