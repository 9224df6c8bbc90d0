//! Where cgroups are expected in which nothing may run before it is known whose they are.

/// Bytes of a cgroup's name that are compared, its NUL included. A longer name is told from others by its beginning.
pub const NAME: usize = 64;

/// Beginnings of names that one folder may be watched for.
pub const MAX_PREFIXES: usize = 4;

/// A name in a folder, for a cgroup that is expected exactly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct Place {
    /// The id of the cgroup around it.
    pub parent: u64,
    /// Its name, zeros behind it; cut to leave one zero at least.
    pub name: [u8; NAME],
}

const _: () = assert!(size_of::<Place>() == 8 + NAME);

impl Place {
    /// Of a name as the kernel programs read it.
    pub fn new(parent: u64, name: &[u8]) -> Self {
        let mut place = Self { parent, name: [0; NAME] };
        let kept = name.len().min(NAME - 1);
        place.name[..kept].copy_from_slice(&name[..kept]);
        place
    }
}

/// How a name begins: as two words, of which only the bits of the mask count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Prefix {
    /// The first sixteen bytes.
    pub words: [u64; 2],
    /// Those of them that count.
    pub masks: [u64; 2],
}

impl Prefix {
    /// Of text; beyond sixteen bytes it is not compared.
    pub fn new(text: &[u8]) -> Self {
        let mut bytes = ([0; 16], [0; 16]);
        for ((byte, mask), wanted) in bytes.0.iter_mut().zip(&mut bytes.1).zip(text) {
            (*byte, *mask) = (*wanted, 0xff);
        }
        Self { words: halves(bytes.0), masks: halves(bytes.1) }
    }
}

/// The first two words of a name.
pub fn first_words(name: &[u8; NAME]) -> [u64; 2] {
    let mut first = [0; 16];
    first.copy_from_slice(&name[..16]);
    halves(first)
}

fn halves(bytes: [u8; 16]) -> [u64; 2] {
    let (mut low, mut high) = ([0; 8], [0; 8]);
    low.copy_from_slice(&bytes[..8]);
    high.copy_from_slice(&bytes[8..]);
    [u64::from_ne_bytes(low), u64::from_ne_bytes(high)]
}

/// What is expected below a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Below {
    /// Bit N is set where they lie at level N of the hierarchy. None: nothing below it is anybody's, whatever is expected
    /// further up.
    pub levels: u64,
    /// Zero, or [`super::control::agent::FAIL_OPEN`].
    pub flags: u32,
    /// How many of `prefixes` count. None: any name does.
    pub count: u32,
    /// How their names begin.
    pub prefixes: [Prefix; MAX_PREFIXES],
}

const _: () = assert!(size_of::<Below>() == 16 + 32 * MAX_PREFIXES);

/// What a cgroup at a [`Place`] is. Where it is neither held nor watched it is nobody's, whatever is expected further up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Watch {
    /// Not zero: it is expected itself, and nothing runs in it before the daemon has said whose it is.
    pub held: u32,
    /// Not zero: others are expected below it.
    pub watched: u32,
    /// Which others, and for itself the flags.
    pub below: Below,
}

const _: () = assert!(size_of::<Watch>() == 8 + size_of::<Below>());
