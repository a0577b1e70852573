//! What there is to know about a configuration file: `wamp router check` and `wamp router permissions explain`.

use wamp_tokio::{
    RouterBuilder,
    config::ConfigFile,
    proto::{
        Pattern,
        router::{Explanation, Reason, Right, Rights, Rule},
        uri::UriRule,
    },
};

use crate::{
    args::{Explain, RouterFile},
    exit::{Code, Failure},
    output::print,
    session::Context,
};

/// Reads a file and all that it names, as a router would.
pub(crate) fn check(context: &Context, arguments: &RouterFile) -> Result<(), Failure> {
    let file = ConfigFile::read(&arguments.file)?;
    drop(RouterBuilder::from_config(&file)?);
    for permissions in file.permissions()? {
        for (role, rule) in permissions.idle_rules() {
            context.say(format_args!(
                "WARNING: role {role}: the rule for {} never decides: a prefix stands above it",
                pattern(&rule.pattern)
            ));
        }
    }
    print(summary(&file).as_bytes(), true)
}

fn summary(file: &ConfigFile) -> String {
    let count = |number: usize, what: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {what}{plural}")
    };
    [
        count(file.listeners.len().max(1), "listener"),
        count(file.realms.len(), "realm"),
        count(file.roles.len(), "role"),
        count(file.users.len(), "user"),
    ]
    .join(", ")
}

/// Says whether a role may do something, and why.
pub(crate) fn explain(context: &Context, arguments: &Explain) -> Result<(), Failure> {
    let file = ConfigFile::read(&arguments.config)?;
    let Explain { role, action, uri, .. } = arguments;
    if !file.roles.contains_key(role) {
        return Err(Failure::usage(format!("the file has no role `{role}`")));
    }
    let subject = Pattern::new(UriRule::Loose, arguments.r#match.into(), uri).map_err(Failure::usage)?;
    let realm = context.globals.realm.first().map_or("realm1", String::as_str);
    let permissions = file.permissions()?;
    let permissions = permissions.iter().find(|permissions| permissions.realm == realm);
    let permissions =
        permissions.ok_or_else(|| Failure::usage(format!("the file has no realm `{realm}`; see --realm")))?;
    let explanation = permissions.explain(role, *action, &subject);
    let verdict = if explanation.allowed { "allowed" } else { "denied" };
    let why = reason(&explanation);
    print(format!("{verdict}: {why}").as_bytes(), true)?;
    // All is said already.
    if explanation.allowed { Ok(()) } else { Err(Failure::new(Code::NotAuthorized, "")) }
}

fn reason(explanation: &Explanation) -> String {
    match &explanation.reason {
        Reason::Everything => "the role may do everything".to_owned(),
        Reason::Dynamic => "the realm's authorizer decides when the request comes".to_owned(),
        Reason::NoRule => "no rule of the role is about it".to_owned(),
        Reason::Rule(rule) => format!("the rule for {} decides: {}", pattern(&rule.pattern), rights(rule)),
        Reason::Narrowed(rule) => {
            format!("the rule for {} takes a part of it away: {}", pattern(&rule.pattern), rights(rule))
        }
        _ => String::new(),
    }
}

fn pattern(pattern: &Pattern) -> String {
    format!("{} `{}`", pattern.kind().as_str(), pattern.uri())
}

fn rights(rule: &Rule) -> String {
    let words = |rights: Rights| {
        let words: Vec<_> =
            Right::ALL.into_iter().filter(|right| rights.has(*right)).map(Right::as_str).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    };
    format!("it allows {} and denies {}", words(rule.allow), words(rule.deny))
}
