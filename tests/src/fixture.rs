//! What the arguments of a test are made of.

use std::{fmt, marker::PhantomData};

use wamp_driver::net::Network;

use crate::{Client, Faults, Router};

/// What a test of [`#[wamp_test::test]`](macro@crate::test) runs in: one router, and the network `N` that its clients use.
pub struct Scene<N> {
    router: Router,
    network: PhantomData<fn() -> N>,
}

impl<N: Network> Scene<N> {
    /// With this router.
    pub fn new(router: Router) -> Self {
        Self { router, network: PhantomData }
    }

    /// The router.
    pub fn router(&self) -> &Router {
        &self.router
    }
}

impl<N> fmt::Debug for Scene<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").field("router", &self.router).finish()
    }
}

/// What a test can have as an argument: a [`Router`], always the same; a [`Client`], every one another; a [`Faults`]. Your own
/// types may be, too:
///
/// ```
/// use wamp_driver::net::Network;
/// use wamp_test::{Client, Fixture, Scene};
///
/// /// A client that offers what a test calls.
/// struct Callee(Client);
///
/// impl<N: Network<Client = wamp_driver::Client>> Fixture<N> for Callee {
///     async fn set_up(scene: &Scene<N>) -> Self {
///         let client = Client::set_up(scene).await;
///         client.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await.unwrap();
///         Self(client)
///     }
/// }
/// ```
pub trait Fixture<N: Network>: Sized {
    /// Makes it, before the test begins.
    fn set_up(scene: &Scene<N>) -> impl Future<Output = Self>;
}

impl<N: Network> Fixture<N> for Router {
    async fn set_up(scene: &Scene<N>) -> Self {
        scene.router.clone()
    }
}

impl<N: Network> Fixture<N> for Faults {
    async fn set_up(scene: &Scene<N>) -> Self {
        scene.router.faults()
    }
}

impl<N: Network> Fixture<N> for Client<N::Client> {
    async fn set_up(scene: &Scene<N>) -> Self {
        scene.router.client::<N>().await
    }
}
