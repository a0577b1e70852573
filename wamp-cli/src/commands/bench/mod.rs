//! `wamp bench`: how fast a router is, seen from clients in this process.

mod connect;
mod pubsub;
mod report;
mod rpc;
mod run;

use wamp_tokio::Router;

use crate::{
    args::{Bench, BenchCommand, BenchLatency, BenchRpc},
    exit::Failure,
    session::Context,
    signals::Signals,
};

/// Measures, prints the figures and says whether they are good enough.
pub(crate) async fn run(context: &Context, arguments: Bench) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let router = if arguments.embedded { Some(embedded(context).await?) } else { None };
    let at = match router.as_ref().and_then(Router::url) {
        Some(url) => &context.at(url),
        None => context,
    };
    let report = tokio::select! {
        report = measure(at, arguments.what) => report,
        ended = signals.next() => return Err(ended),
    };
    if let Some(router) = router {
        router.shutdown().await;
    }
    let report = report?;
    let printer = if arguments.json { context.printer.json() } else { context.printer };
    printer.value(report.figures())?;
    arguments.assert_p99.map_or(Ok(()), |limit| report.assert_slowest(limit))
}

async fn measure(context: &Context, what: BenchCommand) -> Result<report::Report, Failure> {
    match what {
        BenchCommand::Rpc(arguments) => rpc::measure(context, "rpc", &arguments).await,
        BenchCommand::Latency(BenchLatency { payload, pacing }) => {
            let alone = BenchRpc { callers: 1, callees: 1, inflight: 1, payload, pacing };
            Ok(rpc::measure(context, "latency", &alone).await?.with_distribution())
        }
        BenchCommand::Pubsub(arguments) => pubsub::measure(context, &arguments).await,
        BenchCommand::Connect(arguments) => connect::measure(context, &arguments).await,
    }
}

/// A router of our own, on this machine only.
async fn embedded(context: &Context) -> Result<Router, Failure> {
    let builder = Router::builder().listen("ws://127.0.0.1:0");
    Ok(context.globals.realm.iter().fold(builder, wamp_tokio::RouterBuilder::realm).await?)
}

/// A name that no other benchmark has at the same time.
fn unique(what: &str) -> Result<String, Failure> {
    let random = getrandom::u64()
        .map_err(|error| Failure::new(crate::exit::Code::Internal, format!("no random numbers: {error}")))?;
    Ok(format!("wamp_cli.bench.{what}.{random:016x}"))
}
