//! The client and the router over real transports: every behaviour over every transport and serializer.

mod faults;
mod harness;
mod proxy;
mod pump;
mod runtimes;
mod stalls;
mod transports;
