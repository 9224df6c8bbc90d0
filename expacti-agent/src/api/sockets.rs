//! Which processes of this host are at the other end of a TCP connection.
//!
//! A Unix socket tells who connected; TCP tells an address, and everything on this host can come from 127.0.0.1. But
//! whoever connects from this host has a socket in one of its network namespaces, and some process has that socket open.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::peer::Process;

/// `TCP_ESTABLISHED` of the kernel's `tcp_states.h`.
const ESTABLISHED: u8 = 1;

/// Where a TCP connection comes from.
#[derive(Debug)]
pub(super) enum Origin {
    /// These processes of this host have it open, at least one.
    Here(Vec<Process>),
    /// No process of this host has it, in none of its network namespaces.
    Elsewhere,
    /// From this host, or perhaps from it, and nobody can tell from whom.
    Hidden(&'static str),
}

/// Looks for the other end of a connection between `peer` and our `local` address. Reads all of /proc: call it where that
/// keeps nobody waiting.
pub(super) fn origin_of(peer: SocketAddr, local: SocketAddr) -> Origin {
    let (peer, local) = (canonical(peer), canonical(local));
    match search(peer, local) {
        Ok(Some(origin)) => origin,
        Err(_) => Origin::Hidden("the sockets of this host cannot be read"),
        // What is open by now was open all the time, so it would have been found.
        Ok(None) if !is_established(local, peer) => Origin::Hidden("the connection ended too early"),
        Ok(None) if peer.ip().is_loopback() || peer.ip() == local.ip() => {
            Origin::Hidden("it comes from this host, and no process has it")
        }
        Ok(None) => Origin::Elsewhere,
    }
}

fn search(peer: SocketAddr, local: SocketAddr) -> io::Result<Option<Origin>> {
    let ours = Path::new("/proc/self");
    let mut inodes: BTreeSet<u64> = sockets(ours)?
        .filter(|socket| socket.local == peer && socket.remote == local)
        .map(|socket| socket.inode)
        .collect();
    if inodes.is_empty() {
        // What a container calls us may be another address than the one that it reached us by.
        for process in one_of_each_other_network(ours)? {
            // It may have ended.
            let there = sockets(&process).into_iter().flatten();
            inodes.extend(there.filter(|socket| socket.local == peer).map(|socket| socket.inode));
        }
    }
    // A socket that its process has closed already has none.
    inodes.remove(&0);
    if inodes.is_empty() {
        return Ok(None);
    }
    let names = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let holders = holders(&names)?;
    Ok(Some(if holders.is_empty() {
        Origin::Hidden("it comes from this host, and no process has it")
    } else {
        Origin::Here(holders)
    }))
}

/// Every process that has one of these sockets open.
fn holders(names: &BTreeSet<String>) -> io::Result<Vec<Process>> {
    let processes = processes()?;
    let found = |pid: u32, folder: &Path| {
        // First the handle, then the proof: what has the socket now is what the handle is of.
        let process = has_open(folder, names).then(|| Process::of(pid)).flatten()?;
        has_open(folder, names).then_some(process)
    };
    let by_process: Vec<Process> = processes.iter().filter_map(|(pid, folder)| found(*pid, folder)).collect();
    if !by_process.is_empty() {
        return Ok(by_process);
    }
    // A thread may keep descriptors that its process's first thread does not see.
    let by_thread = processes.iter().filter_map(|(pid, folder)| {
        let threads = fs::read_dir(folder.join("task")).into_iter().flatten().flatten();
        threads.map(|thread| thread.path()).find_map(|thread| found(*pid, &thread))
    });
    Ok(by_thread.collect())
}

fn has_open(folder: &Path, names: &BTreeSet<String>) -> bool {
    let descriptors = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target.to_str().is_some_and(|target| names.contains(target)))
}

/// The folder of one process in each network namespace but the one that this process is in.
fn one_of_each_other_network(ours: &Path) -> io::Result<Vec<PathBuf>> {
    let network = |process: &Path| fs::read_link(process.join("ns/net"));
    let mut known = BTreeSet::from([network(ours)?]);
    let mut found = processes()?;
    // One that ends meanwhile has no network.
    found.retain(|(_, process)| network(process).is_ok_and(|network| known.insert(network)));
    Ok(found.into_iter().map(|(_, process)| process).collect())
}

fn processes() -> io::Result<Vec<(u32, PathBuf)>> {
    let numbered = |entry: fs::DirEntry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path()));
    Ok(fs::read_dir("/proc")?.flatten().filter_map(numbered).collect())
}

fn is_established(local: SocketAddr, remote: SocketAddr) -> bool {
    let ours = sockets(Path::new("/proc/self")).into_iter().flatten();
    ours.filter(|socket| socket.local == local && socket.remote == remote)
        .any(|socket| socket.state == ESTABLISHED)
}

/// One row of /proc/net/tcp.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    local: SocketAddr,
    remote: SocketAddr,
    state: u8,
    inode: u64,
}

/// The TCP sockets of the network that a process is in.
fn sockets(process: &Path) -> io::Result<impl Iterator<Item = Socket>> {
    let old = fs::read_to_string(process.join("net/tcp"))?;
    let new = match fs::read_to_string(process.join("net/tcp6")) {
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let rows: Vec<Socket> = old.lines().chain(new.lines()).filter_map(Socket::read).collect();
    Ok(rows.into_iter())
}

impl Socket {
    fn read(row: &str) -> Option<Self> {
        let mut words = row.split_ascii_whitespace().skip(1);
        let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
        let state = u8::from_str_radix(words.next()?, 16).ok()?;
        // Behind queues, timer, retransmissions, uid and timeout.
        let inode = words.nth(5)?.parse().ok()?;
        Some(Self { local, remote, state, inode })
    }
}

/// Reads `0100007F:1F90`: words of an address in network order, printed as this machine's numbers.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

/// An IPv4 address is itself, also where a socket for IPv6 carries it; scopes are not told by /proc.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn rows_of_the_kernel_are_read() {
        let old = "   1: 0100007F:1F90 0F02000A:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 48213 1 0";
        let mapped = "   0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000F02000A:D2F0 01 \
                      00000000:00000000 00:00000000 00000000  1000        0 48213 1 0";
        let expected = Socket {
            local: "127.0.0.1:8080".parse().unwrap(),
            remote: "10.0.2.15:54000".parse().unwrap(),
            state: ESTABLISHED,
            inode: 48213,
        };
        if cfg!(target_endian = "little") {
            assert_eq!(Socket::read(old).as_ref(), Some(&expected));
            assert_eq!(Socket::read(mapped), Some(expected));
        }
        assert_eq!(Socket::read("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when"), None);
    }

    fn connected(at: &str) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(at).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        (client, server)
    }

    fn of(server: &TcpStream) -> Origin {
        origin_of(server.peer_addr().unwrap(), server.local_addr().unwrap())
    }

    #[test]
    fn who_connected_is_found_over_both_kinds_of_addresses() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let (client, server) = connected(at);
            match of(&server) {
                Origin::Here(holders) => {
                    let pids: Vec<u32> = holders.iter().map(|holder| holder.pid).collect();
                    assert_eq!(pids, [std::process::id()], "{at}");
                }
                other @ (Origin::Elsewhere | Origin::Hidden(_)) => panic!("{at}: {other:?}"),
            }
            drop(client);
        }
    }

    #[test]
    fn who_speaks_ipv4_through_a_socket_for_ipv6_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(format!("[::ffff:127.0.0.1]:{port}")).unwrap();
        let (server, _) = listener.accept().unwrap();
        assert!(matches!(of(&server), Origin::Here(_)));
        drop(client);
    }

    #[test]
    fn who_has_hung_up_is_nobody() {
        let (client, server) = connected("127.0.0.1:0");
        let (peer, local) = (server.peer_addr().unwrap(), server.local_addr().unwrap());
        drop(client);
        assert!(matches!(origin_of(peer, local), Origin::Hidden(_)));
        drop(server);
        assert!(matches!(origin_of(peer, local), Origin::Hidden(_)));
    }
}
