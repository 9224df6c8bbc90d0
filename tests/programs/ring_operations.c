// Prints the number of the last operation that io_uring of this kernel knows.
#include <linux/io_uring.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    struct io_uring_params params = {0};
    int ring = syscall(SYS_io_uring_setup, 1, &params);
    if (ring < 0) return perror("io_uring_setup"), 3;
    static char space[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
    struct io_uring_probe *probe = (void *)space;
    if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_PROBE, probe, 256)) return perror("probe"), 4;
    printf("%d\n", probe->last_op);
    return 0;
}
