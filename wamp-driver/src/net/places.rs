//! Places for connections: so many in all, at a listener and from one address.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::shared::lock;

/// The places for connections, of which there are so many.
pub(super) struct Places {
    most: usize,
    taken: AtomicUsize,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0) })
    }

    /// Takes a place, unless all are taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let free = |taken: usize| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).ok()?;
        Some(Place(self.clone()))
    }
}

/// A taken place, free again when this is dropped.
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The places for connections from one address each.
pub(super) struct Addresses {
    most: usize,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

impl Addresses {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// Takes a place for this address, unless all of its places are taken.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<AddressPlace> {
        let of = host(address);
        let mut taken = lock(&self.taken);
        let count = taken.entry(of).or_default();
        if *count >= self.most {
            // A limit of nothing at all leaves no entry behind.
            taken.retain(|_, count| *count > 0);
            return None;
        }
        *count += 1;
        Some(AddressPlace { all: self.clone(), of })
    }
}

/// Whom an address stands for. A host has a whole network of IPv6 addresses to choose from; one of IPv4 within IPv6 is
/// itself.
fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

/// A taken place, free again when this is dropped.
pub(super) struct AddressPlace {
    all: Arc<Addresses>,
    of: IpAddr,
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut taken = lock(&self.all.taken);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places() {
        let places = Addresses::new(2);
        let [v4, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let first = places.take(v4).unwrap();
        let _second = places.take(v4).unwrap();
        assert!(places.take(v4).is_none());
        assert!(places.take("::ffff:192.0.2.1".parse().unwrap()).is_none(), "it is the same host");
        assert!(places.take(other).is_some());
        drop(first);
        assert!(places.take(v4).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_host() {
        let places = Addresses::new(1);
        let [one, same, other] =
            ["2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"].map(|address| address.parse().unwrap());
        let place = places.take(one).unwrap();
        assert!(places.take(same).is_none());
        assert!(places.take(other).is_some());
        drop(place);
        assert!(lock(&places.taken).is_empty(), "nothing is left of those who are gone");
    }
}
