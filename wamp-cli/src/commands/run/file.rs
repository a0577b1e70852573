//! What may stand in a file of services.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;
use wamp_tokio::{
    config,
    proto::{Match, Pattern, uri::UriRule},
};

use crate::{
    args::{InvokePolicy, MatchPolicy, RestartPolicy},
    exit::Failure,
};

/// A file of services. What it does not know is a mistake. There is no `Debug`: variables of programs may be secrets.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServicesFile {
    /// A router to start.
    pub(super) router: Option<RouterTable>,
    /// Programs, by the name that stands before their output.
    pub(super) programs: BTreeMap<String, ProgramEntry>,
    /// Procedures that commands answer.
    pub(super) procedures: Vec<ProcedureEntry>,
    /// Topics whose events commands get.
    pub(super) topics: Vec<TopicEntry>,
}

/// A router beside the services: one with a configuration of its own, or one that lets everybody in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouterTable {
    /// Where it listens.
    pub(super) listen: Vec<String>,
    /// Its configuration, which says where.
    pub(super) config: Option<Spanned<PathBuf>>,
}

/// A program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramEntry {
    pub(super) command: Spanned<CommandLine>,
    pub(super) restart: Option<RestartPolicy>,
    pub(super) directory: Option<PathBuf>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a command for the shell, or a list of a program and its arguments")]
pub(super) enum CommandLine {
    Shell(String),
    Words(Vec<String>),
}

/// A procedure that a command answers, as with `wamp register --exec`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcedureEntry {
    pub(super) uri: Spanned<String>,
    pub(super) exec: String,
    #[serde(default, rename = "match")]
    pub(super) policy: MatchPolicy,
    #[serde(default)]
    pub(super) invoke: InvokePolicy,
    pub(super) concurrency: Option<std::num::NonZeroU16>,
}

/// A topic whose events a command gets, as with `wamp subscribe --exec`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicEntry {
    pub(super) uri: Spanned<String>,
    pub(super) exec: String,
    #[serde(default, rename = "match")]
    pub(super) policy: MatchPolicy,
    #[serde(default)]
    pub(super) retained: bool,
}

impl ServicesFile {
    /// Reads a file, and says where in it something is wrong.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Ok(config::read_toml(path, Self::check)?)
    }

    /// What is wrong, and at which byte.
    fn check(&self) -> Result<(), (usize, String)> {
        let procedures = self.procedures.iter().map(|entry| (&entry.uri, entry.policy));
        for (uri, policy) in procedures.chain(self.topics.iter().map(|entry| (&entry.uri, entry.policy))) {
            Pattern::new(UriRule::Loose, Match::from(policy), uri.get_ref())
                .map_err(|error| (uri.span().start, error.to_string()))?;
        }
        if let Some(RouterTable { listen, config: Some(config) }) = &self.router {
            if !listen.is_empty() {
                let what = "the configuration says where it listens; leave out `listen`, or `config`";
                return Err((config.span().start, what.to_owned()));
            }
        }
        let mut commands = self.programs.values().map(|program| &program.command);
        match commands
            .find(|command| matches!(command.get_ref(), CommandLine::Words(words) if words.is_empty()))
        {
            Some(nothing) => Err((nothing.span().start, "the list names no program".to_owned())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ServicesFile, String> {
        config::parse_toml(text, ServicesFile::check).map_err(|error| error.to_string())
    }

    #[test]
    fn all_that_may_stand_there() {
        let file = parse(
            r#"
            [router]
            listen = ["ws://127.0.0.1:0"]

            [programs.date]
            command = ["./date-service", "--verbose"]
            restart = "always"
            directory = "services"
            env = { RUST_LOG = "info" }

            [programs.shell]
            command = "sleep 1"

            [[procedures]]
            uri = "com.example.upper"
            exec = "tr a-z A-Z"
            match = "prefix"
            invoke = "roundrobin"
            concurrency = 4

            [[topics]]
            uri = "com.example.tick"
            exec = "cat"
            retained = true
            "#,
        )
        .unwrap();
        assert_eq!(file.programs["shell"].command.get_ref(), &CommandLine::Shell("sleep 1".to_owned()));
        assert_eq!(file.programs["date"].restart, Some(RestartPolicy::Always));
        assert!(file.topics[0].retained && file.router.is_some());
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, said) in [
            ("[program.x]\ncommand = 'x'", ":1:2: unknown key `program`"),
            ("[programs.x]\ncommand = 'x'\nrestrat = 'never'", ":3:1: unknown key `restrat`"),
            ("[programs.x]\ncommand = 'x'\nrestart = 'sometimes'", ":3:11: unknown value `sometimes`"),
            ("[programs.x]\ncommand = 5", ":2:11: a command for the shell, or a list"),
            ("[programs.x]\ncommand = []", ":2:11: the list names no program"),
            ("[router]\nlisten = ['ws://:1']\nconfig = 'x'", ":3:10: the configuration says"),
            ("[[topics]]\nexec = 'cat'\nuri = 'a..b'", ":3:7: "),
            ("[[procedures]]\nuri = 'a'\nexec = 'cat'\nconcurrency = 0", ":4:15: "),
        ] {
            let error = parse(text).err().unwrap();
            assert!(error.contains(said), "{error}, instead of {said}");
        }
    }
}
