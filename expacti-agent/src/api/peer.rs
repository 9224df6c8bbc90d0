//! Who is at the other end of a connection.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OnceCell, Semaphore};

use super::sockets::{Origin, origin_of};
use super::tls::TlsListener;

/// The process or machine that connected.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// A process of this host, over a Unix socket.
    Local {
        /// Which.
        process: Arc<Process>,
        /// Its user, as the kernel knows them.
        uid: u32,
    },
    /// Over TCP.
    Remote(Arc<Remote>),
    /// The kernel would not say. Nothing is done for it.
    Unknown,
}

/// The other end of a TCP connection.
#[derive(Debug)]
pub(crate) struct Remote {
    address: SocketAddr,
    /// Ours.
    local: SocketAddr,
    /// Nobody on the way reads along.
    tls: bool,
    origin: OnceCell<Origin>,
}

/// A process of this host.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pidfd: OwnedFd,
}

impl Process {
    /// The one that has this number now.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let number = Pid::from_raw(i32::try_from(pid).ok()?)?;
        let pidfd = rustix::process::pidfd_open(number, PidfdFlags::empty()).ok()?;
        Some(Self { pid, pidfd })
    }

    /// The process that connected still lives, so that its number is not somebody else's by now.
    pub(super) fn is_alive(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
    }
}

impl Remote {
    /// Whose connection it is, which is looked for once. `turn` limits how many look at the same time.
    pub(super) async fn find(self: &Arc<Self>, turn: &Semaphore) {
        let look = async || {
            let _turn = turn.acquire().await;
            let (address, local) = (self.address, self.local);
            let found = tokio::task::spawn_blocking(move || origin_of(address, local)).await;
            found.unwrap_or(Origin::Hidden("the search for it failed"))
        };
        self.origin.get_or_init(look).await;
    }

    /// Whose connection it is, once that was looked for.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.get()
    }
}

impl Peer {
    fn of(stream: &UnixStream) -> Self {
        let Ok(credentials) = stream.peer_cred() else { return Self::Unknown };
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
        match (pid, pidfd_of(stream)) {
            (Some(pid), Some(pidfd)) => {
                Self::Local { process: Arc::new(Process { pid, pidfd }), uid: credentials.uid() }
            }
            _ => Self::Unknown,
        }
    }

    fn over_tcp(address: SocketAddr, stream: &TcpStream, tls: bool) -> Self {
        let Ok(local) = stream.local_addr() else { return Self::Unknown };
        Self::Remote(Arc::new(Remote { address, local, tls, origin: OnceCell::new() }))
    }

    /// Whether it is a connection over TLS.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Self::Remote(remote) if remote.tls)
    }

    /// What requests are counted by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Local { uid, .. } => format!("uid {uid}"),
            Self::Remote(remote) => remote.address.ip().to_string(),
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
    Some(Process::of(u32::try_from(stream.peer_cred().ok()?.pid()?).ok()?)?.pidfd)
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self::of(stream.io())
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self::over_tcp(*stream.remote_addr(), stream.io(), false)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self::over_tcp(*stream.remote_addr(), stream.io().get_ref().0, true)
    }
}
