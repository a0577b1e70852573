//! Services that cannot be offered at first, on a clock that only moves when it is told to.

use super::{
    reconnect::{Scene, exact},
    *,
};
use crate::{Routes, ServeError, Serving};

fn routes() -> Routes {
    Routes::new().procedure("t.echo", || async { Ok(1) })
}

/// A service that waits until it can be offered.
type Waiting = BoxFuture<Result<Serving, ServeError>>;

fn wait(client: &Client) -> Waiting {
    client.serve(routes()).patiently().into_future()
}

/// Lets time pass until the service is offered or given up; says when that was.
fn passed(scene: &Scene, waiting: &mut Waiting) -> (Duration, Result<Serving, ServeError>) {
    const STEP: Duration = Duration::from_millis(100);
    let mut passed = Duration::ZERO;
    while passed < Duration::from_secs(1_000) {
        if let Poll::Ready(served) = settled(scene, waiting) {
            return (passed, served);
        }
        scene.world.pass(STEP);
        passed += STEP;
    }
    panic!("it does not end");
}

/// What there is once all has happened that can at this time.
fn settled(scene: &Scene, waiting: &mut Waiting) -> Poll<Result<Serving, ServeError>> {
    for _ in 0..5 {
        if let Poll::Ready(served) = poll(waiting) {
            return Poll::Ready(served);
        }
        scene.world.turn();
    }
    Poll::Pending
}

#[test]
fn a_conflict_that_passes() {
    let scene = Scene::new();
    let (former, client) = (scene.client(exact()), scene.client(exact()));
    scene.world.finish(former.register("t.echo", || async { Ok(0) })).unwrap();
    let mut waiting = wait(&client);
    assert!(settled(&scene, &mut waiting).is_pending());
    // It is asked for again after 0.5, 1.5, 3.5 s ...
    scene.world.pass(Duration::from_secs(1));
    assert!(settled(&scene, &mut waiting).is_pending());
    scene.world.finish(former.close());
    let (passed, served) = passed(&scene, &mut waiting);
    assert_eq!((passed, served.unwrap().registrations().len()), (Duration::from_secs(1), 1));
    assert_eq!(scene.world.finish(client.call("t.echo").value::<i64>()).unwrap(), 1);
}

#[test]
fn a_conflict_that_stays() {
    let scene = Scene::new();
    let (other, client) = (scene.client(exact()), scene.client(exact()));
    scene.world.finish(other.register("t.echo", || async { Ok(0) })).unwrap();
    let (waited, served) = passed(&scene, &mut wait(&client));
    let error = served.unwrap_err();
    let two_minutes = Duration::from_secs(120);
    assert_eq!((waited, error.tried_for), (two_minutes, two_minutes));
    assert_eq!(error.error.uri().unwrap(), "wamp.error.procedure_already_exists");
    let text = error.to_string();
    let said = "cannot offer `t.echo`, after 120s of asking: wamp.error.procedure_already_exists";
    assert!(text.starts_with(said), "{text}");
    // Whoever is not patient is told at once, and so is everybody of what cannot pass.
    let at_once = scene.world.finish(client.serve(routes())).unwrap_err();
    assert!(at_once.tried_for.is_zero() && at_once.to_string().starts_with("cannot offer `t.echo`: "));
    let wrong = client.serve(Routes::new().procedure("wamp.mine", || async { Ok(1) })).patiently();
    assert!(scene.world.finish(wrong).unwrap_err().tried_for.is_zero());
}

#[test]
fn a_session_that_is_lost_before_the_answer() {
    let scene = Scene::new();
    let client = scene.client(exact());
    let mut waiting = wait(&client);
    assert!(poll(&mut waiting).is_pending());
    scene.cut(&client);
    passed(&scene, &mut waiting).1.unwrap();
    scene.world.pass(Duration::from_secs(1));
    assert_eq!(scene.world.finish(client.call("t.echo").value::<i64>()).unwrap(), 1);
}
