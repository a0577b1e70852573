//! Patterns: URIs that stand for many, and which of them a call goes to.

use core::{cmp::Ordering, fmt, str::FromStr};

use super::{InvalidUri, Uri, UriRule, shortened};

/// How a subscription or registration selects URIs: the option `match` (R-120, P-45).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Match {
    /// The URI itself.
    #[default]
    Exact,
    /// All URIs that begin with these characters (R-121, P-46).
    Prefix,
    /// All URIs with as many components and equal ones wherever the pattern's are not empty (R-122, P-47).
    Wildcard,
}

impl Match {
    /// The name on the wire: `exact`, `prefix` or `wildcard`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Wildcard => "wildcard",
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Match {
    type Err = UnknownMatch;

    fn from_str(name: &str) -> Result<Self, UnknownMatch> {
        match name {
            "exact" => Ok(Self::Exact),
            "prefix" => Ok(Self::Prefix),
            "wildcard" => Ok(Self::Wildcard),
            _ => Err(UnknownMatch(shortened(name))),
        }
    }
}

/// A name that is not one of a [`Match`], shortened to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown match policy {0:?}: expected `exact`, `prefix` or `wildcard`")]
pub struct UnknownMatch(pub String);

/// A URI with the way in which it selects others.
///
/// Patterns of the same text and different kinds are different patterns (R-132, T-30).
///
/// ```
/// use wamp_proto::{Match, Pattern, uri::UriRule};
///
/// let pattern = Pattern::new(UriRule::Loose, Match::Wildcard, "com.myapp..userevent")?;
/// assert!(pattern.matches("com.myapp.foo.userevent"));
/// assert!(!pattern.matches("com.myapp.foo.userevent.bar"));
/// # Ok::<(), wamp_proto::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    uri: Uri,
    kind: Match,
}

impl Pattern {
    /// A pattern that obeys `rule`, with empty components where its kind allows them (I-25, I-26).
    ///
    /// # Errors
    ///
    /// [`InvalidUri`] when it does not.
    pub fn new(rule: UriRule, kind: Match, uri: &str) -> Result<Self, InvalidUri> {
        rule.check_pattern(uri, kind)?;
        Ok(Self { uri: Uri::unchecked(uri), kind })
    }

    /// A URI that was checked already, as a pattern that selects itself.
    #[cfg(feature = "router")]
    pub(crate) fn exact(uri: Uri) -> Self {
        Self { uri, kind: Match::Exact }
    }

    /// The text of the pattern; not a URI that could be called or published to, unless the kind is exact.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// How it selects.
    pub fn kind(&self) -> Match {
        self.kind
    }

    /// Whether the pattern selects `uri`, a URI without empty components.
    ///
    /// A prefix is one of characters, not of components (R-121, P-46, T-26).
    pub fn matches(&self, uri: &str) -> bool {
        match self.kind {
            Match::Exact => self.uri == *uri,
            Match::Prefix => uri.starts_with(self.uri.as_str()),
            Match::Wildcard => self.matches_by_component(uri),
        }
    }

    fn matches_by_component(&self, uri: &str) -> bool {
        // Components are short, and bytes are quicker to go through than characters.
        let dot = |byte: &u8| *byte == b'.';
        let mut components = uri.as_bytes().split(dot);
        let equal = self.uri.as_bytes().split(dot).all(|wanted| {
            components.next().is_some_and(|component| wanted.is_empty() || wanted == component)
        });
        equal && components.next().is_none()
    }

    /// Whether this pattern selects every URI that `other` selects.
    ///
    /// ```
    /// use wamp_proto::{Match, Pattern, uri::UriRule};
    ///
    /// let prefix = |uri| Pattern::new(UriRule::Loose, Match::Prefix, uri).unwrap();
    /// assert!(prefix("com.app.").covers(&prefix("com.app.log.")));
    /// assert!(!prefix("com.app.").covers(&prefix("com.")));
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (_, Match::Exact) => self.matches(&other.uri),
            (Match::Prefix, Match::Prefix) => other.uri.starts_with(self.uri.as_str()),
            // All that is certain of what a wildcard selects is what comes before its first empty component.
            (Match::Prefix, Match::Wildcard) => other.head().starts_with(self.uri.as_str()),
            // Any number of components may follow a prefix.
            (Match::Exact | Match::Wildcard, Match::Prefix) => false,
            (Match::Exact, Match::Wildcard) => !other.has_gap() && self.uri == other.uri,
            (Match::Wildcard, Match::Wildcard) => {
                self.pairs_with(other, |own, other| own.is_empty() || own == other)
            }
        }
    }

    /// Whether there may be a URI that both patterns select.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.kind, other.kind) {
            (_, Match::Exact) => self.matches(&other.uri),
            (Match::Exact, _) => other.matches(&self.uri),
            (Match::Prefix, Match::Prefix) => self.covers(other) || other.covers(self),
            (Match::Prefix, Match::Wildcard) => other.may_begin_with(&self.uri),
            (Match::Wildcard, Match::Prefix) => self.may_begin_with(&other.uri),
            (Match::Wildcard, Match::Wildcard) => {
                self.pairs_with(other, |own, other| own.is_empty() || other.is_empty() || own == other)
            }
        }
    }

    fn has_gap(&self) -> bool {
        self.uri.components().any(str::is_empty)
    }

    /// What every URI that a wildcard selects begins with.
    fn head(&self) -> &str {
        let known = self.uri.components().take_while(|component| !component.is_empty());
        let length =
            known.fold(0_usize, |sum, component| sum.saturating_add(component.len()).saturating_add(1));
        self.uri.get(..length).unwrap_or(&self.uri)
    }

    fn pairs_with(&self, other: &Self, fits: impl Fn(&str, &str) -> bool) -> bool {
        self.uri.components().count() == other.uri.components().count()
            && self.uri.components().zip(other.uri.components()).all(|(own, other)| fits(own, other))
    }

    /// Whether a URI that this wildcard selects may begin with `prefix`, whose last component may go on.
    fn may_begin_with(&self, prefix: &Uri) -> bool {
        let (whole, last) =
            prefix.rsplit_once('.').map_or(("", prefix.as_str()), |(whole, last)| (whole, last));
        let mut own = self.uri.components();
        let fits = whole.is_empty()
            || whole.split('.').all(|wanted| {
                own.next().is_some_and(|component| component.is_empty() || component == wanted)
            });
        fits && own.next().is_some_and(|component| component.is_empty() || component.starts_with(last))
    }

    /// Which of two patterns gets a call that both match: the greater (R-124).
    ///
    /// Exact is above prefix, and every prefix above every wildcard (R-125). Of two prefixes the one with more
    /// components is the greater, then the longer one (R-126); of two wildcards the one with the longer run of
    /// components before the first empty one, then before the second, and so on (R-127). Different patterns that both
    /// match one URI are never equal.
    ///
    /// ```
    /// use wamp_proto::{Match, Pattern, uri::UriRule};
    ///
    /// let patterns = [
    ///     Pattern::new(UriRule::Loose, Match::Wildcard, "com.myapp..stop")?,
    ///     Pattern::new(UriRule::Loose, Match::Prefix, "com.my")?,
    /// ];
    /// let matching = patterns.iter().filter(|pattern| pattern.matches("com.myapp.motor.stop"));
    /// let best = matching.max_by(|a, b| a.precedence(b)).unwrap();
    /// assert_eq!(best.kind(), Match::Prefix);
    /// # Ok::<(), wamp_proto::uri::InvalidUri>(())
    /// ```
    pub fn precedence(&self, other: &Self) -> Ordering {
        let rank = |pattern: &Self| match pattern.kind {
            Match::Exact => 2,
            Match::Prefix => 1,
            Match::Wildcard => 0,
        };
        rank(self).cmp(&rank(other)).then_with(|| match self.kind {
            Match::Exact => Ordering::Equal,
            Match::Prefix => self.extent().cmp(&other.extent()),
            Match::Wildcard => self.literals().cmp(other.literals()),
        })
    }

    /// The number of components, and of bytes.
    fn extent(&self) -> (usize, usize) {
        (self.uri.components().count(), self.uri.len())
    }

    /// Which components are not empty. The order of these sequences is that of the run lengths: where two first differ,
    /// the runs before are equal, and the pattern with a component there has the longer run.
    fn literals(&self) -> impl Iterator<Item = bool> {
        self.uri.components().map(|component| !component.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(kind: Match, uri: &str) -> Pattern {
        Pattern::new(UriRule::Loose, kind, uri).unwrap()
    }

    fn assert_matches(kind: Match, text: &str, cases: &[(&str, bool)]) {
        for &(uri, matches) in cases {
            assert_eq!(pattern(kind, text).matches(uri), matches, "{kind} {text:?} on {uri:?}");
        }
    }

    #[test]
    fn p_45_names() {
        for kind in [Match::Exact, Match::Prefix, Match::Wildcard] {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!(Match::default(), Match::Exact);
        let error = "regex".parse::<Match>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown match policy \"regex\": expected `exact`, `prefix` or `wildcard`"
        );
    }

    #[test]
    fn exact_matches_itself() {
        assert_matches(Match::Exact, "a.b", &[("a.b", true), ("a.b.c", false), ("a", false), ("a.c", false)]);
    }

    #[test]
    fn r_121_prefixes_are_of_characters() {
        assert_matches(
            Match::Prefix,
            "com.myapp.myobject1",
            &[
                ("com.myapp.myobject1.myprocedure1", true),
                ("com.myapp.myobject1-mysubobject1", true),
                ("com.myapp.myobject1.mysubobject1.myprocedure1", true),
                ("com.myapp.myobject1", true),
                ("com.myapp.myobject2", false),
                ("com.myapp.myobject", false),
            ],
        );
    }

    #[test]
    fn p_46_t_26_prefixes_of_topics() {
        assert_matches(
            Match::Prefix,
            "com.myapp.topic.emergency",
            &[
                ("com.myapp.topic.emergency.11", true),
                ("com.myapp.topic.emergency-low", true),
                ("com.myapp.topic.emergency.category.severe", true),
                ("com.myapp.topic.emergency", true),
                ("com.myapp.topic.emerge", false),
            ],
        );
    }

    #[test]
    fn p_52_t_32_prefixes_that_end_in_an_empty_component() {
        assert_matches(Match::Prefix, "", &[("a", true), ("a.b", true)]);
        assert_matches(Match::Prefix, "a.", &[("a.b", true), ("a", false), ("ab.c", false)]);
    }

    #[test]
    fn r_122_wildcards() {
        assert_matches(
            Match::Wildcard,
            "com.myapp..myprocedure1",
            &[
                ("com.myapp.myobject1.myprocedure1", true),
                ("com.myapp.myobject1.myprocedure1.mysubprocedure1", false),
                ("com.myapp.myobject1.myprocedure2", false),
                ("com.myapp2.myobject1.myprocedure1", false),
            ],
        );
    }

    #[test]
    fn p_47_wildcards_of_topics() {
        assert_matches(
            Match::Wildcard,
            "com.myapp..userevent",
            &[
                ("com.myapp.foo.userevent", true),
                ("com.myapp.foo.userevent.bar", false),
                ("com.myapp.foo.user", false),
                ("com.myapp2.foo.userevent", false),
            ],
        );
    }

    #[test]
    fn t_27_wildcards_need_as_many_components() {
        assert_matches(Match::Wildcard, "a..c", &[("a.b.c", true), ("a.b.x.c", false), ("a.c", false)]);
        assert_matches(Match::Wildcard, "", &[("a", true), ("a.b", false)]);
        assert_matches(Match::Wildcard, ".", &[("a.b", true), ("a", false), ("a.b.c", false)]);
        assert_matches(Match::Wildcard, ".b.", &[("a.b.c", true), ("a.c.b", false)]);
        assert_matches(Match::Wildcard, "a.b", &[("a.b", true), ("a.c", false)]);
    }

    #[test]
    fn r_128_precedence() {
        let patterns = [
            pattern(Match::Exact, "a1.b2.c3.d4.e55"),
            pattern(Match::Prefix, "a1.b2.c3"),
            pattern(Match::Prefix, "a1.b2.c3.d4"),
            pattern(Match::Wildcard, "a1.b2..d4.e5"),
            pattern(Match::Wildcard, "a1.b2.c33..e5"),
            pattern(Match::Wildcard, "a1.b2..d4.e5..g7"),
            pattern(Match::Wildcard, "a1.b2..d4..f6.g7"),
        ];
        let best = |uri: &str| {
            let matching = patterns.iter().enumerate().filter(|(_, pattern)| pattern.matches(uri));
            matching.max_by(|(_, a), (_, b)| a.precedence(b)).map(|(index, _)| index + 1)
        };
        for (uri, winner) in [
            ("a1.b2.c3.d4.e55", Some(1)),
            ("a1.b2.c3.d98.e74", Some(2)),
            ("a1.b2.c3.d4.e325", Some(3)),
            ("a1.b2.c55.d4.e5", Some(4)),
            // R-129: the text says 5, but `a1.b2.c3` is a prefix of these characters, and prefixes go first (R-125).
            ("a1.b2.c33.d4.e5", Some(2)),
            ("a1.b2.c88.d4.e5.f6.g7", Some(6)),
            ("a2.b2.c2.d2.e2", None),
        ] {
            assert_eq!(best(uri), winner, "{uri}");
        }
    }

    #[test]
    fn r_124_to_r_127_the_greater_gets_the_call() {
        use Match::{Exact, Prefix, Wildcard};
        for (greater, lesser) in [
            ((Exact, "a.b"), (Prefix, "a.b")),
            ((Exact, "a.b"), (Wildcard, "a.b")),
            // R-125, T-29
            ((Prefix, ""), (Wildcard, "a.b.c.")),
            ((Prefix, "a.b.c"), (Prefix, "a.b")),
            // R-126
            ((Prefix, "a.bc"), (Prefix, "a.b")),
            ((Prefix, "a.b."), (Prefix, "a.b")),
            // R-127, T-28
            ((Wildcard, "a1.b2.c33..e5"), (Wildcard, "a1.b2..d4.e5")),
            ((Wildcard, "a.b..."), (Wildcard, "a..ccccc.ddddd.eeeee")),
            ((Wildcard, "a..c."), (Wildcard, "a...d")),
            ((Wildcard, ".b."), (Wildcard, "..c")),
            ((Wildcard, "a.b.c"), (Wildcard, "a.b.")),
        ] {
            let (greater, lesser) = (pattern(greater.0, greater.1), pattern(lesser.0, lesser.1));
            assert_eq!(greater.precedence(&lesser), Ordering::Greater, "{greater:?} {lesser:?}");
            assert_eq!(lesser.precedence(&greater), Ordering::Less, "{greater:?} {lesser:?}");
            assert_eq!(greater.precedence(&greater), Ordering::Equal);
        }
    }

    /// The definition of R-124(3), word for word.
    fn runs(uri: &str) -> Vec<usize> {
        let mut runs = vec![0];
        for component in uri.split('.') {
            if component.is_empty() {
                runs.push(0);
            } else {
                *runs.last_mut().unwrap() += 1;
            }
        }
        runs
    }

    #[test]
    fn r_127_wildcards_are_ordered_by_their_runs() {
        let all: Vec<String> = (0..32_u32)
            .map(|bits| {
                (0..5).map(|i| if bits >> i & 1 == 1 { "x" } else { "" }).collect::<Vec<_>>().join(".")
            })
            .collect();
        for a in &all {
            for b in &all {
                let order = pattern(Match::Wildcard, a).precedence(&pattern(Match::Wildcard, b));
                assert_eq!(order, runs(a).cmp(&runs(b)), "{a:?} {b:?}");
                assert_eq!(order == Ordering::Equal, a == b);
            }
        }
    }

    /// All patterns over a small alphabet, and all URIs that tell them apart.
    fn small_world() -> (Vec<Pattern>, Vec<String>) {
        let parts = ["", "a", "ab"];
        let texts = parts.iter().flat_map(|one| {
            let two = parts.iter().map(move |two| format!("{one}.{two}"));
            let three = parts.iter().map(move |two| format!("{one}.{two}.a"));
            std::iter::once((*one).to_owned()).chain(two).chain(three)
        });
        let patterns = texts.flat_map(|text| {
            [Match::Exact, Match::Prefix, Match::Wildcard]
                .into_iter()
                .filter_map(move |kind| Pattern::new(UriRule::Loose, kind, &text).ok())
        });
        let names = ["a", "ab", "abc", "c"];
        let mut uris = names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for _ in 0..3 {
            let longer = uris.iter().flat_map(|uri| names.iter().map(move |name| format!("{uri}.{name}")));
            uris.extend(longer.collect::<Vec<_>>());
            uris.sort();
            uris.dedup();
        }
        (patterns.collect(), uris)
    }

    #[test]
    fn covering_and_overlapping_mean_what_they_say() {
        let (patterns, uris) = small_world();
        assert!(patterns.len() > 40, "{}", patterns.len());
        for a in &patterns {
            for b in &patterns {
                let covered = uris.iter().filter(|uri| b.matches(uri)).all(|uri| a.matches(uri));
                let common = uris.iter().any(|uri| a.matches(uri) && b.matches(uri));
                assert_eq!(a.covers(b), covered, "{a:?} covers {b:?}");
                assert_eq!(a.overlaps(b), common, "{a:?} overlaps {b:?}");
                assert_eq!(a.overlaps(b), b.overlaps(a));
            }
        }
    }

    #[test]
    fn t_30_the_kind_is_part_of_the_identity() {
        let (exact, prefix) = (pattern(Match::Exact, "a.b"), pattern(Match::Prefix, "a.b"));
        assert_ne!(exact, prefix);
        assert_eq!((exact.uri(), exact.kind()), (prefix.uri(), Match::Exact));
    }
}
