//! What may stand in a configuration file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    error::Source,
    values::{SecretText, Size, Text, Time},
};

/// A router's configuration file, as it is written: see [the module](super) for an example.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Configuration of a WAMP router")]
#[non_exhaustive]
pub struct ConfigFile {
    /// Where the router listens. Without any: `ws://127.0.0.1:8080`.
    pub listeners: Vec<ListenerEntry>,
    /// Where those are answered who watch over the router.
    pub http: Option<HttpEntry>,
    /// What is logged, and how: for whoever runs the router as a program.
    pub log: LogEntry,
    /// The realms, by name.
    pub realms: BTreeMap<String, RealmEntry>,
    /// What sessions may do, by the name of their role.
    pub roles: BTreeMap<String, RoleEntry>,
    /// Who may come in, by authid.
    pub users: BTreeMap<String, UserEntry>,
    /// Bounds.
    pub limits: LimitsEntry,
    /// Who learns about callers and publishers.
    pub disclosure: DisclosureEntry,
    /// Where all this comes from.
    #[serde(skip)]
    pub(super) source: Source,
}

/// One place to listen on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenerEntry {
    /// `ws://`, `wss://`, `tcp://`, `tcps://`, `unix://`, `ws+unix://`; port 0 is any free one.
    pub url: Text,
    /// A name, for logs and metrics. Default: the URL.
    pub name: Option<String>,
    /// The realms that can be joined here. Default: all.
    pub realms: Option<Vec<String>>,
    /// The methods of authentication that are taken here. Default: all that the realm has.
    pub auth: Option<Vec<Method>>,
    /// The transports that are taken here. Default: both, where the scheme lets both in.
    pub transports: Option<Vec<TransportName>>,
    /// The serializers that are taken here. Default: all.
    pub serializers: Option<Vec<SerializerName>>,
    /// Origins of web pages that may connect, beside pages of this host; `*` is any.
    #[serde(default)]
    pub origins: Vec<Text>,
    /// Most connections at once.
    pub max_connections: Option<usize>,
    /// Most connections at once from one address.
    pub max_connections_per_address: Option<usize>,
    /// How long a connection may take for the handshakes of TLS and its transport.
    pub handshake_timeout: Option<Time>,
    /// The certificate: needed for `wss://` and `tcps://`.
    pub tls: Option<TlsEntry>,
}

/// Where `/metrics`, `/healthz` and `/readyz` are answered, over plain HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpEntry {
    /// Host and port, such as `127.0.0.1:9100`. Nobody is asked who he is there.
    pub listen: Text,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LogEntry {
    /// The least important that is logged. Default `warn`.
    pub level: Option<LevelName>,
    /// How lines look. Default `text`.
    pub format: Option<LogFormat>,
}

/// How important something is that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LevelName {
    /// Something is broken.
    Error,
    /// Somebody should look at it.
    Warn,
    /// What happens to the router.
    Info,
    /// What happens to each session.
    Debug,
    /// Everything.
    Trace,
}

impl LevelName {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document in each line, for programs.
    Json,
}

/// The certificate of a listener.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsEntry {
    /// PEM file with the certificate, and those that lead to the root.
    pub certificate: Text,
    /// PEM file with the private key.
    pub key: Text,
    /// PEM file with the authorities that sign clients' certificates.
    pub client_ca: Option<Text>,
    /// Whether clients need a certificate: `optional` or `required`; the default with `client_ca` is `required`.
    pub client_certificates: Option<ClientCertificates>,
}

/// Whether clients need a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificates {
    /// They may have one.
    Optional,
    /// They must have one.
    Required,
}

/// A method of authentication, by its name in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum Method {
    /// Nobody is asked.
    #[serde(rename = "anonymous")]
    Anonymous,
    /// A shared secret that is sent as it is.
    #[serde(rename = "ticket")]
    Ticket,
    /// Challenge and response with a shared secret.
    #[serde(rename = "wampcra")]
    Cra,
    /// Challenge and response with a password that the router does not know.
    #[serde(rename = "wamp-scram")]
    Scram,
    /// Challenge and response with an Ed25519 key.
    #[serde(rename = "cryptosign")]
    Cryptosign,
    /// The client's TLS certificate.
    #[serde(rename = "tls")]
    Tls,
    /// A cookie of the WebSocket handshake.
    #[serde(rename = "cookie")]
    Cookie,
}

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportName {
    /// WebSocket.
    WebSocket,
    /// RawSocket.
    RawSocket,
}

/// A serializer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SerializerName {
    /// JSON.
    Json,
    /// MessagePack.
    Msgpack,
    /// CBOR.
    Cbor,
}

/// A realm.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RealmEntry {
    /// Names of realms, such as `tenant-*`, each of which is there as long as somebody is in it, with these settings. There
    /// is no realm of the name under which they stand then.
    pub pattern: Option<String>,
    /// Most realms of the `pattern` at once. Default 1,000.
    pub max_realms: Option<usize>,
    /// Most sessions. Default: what `limits` say.
    pub max_sessions: Option<usize>,
    /// Who learns about callers and publishers. Default: what `disclosure` says for all realms.
    pub disclosure: DisclosureEntry,
    /// Let sessions in that do not say who they are, with this role.
    pub anonymous: Option<String>,
    /// The methods of authentication, of those that the users have. Default: all.
    pub auth: Option<Vec<Method>>,
    /// A procedure that decides about users who are not in this file.
    pub authenticator: Option<ProcedureEntry>,
    /// A procedure that decides what the sessions of `dynamic` roles may do.
    pub authorizer: Option<ProcedureEntry>,
    /// Topics whose last events are kept.
    pub history: Vec<HistoryEntry>,
}

/// A procedure that decides.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProcedureEntry {
    /// Its URI.
    pub procedure: String,
    /// The realm it is registered in. Default: the realm itself; with a `pattern`, it must be said.
    pub realm: Option<String>,
    /// How long it may take; then the answer is no. Of several realms, the longest counts. Default 5 s.
    pub timeout: Option<Time>,
}

/// Who learns about callers and publishers, in all realms or in one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DisclosureEntry {
    /// Whether callees learn who calls. Default `on-request`.
    pub caller: Option<DisclosureName>,
    /// Whether subscribers learn who publishes. Default `on-request`.
    pub publisher: Option<DisclosureName>,
}

/// When somebody learns about callers or publishers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisclosureName {
    /// When somebody asks for it.
    OnRequest,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A topic, or many, whose last events are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The topic, or the pattern.
    pub topic: String,
    /// How it selects topics.
    #[serde(default, rename = "match")]
    pub policy: MatchName,
    /// Most events that are kept. Default 100.
    pub max_events: Option<usize>,
    /// Most bytes that are kept. Default 1 MiB.
    pub max_bytes: Option<Size>,
}

/// How a URI selects others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchName {
    /// The URI itself.
    #[default]
    Exact,
    /// All that begin with it.
    Prefix,
    /// All that are equal where its components are not empty.
    Wildcard,
}

/// What the sessions of a role may do: nothing but what is allowed here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RoleEntry {
    /// They may do anything, also what the meta API offers.
    pub allow_all: bool,
    /// The realm's authorizer decides, each time.
    pub dynamic: bool,
    /// The rules; the most specific one that fits decides.
    pub rules: Vec<RuleEntry>,
}

/// One rule of a role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RuleEntry {
    /// The URI, or the pattern.
    pub uri: String,
    /// How it selects URIs.
    #[serde(default, rename = "match")]
    pub policy: MatchName,
    /// What is allowed.
    #[serde(default)]
    pub allow: Vec<ActionName>,
    /// What is not, whatever a less specific rule says.
    #[serde(default)]
    pub deny: Vec<ActionName>,
    /// Whose identity is told to callees and subscribers, whether they ask for it or not.
    #[serde(default)]
    pub disclose: Vec<DiscloseName>,
}

/// What a session does with a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionName {
    /// Call the procedure.
    Call,
    /// Register the procedure.
    Register,
    /// Publish to the topic.
    Publish,
    /// Subscribe to the topic.
    Subscribe,
}

/// Whose identity is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiscloseName {
    /// That of callers.
    Caller,
    /// That of publishers.
    Publisher,
}

/// Somebody who may come in, with all the ways to prove it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UserEntry {
    /// The role of the user's sessions.
    pub role: String,
    /// The realms the user may join. Default: all.
    pub realms: Option<Vec<String>>,
    /// The ticket.
    pub ticket: Option<SecretText>,
    /// WAMP-CRA: the secret itself, or what `wamp router passwd --method wampcra` prints.
    pub wampcra: Option<CraEntry>,
    /// WAMP-SCRAM: what `wamp router passwd --method wamp-scram` prints.
    pub scram: Option<ScramEntry>,
    /// Cryptosign: public keys of 32 bytes in hexadecimal digits.
    #[serde(default)]
    pub public_keys: Vec<Text>,
    /// TLS certificates: their SHA-256 fingerprints in hexadecimal digits, or names as `name:client1`.
    #[serde(default)]
    pub certificates: Vec<Text>,
    /// Cookies of the WebSocket handshake, each `name=value`.
    #[serde(default)]
    pub cookies: Vec<SecretText>,
}

/// What the router knows of a user's secret for WAMP-CRA.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CraEntry {
    /// The secret, or with `salt` the Base64 of the key that PBKDF2 derives from it.
    pub secret: SecretText,
    /// The salt.
    pub salt: Option<Text>,
    /// Rounds of PBKDF2. Default 1,000.
    pub iterations: Option<u32>,
    /// Bytes of the derived key. Default 32.
    pub keylen: Option<u32>,
}

/// What the router knows of a user's password for WAMP-SCRAM.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ScramEntry {
    /// `argon2id13` or `pbkdf2`.
    pub kdf: KdfName,
    /// Base64 of the salt.
    pub salt: Text,
    /// Rounds.
    pub iterations: u32,
    /// KiB of memory, for `argon2id13`.
    pub memory: Option<u32>,
    /// The StoredKey in hexadecimal digits.
    pub stored_key: SecretText,
    /// The ServerKey in hexadecimal digits.
    pub server_key: SecretText,
}

/// How a key is derived from a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KdfName {
    /// Argon2id, version 1.3.
    Argon2id13,
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2,
}

/// Bounds; the defaults are those of SECURITY.md.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LimitsEntry {
    /// Largest message. Default 1 MiB, at most 16 MiB.
    pub message_size: Option<Size>,
    /// Most connections of all listeners.
    pub max_connections: Option<usize>,
    /// Most connections in their handshake.
    pub max_handshakes: Option<usize>,
    /// How long a connection may take until its HELLO has come. Default 5 s.
    pub hello_timeout: Option<Time>,
    /// How long a client may take to authenticate. Default 10 s.
    pub auth_timeout: Option<Time>,
    /// How long a client may take to answer GOODBYE. Default 1 s.
    pub close_timeout: Option<Time>,
    /// How often a quiet connection is pinged; 0 never. Default 10 s.
    pub ping_interval: Option<Time>,
    /// How long a peer may take to answer a ping. Default 5 s.
    pub ping_timeout: Option<Time>,
    /// Most bytes queued for one connection. Default 16 MiB.
    pub queue_bytes: Option<Size>,
    /// Most messages queued for one connection. Default 65,536.
    pub queue_messages: Option<usize>,
    /// How long a connection may take nothing from its queue. Default 10 s.
    pub stall_timeout: Option<Time>,
    /// What becomes of events for a connection whose queue is full. Default `close`.
    pub slow_subscriber: Option<SlowSubscriberName>,
    /// Most subscriptions of a session. Default 10,000.
    pub max_subscriptions: Option<usize>,
    /// Most registrations of a session. Default 10,000.
    pub max_registrations: Option<usize>,
    /// Most calls of a session that wait for a result. Default 1,000.
    pub max_calls: Option<usize>,
    /// Most sessions of a realm that has no limit of its own. Default 100,000.
    pub max_sessions: Option<usize>,
    /// Most sessions of one user in a realm. Default 1,000.
    pub max_sessions_of_authid: Option<usize>,
    /// Most sessions of a realm that look at the messages of others, with `wamp.x.session.tap`; with 0, nobody can.
    /// Default 16.
    pub max_taps: Option<usize>,
    /// Messages of a session in a second; a session that sends more is read more slowly. Default 200,000.
    pub message_rate: Option<u32>,
    /// Clients that may try to join in a second. Default 1,000, and 10,000 at once.
    pub join_rate: Option<u32>,
    /// Insist on request ids 1, 2, 3, ...
    pub strict_request_ids: bool,
}

/// What becomes of events for a connection whose queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SlowSubscriberName {
    /// The connection is closed.
    Close,
    /// They are dropped and counted.
    Drop,
}
