//! Who is at the other end of a connection.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::tls::TlsListener;

/// The process or machine that connected.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// A process of this host.
    Local(Arc<Process>),
    /// Over the network.
    Remote {
        /// From where.
        address: SocketAddr,
        /// Nobody on the way reads along.
        tls: bool,
    },
    /// The kernel would not say. Nothing is done for it.
    Unknown,
}

/// A process that connected.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pidfd: OwnedFd,
}

impl Process {
    /// The process that connected still lives, so that its number is not somebody else's by now.
    pub(super) fn is_alive(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
    }
}

impl Peer {
    fn of(stream: &UnixStream) -> Self {
        let Ok(credentials) = stream.peer_cred() else { return Self::Unknown };
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
        match (pid, pidfd_of(stream)) {
            (Some(pid), Some(pidfd)) => Self::Local(Arc::new(Process { pid, uid: credentials.uid(), pidfd })),
            _ => Self::Unknown,
        }
    }

    /// Whether it is a connection over TLS.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Self::Remote { tls: true, .. })
    }

    /// What requests are counted by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Local(process) => format!("uid {}", process.uid),
            Self::Remote { address, .. } => address.ip().to_string(),
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

/// A handle of exactly the process that connected: from the socket since 6.5, by number before.
fn pidfd_of(stream: &UnixStream) -> Option<OwnedFd> {
    const SO_PEERPIDFD: libc::c_int = 77;
    let mut fd: libc::c_int = -1;
    let mut len = libc::socklen_t::try_from(size_of::<libc::c_int>()).ok()?;
    let socket = std::os::fd::AsRawFd::as_raw_fd(&stream.as_fd());
    // SAFETY: `fd` and `len` live through the call and have the sizes that it is told.
    let failed = unsafe {
        libc::getsockopt(socket, libc::SOL_SOCKET, SO_PEERPIDFD, (&raw mut fd).cast(), &raw mut len)
    };
    if failed == 0 && fd >= 0 {
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        return Some(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    let pid = Pid::from_raw(stream.peer_cred().ok()?.pid()?)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self::of(stream.io())
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self::Remote { address: *stream.remote_addr(), tls: false }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self::Remote { address: *stream.remote_addr(), tls: true }
    }
}
