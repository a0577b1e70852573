//! From a configuration file to a router.

use std::{path::Path, time::Duration};

use wamp_proto::{
    Encoding, Pattern, Uri,
    auth::{self, Credential, cra, scram},
    router::{
        Access, Authentication, Changes, Config, Disclosure, HistoryRule, Principal, Rate, RealmPermissions,
        RealmSettings, RealmTemplate, Right, Rights, Rule, SlowSubscriber,
    },
    uri::UriRule,
};

use super::{
    ConfigError,
    check::{Wrong, prefix, wrong},
    file::{
        ActionName, ClientCertificates, ConfigFile, CraEntry, DiscloseName, DisclosureName, HistoryEntry,
        KdfName, LimitsEntry, ListenerEntry, MatchName, Method, RealmEntry, RoleEntry, RuleEntry, ScramEntry,
        SerializerName, SlowSubscriberName, TlsEntry, TransportName, UserEntry,
    },
    values::SecretText,
};
use crate::net::{Listener, Network, Router, RouterBuilder, TlsConfig};

/// Where a router listens whose file does not say it.
const LISTEN: &str = "ws://127.0.0.1:8080";

impl<N: Network> RouterBuilder<N> {
    /// A router as a file says. Secrets and certificates are read now, relative to the file's folder. Realms, roles and
    /// users are those of the file and no others: what is not allowed is denied.
    ///
    /// # Errors
    ///
    /// When a secret, key or certificate cannot be read or is none, with its place in the file.
    pub fn from_config(file: &ConfigFile) -> Result<Self, ConfigError> {
        file.builder().map_err(|wrong| file.source.error(&wrong))
    }
}

impl<N: Network> Router<N> {
    /// Follows a file that has changed since the router was started from it: its roles and users, and the certificates that
    /// it names. Sessions whose user is gone, or has another role, or another secret than the one they came in by, are closed, subscriptions and registrations that are no
    /// longer allowed are revoked, and nobody else is disturbed. What else has changed waits for a restart: see
    /// [`ConfigFile::needs_restart`].
    ///
    /// # Errors
    ///
    /// When something that the file names cannot be read or is not what it should be: then all stays as it was.
    pub fn reload(&self, file: &ConfigFile) -> Result<(), ConfigError> {
        let (rules, permissions) = (file.authentication()?, file.permissions()?);
        for (at, entry) in file.listeners.iter().enumerate() {
            drop(file.listener(&at.to_string(), entry).map_err(|wrong| file.source.error(&wrong))?);
        }
        self.reload_tls().map_err(|error| ConfigError {
            path: file.source.path.clone(),
            position: None,
            what: error.to_string(),
        })?;
        self.reconfigure(Changes::default().authentication(rules).permissions(permissions));
        Ok(())
    }
}

impl ConfigFile {
    /// The parts of a fresher file that differ and that a running router cannot follow.
    pub fn needs_restart(&self, fresh: &Self) -> Vec<&'static str> {
        fn differ<T: std::fmt::Debug>(one: T, other: T) -> bool {
            format!("{one:?}") != format!("{other:?}")
        }
        fn realms(file: &ConfigFile) -> impl std::fmt::Debug {
            let settings = |(name, realm): (&String, &RealmEntry)| {
                // These are followed.
                let realm = RealmEntry { anonymous: None, auth: None, ..realm.clone() };
                (name.clone(), realm)
            };
            file.realms.iter().map(settings).collect::<Vec<_>>()
        }
        [
            ("listeners", differ(&self.listeners, &fresh.listeners)),
            ("realms", differ(realms(self), realms(fresh))),
            ("HTTP settings", differ(&self.http, &fresh.http)),
            ("log settings", differ(&self.log, &fresh.log)),
            ("limits", differ(&self.limits, &fresh.limits)),
            ("disclosure settings", differ(&self.disclosure, &fresh.disclosure)),
        ]
        .into_iter()
        .filter_map(|(part, differs)| differs.then_some(part))
        .collect()
    }

    /// What sessions may do in each realm.
    ///
    /// # Errors
    ///
    /// When a rule is about something that is no pattern.
    pub fn permissions(&self) -> Result<Vec<RealmPermissions>, ConfigError> {
        self.realm_permissions().map_err(|wrong| self.source.error(&wrong))
    }

    /// Who may join which realm at which listener.
    ///
    /// # Errors
    ///
    /// When a secret or key cannot be read or is none.
    pub fn authentication(&self) -> Result<Vec<Authentication>, ConfigError> {
        self.rules().map_err(|wrong| self.source.error(&wrong))
    }

    fn builder<N: Network>(&self) -> Result<RouterBuilder<N>, Wrong> {
        let (rules, permissions) = (self.rules()?, self.realm_permissions()?);
        let mut builder = self.limits.apply(RouterBuilder::new());
        for rule in rules {
            builder = builder.authentication(rule);
        }
        for permissions in permissions {
            builder = builder.permissions(permissions);
        }
        for (name, realm) in &self.realms {
            builder = self.add_realm(builder, name, realm)?;
        }
        for (at, entry) in self.listeners.iter().enumerate() {
            builder = builder.listen(self.listener(&at.to_string(), entry)?);
        }
        if self.listeners.is_empty() {
            builder = builder.listen(LISTEN);
        }
        if let Some(http) = &self.http {
            builder = builder.http(http.listen.as_str());
        }
        let disclosure = &self.disclosure;
        Ok(builder.config(|config| {
            set(&mut config.caller_disclosure, disclosure.caller.map(Into::into));
            set(&mut config.publisher_disclosure, disclosure.publisher.map(Into::into));
        }))
    }

    fn add_realm<N: Network>(
        &self,
        mut builder: RouterBuilder<N>,
        name: &str,
        realm: &RealmEntry,
    ) -> Result<RouterBuilder<N>, Wrong> {
        let uri = uri(["realms", name], name)?;
        builder = match &realm.pattern {
            Some(pattern) => builder.realm_template(realm.template(pattern, uri.clone())),
            None => builder.realm(name),
        };
        builder = builder.config(|config| config.realm_settings.push(realm.settings(uri.clone())));
        if let Some(procedure) = &realm.authenticator {
            let within = procedure.realm.as_deref().unwrap_or(name);
            // The rules have its methods already.
            builder = builder.authenticator_procedure(name, [], &procedure.procedure, within);
            let timeouts = self.realms.values().filter_map(|realm| realm.authenticator.as_ref()?.timeout);
            if let Some(longest) = timeouts.map(|timeout| timeout.0).max() {
                builder = builder.authenticator_timeout(longest);
            }
        }
        if let Some(procedure) = &realm.authorizer {
            builder = builder.authorizer_procedure(uri.clone(), &procedure.procedure);
            let timeouts = self.realms.values().filter_map(|realm| realm.authorizer.as_ref()?.timeout);
            let longest = timeouts.map(|timeout| timeout.0).max();
            builder = builder.config(|config| set(&mut config.authorization_timeout, longest));
        }
        for (at, entry) in realm.history.iter().enumerate() {
            let place = ["realms", name, "history", &at.to_string(), "topic"];
            let topic = pattern(place, entry.policy, &entry.topic)?;
            builder = builder.config(|config| config.history.push(entry.rule(uri.clone(), topic)));
        }
        Ok(builder)
    }

    /// The rules of each listener, then those for clients of no listener. A realm that cannot be joined at a listener has a
    /// rule that takes no method: nobody falls through to another.
    fn rules(&self) -> Result<Vec<Authentication>, Wrong> {
        let mut rules = Vec::new();
        for (name, realm) in &self.realms {
            let all = self.rule(name, realm)?;
            for listener in &self.listeners {
                let mut rule = all.clone().listener(listener.name());
                rule.methods.retain(|method| listener.takes(name, *method));
                rules.push(rule);
            }
            rules.push(all);
        }
        Ok(rules)
    }

    fn rule(&self, name: &str, realm: &RealmEntry) -> Result<Authentication, Wrong> {
        let mut methods = Vec::new();
        methods.extend(realm.anonymous.is_some().then_some(Method::Anonymous));
        if realm.authenticator.is_some() {
            methods.extend([Method::Ticket, Method::Cra, Method::Scram, Method::Cryptosign]);
        }
        let users = self.users.iter().filter(|(_, user)| user.may_join(name)).collect::<Vec<_>>();
        methods.extend(users.iter().flat_map(|(_, user)| user.methods()));
        methods.sort_unstable();
        methods.dedup();
        methods.retain(|method| realm.auth.as_ref().is_none_or(|taken| taken.contains(method)));
        let methods = methods.into_iter().map(auth::Method::from);
        let mut rule = Authentication::new(methods).realm(uri(["realms", name], name)?);
        if let Some(role) = &realm.anonymous {
            rule.anonymous_role.clone_from(role);
        }
        rule.ask = realm.authenticator.is_some();
        for (name, user) in users {
            rule = rule.principal(user.principal(name, self.source.folder())?);
        }
        Ok(rule)
    }

    fn realm_permissions(&self) -> Result<Vec<RealmPermissions>, Wrong> {
        let mut roles = Vec::new();
        for (name, role) in &self.roles {
            roles.push((name, role.access(name)?));
        }
        let of_realm = |realm: &String| {
            let permissions = RealmPermissions::new(uri(["realms", realm], realm)?);
            let add = |permissions: RealmPermissions, (name, access): &(&String, Access)| {
                permissions.role(*name, access.clone())
            };
            Ok(roles.iter().fold(permissions, add))
        };
        self.realms.keys().map(of_realm).collect()
    }

    fn listener(&self, at: &str, entry: &ListenerEntry) -> Result<Listener, Wrong> {
        let mut listener = Listener::new(entry.url.as_str()).name(entry.name());
        if let Some(serializers) = &entry.serializers {
            listener = listener.serializers(serializers.iter().map(|name| Encoding::from(*name)));
        }
        listener = match entry.transports.as_deref() {
            Some([TransportName::WebSocket]) => listener.websocket_only(),
            Some([TransportName::RawSocket]) => listener.rawsocket_only(),
            _ => listener,
        };
        for origin in &entry.origins {
            listener = listener.allow_origin(origin.as_str());
        }
        if self.takes_cookies(entry) {
            listener = listener.strict_origins();
        }
        if let Some(most) = entry.max_connections {
            listener = listener.max_connections(most);
        }
        if let Some(most) = entry.max_connections_per_address {
            listener = listener.max_connections_per_address(most);
        }
        if let Some(timeout) = entry.handshake_timeout {
            listener = listener.handshake_timeout(timeout.0);
        }
        match &entry.tls {
            Some(tls) => Ok(listener.tls(tls.config(at, self.source.folder())?)),
            None => Ok(listener),
        }
    }
}

impl RealmEntry {
    fn template(&self, pattern: &str, like: Uri) -> RealmTemplate {
        let mut template = RealmTemplate::new(prefix(pattern).unwrap_or(pattern), like);
        set(&mut template.max_realms, self.max_realms);
        template
    }

    fn settings(&self, realm: Uri) -> RealmSettings {
        let mut settings = RealmSettings::new(realm);
        settings.caller_disclosure = self.disclosure.caller.map(Into::into);
        settings.publisher_disclosure = self.disclosure.publisher.map(Into::into);
        settings.max_sessions = self.max_sessions;
        settings
    }
}

impl ListenerEntry {
    /// The name, which is the URL where there is no other.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.url.as_str())
    }

    pub(super) fn takes(&self, realm: &str, method: auth::Method) -> bool {
        self.realms.as_ref().is_none_or(|realms| realms.iter().any(|name| name == realm))
            && self.auth.as_ref().is_none_or(|methods| methods.iter().any(|name| method == (*name).into()))
    }
}

impl TlsEntry {
    fn config(&self, at: &str, folder: &Path) -> Result<TlsConfig, Wrong> {
        let file = |name: &str| folder.join(name);
        let mut config = TlsConfig::from_files(file(self.certificate.as_str()), file(self.key.as_str()));
        if let Some(authorities) = &self.client_ca {
            config = config.client_ca_file(file(authorities.as_str()));
        }
        if self.client_certificates == Some(ClientCertificates::Optional) {
            config = config.client_certs_optional();
        }
        match config.check() {
            Ok(()) => Ok(config),
            Err(error) => Err(wrong(["listeners", at, "tls"], error.to_string())),
        }
    }
}

impl HistoryEntry {
    fn rule(&self, realm: Uri, topic: Pattern) -> HistoryRule {
        let mut rule = HistoryRule::new(realm, topic);
        set(&mut rule.max_events, self.max_events);
        set(&mut rule.max_bytes, self.max_bytes.map(|size| size.0));
        rule
    }
}

impl RoleEntry {
    fn access(&self, name: &str) -> Result<Access, Wrong> {
        if self.allow_all {
            return Ok(Access::Everything);
        }
        if self.dynamic {
            return Ok(Access::Dynamic);
        }
        let rules = self.rules.iter().enumerate().map(|(at, rule)| rule.rule(name, &at.to_string()));
        rules.collect::<Result<_, _>>().map(Access::Rules)
    }
}

impl RuleEntry {
    fn rule(&self, role: &str, at: &str) -> Result<Rule, Wrong> {
        let rights = |names: &[ActionName]| names.iter().map(|name| Right::from(*name)).collect::<Rights>();
        let pattern = pattern(["roles", role, "rules", at, "uri"], self.policy, &self.uri)?;
        let mut rule = Rule::new(pattern, rights(&self.allow)).deny(rights(&self.deny));
        rule.disclose_caller = self.disclose.contains(&DiscloseName::Caller);
        rule.disclose_publisher = self.disclose.contains(&DiscloseName::Publisher);
        Ok(rule)
    }
}

impl UserEntry {
    /// Whether the user may join this realm.
    pub fn may_join(&self, realm: &str) -> bool {
        self.realms.as_ref().is_none_or(|realms| realms.iter().any(|name| name == realm))
    }

    fn principal(&self, name: &str, folder: &Path) -> Result<Principal, Wrong> {
        let read = |key: &str, secret: &SecretText| {
            secret.read(folder).map_err(|error| wrong(["users", name, key], error))
        };
        let mut principal = Principal::new(name, &*self.role);
        let mut add = |credential| principal.credentials.push(credential);
        if let Some(ticket) = &self.ticket {
            add(Credential::Ticket(read("ticket", ticket)?.into()));
        }
        if let Some(entry) = &self.wampcra {
            add(Credential::Cra(entry.credential(read("wampcra", &entry.secret)?)));
        }
        if let Some(entry) = &self.scram {
            let (stored, server) = (read("scram", &entry.stored_key)?, read("scram", &entry.server_key)?);
            let what = "`salt` is not Base64, or a key is not 64 hex digits";
            let credential = entry.credential(&stored, &server);
            add(Credential::Scram(credential.ok_or_else(|| wrong(["users", name, "scram"], what))?));
        }
        let mut keys = Vec::new();
        for (at, key) in self.public_keys.iter().enumerate() {
            let place = ["users", name, "public_keys", &at.to_string()];
            keys.push(
                key.as_str()
                    .parse()
                    .map_err(|error: auth::cryptosign::InvalidKey| wrong(place, error.to_string()))?,
            );
        }
        if !keys.is_empty() {
            add(Credential::Cryptosign(keys));
        }
        for (at, text) in self.certificates.iter().enumerate() {
            let place = ["users", name, "certificates", &at.to_string()];
            add(certificate(text.as_str())
                .ok_or_else(|| wrong(place, "neither `name:...` nor a fingerprint of 64 hex digits"))?);
        }
        for (at, cookie) in self.cookies.iter().enumerate() {
            let text = read("cookies", cookie)?;
            let place = ["users", name, "cookies", &at.to_string()];
            let (name, value) = text.split_once('=').ok_or_else(|| wrong(place, "not `name=value`"))?;
            add(Credential::Cookie { name: name.to_owned(), value: value.into() });
        }
        Ok(principal)
    }
}

/// `name:...`, or a fingerprint in hexadecimal digits, with colons or without.
fn certificate(text: &str) -> Option<Credential> {
    if let Some(name) = text.strip_prefix("name:") {
        return Some(Credential::CertificateName(name.to_owned()));
    }
    let digits = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>()?;
    let byte = |pair: &[u32]| {
        pair.iter().try_fold(0_u8, |byte, digit| u8::try_from(*digit).ok().map(|digit| byte << 4 | digit))
    };
    let bytes = digits.chunks(2).map(byte).collect::<Option<Vec<_>>>()?;
    (digits.len() == 64).then_some(bytes)?.try_into().ok().map(Credential::CertificateFingerprint)
}

impl CraEntry {
    fn credential(&self, secret: String) -> cra::Credential {
        let Some(salt) = &self.salt else { return cra::Credential::plain(secret) };
        let mut salt = cra::Salt::new(salt.as_str()).iterations(self.iterations.unwrap_or(1_000));
        set(&mut salt.keylen, self.keylen);
        cra::Credential::derived(secret, salt)
    }
}

impl ScramEntry {
    fn credential(&self, stored_key: &str, server_key: &str) -> Option<scram::Credential> {
        let kdf = match self.kdf {
            KdfName::Pbkdf2 => scram::Kdf::pbkdf2(self.iterations),
            KdfName::Argon2id13 => scram::Kdf::argon2id(self.iterations, self.memory?),
        };
        scram::Credential::parse(self.salt.as_str(), kdf, stored_key, server_key)
    }
}

impl LimitsEntry {
    fn apply<N: Network>(&self, mut builder: RouterBuilder<N>) -> RouterBuilder<N> {
        if let Some(most) = self.max_connections {
            builder = builder.max_connections(most);
        }
        if let Some(most) = self.max_handshakes {
            builder = builder.max_handshakes(most);
        }
        let or =
            |time: Option<super::Time>, otherwise| time.map_or(Duration::from_secs(otherwise), |time| time.0);
        builder
            .heartbeat(or(self.ping_interval, 10), or(self.ping_timeout, 5))
            .config(|config| self.apply_to_core(config))
    }

    fn apply_to_core(&self, config: &mut Config) {
        set(&mut config.limits.message_size, self.message_size.map(|size| size.0));
        set(&mut config.hello_timeout, self.hello_timeout.map(|time| time.0));
        set(&mut config.auth_timeout, self.auth_timeout.map(|time| time.0));
        set(&mut config.close_timeout, self.close_timeout.map(|time| time.0));
        set(&mut config.queue_bytes, self.queue_bytes.map(|size| size.0));
        set(&mut config.queue_messages, self.queue_messages);
        set(&mut config.stall_timeout, self.stall_timeout.map(|time| time.0));
        set(&mut config.slow_subscriber, self.slow_subscriber.map(Into::into));
        set(&mut config.max_subscriptions, self.max_subscriptions);
        set(&mut config.max_registrations, self.max_registrations);
        set(&mut config.max_calls, self.max_calls);
        set(&mut config.max_sessions, self.max_sessions);
        set(&mut config.max_sessions_of_authid, self.max_sessions_of_authid);
        set(&mut config.max_taps, self.max_taps);
        set(&mut config.message_rate, self.message_rate.map(|rate| Some(Rate::per_second(rate))));
        set(&mut config.join_rate, self.join_rate.map(|rate| Some(Rate::per_second(rate))));
        config.strict_request_ids = self.strict_request_ids;
    }
}

/// Changes a setting that the file has an opinion on.
fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn uri<const N: usize>(place: [&str; N], text: &str) -> Result<Uri, Wrong> {
    text.parse().map_err(|error: wamp_proto::uri::InvalidUri| wrong(place, error.to_string()))
}

fn pattern<const N: usize>(place: [&str; N], policy: MatchName, text: &str) -> Result<Pattern, Wrong> {
    Pattern::new(UriRule::Loose, policy.into(), text).map_err(|error| wrong(place, error.to_string()))
}

/// What the names of the file are to the router.
macro_rules! names {
    ($($from:ident => $to:ty { $($name:ident => $value:ident),* $(,)? })*) => {$(
        impl From<$from> for $to {
            fn from(name: $from) -> Self {
                match name {
                    $($from::$name => Self::$value,)*
                }
            }
        }
    )*};
}

names! {
    Method => auth::Method {
        Anonymous => Anonymous, Ticket => Ticket, Cra => Cra, Scram => Scram, Cryptosign => Cryptosign, Tls => Tls,
        Cookie => Cookie,
    }
    ActionName => Right { Call => Call, Register => Register, Publish => Publish, Subscribe => Subscribe }
    SerializerName => Encoding { Json => Json, Msgpack => MessagePack, Cbor => Cbor }
    DisclosureName => Disclosure { OnRequest => OnRequest, Always => Always, Never => Never }
    SlowSubscriberName => SlowSubscriber { Close => Close, Drop => Drop }
}
