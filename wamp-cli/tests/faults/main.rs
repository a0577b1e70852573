//! What goes wrong on a network, done to a real `wamp router run` byte by byte. The names cite the rows of the list of
//! faults: the number of the fault, and what it is.

#![cfg(target_os = "linux")]

#[path = "../harness/mod.rs"]
mod harness;

mod authentication;
mod encode;
mod rawsocket;
mod routing;
mod scene;
mod serialization;
mod session;
mod slow;
mod sockets;
mod websocket;
mod wire;
