//! `wamp router passwd`.

use wamp_tokio::proto::{Dict, Value};

use super::auth::{salted, scram};
use crate::{
    args::{PasswordMethod, RouterPasswd, Salting},
    exit::Failure,
    login::PASSWORD,
    output::print,
    session::Context,
};

/// Prints what a router's configuration says about a user.
pub(crate) fn run(context: &Context, arguments: &RouterPasswd) -> Result<(), Failure> {
    let RouterPasswd { name, role, method, derivation } = arguments;
    let password = PASSWORD.read(&context.globals.login)?;
    let proof = match method {
        PasswordMethod::WampScram => format!("scram = {}", table(&scram(&password, derivation)?)),
        PasswordMethod::Wampcra => {
            let iterations = derivation.iterations.unwrap_or(Salting::ITERATIONS);
            let salting = Salting { salt: derivation.salt.clone(), iterations, keylen: Salting::KEYLEN };
            format!("wampcra = {}", table(&salted(&password, &salting)?))
        }
        PasswordMethod::Ticket => {
            let ticket = password.expose_text().ok_or_else(|| Failure::usage("the ticket is not text"))?;
            format!("ticket = {}", text(ticket))
        }
    };
    let entry = format!("[users.{}]\nrole = {}\n{proof}", quoted(name), text(role));
    print(entry.as_bytes(), true)
}

/// A dict of texts and numbers in TOML.
fn table(dict: &Dict) -> String {
    let entry = |(key, value): (&str, &Value)| match value.as_str() {
        Some(value) => format!("{key} = {}", text(value)),
        None => format!("{key} = {value}"),
    };
    format!("{{ {} }}", dict.iter().map(entry).collect::<Vec<_>>().join(", "))
}

/// A text in TOML, as the configuration has it: a `$` stands for the environment there.
fn text(text: &str) -> String {
    quoted(&text.replace('$', "$$"))
}

/// A text or a key in TOML.
fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_kind_are_toml() {
        assert_eq!(text("a\"b\\c$d\n"), "\"a\\\"b\\\\c$$d\\u000A\"");
        let dict = Dict::from_iter([("kdf", Value::from("x")), ("iterations", 7.into())]);
        assert_eq!(table(&dict), "{ kdf = \"x\", iterations = 7 }");
    }
}
