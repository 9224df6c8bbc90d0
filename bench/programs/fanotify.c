// fanotify PLACE: allows every exec from the mount that PLACE is on, as the smallest responder to FAN_OPEN_EXEC_PERM does.
// Says "ready" once it listens.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int group = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY | O_LARGEFILE);
    if (group < 0 || fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[1])) {
        perror("fanotify");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    struct fanotify_event_metadata events[64], *event;
    for (;;) {
        ssize_t length = read(group, events, sizeof events);
        if (length < 0) return 1;
        for (event = events; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
            struct fanotify_response response = {event->fd, FAN_ALLOW};
            if (write(group, &response, sizeof response) != sizeof response) return 1;
            close(event->fd);
        }
    }
}
