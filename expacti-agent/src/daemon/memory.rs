//! Memory that was needed once.

/// Gives free memory back to the kernel. The allocator keeps it, and the start, which reads all rules twice and the whole
/// kernel's types, leaves more of it than the daemon needs ever after.
pub(super) fn give_back() {
    // SAFETY: it touches nothing but what the allocator holds as free, under the allocator's own locks.
    let _whether_there_was_any = unsafe { libc::malloc_trim(0) };
}
