//! The table of states: as the specification has it (S-29..S-35), as the session does it, and as it is documented.

use std::fmt::Write as _;
use std::path::Path;

use wamp_proto::message::{Direction, MessageKind};
use wamp_proto::router;
use wamp_proto::session::{Input, Wish};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reaction {
    Process,
    Ignore,
    Violation,
}

/// S-29..S-35, row by row. Idle does not exist: a session begins with HELLO sent.
fn specified(state: State, kind: MessageKind) -> Reaction {
    use MessageKind::*;
    use Reaction::*;
    let [opening, open, leaving] = match kind {
        Welcome | Challenge => [Process, Violation, Ignore],
        Abort => [Process, Process, Process],
        Goodbye => [Violation, Process, Process],
        Error | Subscribed | Unsubscribed | Published | Result | Registered | Unregistered | Invocation
        | Event | Interrupt => [Violation, Process, Ignore],
        Hello | Authenticate | Publish | Subscribe | Unsubscribe | Call | Cancel | Register | Unregister
        | Yield => {
            assert_eq!(kind.direction(), Direction::ToRouter);
            [Violation, Violation, Ignore]
        }
    };
    match state {
        State::Joining | State::Authenticating => opening,
        State::Open => open,
        State::Leaving => leaving,
        State::Closed => Ignore,
    }
}

/// A frame that fits the requests of [`busy`].
fn sample(kind: MessageKind) -> &'static str {
    use MessageKind::*;
    match kind {
        Hello => r#"[1,"realm1",{"roles":{"caller":{}}}]"#,
        Welcome => WELCOME,
        Abort => r#"[3,{},"wamp.error.not_authorized"]"#,
        Challenge => CHALLENGE,
        Authenticate => r#"[5,"secret",{}]"#,
        Goodbye => r#"[6,{},"wamp.close.close_realm"]"#,
        Error => r#"[8,48,3,{},"com.error"]"#,
        Publish => r#"[16,1,{},"com.topic"]"#,
        Published => "[17,4,1]",
        Subscribe => r#"[32,1,{},"com.topic"]"#,
        Subscribed => "[33,5,11]",
        Unsubscribe => "[34,1,10]",
        Unsubscribed => "[35,6]",
        Event => "[36,10,1,{}]",
        Call => r#"[48,1,{},"com.proc"]"#,
        Cancel => "[49,1,{}]",
        Result => "[50,3,{}]",
        Register => r#"[64,1,{},"com.proc"]"#,
        Registered => "[65,7,21]",
        Unregister => "[66,1,20]",
        Unregistered => "[67,8]",
        Invocation => "[68,2,20,{}]",
        Interrupt => "[69,1,{}]",
        Yield => "[70,1,{}]",
    }
}

/// A session in this state; one that is or was open has one request of each kind waiting.
fn busy(state: State) -> Client {
    if !matches!(state, State::Open | State::Leaving) {
        return Client::in_state(state);
    }
    let mut client = Client::joined();
    client.subscribed(10);
    client.registered(20);
    let requests = [
        client.call(),
        client.publish(true),
        client.subscribe(),
        client.unsubscribe(10),
        client.register(),
        client.unregister(20),
    ];
    assert_eq!(requests, [3, 4, 5, 6, 7, 8]);
    client.feed("[68,1,20,{}]");
    if state == State::Leaving {
        client.close();
    }
    client.sent();
    client.events();
    client
}

#[test]
fn s_29_to_s_35_every_message_in_every_state() {
    for state in State::ALL {
        for kind in MessageKind::ALL.iter().copied() {
            let mut client = busy(state);
            let before = client.session.closed().cloned();
            client.feed(sample(kind));
            let (sent, events) = (client.sent(), client.events());
            let reaction = match client.session.closed() {
                Some(Closed::Violation(_)) if before.is_none() => {
                    assert!(sent.len() == 1 && sent[0].ends_with(r#""wamp.error.protocol_violation"]"#));
                    Reaction::Violation
                }
                _ if sent.is_empty() && events.is_empty() => Reaction::Ignore,
                _ => Reaction::Process,
            };
            assert_eq!(reaction, specified(state, kind), "{kind} in {state:?}");
            // The session does what its table says.
            let next = state.next(Input::Received(kind));
            assert_eq!(next.is_none(), reaction == Reaction::Violation, "{kind} in {state:?}");
            assert_eq!(client.session.state(), next.unwrap_or(State::Closed), "{kind} in {state:?}");
        }
    }
}

/// A Markdown table of a machine: one row for each input, one column for each state.
fn markdown<S: Copy, I: Copy>(
    states: &[S],
    inputs: &[I],
    state_name: impl Fn(S) -> String,
    input_name: impl Fn(I) -> String,
    next: impl Fn(S, I) -> String,
) -> String {
    let mut table = String::from("| |");
    let head: Vec<String> = states.iter().map(|state| state_name(*state)).collect();
    writeln!(table, " {} |\n|---|{}", head.join(" | "), "---|".repeat(states.len())).unwrap();
    for input in inputs {
        let cells: Vec<String> = states.iter().map(|state| next(*state, *input)).collect();
        writeln!(table, "| {} | {} |", input_name(*input), cells.join(" | ")).unwrap();
    }
    table
}

/// Compares with a file of `docs`, or writes it when `UPDATE_DOCS` is set.
fn check_document(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default().replace('\r', "");
    assert_eq!(found, text, "docs/{name} is out of date: run the tests with UPDATE_DOCS=1");
}

#[test]
fn documented_states() {
    let messages = MessageKind::ALL.iter().map(|kind| Input::Received(*kind));
    let wishes = [Wish::Use, Wish::Authenticate, Wish::Close].map(Input::Wish);
    let inputs: Vec<Input> = messages.chain(wishes).collect();
    let table = markdown(
        &State::ALL,
        &inputs,
        |state| format!("{state:?}"),
        |input| match input {
            Input::Received(kind) => kind.to_string(),
            Input::Wish(wish) => format!("*{wish:?}*"),
        },
        |state, input| match (state.next(input), input) {
            (Some(next), _) if next == state => "stay".to_owned(),
            (Some(next), _) => format!("**{next:?}**"),
            (None, Input::Received(_)) => "violation".to_owned(),
            (None, Input::Wish(_)) => "misuse".to_owned(),
        },
    );
    let text = format!(
        "# States of a client session\n\n\
         What happens in each state (columns) when a message comes from the router, or when the application wishes\n\
         something (rows, in italics). A state in bold is the next one. In *Leaving* and *Closed* everything but GOODBYE and\n\
         ABORT is ignored. A violation is answered by ABORT and ends the session; misuse is refused and changes nothing. A\n\
         session that loses its transport is *Closed* from any state.\n\n\
         This file is written by a test from the table that the session runs on.\n\n{table}"
    );
    check_document("session-states.md", &text);
}

#[test]
fn documented_router_states() {
    let table = markdown(
        &router::State::ALL,
        MessageKind::ALL,
        |state| format!("{state:?}"),
        |kind| kind.to_string(),
        |state, kind| match state.next(kind) {
            Some(next) if next == state => "stay".to_owned(),
            Some(next) => format!("**{next:?}**"),
            None => "violation".to_owned(),
        },
    );
    let text = format!(
        "# States of a connection at the router\n\n\
         What happens in each state (columns) when a message comes from the client (rows). A state in bold is the next one,\n\
         unless a HELLO or AUTHENTICATE is refused: that leads to *Closed*. In *Leaving* everything but GOODBYE and ABORT is\n\
         ignored, in *Closed* everything. A violation is answered by ABORT and ends the session. A connection that loses its\n\
         transport is *Closed* from any state.\n\n\
         This file is written by a test from the table that the router runs on.\n\n{table}"
    );
    check_document("router-states.md", &text);
}
