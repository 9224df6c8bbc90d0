//! Cgroups.

use core::ffi::c_void;
use core::ptr;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use expacti_abi::watched::Place;

use crate::maps::OFFSETS;

/// A `struct cgroup`.
#[derive(Clone, Copy)]
pub(crate) struct Cgroup(pub(crate) *const u8);

impl Cgroup {
    #[inline(always)]
    pub(crate) fn id(self) -> u64 {
        get!(get!(self.0, cgroup_kn: *const u8), kernfs_id: u64)
    }

    #[inline(always)]
    pub(crate) fn level(self) -> u32 {
        get!(self.0, cgroup_level: u32)
    }

    /// The cgroup around. Above the root is nothing: all that is read there is zero.
    #[inline(always)]
    pub(crate) fn parent(self) -> Self {
        Self(get!(get!(self.0, cgroup_parent: *const u8), css_cgroup: *const u8))
    }

    /// Whether it belongs to the hierarchy of version 2. Ids of other hierarchies would be mistaken for its own.
    #[inline(always)]
    pub(crate) fn is_v2(self) -> bool {
        get!(get!(self.0, cgroup_root: *const u8), cgroup_root_number: u32) == 0
    }

    /// Where it lies: its name in the cgroup around it.
    #[inline(always)]
    pub(crate) fn place(self) -> Place {
        let mut place = Place::new(self.parent().id(), &[]);
        let address = get!(get!(self.0, cgroup_kn: *const u8), kernfs_name: u64);
        // SAFETY: the helper writes at most this many bytes, a NUL at their end, and checks the address it reads from.
        unsafe {
            bpf_probe_read_kernel_str(
                ptr::from_mut(&mut place.name).cast::<c_void>(),
                size_of_val(&place.name) as u32,
                address as *const c_void,
            );
        }
        place
    }
}
