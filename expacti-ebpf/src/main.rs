//! The kernel side of expacti. The hooks stand in the order in which the kernel calls them on the road of an exec.
#![no_std]
#![no_main]
// The BPF target has atomic addition but no compare-and-swap, so core hides both behind its intrinsics.
#![feature(core_intrinsics)]
#![expect(internal_features, reason = "the only way to an atomic addition on this target")]
#![expect(
    clippy::inline_always,
    reason = "a call costs one of eight frames and hides types from the verifier"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "registers are 64 bits wide and helpers take what they take; bounds are checked where they matter"
)]
#![expect(
    clippy::cast_ptr_alignment,
    reason = "fields are aligned in the kernel's structs, and BPF checks accesses"
)]
#![expect(clippy::similar_names, reason = "argc and argv, uid and gid are what the kernel calls them")]
#![expect(clippy::needless_pass_by_value, reason = "a context that is used up cannot be used twice")]

mod after;
mod attempt;
mod cache;
mod caller;
mod defence;
mod hook;
mod kernel;
mod maps;
mod member;
mod newcomer;
mod page;
mod report;
mod strings;
mod ticket;
mod wait;

#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // The linker drops this: the verifier would refuse an object in which it can be reached.
    loop {}
}
