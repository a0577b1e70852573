//! A router's own client, for the procedures that it asks.

use std::sync::Mutex;

use wamp_proto::router::Grant;

use crate::{Client, ClientOptions, ConnectError, memory, router::RouterHandle, shared::lock};

/// A client within the router's process, in the role `trusted`: it joins when it is needed, and again when its session has
/// ended.
pub(crate) struct Insider {
    options: ClientOptions,
    client: Mutex<Option<Client>>,
}

impl Insider {
    /// One for this realm.
    pub(crate) fn new(realm: &str) -> Self {
        let options = ClientOptions { realm: realm.to_owned(), ..ClientOptions::default() };
        Self { options, client: Mutex::default() }
    }

    /// The client, joined.
    pub(crate) async fn client(&self, router: &RouterHandle) -> Result<Client, ConnectError> {
        let open = |client: &Client| client.close_reason().is_none();
        if let Some(client) = lock(&self.client).clone().filter(open) {
            return Ok(client);
        }
        let client = memory::join(router.runtime(), router, &self.options, Some(Grant::trusted())).await?;
        let former = lock(&self.client).replace(client.clone());
        // Not under the lock: it may be the last handle of its session.
        drop(former);
        Ok(client)
    }
}
