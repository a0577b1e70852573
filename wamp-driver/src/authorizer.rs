//! Who decides what the sessions of a dynamic role may do (A-87..A-90).

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use serde::Serialize;
use wamp_proto::{
    Value,
    dict::Dict,
    id::SessionId,
    router::{Authorization, Permission, Ruling},
};

use crate::{
    insider::Insider,
    router,
    runtime::{BoxFuture, Runtime},
};

/// Decides what sessions may do whose role is [`Access::Dynamic`](wamp_proto::router::Access::Dynamic). Closures are
/// authorizers:
///
/// ```
/// use wamp_driver::{Authorizer, proto::router::{Authorization, Permission, Right}};
///
/// async fn owner_only(wish: Authorization) -> Permission {
///     let own = format!("com.example.{}.", wish.authid);
///     match wish.right {
///         Right::Subscribe => Permission::allow(),
///         _ if wish.subject.uri().starts_with(&own) => Permission::allow(),
///         _ => Permission::deny(),
///     }
/// }
/// # fn is_authorizer(_: impl Authorizer) {}
/// # is_authorizer(owner_only);
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Decides about one request; the session's later messages wait. A panic, or no decision within
    /// [`Config::authorization_timeout`](wamp_proto::router::Config::authorization_timeout), denies it (fault 86): the future
    /// is dropped then.
    fn authorize(&self, wish: Authorization) -> BoxFuture<Permission>;
}

impl<F, D> Authorizer for F
where
    F: Fn(Authorization) -> D + Send + Sync + 'static,
    D: Future<Output = Permission> + Send + 'static,
{
    fn authorize(&self, wish: Authorization) -> BoxFuture<Permission> {
        Box::pin(self(wish))
    }
}

/// The decision, whatever the authorizer does.
pub(crate) async fn decide(
    authorizer: Arc<dyn Authorizer>,
    wish: Authorization,
    runtime: Arc<dyn Runtime>,
    timeout: Duration,
) -> Permission {
    let (session, right, uri) = (wish.session, wish.right, wish.subject.uri().clone());
    let decision = AssertUnwindSafe(async move { authorizer.authorize(wish).await }).catch_unwind();
    match select(Box::pin(decision), runtime.sleep(timeout)).await {
        Either::Left((Ok(permission), _)) => permission,
        Either::Left((Err(_), _)) => {
            tracing::error!(%session, %right, %uri, "the authorizer has panicked");
            Permission::failed()
        }
        Either::Right(_) => {
            tracing::warn!(%session, %right, %uri, "the authorizer has not decided in time");
            Permission::failed()
        }
    }
}

/// Asks a WAMP procedure of the realm, as a client within the process in the role `trusted`, which joins with the first
/// question and again when its session has ended.
pub(crate) struct Procedure {
    router: Weak<router::Shared>,
    state: Arc<ProcedureState>,
}

struct ProcedureState {
    procedure: String,
    caller: Insider,
}

/// Who wants something, as the procedure is told.
#[derive(Serialize)]
struct Details<'a> {
    session: SessionId,
    realm: &'a str,
    authid: &'a str,
    authrole: &'a str,
    authmethod: &'a str,
    authprovider: &'a str,
}

/// How long a decision holds that says only that it may be remembered.
const CACHED: Duration = Duration::from_secs(60);

impl Procedure {
    pub(crate) fn new(router: Weak<router::Shared>, realm: &str, procedure: String) -> Self {
        Self { router, state: Arc::new(ProcedureState { procedure, caller: Insider::new(realm) }) }
    }
}

impl Authorizer for Procedure {
    fn authorize(&self, wish: Authorization) -> BoxFuture<Permission> {
        let (router, state) = (self.router.clone(), self.state.clone());
        Box::pin(async move {
            match state.ask(&router, &wish).await {
                Ok(answer) => state.read(&answer),
                Err(error) => state.failed(&error),
            }
        })
    }
}

impl ProcedureState {
    async fn ask(&self, router: &Weak<router::Shared>, wish: &Authorization) -> Result<Value, String> {
        let router = router.upgrade().ok_or("the router is gone")?;
        let client = self.caller.client(&router.into()).await.map_err(|error| error.to_string())?;
        let details = Details {
            session: wish.session,
            realm: &wish.realm,
            authid: &wish.authid,
            authrole: &wish.authrole,
            authmethod: &wish.authmethod,
            authprovider: &wish.authprovider,
        };
        let args = (details, wish.subject.uri().as_str(), wish.right.as_str(), &wish.options);
        client.call(&self.procedure).args(args).value::<Value>().await.map_err(|error| error.to_string())
    }

    /// A bool, or a dict with `allow` and perhaps `disclose` and `cache`, which is a bool or a number of seconds.
    fn read(&self, answer: &Value) -> Permission {
        let ruling = |allow| if allow { Permission::allow() } else { Permission::deny() };
        match answer {
            Value::Bool(allow) => ruling(*allow),
            Value::Dict(answer) => match answer.get("allow").and_then(Value::as_bool) {
                Some(allow) => refine(ruling(allow), answer),
                None => self.failed("its answer has no bool `allow`"),
            },
            _ => self.failed("its answer is neither a bool nor a dict"),
        }
    }

    fn failed(&self, why: &str) -> Permission {
        tracing::warn!(procedure = self.procedure, why, "the authorizer does not decide");
        Permission::failed()
    }
}

fn refine(permission: Permission, answer: &Dict) -> Permission {
    let discloses = answer.get("disclose").and_then(Value::as_bool) == Some(true);
    let permission =
        if discloses && permission.ruling == Ruling::Allowed { permission.disclose() } else { permission };
    match answer.get("cache") {
        Some(Value::Bool(true)) => permission.cache(CACHED),
        Some(cache) => match cache.as_u64() {
            Some(seconds) => permission.cache(Duration::from_secs(seconds)),
            None => permission,
        },
        None => permission,
    }
}
