//! The program `wamp` as people run it: real processes, real sockets.

#![cfg(unix)]

#[path = "../harness/mod.rs"]
mod harness;

mod advanced;
mod answers;
mod calls;
mod configured;
mod conforming;
mod contexts;
mod ends;
mod events;
mod init;
mod keys;
mod logins;
mod loops;
mod measured;
mod messages;
mod pages;
mod readme;
mod routers;
mod runners;
mod secrets;
mod tls;
mod traced;
