//! The program `wamp` as people run it: real processes, real sockets.

#![cfg(unix)]

mod answers;
mod calls;
mod ends;
mod events;
mod messages;
mod processes;
mod readme;
mod routers;
