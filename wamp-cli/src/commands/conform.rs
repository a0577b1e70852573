//! `wamp conform`.

use std::time::Duration;

use tokio::time::Instant;
use wamp_test::conformance::{
    Encoding, Kit, Stage,
    remote::{CASES, Outcome, Profile, RemoteCase},
};
use wamp_tokio::{
    Client, Tokio,
    proto::{Dict, Value},
};

use crate::{
    args::{Conform, ProfileName, Serializer},
    exit::{Code, Failure},
    latency::milliseconds,
    output::print,
    session::Context,
    signals::Signals,
};

/// Runs the cases and prints how they ended.
pub(crate) async fn run(context: &Context, arguments: &Conform) -> Result<(), Failure> {
    let cases = chosen(arguments);
    if cases.is_empty() {
        return Err(Failure::usage("there is no such case: --list prints their names"));
    }
    if arguments.list {
        return cases.iter().try_for_each(|case| print(case.path().as_bytes(), true));
    }
    let mut signals = Signals::catch()?;
    // What a case says when it fails is in the report.
    std::panic::set_hook(Box::new(|_| {}));
    let results = tokio::select! {
        results = all(context, arguments, &cases) => results?,
        ended = signals.next() => return Err(ended),
    };
    let count = |wanted: fn(&Ended) -> bool| results.iter().filter(|result| wanted(&result.ended)).count();
    let failed = count(|ended| matches!(ended, Ended::Failed(_)));
    if context.printer.is_junit() {
        print(junit(&results).as_bytes(), false)?;
    }
    context.say(format_args!(
        "{} passed, {failed} failed, {} known to fail, {} skipped",
        count(|ended| matches!(ended, Ended::Passed)),
        count(|ended| matches!(ended, Ended::Known(_))),
        count(|ended| matches!(ended, Ended::Skipped(_))),
    ));
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(Code::AssertionFailed, format!("{failed} cases failed"))),
    }
}

fn chosen(arguments: &Conform) -> Vec<&'static RemoteCase> {
    let basic = arguments.profile == ProfileName::Basic;
    let wanted = |case: &&RemoteCase| {
        (!basic || case.profile == Profile::Basic)
            && arguments.filter.as_ref().is_none_or(|text| case.path().contains(text))
    };
    CASES.iter().filter(wanted).collect()
}

/// How a case ended with one serializer.
struct Ran {
    case: &'static RemoteCase,
    encoding: Encoding,
    ended: Ended,
    took: Duration,
}

enum Ended {
    Passed,
    Failed(String),
    /// Failed, as somebody said that it would.
    Known(String),
    Skipped(String),
}

/// One case after the other: they use the same names at one router.
async fn all(
    context: &Context,
    arguments: &Conform,
    cases: &[&'static RemoteCase],
) -> Result<Vec<Ran>, Failure> {
    let elsewhere;
    let context = match &arguments.router {
        Some(url) => {
            elsewhere = context.with_url(url);
            &elsewhere
        }
        None => context,
    };
    let kit = Kit::on::<Tokio>();
    let mut results = Vec::new();
    for (encoding, probe) in spoken(context).await? {
        let welcome = probe.welcome();
        for case in cases {
            let options = context.options()?;
            let stage = Stage::at(kit.clone(), context.globals.url(), encoding).with_options(options);
            let begin = Instant::now();
            let ended = match case.run(stage, &welcome).await {
                Outcome::Passed => Ended::Passed,
                Outcome::Failed(why) if arguments.known.contains(&case.path()) => Ended::Known(why),
                Outcome::Failed(why) => Ended::Failed(why),
                Outcome::Skipped(missing) => {
                    Ended::Skipped(format!("the router does not announce {}", missing.join(", ")))
                }
            };
            let ran = Ran { case, encoding, ended, took: begin.elapsed() };
            show(context, &ran)?;
            results.push(ran);
        }
        probe.close().await;
    }
    Ok(results)
}

/// The serializers of the router, each with a session that has found that out.
async fn spoken(context: &Context) -> Result<Vec<(Encoding, Client)>, Failure> {
    let serializers = match context.globals.serializer {
        Some(serializer) => vec![serializer],
        None => vec![Serializer::Json, Serializer::Msgpack, Serializer::Cbor],
    };
    let (mut spoken, mut refused) = (Vec::new(), None);
    for serializer in serializers {
        match context.speaking(serializer).connect().await {
            Ok(client) => spoken.push((serializer.into(), client)),
            Err(failure) => refused = Some((Encoding::from(serializer), failure)),
        }
    }
    match refused {
        Some((_, failure)) if spoken.is_empty() => return Err(failure),
        Some((encoding, failure)) => {
            context.say(format_args!("WARNING: skipped {encoding}: {}", failure.message));
        }
        None => {}
    }
    Ok(spoken)
}

fn show(context: &Context, ran: &Ran) -> Result<(), Failure> {
    let (word, why) = ran.ended.told();
    let (path, encoding) = (ran.case.path(), ran.encoding);
    if context.printer.is_junit() {
        return Ok(());
    }
    if context.printer.is_for_people() {
        let why = why.map(|why| format!(": {}", why.replace('\n', "; "))).unwrap_or_default();
        return print(format!("{word:<7} {path} ({encoding}){why}").as_bytes(), true);
    }
    context.printer.value(Value::Dict(Dict::from_iter([
        ("case", Value::from(path)),
        ("serializer", Value::from(encoding.to_string())),
        ("outcome", Value::from(word)),
        ("why", why.map_or(Value::Null, Value::from)),
        ("took_ms", milliseconds(ran.took)),
    ])))
}

impl Ended {
    /// In a word, and why.
    fn told(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Passed => ("passed", None),
            Self::Failed(why) => ("failed", Some(why)),
            Self::Known(why) => ("known", Some(why)),
            Self::Skipped(why) => ("skipped", Some(why)),
        }
    }
}

/// The report for CI systems.
fn junit(results: &[Ran]) -> String {
    let failures = results.iter().filter(|ran| matches!(ran.ended, Ended::Failed(_))).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"wamp conform\" tests=\"{}\" failures=\"{failures}\">\n",
        results.len()
    );
    for ran in results {
        let (group, name, took) = (ran.case.group, ran.case.name, ran.took.as_secs_f64());
        let encoding = ran.encoding;
        xml += &format!("  <testcase classname=\"{group}\" name=\"{name} ({encoding})\" time=\"{took:.3}\">");
        xml += &match &ran.ended {
            Ended::Passed => String::new(),
            Ended::Failed(why) => format!("<failure>{}</failure>", escaped(why)),
            Ended::Known(why) => format!("<skipped message=\"known to fail: {}\"/>", escaped(why)),
            Ended::Skipped(why) => format!("<skipped message=\"{}\"/>", escaped(why)),
        };
        xml += "</testcase>\n";
    }
    xml + "</testsuite>\n"
}

/// Text within XML, which has no room for control characters.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_for_ci() {
        let ran = |ended| Ran {
            case: &CASES[0],
            encoding: Encoding::Json,
            ended,
            took: Duration::from_millis(1500),
        };
        let xml = junit(&[ran(Ended::Passed), ran(Ended::Failed("a < \"b\"\n\u{1}".to_owned()))]);
        assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
        assert!(xml.contains("name=\"typed_values (json)\" time=\"1.500\"></testcase>"), "{xml}");
        assert!(xml.contains("<failure>a &lt; &quot;b&quot;&#10;\u{FFFD}</failure>"), "{xml}");
    }
}
