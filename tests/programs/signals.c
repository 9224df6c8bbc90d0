// signals MODE FILE: starts FILE as `show AAAA` in a child that is held, for somebody to send signals to. Prints what the
// parent is told of the child: "stopped", "continued", and at the end how it ended. MODE is what the child has prepared:
//   default  nothing
//   ignore   it ignores USR1, TERM and HUP
//   handler  a handler of USR1 changes the argument to EVIL
//   again    a handler of USR1 jumps out of the exec, which is then made once more
//   other    the same, but `show EVIL` is tried before
//   fork     the same, but a child of the child makes the exec
//   leader   a second thread execs, while the first computes
//   two      two threads exec, `show AAAA` and `show CCCC`, once they are told to by a byte
//   vfork    the parent has lent its memory to the child
//   told     it execs once it is told to
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char word[8] = "AAAA", second[8] = "CCCC";
static const char *mode, *file;
static sigjmp_buf out;

static int is(const char *name) { return !strcmp(mode, name); }

static void say(const char *text) {
    if (write(1, text, strlen(text)) < 0) _exit(5);
}

// Always from here, so that every exec has the same argv at the same place.
static int exec(char *argument) {
    static char *arguments[3] = {"show"}, *environment[1];
    static char *others[3] = {"show"};
    char **argv = argument == word ? arguments : others;
    argv[1] = argument;
    syscall(SYS_execve, file, argv, environment);
    return errno == EPERM ? 100 : 101;
}

static void *exec_in_thread(void *argument) { _exit(exec(argument)); }

static void change(int signal) {
    (void)signal;
    memcpy(word, "EVIL", 4);
}

static void jump(int signal) { siglongjmp(out, signal); }

static int after_the_jump(void) {
    say("jumped\n");
    if (is("other")) {
        memcpy(word, "EVIL", 4);
        if (exec(word) == 100) say("refused\n");
        memcpy(word, "AAAA", 4);
    }
    if (is("fork")) {
        int status;
        pid_t child = fork();
        if (child > 0) return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 102;
    }
    return exec(word);
}

static int child(void) {
    pthread_t thread;
    char told;
    if ((is("told") || is("two")) && read(0, &told, 1) != 1) return 104;
    if (is("ignore")) {
        signal(SIGUSR1, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
    } else if (is("handler")) {
        signal(SIGUSR1, change);
    } else if (is("again") || is("other") || is("fork")) {
        signal(SIGUSR1, jump);
        if (sigsetjmp(out, 1)) return after_the_jump();
    } else if (is("leader") || is("two")) {
        if (pthread_create(&thread, 0, exec_in_thread, word)) return 103;
        if (is("two")) return exec(second);
        for (volatile unsigned long count = 0;; count++) { }
    }
    return exec(word);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    mode = argv[1], file = argv[2];
    pid_t pid = is("vfork") ? vfork() : fork();
    if (pid < 0) return 3;
    if (pid == 0) _exit(child());
    for (;;) {
        int status;
        if (waitpid(pid, &status, WUNTRACED | WCONTINUED) != pid) return 4;
        if (WIFSTOPPED(status)) {
            say("stopped\n");
        } else if (WIFCONTINUED(status)) {
            say("continued\n");
        } else {
            if (WIFEXITED(status)) printf("exit %d\n", WEXITSTATUS(status));
            else printf("signal %d\n", WTERMSIG(status));
            return 0;
        }
    }
}
