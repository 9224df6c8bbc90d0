//! How the allocator of the C library is used.

/// Keeps freed pieces of memory out of the allocator's fast bins. It empties those bins whenever a larger piece is freed,
/// and the log's threads, which free much that another thread made, spent a quarter of their time on that. To be called
/// before there are threads.
pub fn keep_no_fast_bins() {
    // SAFETY: it sets a limit of the allocator, under the allocator's own locks, and takes no pointer.
    let _where_it_is_not_taken_nothing_changes = unsafe { libc::mallopt(libc::M_MXFAST, 0) };
}

/// Gives free memory back to the kernel. The allocator keeps it, and the start, which reads all rules and the whole
/// kernel's types, leaves more of it than the daemon needs ever after.
pub fn give_back() {
    // SAFETY: it touches nothing but what the allocator holds as free, under the allocator's own locks.
    let _whether_there_was_any = unsafe { libc::malloc_trim(0) };
}
