//! Certificates and keys, from files or from memory.

use std::{borrow::Cow, fmt, fs, path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::TlsError;

/// Where something in PEM comes from. It is read when it is needed, so that a file that changed is found when asked for
/// again.
#[derive(Clone)]
pub(super) enum Source {
    File(PathBuf),
    Pem(Arc<[u8]>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Pem(_) => f.write_str("the PEM given"),
        }
    }
}

/// What is in memory may be a secret.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Source {
    fn read(&self) -> Result<Cow<'_, [u8]>, TlsError> {
        match self {
            Self::File(path) => fs::read(path).map(Cow::Owned).map_err(|error| self.bad("", error)),
            Self::Pem(pem) => Ok(Cow::Borrowed(pem)),
        }
    }

    fn bad(&self, what: &str, why: impl fmt::Display) -> TlsError {
        TlsError::Settings(format!("{what}{self}: {why}"))
    }

    /// All certificates, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let pem = self.read()?;
        let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|error| self.bad("no certificate in ", error))?;
        if found.is_empty() { Err(self.bad("no certificate in ", "it has none in PEM")) } else { Ok(found) }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| self.bad("no private key in ", error))
    }
}

/// A certificate with those that lead to its authority, and the key to it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) chain: Source,
    pub(super) key: Source,
}

impl Identity {
    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        Ok((self.chain.certificates()?, self.key.key()?))
    }

    /// What the library says of a certificate and a key that it does not take.
    pub(super) fn refused(&self, error: &rustls::Error) -> TlsError {
        TlsError::Settings(format!("{} and {} do not go together: {error}", self.chain, self.key))
    }
}

/// The authorities of these sources.
pub(super) fn authorities(sources: &[Source], store: &mut RootCertStore) -> Result<(), TlsError> {
    for source in sources {
        for certificate in source.certificates()? {
            store.add(certificate).map_err(|error| source.bad("no authority in ", error))?;
        }
    }
    Ok(())
}
