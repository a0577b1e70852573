//! Mistakes in errors.

use wamp_tokio::{Error, WampError};

#[derive(WampError)]
enum NoUri {
    TooHot(f64),
}

#[derive(WampError)]
enum Twice {
    #[error_uri("com.example.error.too_hot")]
    TooHot(f64),
    #[error_uri("com.example.error.too_hot")]
    TooCold(f64),
}

#[derive(WampError)]
enum Spaces {
    #[error_uri("too hot")]
    TooHot(f64),
}

#[derive(WampError)]
enum Others {
    #[error_other]
    Other(Error, u8),
}

fn main() {}
