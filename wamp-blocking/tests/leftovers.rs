//! Nothing is left when everything is dropped: no thread and, where it can be seen, no open file. One test, since others in
//! the same process would have threads of their own.

#![cfg(target_os = "linux")]

use std::{fs, net::TcpListener, thread, time::Duration};

use wamp_blocking::{Event, Router, RouterBuilder, Wait as _};

/// Threads of ours, and open files.
fn held() -> (usize, usize) {
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| name(task.unwrap()));
    let files = fs::read_dir("/proc/self/fd").unwrap().count();
    (tasks.filter(|name| name.starts_with("wamp-")).count(), files)
}

fn settles(what: &str, before: (usize, usize)) {
    for _ in 0..5_000 {
        if held() == before {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("after {what} there are {:?} threads and files, before there were {before:?}", held());
}

#[test]
fn no_thread_and_no_file_is_left() {
    let before = held();
    assert_eq!(before.0, 0);
    let listen = ["ws://127.0.0.1:0", "tcp://127.0.0.1:0"];
    let start = || listen.into_iter().fold(Router::builder(), RouterBuilder::listen).wait().unwrap();
    for _ in 0..10 {
        drop(start());
    }
    settles("routers", before);
    for round in 0..10 {
        let router = start();
        let mut clients = vec![router.connect().wait().unwrap()];
        for endpoint in router.endpoints() {
            clients.push(wamp_blocking::connect(&endpoint.to_string()).wait().unwrap());
        }
        let mut streams = Vec::new();
        for (number, client) in clients.iter().enumerate() {
            let procedure = format!("t.echo{number}");
            let own = client.clone();
            let echo = move |number: i64| Ok((number, own.session().get()).0);
            client.register(&procedure, echo).wait().unwrap();
            streams.push(client.subscribe("t.topic").wait().unwrap());
            client.subscribe("t.topic").handle_blocking(|_: Event| ()).wait().unwrap();
            assert_eq!(client.call(&procedure).args((1,)).value::<i64>().wait().unwrap(), 1);
            client.publish("t.topic").exclude_me(false).wait().unwrap();
        }
        // Either side may be the first to go.
        if round % 2 == 0 {
            drop(router);
        }
        for client in &clients {
            client.close().wait();
        }
    }
    settles("sessions", before);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for _ in 0..10 {
        for scheme in ["ws", "tcp"] {
            let url = format!("{scheme}://{}", silent.local_addr().unwrap());
            let connect = wamp_blocking::connect(&url).connect_timeout(Duration::from_millis(5));
            assert!(connect.wait().is_err());
            assert!(wamp_blocking::connect(&format!("{scheme}://127.0.0.1:1")).wait().is_err());
            assert!(wamp_blocking::connect(&format!("{scheme}://localhost:1")).wait().is_err());
        }
    }
    drop(silent);
    settles("connections that were not made", before);
}
