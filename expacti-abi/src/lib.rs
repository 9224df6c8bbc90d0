//! What crosses the line between the kernel programs and the daemon.
#![no_std]
