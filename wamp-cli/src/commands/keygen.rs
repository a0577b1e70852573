//! `wamp keygen tls`: an authority of one's own, for tests.

use std::{fs, path::Path, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use super::auth::{cannot_write, write_private};
use crate::{
    args::KeygenTls,
    exit::{Code, Failure},
    session::Context,
};

/// Makes the certificates. The authority's key is forgotten: nobody can sign anything else with it.
pub(crate) fn tls(context: &Context, arguments: &KeygenTls) -> Result<(), Failure> {
    let KeygenTls { directory, name, client, days } = arguments;
    let authority = authority(*days).map_err(|error| failed(&error))?;
    let server = params(*days, name).and_then(|mut params| {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        issue(params, name.first().map_or("", String::as_str), &authority)
    });
    let client = params(*days, &[]).and_then(|mut params| {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        issue(params, client, &authority)
    });
    fs::create_dir_all(directory).map_err(|error| cannot_write(directory, &error))?;
    let new = ["ca.pem", "server.pem", "server.key", "client.pem", "client.key"];
    if let Some(there) = new.iter().map(|file| directory.join(file)).find(|file| file.exists()) {
        return Err(Failure::usage(format!("{} is there already", there.display())));
    }
    write_public(&directory.join("ca.pem"), &authority.cert.pem())?;
    for (name, issued) in [("server", server), ("client", client)] {
        let issued = issued.map_err(|error| failed(&error))?;
        write_public(&directory.join(format!("{name}.pem")), &issued.cert.pem())?;
        write_private(&directory.join(format!("{name}.key")), &issued.key_pair.serialize_pem())?;
    }
    context.say(format_args!("wrote {} to {}", new.join(", "), directory.display()));
    Ok(())
}

fn authority(days: u16) -> Result<CertifiedKey, rcgen::Error> {
    let mut params = params(days, &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "wamp keygen tls: an authority for tests");
    let key_pair = KeyPair::generate()?;
    Ok(CertifiedKey { cert: params.self_signed(&key_pair)?, key_pair })
}

/// Valid from yesterday, as clocks differ.
fn params(days: u16, names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    const DAY: Duration = Duration::from_secs(86_400);
    #[allow(clippy::disallowed_methods, reason = "a certificate is valid from now on, by the calendar")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let epoch = date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::new(names)?;
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + DAY * u32::from(days);
    Ok(params)
}

fn issue(mut params: CertificateParams, name: &str, by: &CertifiedKey) -> Result<CertifiedKey, rcgen::Error> {
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let key_pair = KeyPair::generate()?;
    Ok(CertifiedKey { cert: params.signed_by(&key_pair, &by.cert, &by.key_pair)?, key_pair })
}

fn write_public(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn failed(error: &rcgen::Error) -> Failure {
    match error {
        rcgen::Error::InvalidAsn1String(_) => {
            Failure::usage(format!("a name is none for a certificate: {error}"))
        }
        error => Failure::new(Code::Internal, format!("cannot make the certificates: {error}")),
    }
}
