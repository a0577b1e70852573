//! Secrets and signers of a client that outlives its sessions.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_channel::oneshot;
use wamp_proto::{
    auth::{Credential, Method, cra},
    router::{Authentication, Changes, Principal},
};

use super::{
    reconnect::{Scene, changes, exact},
    *,
};
use crate::{
    Lifecycle,
    auth::{Auth, Cra, Secret, Ticket},
};

fn rule(credential: Credential) -> Authentication {
    let method = credential.method();
    Authentication::new([method]).principal(Principal::new("joe", "user").credential(credential))
}

fn scene(credential: Credential) -> Scene {
    let mut config = Config::new(["realm1".parse().unwrap()]);
    config.authentication = vec![rule(credential)];
    Scene::with(config)
}

fn options(way: impl Into<Auth>) -> ClientOptions {
    ClientOptions { auth: vec![way.into()], reconnect: exact(), ..ClientOptions::default() }
}

/// The session that came in by the old ticket is closed, and the client comes back by the new one.
#[test]
fn a_secret_is_read_anew_for_every_session() {
    let ticket = |text: &str| Credential::Ticket(text.into());
    let scene = scene(ticket("one"));
    let (reads, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new("one")));
    let (count, current) = (reads.clone(), now.clone());
    let secret = Secret::callback(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok((*current.lock().unwrap()).to_owned())
    });
    let client = scene.client_with(options(Ticket::new("joe", secret)));
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    let mut stream = client.lifecycle();
    changes(&mut stream);
    *now.lock().unwrap() = "two";
    scene.router.reconfigure(Changes::default().authentication([rule(ticket("two"))]));
    scene.world.turn();
    let Some(Lifecycle::Lost { why: Closed::ByPeer { message, .. } }) =
        changes(&mut stream).into_iter().next()
    else {
        panic!("it should have been closed")
    };
    assert_eq!(message.as_deref(), Some("the credential of this user has changed"));
    scene.world.pass(Duration::from_millis(500));
    assert!(matches!(client.state(), Lifecycle::Joined { resumed: true, .. }), "{:?}", client.state());
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

/// A signer that takes its time, and the sessions that it signs for.
#[test]
fn a_38_a_signature_for_a_session_that_is_over_is_dropped() {
    for late in [false, true] {
        let scene = scene(Credential::Cra(cra::Credential::plain("secret")));
        let waiting: Arc<Mutex<Vec<oneshot::Sender<()>>>> = Arc::default();
        let slow = Arc::new(AtomicBool::new(false));
        let (asked, is_slow) = (waiting.clone(), slow.clone());
        let sign = move |challenge: String| {
            let (go_on, wait) = oneshot::channel();
            if is_slow.load(Ordering::Relaxed) {
                asked.lock().unwrap().push(go_on);
            } else {
                go_on.send(()).unwrap();
            }
            async move {
                wait.await?;
                Ok(cra::sign(&"secret".into(), &challenge))
            }
        };
        let client = scene.client_with(options(Cra::signed_by("joe", sign)));
        slow.store(true, Ordering::Relaxed);
        scene.cut(&client);
        scene.world.pass(Duration::from_millis(500));
        assert_eq!(waiting.lock().unwrap().len(), 1, "the second session is to be signed for");
        scene.cut(&client);
        let overdue = waiting.lock().unwrap().pop().unwrap();
        if !late {
            // There is no session at all just now.
            let _ = overdue.send(());
            scene.world.turn();
            scene.world.pass(Duration::from_secs(1));
        } else {
            scene.world.pass(Duration::from_secs(1));
            // The third is on its way in.
            let _ = overdue.send(());
            scene.world.turn();
        }
        assert!(matches!(client.state(), Lifecycle::Connecting { .. }), "{:?}", client.state());
        assert_eq!(scene.router.counts().sessions, 0, "no session has been signed for");
        let due = waiting.lock().unwrap().pop().unwrap();
        due.send(()).unwrap();
        scene.world.turn();
        assert!(matches!(client.state(), Lifecycle::Joined { .. }), "{:?}", client.state());
        assert_eq!(scene.world.finish(client.meta().sessions().count()).unwrap(), 1);
        assert_eq!(client.welcome().authmethod.as_deref(), Some(Method::Cra.name()));
    }
}
