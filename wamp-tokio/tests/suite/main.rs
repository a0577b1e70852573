//! The client and the router over real transports: every behaviour over every transport and serializer.

mod closing;
mod events;
mod faults;
mod harness;
mod proxy;
mod pump;
mod registrations;
mod stalls;
mod transports;
