//! Addresses of machines among the words of a command.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a text names a machine by an address of the open network. Services have names; a bare address is what somebody
/// has who does not want one.
pub(in super::super) fn has_public_address(text: &str) -> bool {
    let digits = text.as_bytes().iter().any(u8::is_ascii_digit);
    digits && (has_v4(text) || has_v6(text))
}

fn has_v4(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter(|part| part.len() >= 7)
        .filter_map(|part| part.parse::<Ipv4Addr>().ok())
        .any(is_public)
}

/// In brackets, as addresses in URLs stand.
fn has_v6(text: &str) -> bool {
    let inside = text.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    inside.filter_map(|part| part.parse::<Ipv6Addr>().ok()).any(|address| {
        !(address.is_loopback()
            || address.is_unspecified()
            || address.is_multicast()
            || address.is_unique_local()
            || address.is_unicast_link_local())
    })
}

fn is_public(address: Ipv4Addr) -> bool {
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        // Shared by providers and their customers.
        || address.octets()[0] == 100 && address.octets()[1] & 0b1100_0000 == 64)
}

#[cfg(test)]
mod tests {
    use super::has_public_address;

    #[test]
    fn only_addresses_of_the_open_network_count() {
        for (text, is) in [
            ("x@203.0.113.4:/tmp", true),
            ("http://198.51.100.7/x", true),
            ("10.0.0.1", false),
            ("127.0.0.1:8080", false),
            ("192.168.1.20", false),
            ("1.2.3", false),
            ("v1.2.3.4567", false),
            ("release-1.20.300.4", false),
            ("100.64.0.1", false),
            ("http://[2001:db8::7]:8080/x", true),
            ("http://[::1]:8080/", false),
            ("[fd00::1]", false),
            ("a[0-9]", false),
        ] {
            assert_eq!(has_public_address(text), is, "{text}");
        }
    }
}
