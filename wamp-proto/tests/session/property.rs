//! Random worlds: nothing panics, and the order of polling does not matter.

use wamp_proto::message::{AuthenticateExtra, CancelMode, MessageKind};
use wamp_proto::session::{Input, Timeout};

use super::*;

/// A linear congruential generator: the same seed, the same world.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// One thing that happens to a session.
#[derive(Clone, Debug)]
enum Step {
    Frame(Vec<u8>),
    Wait(u64),
    Backwards,
    Call(bool),
    Publish(bool),
    Subscribe,
    Unsubscribe(u64),
    Register,
    Unregister(u64),
    Reply(u64, u64),
    Cancel(u64),
    GiveUp(u64),
    Authenticate,
    Close,
    Eof,
}

const FRAMES: &[&str] = &[
    WELCOME,
    CHALLENGE,
    "[50,#,{}]",
    "[50,#,{\"progress\":true},[1]]",
    "[17,#,1]",
    "[33,#,#]",
    "[35,#]",
    "[65,#,#]",
    "[67,#]",
    "[35,0,{\"subscription\":#}]",
    "[67,0,{\"registration\":#}]",
    "[36,#,1,{},[\"x\"]]",
    "[68,#,#,{},[\"x\"]]",
    "[69,#,{\"mode\":\"kill\"}]",
    "[8,48,#,{},\"com.error\"]",
    "[8,32,#,{},\"com.error\"]",
    "[8,34,#,{},\"com.error\"]",
    "[8,66,#,{},\"com.error\"]",
    "[6,{},\"wamp.close.close_realm\"]",
    "[3,{},\"wamp.close.close_realm\"]",
    "[48,#,{},\"com.proc\"]",
    "[8,68,#,{},\"com.error\"]",
    "[99,#]",
    "[]",
    "{",
];

/// The frames that a polite router sends unasked.
const POLITE: &[&str] = &[
    "[35,0,{\"subscription\":#}]",
    "[67,0,{\"registration\":#}]",
    "[36,#,1,{},[\"x\"]]",
    "[68,#,#,{},[\"x\"]]",
    "[69,#,{\"mode\":\"kill\"}]",
];

/// Answers one of the requests that were sent, as a polite router does.
fn answer(random: &mut Random, asked: &mut Vec<String>) -> Option<String> {
    if asked.is_empty() {
        return None;
    }
    let request = asked.swap_remove(random.below(asked.len() as u64) as usize);
    let mut fields = request[1..].trim_end_matches(']').split(',');
    let (code, id) = (fields.next().unwrap(), fields.next().unwrap());
    let refused = random.below(4) == 0;
    let thing = 1 + random.below(12);
    Some(match code {
        "16" if !request.contains("acknowledge") => return None,
        "16" | "32" | "34" | "48" | "64" | "66" if refused => format!(r#"[8,{code},{id},{{}},"com.error"]"#),
        "16" => format!("[17,{id},{thing}]"),
        "32" => format!("[33,{id},{thing}]"),
        "34" => format!("[35,{id}]"),
        "48" if request.contains("receive_progress") && random.below(2) == 0 => {
            let progress = format!(r#"[50,{id},{{"progress":true}}]"#);
            asked.push(request);
            progress
        }
        "48" => format!("[50,{id},{{}}]"),
        "64" => format!("[65,{id},{thing}]"),
        "66" => format!("[67,{id}]"),
        _ => return None,
    })
}

/// A polite router answers what it was `asked`; any other sends whatever comes to its mind.
fn step(random: &mut Random, asked: Option<&mut Vec<String>>) -> Step {
    let number = 1 + random.below(12);
    match random.below(40) {
        0..=15 => {
            let hostile = asked.is_none();
            let mut frame = match asked {
                None => random.pick(FRAMES).to_owned(),
                Some(asked) => answer(random, asked).unwrap_or_else(|| random.pick(POLITE).to_owned()),
            };
            while frame.contains('#') {
                frame = frame.replacen('#', &(1 + random.below(12)).to_string(), 1);
            }
            let mut frame = frame.into_bytes();
            // Now and then, a byte flips.
            if hostile && random.below(8) == 0 {
                let at = random.below(frame.len() as u64) as usize;
                frame[at] ^= 1 << random.below(8);
            }
            Step::Frame(frame)
        }
        16..=18 => Step::Wait(random.below(8000)),
        19 => Step::Backwards,
        20..=22 => Step::Call(random.below(2) == 0),
        23..=24 => Step::Publish(random.below(2) == 0),
        25..=27 => Step::Subscribe,
        28 => Step::Unsubscribe(number),
        29..=31 => Step::Register,
        32 => Step::Unregister(number),
        33..=35 => Step::Reply(number, random.below(3)),
        36 => Step::Cancel(number),
        37 => Step::GiveUp(number),
        38 => Step::Authenticate,
        _ if random.below(10) > 0 => Step::Wait(0),
        _ if random.below(2) == 0 => Step::Eof,
        _ => Step::Close,
    }
}

/// What can be seen of a session but its outputs.
type Seen = (String, State, Option<Closed>, usize, u64, Option<(Instant, Timeout)>);

fn apply(client: &mut Client, step: &Step) -> Seen {
    let now = client.now;
    let session = &mut client.session;
    let id = |number: u64| number.try_into().unwrap();
    let answer = match step.clone() {
        Step::Frame(frame) => {
            session.handle_frame(now, frame.into());
            String::new()
        }
        Step::Wait(millis) => {
            client.wait(millis);
            String::new()
        }
        Step::Backwards => {
            session.handle_timeout(Instant::ZERO);
            String::new()
        }
        Step::Call(receive_progress) => {
            let options = CallOptions { receive_progress, ..CallOptions::default() };
            let call = Call { options, ..Call::new(uri("com.proc"), args("[1]")) };
            format!("{:?}", session.call(now, call))
        }
        Step::Publish(acknowledge) => {
            let options = PublishOptions { acknowledge, ..PublishOptions::default() };
            format!("{:?}", session.publish(now, uri("com.topic"), options, args("[2]")))
        }
        Step::Subscribe => {
            format!("{:?}", session.subscribe(now, uri("com.topic"), SubscribeOptions::default()))
        }
        Step::Register => format!("{:?}", session.register(now, uri("com.proc"), RegisterOptions::default())),
        Step::Unsubscribe(number) => format!("{:?}", session.unsubscribe(now, number.try_into().unwrap())),
        Step::Unregister(number) => format!("{:?}", session.unregister(now, number.try_into().unwrap())),
        Step::Reply(number, how) => match (session.reply(id(number)), how) {
            (Ok(mut reply), 0) => format!("{:?}", reply.progress(args("[3]"))),
            (Ok(reply), 1) => format!("{:?}", reply.result(args("[4]"))),
            (Ok(reply), _) => {
                format!("{:?}", reply.error(RemoteError::new(uri("com.error"), Payload::empty())))
            }
            (Err(misuse), _) => format!("{misuse:?}"),
        },
        Step::Cancel(number) => format!("{:?}", session.cancel(id(number), CancelMode::Kill)),
        Step::GiveUp(number) => {
            session.give_up(id(number));
            String::new()
        }
        Step::Authenticate => {
            format!("{:?}", session.authenticate("s".to_owned(), AuthenticateExtra::default()))
        }
        Step::Close => {
            client.close();
            String::new()
        }
        Step::Eof => {
            session.handle_eof("gone");
            String::new()
        }
    };
    let session = &client.session;
    (
        answer,
        session.state(),
        session.closed().cloned(),
        session.pending_requests(),
        session.stray_events(),
        session.poll_timeout().map(|deadline| (deadline.at, deadline.why)),
    )
}

/// What must hold for the outputs of every session, whatever the world did.
fn check(sent: &[String], events: &[Event]) {
    let codes: Vec<u64> =
        sent.iter().map(|frame| frame[1..].split(',').next().unwrap().parse().unwrap()).collect();
    // HELLO first, nothing after GOODBYE or ABORT but one ABORT (S-40).
    assert!(codes.first().is_none_or(|code| *code == MessageKind::Hello.code()), "{sent:?}");
    let end = codes.iter().position(|code| [3, 6].contains(code)).unwrap_or(codes.len());
    assert!(codes[end..].len() <= 1, "{sent:?}");
    // I-05: ids without gaps.
    let ids = sent.iter().zip(&codes).filter(|(_, code)| [16, 32, 34, 48, 64, 66].contains(*code));
    for (index, (frame, _)) in ids.enumerate() {
        assert_eq!(frame.split(',').nth(1), Some(&*(index + 1).to_string()), "{sent:?}");
    }
    // The end comes once, and last.
    let closed = events.iter().position(|event| matches!(event, Event::Closed(_)));
    assert!(closed.is_none_or(|at| at + 1 == events.len()), "{events:?}");
    // A request ends once.
    let ended: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            Event::Result { details, .. } if details.progress => None,
            Event::Result { request, .. }
            | Event::Published { request, .. }
            | Event::Subscribed { request, .. }
            | Event::Unsubscribed { request }
            | Event::Registered { request, .. }
            | Event::Unregistered { request }
            | Event::Failed { request, .. } => Some(request.get()),
            _ => None,
        })
        .collect();
    let distinct: std::collections::BTreeSet<u64> = ended.iter().copied().collect();
    assert_eq!(distinct.len(), ended.len(), "{events:?}");
}

#[test]
fn the_order_of_polling_does_not_matter() {
    let mut ends = [0; 2];
    for seed in 0..1000 {
        let mut random = Random(seed);
        let polite = seed % 3 > 0;
        let mut asked = Vec::new();
        let (mut eager, mut lazy, mut mixed) =
            (Client::new(config()), Client::new(config()), Client::new(config()));
        let [mut eager_out, mut mixed_out] = [const { (Vec::new(), Vec::new()) }; 2];
        for at in 0..120 {
            let step = &match step(&mut random, polite.then_some(&mut asked)) {
                _ if at == 1 => Step::Frame(WELCOME.into()),
                Step::Eof => continue,
                step => step,
            };
            let state = eager.session.state();
            let one = apply(&mut eager, step);
            let sent = eager.sent();
            asked.extend_from_slice(&sent);
            eager_out.0.extend(sent);
            eager_out.1.extend(eager.events());
            assert_eq!(apply(&mut lazy, step), one, "{step:?}");
            let other = apply(&mut mixed, step);
            assert_eq!(other, one, "{step:?}");
            match random.below(4) {
                0 => mixed_out.1.extend(mixed.session.poll_event()),
                1 => mixed_out.0.extend(mixed.sent()),
                _ => {}
            }
            // No step leaves a closed session, nor goes where the table has no way.
            assert!(state != State::Closed || one.1 == State::Closed);
            if let Step::Frame(frame) = step {
                let kind = wamp_proto::message::Message::decode(
                    Encoding::Json,
                    &frame.clone().into(),
                    &config().limits,
                );
                if let Ok(kind) = kind.map(|message| message.kind()) {
                    let next = state.next(Input::Received(kind));
                    assert!(one.1 == State::Closed || Some(one.1) == next, "{state:?} {step:?}");
                }
            }
        }
        let events = lazy.events();
        mixed_out.0.extend(mixed.sent());
        mixed_out.1.extend(mixed.events());
        // ABORT from the router and the close timeout discard what is still queued: the poll may come too late.
        let sent = lazy.sent();
        if !matches!(lazy.session.closed(), Some(Closed::Aborted { .. } | Closed::CloseTimeout)) {
            assert_eq!(sent, eager_out.0, "{seed}");
            assert_eq!(mixed_out.0, eager_out.0, "{seed}");
        }
        assert_eq!(events, eager_out.1, "{seed}");
        assert_eq!(mixed_out.1, eager_out.1, "{seed}");
        check(&eager_out.0, &eager_out.1);
        ends[usize::from(eager.session.state() == State::Closed)] += 1;
    }
    // The worlds are neither all kind nor all hostile.
    assert!(ends.iter().all(|count| *count > 100), "{ends:?}");
}

#[test]
fn nothing_panics() {
    for seed in 0..1000 {
        let mut random = Random(seed ^ 0x5EED);
        let mut config = config();
        config.max_events = random.below(6) as usize;
        config.max_requests = random.below(8) as usize;
        config.queue_messages = random.below(6) as usize;
        config.queue_bytes = random.below(300) as usize;
        let mut client = Client::new(config);
        client.session.set_send_limit(random.below(200) as usize);
        let (mut sent, mut events) = (Vec::new(), Vec::new());
        let mut gone = false;
        for _ in 0..200 {
            let mut asked = sent.clone();
            let step = step(&mut random, (seed % 2 == 0).then_some(&mut asked));
            gone |= matches!(step, Step::Eof);
            apply(&mut client, &step);
            if random.below(2) == 0 {
                sent.extend(client.sent());
                events.extend(client.events());
            }
        }
        sent.extend(client.sent());
        events.extend(client.events());
        if !gone {
            check(&sent, &events);
        }
        client.session.handle_eof("");
        client.events();
        client.assert_over();
    }
}
