//! What only a callee of 2^53 invocations would see.

use core::time::Duration;

use bytes::Bytes;

use crate::{
    codec::Encoding,
    id::{MAX_ID, SequentialIds},
    router::{Action, Config, ConnectionId, Opened, Router},
    time::Instant,
};

struct World {
    router: Router,
    now: Instant,
}

impl World {
    /// A session of all roles.
    fn join(&mut self) -> ConnectionId {
        let id = self.router.open(self.now, Opened::new(Encoding::Json));
        let answers = self.say(id, r#"[1,"realm1",{"roles":{"caller":{},"callee":{}}}]"#);
        assert!(answers[0].starts_with("[2,"), "{answers:?}");
        id
    }

    /// Says something, and hears what there is for that connection.
    fn say(&mut self, from: ConnectionId, message: &str) -> Vec<String> {
        self.router.handle_frame(self.now, from, Bytes::copy_from_slice(message.as_bytes()));
        self.hear(from)
    }

    fn hear(&mut self, from: ConnectionId) -> Vec<String> {
        let router = &mut self.router;
        std::iter::from_fn(|| match router.poll_transmit(from)? {
            Action::Send(frame) => Some(String::from_utf8_lossy(&frame).into_owned()),
            Action::Close => panic!("closed"),
        })
        .collect()
    }
}

/// Fault 76, I-07.
#[test]
fn fault_76_an_invocation_that_waits_keeps_its_id() {
    let router = Router::new(Config::new(["realm1".parse().expect("a URI")]), [7; 32]);
    let mut world = World { router, now: Instant::from_origin(Duration::ZERO) };
    let (callee, caller) = (world.join(), world.join());
    world.say(callee, r#"[64,1,{},"com.example.procedure"]"#);
    for (request, id) in [(1, 1), (2, MAX_ID), (3, 2)] {
        world.say(caller, &format!(r#"[48,{request},{{}},"com.example.procedure"]"#));
        assert_eq!(world.hear(callee), [format!("[68,{id},1,{{}}]")]);
        if id == 1 {
            let peer = world.router.links.find(callee).expect("a peer");
            let link = world.router.links.get_mut(peer).expect("a link");
            link.invocation_ids = SequentialIds::after(MAX_ID - 1);
        }
    }
    // What was issued before the wrap is no violation after it.
    for (id, request) in [(MAX_ID, 2), (1, 1), (2, 3)] {
        assert!(world.say(callee, &format!("[70,{id},{{}},[{request}]]")).is_empty());
        assert_eq!(world.hear(caller), [format!("[50,{request},{{}},[{request}]]")]);
    }
}
