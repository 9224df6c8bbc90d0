// Prints its first argument and ends: what is printed is what ran.
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc > 1) {
        write(1, argv[1], strlen(argv[1]));
        write(1, "\n", 1);
    }
    return 0;
}
