//! Mistakes in proxies.

use wamp_tokio::{Error, proxy, service};

#[proxy]
trait Plain {
    async fn plain(&self) -> f64;
}

#[proxy]
trait Body {
    async fn body(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[proxy]
trait NotAsync {
    fn not_async(&self) -> Result<(), Error>;
}

#[proxy]
trait Constant {
    const ROOMS: u8;
}

#[proxy]
trait Generic<T> {
    async fn generic(&self, item: T) -> Result<(), Error>;
}

#[proxy]
trait Good {
    async fn good(&self) -> Result<(), Error>;
}

struct Provider;

#[service(prefix = "com.example")]
impl Good for Provider {
    async fn good(&self) -> Result<(), Error> {
        Ok(())
    }
}

struct Other;

#[service]
impl Good for Other {
    #[procedure("com.example.good")]
    async fn good(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
