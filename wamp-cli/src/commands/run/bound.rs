//! Procedures and topics that commands serve.

use std::sync::Arc;

use wamp_tokio::{Event, Invocation, Register, Routes, Subscribe};

use super::file::{ProcedureEntry, ServicesFile, TopicEntry};
use crate::commands::{register, subscribe};

/// All of a file.
pub(super) fn routes(file: &ServicesFile) -> Routes {
    let routes = file.procedures.iter().fold(Routes::new(), procedure);
    file.topics.iter().fold(routes, topic)
}

fn procedure(routes: Routes, entry: &ProcedureEntry) -> Routes {
    let ProcedureEntry { uri, exec, policy, invoke, concurrency } = entry.clone();
    let concurrency = concurrency.map(u16::from);
    let service = Arc::new(register::Service::of_command(uri.get_ref(), exec, concurrency));
    let options = move |register: Register| register::shared(register, policy, invoke, concurrency);
    let handler = move |invocation: Invocation| {
        let service = service.clone();
        async move { service.answer(invocation).await }
    };
    routes.procedure_with(uri.get_ref(), options, handler)
}

fn topic(routes: Routes, entry: &TopicEntry) -> Routes {
    let TopicEntry { uri, exec, policy, retained } = entry.clone();
    let options = move |topic: Subscribe| subscribe::matching(topic, policy, retained);
    let exec = Arc::new(exec);
    let handler = move |event: Event| {
        let exec = exec.clone();
        async move {
            if let Err(failure) = subscribe::exec(&exec, &event).await {
                tracing::warn!(topic = %event.topic, error = failure.message, "an event was not handled");
            }
        }
    };
    routes.subscribe_with(uri.get_ref(), options, handler)
}
