//! What only a session of 2^53 requests would see.

use core::time::Duration;

use super::*;
use crate::{id::MAX_ID, payload::Payload};

/// Fault 76, I-05.
#[test]
fn fault_76_a_request_that_waits_keeps_its_id() {
    let now = Instant::from_origin(Duration::ZERO);
    let realm = "realm1".parse().expect("a URI");
    let mut session = Session::new(Arc::new(Config::new(realm)), Encoding::Json, now);
    session.handle_frame(now, Bytes::from_static(br#"[2,1,{"roles":{"broker":{},"dealer":{}}}]"#));
    let mut call = || {
        let request =
            session.call(now, Call::new("com.example.procedure".parse().expect("a URI"), Payload::empty()));
        let request = request.expect("a call").get();
        if request == 2 {
            session.ids = SequentialIds::after(MAX_ID - 1);
        }
        request
    };
    assert_eq!([(); 5].map(|()| call()), [1, 2, MAX_ID, 3, 4]);
    session.handle_frame(now, Bytes::from_static(b"[50,1,{}]"));
    session.handle_frame(now, Bytes::from_static(b"[50,9007199254740992,{}]"));
    assert_eq!(session.state(), State::Open);
}
