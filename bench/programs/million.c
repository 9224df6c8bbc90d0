// Prints what the processor's counter says of a loop of a million instructions.
#include <stdint.h>
#include <stdio.h>
#include <x86intrin.h>

int main(void) {
    uint64_t least = ~0ull;
    for (int i = 0; i < 5; i++) {
        uint64_t left = 500000, before = __rdtsc();
        __asm__ volatile("1: dec %0; jnz 1b" : "+r"(left));
        uint64_t took = __rdtsc() - before;
        // A timer that rings in between has instructions of its own.
        if (took < least) least = took;
    }
    printf("%lu\n", least);
    return 0;
}
