//! URIs and patterns against a naive reading of the rules.

use core::cmp::Ordering;

use super::Source;
use crate::uri::{InvalidUriReason, Match, Pattern, Uri, UriRule};

pub(super) const KINDS: [Match; 3] = [Match::Exact, Match::Prefix, Match::Wildcard];

pub(super) fn target(data: &[u8]) {
    let mut source = Source::new(data);
    let rule = if source.flag() { UriRule::Strict } else { UriRule::Loose };
    let kinds = [source.pick(&KINDS), source.pick(&KINDS)];
    let texts = [source.text(), source.text()];
    let uri = String::from_utf8_lossy(source.rest()).into_owned();
    for text in texts.iter().chain([&uri]) {
        check(rule, text);
    }
    let patterns: Vec<_> =
        kinds.iter().zip(&texts).filter_map(|(kind, text)| Pattern::new(rule, *kind, text).ok()).collect();
    for pattern in &patterns {
        assert_eq!(
            pattern.matches(&uri),
            matches(pattern.kind(), pattern.uri(), &uri),
            "{pattern:?} {uri:?}"
        );
    }
    if let [one, other] = &patterns[..] {
        precedence(one, other, is_valid(UriRule::Loose, Match::Exact, &uri).then_some(&uri));
    }
}

fn check(rule: UriRule, text: &str) {
    for kind in KINDS {
        let checked = rule.check_pattern(text, kind);
        assert_eq!(checked.is_ok(), is_valid(rule, kind, text), "{rule:?} {kind} {text:?}");
        assert_eq!(Pattern::new(rule, kind, text).is_ok(), checked.is_ok());
        if let Err(error) = checked {
            assert!(gives_reason(rule, text, error.reason), "{error}");
            assert!(error.uri.chars().count() <= 100 && !error.to_string().is_empty());
        }
    }
    assert_eq!(Uri::new(rule, text).ok().as_deref(), is_valid(rule, Match::Exact, text).then_some(text));
    let first: String = text.chars().take_while(|c| *c != '.').collect();
    assert_eq!(Uri::unchecked(text).is_reserved(), first == "wamp");
}

/// The rules, as they are written (I-21..I-28).
pub(super) fn is_valid(rule: UriRule, kind: Match, text: &str) -> bool {
    let components: Vec<&str> = text.split('.').collect();
    let (last, inner) = components.split_last().expect("a split gives one part at least");
    let filled = match kind {
        Match::Exact => components.iter().all(|component| !component.is_empty()),
        Match::Prefix => inner.iter().all(|component| !component.is_empty()),
        Match::Wildcard => true,
    };
    let allowed = |c: char| match rule {
        UriRule::Loose => c != '#' && !is_space(c),
        UriRule::Strict => matches!(c, '0'..='9' | 'a'..='z' | '_'),
    };
    filled && inner.iter().chain([last]).all(|component| component.chars().all(allowed))
}

/// What `\s` is in the published expressions.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn gives_reason(rule: UriRule, text: &str, reason: InvalidUriReason) -> bool {
    match reason {
        InvalidUriReason::Empty => text.is_empty(),
        InvalidUriReason::EmptyComponent => text.split('.').any(str::is_empty),
        InvalidUriReason::Whitespace => text.contains(is_space),
        InvalidUriReason::Hash => text.contains('#'),
        InvalidUriReason::NotStrict => rule == UriRule::Strict,
        InvalidUriReason::TooLong { .. } => false,
    }
}

///
pub(super) fn matches(kind: Match, pattern: &str, uri: &str) -> bool {
    match kind {
        Match::Exact => pattern == uri,
        Match::Prefix => {
            pattern.len() <= uri.len()
                && pattern.bytes().zip(uri.bytes()).all(|(wanted, byte)| wanted == byte)
        }
        Match::Wildcard => {
            let (wanted, parts) =
                (pattern.split('.').collect::<Vec<_>>(), uri.split('.').collect::<Vec<_>>());
            wanted.len() == parts.len()
                && wanted.iter().zip(&parts).all(|(wanted, part)| wanted.is_empty() || wanted == part)
        }
    }
}

/// R-124..R-127: what is compared, the greater the dearer.
pub(super) fn rank(pattern: &Pattern) -> (u8, Vec<usize>) {
    let text = pattern.uri().as_str();
    match pattern.kind() {
        Match::Exact => (2, Vec::new()),
        Match::Prefix => (1, vec![text.split('.').count(), text.len()]),
        Match::Wildcard => (0, runs(text)),
    }
}

/// The lengths of the runs of components that are not empty: before the first empty one, before the second, ...
fn runs(text: &str) -> Vec<usize> {
    let mut runs = vec![0];
    for component in text.split('.') {
        match runs.last_mut() {
            Some(run) if !component.is_empty() => *run += 1,
            _ => runs.push(0),
        }
    }
    runs
}

fn precedence(one: &Pattern, other: &Pattern, uri: Option<&String>) {
    assert_eq!(one.precedence(other), other.precedence(one).reverse());
    assert_eq!(one.precedence(one), Ordering::Equal);
    if uri.is_some_and(|uri| one.matches(uri) && other.matches(uri)) {
        assert_eq!(one.precedence(other), rank(one).cmp(&rank(other)), "{one:?} {other:?}");
        assert_eq!(one.precedence(other) == Ordering::Equal, one == other);
    }
}
