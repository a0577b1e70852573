//! `wamp conform`: any router by its URL.

use crate::harness::{Router, guarded, start, wamp};

#[test]
fn our_router_passes() {
    let router = Router::start();
    let conform = ["--serializer", "cbor", "conform", router.url(), "-q"];
    let printed = wamp(&conform).ok();
    assert!(
        printed.lines().count() > 30 && printed.lines().all(|line| line.contains("\"outcome\":\"passed\""))
    );
    let xml = wamp(&["conform", router.url(), "-q", "--filter", "a_name_is_taken_once", "-o", "junit"]).ok();
    assert!(xml.contains("<testsuite name=\"wamp conform\" tests=\"3\" failures=\"0\">"), "{xml}");
    assert_eq!(wamp(&["conform", "--filter", "no such case"]).failed(2).lines().count(), 1);
    let text = wamp(&["conform", router.url(), "--filter", "typed_values", "-o", "pretty"]);
    assert!(text.stdout.contains("passed  calls::typed_values (cbor)"), "{text:?}");
    assert!(text.stderr.contains("3 passed, 0 failed, 0 known to fail, 0 skipped"), "{text:?}");
}

#[test]
fn a_router_that_asks_who_one_is() {
    let router = guarded::Guarded::start();
    let filter = ["conform", &router.url(), "-q", "--serializer", "json", "--filter", "calls::typed_values"];
    let login = ["-r", "guarded", "--authid", "ticket", "--ticket", guarded::SECRET];
    assert!(wamp(&[&filter[..], &login].concat()).ok().contains("\"outcome\":\"passed\""));
    wamp(&[&filter[..], &["-r", "guarded"]].concat()).failed(5);
    // A secret that comes once is for all sessions.
    let login = ["-r", "guarded", "--authid", "ticket", "--ticket-file", "-"];
    let secret = format!("{}\n", guarded::SECRET);
    let ended = start(&[&filter[..], &login].concat(), &[], secret.as_bytes()).end();
    assert!(ended.ok().contains("\"outcome\":\"passed\""));
}

#[test]
fn profiles_and_names() {
    let all = wamp(&["conform", "--list"]).ok();
    let basic = wamp(&["conform", "--list", "--profile", "basic"]).ok();
    assert!(basic.contains("calls::typed_values\n") && !basic.contains("sharing::meta"), "{basic}");
    assert!(all.starts_with(&basic) && all.contains("sharing::meta\n"), "{all}");
}

#[test]
fn a_router_that_cannot_do_it_fails() {
    // It welcomes everybody and knows nothing.
    let url = crate::harness::welcoming();
    let conform = ["--serializer", "json", "conform", &url, "-q", "--filter", "a_join_that_is_refused"];
    let ended = wamp(&conform);
    assert!(ended.code == 12 && ended.stdout.contains("\"outcome\":\"failed\""), "{ended:?}");
    let known = wamp(&[&conform[..], &["--known", "closing::a_join_that_is_refused_says_why"]].concat());
    assert!(known.code == 0 && known.stdout.contains("\"outcome\":\"known\""), "{known:?}");
    let skipped = wamp(&["--serializer", "json", "conform", &url, "-q", "--filter", "sharing::meta"]).ok();
    assert!(skipped.contains("\"why\":\"the router does not announce session_meta_api"), "{skipped}");
}
