//! Leaving a scope closes what was opened in it.

use std::{sync::mpsc, thread};

use wamp_blocking::Wait as _;

use crate::{routers, until, within};

#[test]
fn the_end_of_a_scope_closes_and_waits() {
    within(|| {
        for (router, connect) in routers() {
            for _ in 0..20 {
                {
                    let client = connect(&router);
                    let _other = client.clone();
                    let _events = client.subscribe("t.topic").wait().unwrap();
                    client.register("t.echo", |number: i64| Ok(number)).wait().unwrap();
                    assert_eq!(router.counts().sessions, 1);
                }
                assert_eq!(router.counts().sessions, 0);
                // The last user may be a subscription.
                let mut events = {
                    let client = connect(&router);
                    client.subscribe("t.topic").wait().unwrap()
                };
                assert_eq!(router.counts().sessions, 1);
                assert!(events.try_recv().is_err());
                drop(events);
                assert_eq!(router.counts().sessions, 0);
            }
            until("the connections are gone", || router.counts().connections == 0);
        }
    });
}

#[test]
fn a_scope_that_panics_closes_too() {
    within(|| {
        for (router, connect) in routers() {
            let client = connect(&router);
            let panicking = thread::spawn(move || {
                let _client = client;
                panic!("in a scope");
            });
            assert!(panicking.join().is_err());
            assert_eq!(router.counts().sessions, 0);
        }
    });
}

/// A handler is dropped by whoever ends the session; that one must not wait for the session that the handler has a handle of.
#[test]
fn a_handler_that_owns_a_client_of_another_session() {
    within(|| {
        for (router, connect) in routers() {
            for _ in 0..20 {
                {
                    let (one, other) = (connect(&router), connect(&router));
                    let forward =
                        move |number: i64| Ok(other.call("t.echo").args((number,)).value::<i64>().wait()?);
                    one.register("t.forward", forward).wait().unwrap();
                    one.register("t.echo", |number: i64| Ok(number)).wait().unwrap();
                    let answer = one.call("t.forward").args((7,)).value::<i64>().wait().unwrap();
                    assert_eq!(answer, 7);
                }
                until("both sessions are gone", || router.counts().connections == 0);
            }
        }
    });
}

/// Threads that wait for answers move bytes themselves, and so may be the one that ends the session and drops the handlers.
#[test]
fn handlers_that_own_their_client_while_many_wait() {
    within(|| {
        for (router, connect) in routers() {
            for _ in 0..100 {
                let client = connect(&router);
                for number in 0..3 {
                    let own = client.clone();
                    let echo = move |number: i64| {
                        let _ = &own;
                        Ok(number)
                    };
                    client.register(&format!("t.echo{number}"), echo).wait().unwrap();
                }
                let (tell, told) = mpsc::channel();
                let callers = (0..3).map(|number| {
                    let (client, tell) = (client.clone(), tell.clone());
                    thread::spawn(move || {
                        let procedure = format!("t.echo{number}");
                        while client.call(&procedure).args((1,)).value::<i64>().wait().is_ok() {
                            let _ = tell.send(());
                        }
                    })
                });
                let callers = callers.collect::<Vec<_>>();
                for _ in 0..10 {
                    told.recv().unwrap();
                }
                client.close().wait();
                for caller in callers {
                    caller.join().unwrap();
                }
                drop(client);
                until("the session is gone", || router.counts().connections == 0);
            }
        }
    });
}
