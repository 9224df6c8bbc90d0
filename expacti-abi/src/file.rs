//! Identity of files and folders.

/// What a file is, beside its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FileId {
    /// Inode number.
    pub ino: u64,
    /// Seconds of the inode's change time.
    pub ctime_s: i64,
    /// Bytes.
    pub size: u64,
    /// Magic number of the file system.
    pub fs_magic: u64,
    /// Nanoseconds of the inode's change time.
    pub ctime_ns: u32,
    /// Device of the file system, in the kernel's own encoding (`major << 20 | minor`).
    pub dev: u32,
    /// Type and permission bits.
    pub mode: u32,
    /// Names; none for a deleted file or a memfd.
    pub nlink: u32,
}

const _: () = assert!(size_of::<FileId>() == 48);

impl FileId {
    /// The words that go into a digest: what changes when another file, or another content, is behind a name.
    #[inline]
    pub fn words(&self) -> [u64; 5] {
        [
            self.ino,
            self.ctime_s.cast_unsigned(),
            self.size,
            u64::from(self.ctime_ns) << 32 | u64::from(self.dev),
            u64::from(self.mode) << 32 | u64::from(self.nlink),
        ]
    }
}

/// A folder: working directory or root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct DirId {
    /// Inode number.
    pub ino: u64,
    /// The kernel's address of its mount. It tells two mounts apart and is never shown.
    pub mount: u64,
    /// Device of the file system, in the kernel's own encoding.
    pub dev: u32,
    /// Zero.
    pub pad: u32,
}

const _: () = assert!(size_of::<DirId>() == 24);
