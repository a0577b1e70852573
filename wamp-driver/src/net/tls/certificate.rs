//! Who a client's certificate says that it is.

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use wamp_proto::channel::ClientCertificate;
use x509_cert::{
    Certificate, TbsCertificate,
    der::{
        Decode as _, Encode as _,
        asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef},
        oid::ObjectIdentifier,
    },
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// The common name within a subject, 2.5.4.3.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The fingerprint of a certificate that was verified, and its names. One whose names cannot be read has none: it is still
/// known by its fingerprint.
pub(super) fn identify(certificate: &CertificateDer<'_>) -> ClientCertificate {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, certificate).as_ref());
    let parsed = Certificate::from_der(certificate).ok();
    ClientCertificate::new(sha256, parsed.iter().flat_map(|parsed| names(parsed.tbs_certificate())))
}

/// Common names first, then the alternative ones.
fn names(certificate: &TbsCertificate) -> Vec<String> {
    let subject = certificate.subject().iter();
    let common = subject.filter(|attribute| attribute.oid == COMMON_NAME).filter_map(|attribute| {
        let der = attribute.value.to_der().ok()?;
        text(&der)
    });
    let alternative = certificate.get_extension::<SubjectAltName>().ok().flatten();
    let alternative = alternative.into_iter().flat_map(|(_, SubjectAltName(names))| names);
    common.chain(alternative.filter_map(|name| general(&name))).collect()
}

fn text(der: &[u8]) -> Option<String> {
    let utf8 = Utf8StringRef::from_der(der).map(|text| text.as_str().to_owned());
    let printable = |_| PrintableStringRef::from_der(der).map(|text| text.as_str().to_owned());
    let ascii = |_| Ia5StringRef::from_der(der).map(|text| text.as_str().to_owned());
    utf8.or_else(printable).or_else(ascii).ok()
}

fn general(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name)
        | GeneralName::Rfc822Name(name)
        | GeneralName::UniformResourceIdentifier(name) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn a_19_names_and_fingerprint() {
        let mut params = CertificateParams::new(["client.example.com".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Jörg");
        params.subject_alt_names.push(SanType::Rfc822Name("jo@example.com".try_into().unwrap()));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let identity = identify(certificate.der());
        assert!(identity.names.contains(&"Jörg".to_owned()), "{identity:?}");
        assert!(identity.names.ends_with(&["client.example.com".to_owned(), "jo@example.com".to_owned()]));
        assert_eq!(identity.sha256, digest(&SHA256, certificate.der()).as_ref());
    }

    #[test]
    fn what_cannot_be_read_has_a_fingerprint() {
        assert!(identify(&CertificateDer::from(vec![1, 2, 3])).names.is_empty());
    }
}
