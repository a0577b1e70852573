//! Which version of IP a client connects over.

use std::{io, net::SocketAddr};

/// Which addresses of a router's host a client connects to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpVersion {
    /// All that the system knows, in its order, until one answers.
    #[default]
    Any,
    /// Those of IPv4 only.
    V4,
    /// Those of IPv6 only.
    V6,
}

impl IpVersion {
    /// The addresses that are to be tried, in their order.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn choose(self, addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
        let fits = |address: &SocketAddr| match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        };
        let chosen = addresses.into_iter().filter(fits).collect::<Vec<_>>();
        let what = match self {
            _ if !chosen.is_empty() => return Ok(chosen),
            Self::Any => "the host has no address",
            Self::V4 => "the host has no address of IPv4, and no other was asked for",
            Self::V6 => "the host has no address of IPv6, and no other was asked for",
        };
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_version() {
        let all: [SocketAddr; 3] = ["[::1]:1", "127.0.0.1:1", "10.0.0.1:1"].map(|text| text.parse().unwrap());
        assert_eq!(IpVersion::Any.choose(all).unwrap(), all);
        assert_eq!(IpVersion::V4.choose(all).unwrap(), all[1..]);
        assert_eq!(IpVersion::V6.choose(all).unwrap(), all[..1]);
        for (version, addresses) in
            [(IpVersion::V6, &all[1..]), (IpVersion::V4, &all[..1]), (IpVersion::Any, &[])]
        {
            let error = version.choose(addresses.iter().copied()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        }
    }
}
