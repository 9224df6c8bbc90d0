//! One hook a file.

mod check;
mod committed;
mod exit;
mod task_alloc;
