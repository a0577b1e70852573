//! Mistakes in tests.

use wamp_macros::test;

#[test(actix)]
async fn no_such_adapter() {}

#[test(tokio, clients = 3)]
async fn no_such_setting() {}

#[test(smol)]
fn not_async() {}

#[test]
async fn generic<T>(client: T) {}

#[test]
#[test]
async fn twice() {}

struct Suite;

impl Suite {
    #[test]
    async fn method(&self) {}
}

#[test]
struct NoFunction;

fn main() {}
