//! Checks this client against a router that somebody else wrote, in what goes beyond calls and events.
//! `cargo run -p wamp-tokio --example peer_advanced -- URL`, as `scripts/interop` does.

use std::{collections::BTreeSet, error::Error, time::Duration};

use wamp_tokio::{
    CancelMode, Client, Event, Invocation, InvocationPolicy, Subscription,
    meta::HistoryQuery,
    proto::{Encoding, Value},
};

type Checked = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Checked {
    let url = std::env::args().nth(1).ok_or("URL?")?;
    let batched = url.starts_with("ws:");
    let connect = |encoding| wamp_tokio::connect(&url).serializers([encoding]).batched(batched);
    let one = connect(Encoding::MessagePack).await?;
    let other = connect(Encoding::Cbor).await?;
    let third = connect(Encoding::Cbor).await?;
    let checks = async {
        progress(&one, &other).await?;
        canceling(&one, &other).await?;
        sharing(&one, &other, &third).await?;
        audience(&one, &other, &third).await?;
        retention(&one, &other).await?;
        disclosure(&one, &other).await?;
        meta(&one, &other).await?;
        history(&one, &other).await?;
        taking_over(&one, &other, &third).await?;
        revocation(&one, &other).await?;
        testament(third, &other).await
    };
    tokio::time::timeout(Duration::from_secs(60), checks).await??;
    println!("{url}: all checks of the advanced profile passed");
    Ok(())
}

async fn progress(callee: &Client, caller: &Client) -> Checked {
    let count = |call: Invocation| async move {
        for number in 0..call.args::<(i64,)>()?.0 {
            call.progress((number,)).await?;
        }
        call.reply(("done",), ())
    };
    callee.register("com.example.count", count).await?;
    let mut results = caller.call("com.example.count").args((3,)).progressive().await?;
    for number in 0..3 {
        let part = results.next().await.ok_or("a part")??;
        ensure(part.details.progress && part.value::<i64>()? == number, "a progressive result")?;
    }
    ensure(results.result().await?.value::<String>()? == "done", "the last result")
}

async fn canceling(callee: &Client, caller: &Client) -> Checked {
    callee.register("com.example.never", std::future::pending::<Result<(), wamp_tokio::ErrorReply>>).await?;
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let call = caller.call("com.example.never").timeout(Duration::from_millis(200)).cancel_mode(mode);
        ensure(matches!(call.await, Err(wamp_tokio::Error::Timeout)), "a call with a time limit")?;
    }
    // The handlers that were given up are gone, those of `skip` excepted.
    let call = caller.call("com.example.count").args((0,)).value::<String>();
    ensure(call.await? == "done", "a call after those that were canceled")
}

async fn sharing(one: &Client, other: &Client, caller: &Client) -> Checked {
    for (callee, name) in [(one, "one"), (other, "other")] {
        let register = callee.register("com.example.shared", move || async move { Ok(name) });
        register.invoke(InvocationPolicy::RoundRobin).await?;
    }
    let mut names = BTreeSet::new();
    for _ in 0..2 {
        names.insert(caller.call("com.example.shared").value::<String>().await?);
    }
    ensure(names.len() == 2, "a shared registration")
}

async fn next(events: &mut Subscription) -> Result<Event, Box<dyn Error>> {
    Ok(events.next().await.ok_or("an event")?)
}

async fn audience(publisher: &Client, one: &Client, other: &Client) -> Checked {
    let mut first = one.subscribe("com.example.audience").await?;
    let mut second = other.subscribe("com.example.audience").await?;
    let publish = |number: u8| publisher.publish("com.example.audience").args((number,)).acknowledge();
    publish(1).exclude([one.session()]).await?;
    publish(2).eligible([one.session()]).await?;
    publish(3).eligible_authrole(["anonymous"]).exclude_authrole(["nobody"]).await?;
    for (events, numbers) in [(&mut first, [2, 3]), (&mut second, [1, 3])] {
        for number in numbers {
            ensure(next(events).await?.value::<u8>()? == number, "who receives an event")?;
        }
    }
    Ok(())
}

async fn retention(publisher: &Client, subscriber: &Client) -> Checked {
    publisher.publish("com.example.kept").args((7,)).retain().acknowledge().await?;
    let mut events = subscriber.subscribe("com.example.kept").get_retained().await?;
    let event = next(&mut events).await?;
    ensure(event.details.retained && event.value::<u8>()? == 7, "a retained event")
}

/// Crossbar discloses by its configuration alone.
async fn disclosure(callee: &Client, caller: &Client) -> Checked {
    let who = |call: Invocation| async move { call.reply((call.details.caller,), ()) };
    callee.register("com.disclosed.who", who).await?;
    let who: Option<u64> = caller.call("com.disclosed.who").disclose_me().value().await?;
    ensure(who == Some(caller.session().get()), "a caller that is disclosed")?;
    let mut events = callee.subscribe("com.disclosed.event").await?;
    caller.publish("com.disclosed.event").disclose_me().acknowledge().await?;
    ensure(
        next(&mut events).await?.details.publisher == Some(caller.session()),
        "a publisher that is disclosed",
    )
}

async fn meta(one: &Client, other: &Client) -> Checked {
    let sessions = other.meta().sessions();
    let known = sessions.list().await?;
    ensure(known.contains(&one.session()) && known.contains(&other.session()), "the sessions")?;
    ensure(sessions.count().await? >= 2, "their number")?;
    ensure(sessions.get(one.session()).await?.session == one.session(), "a session")?;
    let mut created = other.subscribe("wamp.registration.on_create").await?;
    let registration = one.register("com.example.new", || async { Ok(()) }).await?;
    ensure(created.next().await.is_some(), "an event of a new registration")?;
    let registrations = other.meta().registrations();
    ensure(registrations.best_match("com.example.new").await? == Some(registration.id()), "a registration")?;
    let callees = registrations.list_callees(registration.id()).await?;
    ensure(callees == [one.session()], "the callees of a registration")?;
    ensure(registrations.get(registration.id()).await?.uri == "com.example.new", "what is known of it")?;
    let subscriptions = other.meta().subscriptions();
    let events = other.subscribe("com.example.listened").await?;
    let subscribers = subscriptions.list_subscribers(events.id()).await?;
    ensure(subscribers == [other.session()], "the subscribers of a subscription")
}

async fn history(publisher: &Client, reader: &Client) -> Checked {
    let events = reader.subscribe("com.example.history").await?;
    for number in 1..=5 {
        publisher.publish("com.example.history").args((number,)).acknowledge().await?;
    }
    let query = HistoryQuery { limit: Some(10), ..HistoryQuery::default() };
    let kept = reader.meta().subscriptions().events(events.id(), query).await?;
    let mut numbers = kept.iter().map(|event| event.args.clone()).collect::<Vec<_>>();
    numbers.sort_by_key(|args| args.first().and_then(Value::as_u64));
    ensure(numbers == [3, 4, 5].map(|number| vec![Value::from(number)]), "the events that are kept")?;
    ensure(kept.iter().all(|event| event.timestamp.starts_with("20")), "when they were published")
}

async fn taking_over(old: &Client, new: &Client, caller: &Client) -> Checked {
    old.register("com.example.owned", || async { Ok("old") }).await?;
    ensure(
        new.register("com.example.owned", || async { Ok("new") }).await.is_err(),
        "a procedure that is taken",
    )?;
    new.register("com.example.owned", || async { Ok("new") }).force_reregister().await?;
    let owner: String = caller.call("com.example.owned").value().await?;
    ensure(owner == "new", "a procedure that was taken over")
}

async fn revocation(victim: &Client, other: &Client) -> Checked {
    let registration = victim.register("com.example.revoked", || async { Ok(()) }).await?;
    // Crossbar 26.10 takes the registration away, and then fails in its own code before anybody is told.
    match other.meta().registrations().remove_callee(registration.id(), victim.session()).await {
        Err(error) if error.uri().is_none_or(|uri| uri != "wamp.error.runtime_error") => {
            return Err(error.into());
        }
        _ => {}
    }
    ensure(other.call("com.example.revoked").await.is_err(), "a registration that is revoked")?;
    let mut events = victim.subscribe("com.example.revoked").await?;
    other.meta().subscriptions().remove_subscriber(events.id(), victim.session()).await?;
    ensure(events.next().await.is_none(), "a subscription that is revoked")
}

async fn testament(dying: Client, watcher: &Client) -> Checked {
    let mut events = watcher.subscribe("com.example.will").await?;
    let will = dying.call("wamp.session.add_testament").args(("com.example.will", ("farewell",), Empty {}));
    will.await?;
    dying.close().await;
    ensure(next(&mut events).await?.value::<String>()? == "farewell", "a testament")
}

/// No keyword arguments.
#[derive(serde::Serialize)]
struct Empty {}

fn ensure(condition: bool, what: &str) -> Checked {
    if condition { Ok(()) } else { Err(format!("not as it should be: {what}").into()) }
}
