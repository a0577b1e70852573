//! The client and the router over real transports: every behaviour over every transport and serializer.

mod harness;
mod pump;
mod runtimes;
mod stalls;
mod transports;
