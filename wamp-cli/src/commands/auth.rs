//! `wamp auth`: keys, and the arithmetic of challenges by hand.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

use wamp_tokio::{
    auth::{PublicKey, SecretKey},
    proto::{
        Dict, Value,
        auth::{
            Secret, cra,
            cryptosign::{self, attach, verify},
            scram,
        },
    },
};

use crate::{
    args::{AuthCommand, AuthKeygen, AuthScram, AuthSign, AuthVerify, KeyDerivation, Login, Salting},
    exit::{Code, Failure},
    login::{PASSWORD, PRIVATE_KEY, SECRET},
    session::Context,
    value,
};

/// Runs one of the commands; none of them needs a router.
pub(crate) fn run(context: &Context, command: &AuthCommand) -> Result<(), Failure> {
    let login = &context.globals.login;
    match command {
        AuthCommand::Keygen(arguments) => keygen(context, arguments),
        AuthCommand::Pubkey => print(context, private_key(login)?.public_key().to_string()),
        AuthCommand::Sign(arguments) => print(context, sign(login, arguments)?),
        AuthCommand::Verify(arguments) => check(login, arguments),
        AuthCommand::Derive(arguments) => print(context, salted(&SECRET.read(login)?, &arguments.salting)?),
        AuthCommand::Scram(arguments) => print(context, scram(&PASSWORD.read(login)?, arguments)?),
    }
}

fn print(context: &Context, text: impl Into<Value>) -> Result<(), Failure> {
    context.printer.value(text.into())
}

fn keygen(context: &Context, arguments: &AuthKeygen) -> Result<(), Failure> {
    let bytes = random::<32>()?;
    let (private, public) = (value::to_hex(&bytes), SecretKey::from_bytes(&bytes).public_key().to_string());
    let Some(path) = &arguments.file else {
        let keys = [("private_key", private), ("public_key", public)];
        return print(context, Dict::from_iter(keys.map(|(name, key)| (name, Value::from(key)))));
    };
    write_private(path, &(private + "\n"))?;
    print(context, public)
}

/// Writes a new file that nobody but its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| cannot_write(path, &error))
}

/// A file that cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", path.display()))
}

fn sign(login: &Login, arguments: &AuthSign) -> Result<String, Failure> {
    if PRIVATE_KEY.find(login)?.is_none() {
        return Ok(cra::sign(&cra_key(login, &arguments.salting)?, &arguments.challenge));
    }
    let (key, message) = (private_key(login)?, to_sign(arguments)?);
    Ok(attach(&key.sign(&message), &message))
}

fn check(login: &Login, arguments: &AuthVerify) -> Result<(), Failure> {
    let AuthVerify { signed, signature, .. } = arguments;
    let right = match public_key(login, arguments)? {
        Some(key) => verify(&key, &to_sign(signed)?, signature),
        None => cra::verify(&cra_key(login, &signed.salting)?, &signed.challenge, signature),
    };
    if right { Ok(()) } else { Err(Failure::new(Code::AssertionFailed, "the signature is wrong")) }
}

/// The key to verify with, if cryptosign is meant.
fn public_key(login: &Login, arguments: &AuthVerify) -> Result<Option<PublicKey>, Failure> {
    match arguments.public_key {
        Some(key) => Ok(Some(key)),
        None if PRIVATE_KEY.find(login)?.is_some() => Ok(Some(private_key(login)?.public_key())),
        None => Ok(None),
    }
}

fn private_key(login: &Login) -> Result<SecretKey, Failure> {
    let key = SecretKey::from_hex(&PRIVATE_KEY.read(login)?);
    key.ok_or_else(|| Failure::usage("the private key is not 64 hex digits"))
}

/// What cryptosign signs.
fn to_sign(arguments: &AuthSign) -> Result<[u8; 32], Failure> {
    let bytes = |what: &str, digits: &str| {
        let bytes = value::hex(digits).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.ok_or_else(|| Failure::usage(format!("the {what} must be 64 hex digits")))
    };
    let challenge = bytes("challenge", &arguments.challenge)?;
    let channel = arguments.channel.as_deref().map(|digits| bytes("channel", digits)).transpose()?;
    Ok(cryptosign::message(&challenge, channel.as_ref()))
}

/// What WAMP-CRA signs with: the secret, or what a salt makes of it.
fn cra_key(login: &Login, salting: &Salting) -> Result<Secret, Failure> {
    let secret = SECRET.read(login)?;
    Ok(salting.salt.as_ref().map(|salt| with(salting, salt).derive(&secret)).unwrap_or(secret))
}

fn with(salting: &Salting, salt: &str) -> cra::Salt {
    let mut salt = cra::Salt::new(salt).iterations(salting.iterations);
    salt.keylen = salting.keylen;
    salt
}

/// What a router keeps for WAMP-CRA, with the keys that its configuration has.
pub(crate) fn salted(secret: &Secret, salting: &Salting) -> Result<Dict, Failure> {
    let salt = match &salting.salt {
        Some(salt) => salt.clone(),
        None => value::to_base64(&random::<15>()?),
    };
    let salt = with(salting, &salt);
    let key = salt.derive(secret);
    Ok(Dict::from_iter([
        ("secret", Value::from(key.expose_text().unwrap_or_default())),
        ("salt", salt.salt.as_str().into()),
        ("iterations", salt.iterations.into()),
        ("keylen", salt.keylen.into()),
    ]))
}

/// What a router keeps for WAMP-SCRAM, with the keys that its configuration has.
pub(crate) fn scram(password: &Secret, arguments: &AuthScram) -> Result<Dict, Failure> {
    let salt = match &arguments.salt {
        Some(salt) => value::base64(salt).ok_or_else(|| Failure::usage("the salt must be Base64"))?,
        None => random::<16>()?.to_vec(),
    };
    let derived = scram::Credential::derive(password, &salt, kdf(arguments)?).map_err(Failure::usage)?;
    let mut kept = Dict::from_iter([
        ("kdf", Value::from(derived.kdf.name())),
        ("iterations", iterations(arguments).into()),
        ("salt", value::to_base64(&salt).into()),
        ("stored_key", value::to_hex(derived.stored_key.expose()).into()),
        ("server_key", value::to_hex(derived.server_key.expose()).into()),
    ]);
    if arguments.kdf == KeyDerivation::Argon2id13 {
        kept.insert("memory", arguments.memory);
    }
    Ok(kept)
}

/// Within what clients accept of a router.
fn kdf(arguments: &AuthScram) -> Result<scram::Kdf, Failure> {
    let iterations = iterations(arguments);
    match arguments.kdf {
        KeyDerivation::Pbkdf2 if iterations < 4_096 => {
            Err(Failure::usage("clients refuse PBKDF2 of less than 4096 iterations"))
        }
        KeyDerivation::Pbkdf2 => Ok(scram::Kdf::pbkdf2(iterations)),
        KeyDerivation::Argon2id13 => Ok(scram::Kdf::argon2id(iterations, arguments.memory)),
    }
}

fn iterations(arguments: &AuthScram) -> u32 {
    let default = match arguments.kdf {
        KeyDerivation::Pbkdf2 => 100_000,
        KeyDerivation::Argon2id13 => 2,
    };
    arguments.iterations.unwrap_or(default)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|error| Failure::new(Code::Internal, format!("there is no randomness: {error}")))?;
    Ok(bytes)
}
