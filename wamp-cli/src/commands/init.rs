//! `wamp router init`.

use std::fs;

use super::auth::{cannot_write, random, write_private};
use crate::{
    args::{RouterInit, Template},
    exit::Failure,
    session::Context,
    value,
};

/// What stands in a template where each file has a secret of its own.
const SECRET: &str = "@SECRET@";

/// What the file is called in a template.
const NAME: &str = "wamp-router.toml";

/// Writes a new configuration file.
pub(crate) fn run(context: &Context, arguments: &RouterInit) -> Result<(), Failure> {
    let RouterInit { file, template, force } = arguments;
    if *force && file.exists() {
        fs::remove_file(file).map_err(|error| cannot_write(file, &error))?;
    } else if file.exists() {
        return Err(Failure::usage(format!(
            "there is a file {} already: --force replaces it",
            file.display()
        )));
    }
    let mut text = match template {
        Template::Dev => include_str!("../../templates/dev.toml"),
        Template::StaticAuth => include_str!("../../templates/static-auth.toml"),
        Template::Tls => include_str!("../../templates/tls.toml"),
    }
    .replace(NAME, &file.display().to_string());
    while text.contains(SECRET) {
        text = text.replacen(SECRET, &value::to_base64(&random::<24>()?), 1);
    }
    write_private(file, &text)?;
    let path = file.display();
    if *template == Template::Tls {
        let folder = file.with_file_name("tls");
        context.say(format_args!("certificates for a try: wamp keygen tls {}", folder.display()));
    }
    context.say(format_args!("wrote {path}; now: wamp router run --config {path}"));
    Ok(())
}
