//! Handlers that block, wait, and call each other.

use std::{
    io::{Read, Write as _},
    net::TcpListener,
    sync::{Arc, Barrier, Mutex, mpsc},
    thread,
    time::Duration,
};

use wamp_blocking::{ErrorReply, Event, Wait as _, proto::Encoding};

use crate::{routers, until, within};

#[test]
fn handlers_wait_too_and_call_each_other() {
    within(|| {
        for (router, connect) in routers() {
            let (callee, caller) = (connect(&router), connect(&router));
            let again = callee.clone();
            let sum = move |number: i64| {
                if number == 0 {
                    return Ok(0);
                }
                Ok(number + again.call("t.sum").args((number - 1,)).value::<i64>().wait()?)
            };
            callee.register("t.sum", sum).wait().unwrap();
            assert_eq!(caller.call("t.sum").args((20,)).value::<i64>().wait().unwrap(), 210);
            assert_eq!(callee.call("t.sum").args((20,)).value::<i64>().wait().unwrap(), 210);
            // The handler owns a handle of its own session: it is closed all the same.
            callee.close().wait();
            until("the session is gone", || router.counts().sessions == 1);
        }
    });
}

#[test]
fn handlers_run_side_by_side() {
    within(|| {
        for (router, connect) in routers() {
            let (callee, caller) = (connect(&router), connect(&router));
            let meet = Arc::new(Barrier::new(20));
            callee.register("t.meet", move || Ok(_ = meet.wait())).wait().unwrap();
            let calls = (0..20).map(|_| {
                let caller = caller.clone();
                thread::spawn(move || caller.call("t.meet").value::<()>().wait())
            });
            for call in calls.collect::<Vec<_>>() {
                call.join().unwrap().unwrap();
            }
        }
    });
}

/// What a handler has begun and does not wait for is under way while it blocks, and so is all else.
#[test]
fn a_handler_that_blocks_holds_up_nothing_that_it_has_begun() {
    within(|| {
        for (router, connect) in routers() {
            let (callee, caller) = (connect(&router), connect(&router));
            let events = Mutex::new(Some(callee.subscribe("t.topic").wait().unwrap()));
            let (begun, begins) = mpsc::channel();
            let (go, gone) = mpsc::channel::<()>();
            let gone = Mutex::new(gone);
            let block = move || {
                drop(events.lock().unwrap().take());
                begun.send(())?;
                gone.lock().unwrap().recv()?;
                Ok(())
            };
            callee.register("t.block", block).wait().unwrap();
            callee.register("t.echo", |number: i64| Ok(number)).wait().unwrap();
            let blocked = caller.clone();
            let call = thread::spawn(move || blocked.call("t.block").value::<()>().wait());
            begins.recv_timeout(Duration::from_secs(5)).unwrap();
            until("the subscription has ended", || router.counts().subscriptions == 0);
            let echo = caller.call("t.echo").args((1,)).timeout(Duration::from_secs(2));
            assert_eq!(echo.value::<i64>().wait().unwrap(), 1);
            let own = callee.call("t.echo").args((2,)).timeout(Duration::from_secs(2));
            assert_eq!(own.value::<i64>().wait().unwrap(), 2);
            go.send(()).unwrap();
            call.join().unwrap().unwrap();
        }
    });
}

/// The same for a handler of events.
#[test]
fn a_handler_of_events_that_blocks_holds_up_nothing_that_it_has_begun() {
    within(|| {
        for (router, connect) in routers() {
            let (subscriber, other) = (connect(&router), connect(&router));
            subscriber.register("t.echo", |number: i64| Ok(number)).wait().unwrap();
            let events = Mutex::new(Some(subscriber.subscribe("t.other").wait().unwrap()));
            let (begun, begins) = mpsc::channel();
            let (go, gone) = mpsc::channel::<()>();
            let gone = Mutex::new(gone);
            let block = move |_: Event| {
                drop(events.lock().unwrap().take());
                begun.send(()).unwrap();
                let _ = gone.lock().unwrap().recv();
            };
            subscriber.subscribe("t.topic").handle_blocking(block).wait().unwrap();
            other.publish("t.topic").wait().unwrap();
            begins.recv_timeout(Duration::from_secs(5)).unwrap();
            until("the subscription has ended", || router.counts().subscriptions == 1);
            let echo = other.call("t.echo").args((1,)).timeout(Duration::from_secs(2));
            assert_eq!(echo.value::<i64>().wait().unwrap(), 1);
            go.send(()).unwrap();
        }
    });
}

#[test]
fn handlers_that_panic_harm_nobody() {
    within(|| {
        for (router, connect) in routers() {
            let (callee, caller) = (connect(&router), connect(&router));
            let panic = || -> Result<(), ErrorReply> { panic!("in the handler") };
            callee.register("t.panic", panic).wait().unwrap();
            callee.register("t.echo", |number: i64| Ok(number)).wait().unwrap();
            for number in 0..100 {
                let error = caller.call("t.panic").wait().unwrap_err();
                assert_eq!(error.uri().unwrap(), "wamp.error.runtime_error");
                assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().wait().unwrap(), number);
            }
        }
    });
}

/// Panics when it is dropped.
struct Sour;

impl Drop for Sour {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("while it is dropped");
        }
    }
}

/// What an async handler owns may panic in its drop, on the thread that moves the bytes: that thread goes on.
#[test]
fn a_panic_on_the_io_thread_ends_one_task_only() {
    within(|| {
        for (router, connect) in routers() {
            let (callee, caller) = (connect(&router), connect(&router));
            let service = wamp_driver::Client::from(callee.clone());
            let handler = |_: wamp_blocking::Event| {
                let sour = Sour;
                async move { drop(sour) }
            };
            service.subscribe("t.topic").handle(handler).wait().unwrap();
            let sour = || {
                let sour = Sour;
                async move {
                    std::mem::forget(sour);
                    Ok(())
                }
            };
            service.register("t.sour", sour).wait().unwrap();
            callee.register("t.echo", |number: i64| Ok(number)).wait().unwrap();
            for number in 0..20 {
                caller.publish("t.topic").wait().unwrap();
                caller.call("t.sour").wait().unwrap();
                assert_eq!(caller.call("t.echo").args((number,)).value::<i64>().wait().unwrap(), number);
            }
        }
    });
}

fn frame(kind: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame[0] = kind;
    frame.extend_from_slice(message);
    frame
}

fn read_frame(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    let kind = std::mem::take(&mut head[0]);
    let mut message = vec![0; usize::try_from(u32::from_be_bytes(head)).unwrap()];
    stream.read_exact(&mut message).unwrap();
    (kind, message)
}

/// Every thread of the pool is busy: pings are answered, calls are, and events come.
#[test]
fn busy_handlers_delay_no_ping() {
    within(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let (stop, stopped) = mpsc::channel::<()>();
        let stopped = Arc::new(Mutex::new(stopped));
        let client = thread::spawn(move || {
            let client = wamp_blocking::connect(&url).serializers([Encoding::Json]).wait().unwrap();
            let block = move || Ok(_ = stopped.lock().unwrap().recv());
            client.register("t.block", block).wait().unwrap();
            let answer = client.call("t.other").value::<i64>().wait().unwrap();
            (client, answer)
        });
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
        read_frame(&mut stream);
        stream.write_all(&frame(0, br#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#)).unwrap();
        assert!(read_frame(&mut stream).1.starts_with(b"[64,1,"));
        stream.write_all(&frame(0, b"[65,1,5]")).unwrap();
        for request in 1..=200 {
            stream.write_all(&frame(0, format!("[68,{request},5,{{}}]").as_bytes())).unwrap();
        }
        assert!(read_frame(&mut stream).1.starts_with(b"[48,2,"));
        for text in [&b"one"[..], b"two"] {
            stream.write_all(&frame(1, text)).unwrap();
            assert_eq!(read_frame(&mut stream), (2, text.to_vec()));
        }
        stream.write_all(&frame(0, b"[50,2,{},[42]]")).unwrap();
        let (client, answer) = client.join().unwrap();
        assert_eq!(answer, 42);
        drop(stop);
        drop(stream);
        client.closed().wait();
    });
}
