//! Types that no message has.

use wamp_tokio::{Client, Error, Progress, proxy, service};

struct NoMessage;

struct Thermostat;

#[service]
impl Thermostat {
    #[procedure]
    async fn takes(&self, it: NoMessage) {}
}

struct NoFault;

struct Fails;

#[service]
impl Fails {
    #[procedure]
    async fn fails(&self, out: Progress<u8>) -> Result<(), NoFault> {
        Ok(())
    }
}

#[proxy]
trait Remote {
    async fn call(&self) -> Result<(), std::num::ParseIntError>;
}

async fn handlers(client: Client) -> Result<(), Error> {
    client.register("com.example.a", |_: NoMessage| async { Ok(()) }).await?;
    client.register("com.example.b", |_: u8| async { Ok(NoMessage) }).await?;
    Ok(())
}

fn main() {}
