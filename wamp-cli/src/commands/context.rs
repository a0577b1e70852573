//! `wamp context`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use wamp_tokio::proto::{Dict, Value, value::to_value};

use crate::{
    args::{ContextAdd, ContextCommand, Globals},
    contexts::{self, Contexts, Settings, Source},
    exit::{Code, Failure},
    session::Context,
};

/// Looks at the contexts, or changes them.
pub(crate) fn run(context: &Context, command: ContextCommand) -> Result<(), Failure> {
    match command {
        ContextCommand::Add(arguments) => add(&context.globals, Contexts::read()?, arguments),
        ContextCommand::Ls => ls(context, &Contexts::read()?),
        ContextCommand::Select { name } => {
            let mut all = Contexts::read()?;
            all.get(&name)?;
            all.selected = Some(name);
            all.write()
        }
        ContextCommand::Show { name } => {
            let all = Contexts::read()?;
            let name = name.or_else(|| context.globals.context.clone()).or_else(|| all.selected.clone());
            let name = name.ok_or_else(|| Failure::usage("no context is selected: say which one"))?;
            context.printer.value(shown(all.get(&name)?)?)
        }
        ContextCommand::Edit => edit(),
        ContextCommand::Rm { name } => {
            let mut all = Contexts::read()?;
            all.get(&name)?;
            all.contexts.remove(&name);
            all.selected = all.selected.filter(|selected| *selected != name);
            all.write()
        }
    }
}

fn add(globals: &Globals, mut all: Contexts, arguments: ContextAdd) -> Result<(), Failure> {
    let name = arguments.name.clone();
    if all.contexts.contains_key(&name) && !arguments.force {
        return Err(Failure::usage(format!("there is a context `{name}` already: --force replaces it")));
    }
    let selected = arguments.select.then(|| name.clone());
    all.contexts.insert(name, settings(globals, arguments)?);
    all.selected = selected.or(all.selected);
    all.write()
}

/// What is kept of the flags.
fn settings(globals: &Globals, arguments: ContextAdd) -> Result<Settings, Failure> {
    let Globals { login, tls, .. } = globals;
    if [&login.private_key, &login.password, &login.secret, &login.ticket].into_iter().any(Option::is_some) {
        return Err(Failure::usage(
            "a context holds no secrets: give the flag that ends in -file or -env instead",
        ));
    }
    let realm = match globals.realm.as_slice() {
        [] => None,
        [realm] => Some(realm.clone()),
        _ => return Err(Failure::usage("a client joins one realm: give --realm once")),
    };
    Ok(Settings {
        url: globals.url.clone(),
        realm,
        serializer: globals.serializer,
        authid: login.authid.clone(),
        authmethod: login.authmethod.clone(),
        router_key: login.router_key.map(|key| key.to_string()),
        cacert: tls.cacert.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?,
        cert: tls.cert.as_deref().map(absolute).transpose()?,
        key: tls.key.as_deref().map(absolute).transpose()?,
        server_name: tls.server_name.clone(),
        private_key: source(login.private_key_file.as_deref(), arguments.private_key_env)?,
        password: source(login.password_file.as_deref(), arguments.password_env)?,
        secret: source(login.secret_file.as_deref(), arguments.secret_env)?,
        ticket: source(login.ticket_file.as_deref(), arguments.ticket_env)?,
    })
}

fn source(file: Option<&Path>, variable: Option<String>) -> Result<Option<Source>, Failure> {
    match (file, variable) {
        (Some(path), _) if path == Path::new("-") => {
            Err(Failure::usage("a context holds no secrets, and there is no stdin later: name a file"))
        }
        (Some(path), _) => Ok(Some(Source::File(absolute(path)?))),
        (None, variable) => Ok(variable.map(Source::Env)),
    }
}

/// The context is used from other directories, too.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn ls(context: &Context, all: &Contexts) -> Result<(), Failure> {
    for (name, settings) in &all.contexts {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
        context.printer.value(Value::Dict(Dict::from_iter([
            ("name", Value::from(name.as_str())),
            ("selected", Value::from(all.selected.as_ref() == Some(name))),
            ("url", text(&settings.url)),
            ("realm", text(&settings.realm)),
            ("authid", text(&settings.authid)),
        ])))?;
    }
    Ok(())
}

fn shown(settings: &Settings) -> Result<Value, Failure> {
    to_value(settings).map_err(|error| Failure::new(Code::Internal, error.to_string()))
}

/// Runs the user's editor, and says what is wrong with what it leaves.
fn edit() -> Result<(), Failure> {
    let said = |name| env::var(name).ok().filter(|editor| !editor.is_empty());
    let editor = said("VISUAL").or_else(|| said("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    // A file that is there stays as it is: with its comments, and with the mistake that is to be mended.
    if !contexts::path()?.exists() {
        Contexts::default().write()?;
    }
    // Editors come with flags, such as `code --wait`.
    let status = Command::new("sh").args(["-c", &format!("{editor} \"$0\"")]).arg(contexts::path()?).status();
    match status {
        Ok(status) if status.success() => Contexts::read().map(drop),
        Ok(status) => Err(Failure::usage(format!("the editor `{editor}` failed: {status}"))),
        Err(error) => Err(Failure::usage(format!("cannot run the editor `{editor}`: {error}"))),
    }
}
