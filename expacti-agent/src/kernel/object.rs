//! The BPF object inside this binary.

/// The object as an ELF file; none in a binary that plain `cargo build` made.
#[cfg(bpf_object)]
pub(crate) const OBJECT: Option<&[u8]> = {
    /// ELF is read in place, so it has to lie as its own headers expect.
    #[repr(C, align(8))]
    struct Aligned<Bytes: ?Sized>(Bytes);
    static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/expacti.bpf.o")));
    Some(&OBJECT.0)
};

/// The object as an ELF file; none in a binary that plain `cargo build` made.
#[cfg(not(bpf_object))]
pub(crate) const OBJECT: Option<&[u8]> = None;
