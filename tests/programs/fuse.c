// fuse FOLDER SHOWN RUN: mounts a file system on FOLDER with one executable file, `prog`. Whoever is expacti reads the
// bytes of the file SHOWN in it, and everybody else those of the file RUN. Where SHOWN is "-", expacti gets no answer to
// anything. Prints "mounted", and serves until it is killed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 4 << 20, ROOT = 1, PROG = 2 };

static char shown[SIZE], run[SIZE], request[1 << 17];
static size_t size;
static int device;

static size_t load(const char *path, char *to) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t read_all = 0, part;
    while (file >= 0 && (part = read(file, to + read_all, SIZE - read_all)) > 0) read_all += part;
    if (file < 0 || read_all == SIZE) exit(3);
    close(file);
    return read_all;
}

static int is_expacti(pid_t task) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/%d/exe", task);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    return name && !strcmp(name, "/expacti");
}

static void answer(const struct fuse_in_header *to, int error, const void *body, size_t length) {
    static char out[sizeof(struct fuse_out_header) + (1 << 17)];
    struct fuse_out_header head = {.len = sizeof head + length, .error = -error, .unique = to->unique};
    memcpy(out, &head, sizeof head);
    memcpy(out + sizeof head, body, length);
    write(device, out, head.len);
}

static struct fuse_attr attributes(unsigned long node) {
    struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096, .mtime = 1, .ctime = 1};
    attr.mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0755;
    attr.size = node == ROOT ? 0 : size;
    return attr;
}

static void serve(const struct fuse_in_header *in, const char *body, int stalls) {
    int asks = is_expacti(in->pid);
    if (asks && stalls) return;
    switch (in->opcode) {
    case FUSE_INIT: {
        const struct fuse_init_in *theirs = (const void *)body;
        struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
            .max_readahead = theirs->max_readahead, .max_write = 4096};
        return answer(in, 0, &init, sizeof init);
    }
    case FUSE_LOOKUP: {
        struct fuse_entry_out entry = {.nodeid = PROG, .attr = attributes(PROG)};
        return strcmp(body, "prog") ? answer(in, ENOENT, 0, 0) : answer(in, 0, &entry, sizeof entry);
    }
    case FUSE_GETATTR: {
        struct fuse_attr_out attr = {.attr = attributes(in->nodeid)};
        return answer(in, 0, &attr, sizeof attr);
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
        struct fuse_open_out open = {0};
        return answer(in, 0, &open, sizeof open);
    }
    case FUSE_READ: {
        const struct fuse_read_in *read = (const void *)body;
        size_t from = read->offset < size ? read->offset : size;
        size_t length = read->size < size - from ? read->size : size - from;
        return answer(in, 0, (asks ? shown : run) + from, length);
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
        return answer(in, 0, 0, 0);
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return;
    default:
        answer(in, ENOSYS, 0, 0);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int stalls = !strcmp(argv[2], "-");
    size = load(argv[3], run);
    if (!stalls) {
        size_t other = load(argv[2], shown);
        if (other > size) size = other;
    }
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    char options[96];
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
    if (device < 0 || mount("fuse", argv[1], "fuse", 0, options)) return perror("mount"), 4;
    puts("mounted");
    fflush(stdout);
    for (;;) {
        ssize_t length = read(device, request, sizeof request);
        if (length < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT) return errno == ENODEV ? 0 : 5;
        if (length >= (ssize_t)sizeof(struct fuse_in_header))
            serve((void *)request, request + sizeof(struct fuse_in_header), stalls);
    }
}
