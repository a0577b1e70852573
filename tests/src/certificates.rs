//! Certificates for tests: an authority of one's own, and what it signs.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};

/// An authority that nobody trusts who is not told to.
pub struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub chain: String,
    /// Its private key.
    pub key: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    ///
    /// When there is no randomness.
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, key }
    }

    /// Its certificate, in PEM: what is to be trusted.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for these names and addresses.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |_| {})
    }

    /// The same, changed.
    ///
    /// # Panics
    ///
    /// When a name is none.
    pub fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let (params, key) = request(names, change);
        let certificate = params.signed_by(&key, &self.certificate, &self.key).expect("a certificate");
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// One that has expired.
    pub fn issue_expired(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1))
    }

    /// One that is not valid yet, for a long time.
    pub fn issue_future(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |params| params.not_before = rcgen::date_time_ymd(3001, 1, 1))
    }
}

/// A certificate that its owner has signed.
///
/// # Panics
///
/// When a name is none.
pub fn self_signed(names: &[&str]) -> Identity {
    let (params, key) = request(names, |_| {});
    Identity { chain: params.self_signed(&key).expect("a certificate").pem(), key: key.serialize_pem() }
}

fn request(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (CertificateParams, KeyPair) {
    let names = names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    (params, KeyPair::generate().expect("a key"))
}
