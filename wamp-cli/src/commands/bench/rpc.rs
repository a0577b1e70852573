//! Calls.

use std::sync::Arc;

use tokio::task::JoinSet;
use wamp_tokio::{Client, Invocation, Reply, proto::Value};

use super::{report::Report, run::Run, unique};
use crate::{args::BenchRpc, exit::Failure, session::Context};

/// Calls procedures that answer with their arguments.
pub(super) async fn measure(context: &Context, what: &str, arguments: &BenchRpc) -> Result<Report, Failure> {
    let name = unique("rpc")?;
    let procedures: Arc<[String]> = (0..arguments.callees).map(|number| format!("{name}.{number}")).collect();
    let mut callees = Vec::new();
    for procedure in procedures.iter() {
        let callee = context.connect().await?;
        let echo = async |invocation: Invocation| Ok(Reply::from(invocation.payload));
        callee.register(procedure, echo).await?;
        callees.push(callee);
    }
    let mut callers = Vec::new();
    for _ in 0..arguments.callers {
        callers.push(context.connect().await?);
    }
    let run = Run::begin(arguments.pacing)?;
    let mut tasks = JoinSet::new();
    for (number, caller) in (0_usize..)
        .zip(callers.iter().flat_map(|caller| std::iter::repeat_n(caller, arguments.inflight.into())))
    {
        let procedure = procedures[number % procedures.len()].clone();
        tasks.spawn(call(caller.clone(), procedure, arguments.payload, run.clone()));
    }
    let measured = run.measure(context, tasks).await?;
    for client in callers.iter().chain(&callees) {
        client.close().await;
    }
    let settings = [
        ("callers", Value::from(arguments.callers)),
        ("callees", Value::from(arguments.callees)),
        ("inflight", Value::from(arguments.inflight)),
        ("payload", Value::from(arguments.payload)),
        ("rate", arguments.pacing.rate.map_or(Value::Null, Value::from)),
    ];
    Ok(Report::new(context, what, settings, measured))
}

/// One call after the other.
async fn call(caller: Client, procedure: String, size: u32, run: Arc<Run>) -> Result<(), Failure> {
    let argument = "x".repeat(size as usize);
    while let Some(due) = run.next().await {
        caller.call(&procedure).args((&argument,)).await?;
        run.arrived(due);
    }
    Ok(())
}
