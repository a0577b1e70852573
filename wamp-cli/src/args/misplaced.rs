//! Flags for clients, given to a router.

use clap::{Arg, ArgMatches, Args as _, Command, parser::ValueSource};

use super::{Login, Tls};
use crate::exit::Failure;

/// Refuses flags for clients where a router is started: who gives a ticket or a certificate there believes that it
/// protects the router. The environment is there for all commands.
pub(crate) fn refuse_misplaced(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(router) = router(matches) else { return Ok(()) };
    let said = |id: &str| router.value_source(id) == Some(ValueSource::CommandLine);
    let flag = |flags: Command| {
        let mut flags = flags.get_arguments();
        flags.find(|flag| said(flag.get_id().as_str())).and_then(Arg::get_long).map(str::to_owned)
    };
    let (flag, instead) = if said("url") {
        ("url".to_owned(), "--listen says where the router is")
    } else if let Some(flag) = flag(Login::augment_args(Command::new(""))) {
        (flag, "a configuration file says who may join, see `wamp router init --template static-auth`")
    } else if let Some(flag) = flag(Tls::augment_args(Command::new(""))) {
        (flag, "a configuration file says how a router speaks TLS, see `wamp router init --template tls`")
    } else {
        return Ok(());
    };
    Err(Failure::usage(format!("--{flag} is for clients: {instead}")))
}

/// What is said to a command that starts a router and nothing else that would take flags for clients.
fn router(matches: &ArgMatches) -> Option<&ArgMatches> {
    match matches.subcommand()? {
        ("router", router) => router.subcommand_matches("run"),
        ("dev", dev) => Some(dev),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Cli;

    fn refused(line: &str) -> Option<String> {
        let matches = Cli::command().get_matches_from(line.split(' '));
        refuse_misplaced(&matches).err().map(|failure| failure.message)
    }

    #[test]
    fn a_router_takes_no_flags_of_clients() {
        for (line, flag, instead) in [
            ("wamp router run --url ws://localhost", "--url", "--listen"),
            ("wamp -u ws://localhost dev", "--url", "--listen"),
            ("wamp router run --ticket x --authid joe", "--authid", "static-auth"),
            ("wamp router run --private-key-file x", "--private-key-file", "static-auth"),
            ("wamp router run --listen wss://:8443 --key x --cert y", "--cert", "template tls"),
        ] {
            let error = refused(line).unwrap();
            assert!(error.starts_with(flag) && error.contains(instead), "{error}");
        }
        for line in
            ["wamp router run --realm a", "wamp call x --ticket x", "wamp router passwd joe --password x"]
        {
            assert_eq!(refused(line), None);
        }
    }
}
