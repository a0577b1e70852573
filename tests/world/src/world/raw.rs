//! Peers that send what no client would.

use bytes::Bytes;
use wamp_proto::{Encoding, codec};

use super::{End, Way, World};

/// A peer without a session: frames written by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw(pub(super) usize);

/// A HELLO with all roles.
const HELLO: &str = r#"[1,"realm1",{"roles":{"publisher":{},"subscriber":{},"caller":{},"callee":{}}}]"#;

impl Raw {
    /// Sends a message written as JSON, in the serializer of the link, and lets everything happen that follows.
    ///
    /// # Panics
    ///
    /// When the link is not a JSON one and the text is not JSON.
    pub fn send(self, world: &mut World, json: &str) {
        let encoding = world.peers[self.0].encoding;
        let frame = match encoding {
            Encoding::Json => json.as_bytes().to_vec(),
            _ => codec::transcode(Encoding::Json, json.as_bytes(), encoding).unwrap(),
        };
        self.send_bytes(world, &frame);
    }

    /// Sends a frame of any bytes, and lets everything happen that follows.
    pub fn send_bytes(self, world: &mut World, frame: &[u8]) {
        self.queue(world, frame);
        world.run();
    }

    /// Joins the usual realm with all roles.
    pub fn hello(self, world: &mut World) {
        self.send(world, HELLO);
    }

    /// Closes its end of the transport, without a word.
    pub fn hang_up(self, world: &mut World) {
        let now = world.now;
        world.peers[self.0].peer_open = false;
        world.peers[self.0].link.close(now, Way::Up, &mut world.packets);
        world.run();
    }

    /// What has come from the router since the last look, as JSON with names in the place of random ids.
    pub fn received(self, world: &mut World) -> Vec<String> {
        let encoding = world.peers[self.0].encoding;
        let End::Raw(frames) = &mut world.peers[self.0].end else { return Vec::new() };
        let frames = core::mem::take(frames);
        let json = |frame: &Bytes| codec::transcode(encoding, frame, Encoding::Json).unwrap();
        frames.iter().map(|frame| world.transcript.named(&String::from_utf8(json(frame)).unwrap())).collect()
    }

    fn queue(self, world: &mut World, frame: &[u8]) {
        let World { peers, packets, random, now, .. } = world;
        let peer = &mut peers[self.0];
        if peer.peer_open {
            peer.link.send(*now, Way::Up, Bytes::copy_from_slice(frame), packets, random);
        }
    }
}
