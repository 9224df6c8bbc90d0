//! All maps, and the read-only data that the daemon sets before load.

use core::intrinsics::{AtomicOrdering, atomic_xadd};
use core::ptr;

use aya_ebpf::bindings::bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE;
use aya_ebpf::bindings::{
    BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE, BPF_RB_CONS_POS, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP,
};
use aya_ebpf::btf_maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::{bpf_ringbuf_query, bpf_task_storage_get};
use aya_ebpf::macros::btf_map;
use expacti_abi::control::{Agent, Control, counter};
use expacti_abi::environment::{GROUP, PREFIXES, Prefix, STARTS};
use expacti_abi::limits;
use expacti_abi::offsets::Offsets;
use expacti_abi::seal::LOOKS;
use expacti_abi::task::TaskState;
use expacti_abi::ticket::{CacheKey, Cached, Ticket};
use expacti_abi::watched::{Below, Place, Watch};

use crate::kernel::Task;

/// Hooks write, the daemon reads. Full: attempts wait.
#[btf_map]
pub(crate) static EVENTS: RingBuf<u8, { limits::RING as usize }> = RingBuf::new();

/// The daemon writes and clears, hooks read; the hook on new cgroups adds those that are to be held. Full: the daemon
/// refuses to enrol, and a new cgroup is not held, which is counted.
#[btf_map]
pub(crate) static AGENTS: HashMap<u64, Agent, { limits::MAX_AGENTS as usize }> = HashMap::new();

/// Hooks open tickets and remove those whose verdict was used, the daemon answers and removes those whose task is
/// gone. Full: the attempt is denied with the reason.
#[btf_map]
pub(crate) static TICKETS: HashMap<u64, Ticket, { limits::MAX_TICKETS as usize }> = HashMap::new();

/// The daemon writes and clears, the hook on new cgroups reads; it adds those that `PLACES` says others are expected
/// below, and clears those that are gone. Full: the daemon says so.
#[btf_map]
pub(crate) static PARENTS: HashMap<u64, Below, { limits::MAX_WATCHED as usize }> = HashMap::new();

/// The daemon writes and clears, the hook on new cgroups reads. Full: the daemon says so.
#[btf_map]
pub(crate) static PLACES: HashMap<Place, Watch, { limits::MAX_WATCHED as usize }> = HashMap::new();

/// The daemon writes, hooks read. Full: the kernel forgets what was used longest ago, which only costs a question.
#[btf_map]
pub(crate) static CACHE: LruHashMap<CacheKey, Cached, { limits::MAX_CACHED as usize }> = LruHashMap::new();

/// The daemon writes, hooks read; the exit hook writes the moment of the daemon's death.
#[btf_map]
pub(crate) static CONTROL: Array<Control, 1> = Array::new();

/// The last sequence number given. Only [`next_sequence`] touches it.
#[btf_map]
static SEQUENCE: Array<u64, 1> = Array::new();

/// Hooks count, the daemon reads.
#[btf_map]
static COUNTERS: PerCpuArray<u64, { counter::COUNT as usize }> = PerCpuArray::new();

/// Hooks write and read; the daemon writes marks at enrolment. The kernel frees an entry with its task.
#[btf_map]
static TASKS: TaskStorage<TaskState> = TaskStorage::new();

#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = Offsets::UNSET;

/// Which loaded object this is.
#[unsafe(no_mangle)]
static INSTANCE: u64 = 0;

static PREFIX_TABLE: [Prefix; PREFIXES.len()] = PREFIXES;
static START_TABLE: [u8; 256] = STARTS;

/// Whether a variable that begins with these eight bytes matters. Without branches, which would each double what
/// the verifier has to walk.
#[inline(always)]
pub(crate) fn matters(word: u64) -> bool {
    // The verifier wants a bound it can see; no start is higher.
    let start = usize::from(START_TABLE[word as usize & 0xff]) & 0x7f;
    let mut found = 0_u64;
    for i in 0..GROUP {
        let prefix = &PREFIX_TABLE[start + i];
        let difference = word & prefix.mask ^ prefix.word;
        found |= !(difference | difference.wrapping_neg());
    }
    found >> 63 == 1
}

/// The one set of switches. None: nothing is enrolled, or another loaded object acts.
#[inline(always)]
pub(crate) fn control() -> Option<&'static Control> {
    // SAFETY: a static of the object; volatile so that the loader's value is read and not the initial one.
    let instance = unsafe { ptr::read_volatile(&raw const INSTANCE) };
    CONTROL.get(0).filter(|control| control.levels != 0 && control.instance == instance)
}

/// How an event that nobody waits for is submitted: it wakes the daemon only from its sleep. To be asked after the
/// event's room was reserved; then the daemon, which looks at the ring once more when it has said that it sleeps, sees
/// one or the other. Where both happen in the same nanoseconds the event waits for the next one, or a few seconds.
#[inline(always)]
pub(crate) fn unhurried(control: &Control) -> u64 {
    // SAFETY: an aligned word of a map's value, which the daemon writes.
    let asleep = unsafe { ptr::read_volatile(&raw const control.asleep) };
    u64::from(if asleep == 0 { BPF_RB_NO_WAKEUP } else { BPF_RB_FORCE_WAKEUP })
}

/// How far the daemon has read the ring. It moves as long as somebody reads.
#[inline(always)]
pub(crate) fn read_so_far() -> u64 {
    // SAFETY: the verifier checks that it is a ring; the helper only reads a position.
    unsafe { bpf_ringbuf_query((&raw const EVENTS).cast_mut().cast(), BPF_RB_CONS_POS.into()) }
}

/// The next sequence number. Called only when an event that carries it is sure to be submitted.
#[inline(always)]
pub(crate) fn next_sequence() -> u64 {
    let Some(last) = SEQUENCE.get_ptr_mut(0) else { return 0 };
    // A relaxed addition would become one that does not give the old value back.
    // SAFETY: the map's only value, eight bytes and aligned; every access to it is atomic.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(last, 1) + 1 }
}

/// Counts one.
#[inline(always)]
pub(crate) fn count(slot: u32) {
    if let Some(counter) = COUNTERS.get_ptr_mut(slot) {
        // SAFETY: this CPU's own slot; a lost increment under preemption is only a count.
        unsafe { *counter += 1 };
    }
}

/// An enrolled cgroup as it is now. One that is being replaced again and again meanwhile is gated, and nothing of it is
/// cached.
#[inline(always)]
pub(crate) fn agent(id: u64) -> Option<Agent> {
    let mut found = None;
    for _ in 0..LOOKS {
        let Some(place) = AGENTS.get_ptr(id) else { continue };
        // SAFETY: aligned integers of a map's value, which may be written meanwhile.
        let agent = unsafe {
            Agent {
                flags: ptr::read_volatile(&raw const (*place).flags),
                pad: 0,
                generation: ptr::read_volatile(&raw const (*place).generation),
                made_ns: ptr::read_volatile(&raw const (*place).made_ns),
                seal: ptr::read_volatile(&raw const (*place).seal),
            }
        };
        if agent.is_of(id) {
            return Some(agent);
        }
        found = Some(Agent::default());
    }
    found
}

/// The state of a task, if it is marked.
#[inline(always)]
pub(crate) fn task_state(task: Task) -> Option<&'static mut TaskState> {
    storage(task, 0)
}

/// Marks a task; a state that was not there begins as zeros. None: the kernel has no memory.
#[inline(always)]
pub(crate) fn mark(task: Task, agent: u64) -> Option<&'static mut TaskState> {
    let state = storage(task, BPF_LOCAL_STORAGE_GET_F_CREATE.into())?;
    state.agent = agent;
    Some(state)
}

#[inline(always)]
fn storage(task: Task, flags: u64) -> Option<&'static mut TaskState> {
    // SAFETY: the verifier checks map and task; the helper gives null or the task's own entry, which lives as long
    // as the task.
    unsafe {
        let map = (&raw const TASKS).cast_mut().cast();
        bpf_task_storage_get(map, task.0.cast_mut().cast(), ptr::null_mut(), flags)
            .cast::<TaskState>()
            .as_mut()
    }
}

/// A task storage map. aya-ebpf has no type for it; the loader reads these fields' types from the object's BTF.
#[repr(C)]
struct TaskStorage<T: 'static> {
    r#type: *const [i32; BPF_MAP_TYPE_TASK_STORAGE as usize],
    key: *const i32,
    value: *const T,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; BPF_F_NO_PREALLOC as usize],
}

// SAFETY: only types are read from it; all access goes through the kernel.
unsafe impl<T> Sync for TaskStorage<T> {}

impl<T> TaskStorage<T> {
    const fn new() -> Self {
        Self {
            r#type: ptr::null(),
            key: ptr::null(),
            value: ptr::null(),
            max_entries: ptr::null(),
            map_flags: ptr::null(),
        }
    }
}
