use super::*;
use crate::uri::UriRule;

const KINDS: [Match; 3] = [Match::Exact, Match::Prefix, Match::Wildcard];

fn pattern(kind: Match, uri: &str) -> Pattern {
    Pattern::new(UriRule::Loose, kind, uri).unwrap()
}

/// The ids are the places in `patterns`, from 1.
fn index(patterns: &[(Match, &str)]) -> Index<u32> {
    let mut index = Index::new(Seeded::new([3; 32]));
    for (id, (kind, uri)) in (1..).zip(patterns) {
        assert_eq!(index.insert(&pattern(*kind, uri), id), None);
    }
    index
}

fn matches(index: &Index<u32>, uri: &str) -> Vec<u32> {
    let mut found = Vec::new();
    index.for_each_match(uri, |id| found.push(id));
    found
}

#[test]
fn r_128_the_table_with_prefixes_of_characters() {
    use Match::{Exact, Prefix, Wildcard};
    let index = index(&[
        (Exact, "a1.b2.c3.d4.e55"),
        (Prefix, "a1.b2.c3"),
        (Prefix, "a1.b2.c3.d4"),
        (Wildcard, "a1.b2..d4.e5"),
        (Wildcard, "a1.b2.c33..e5"),
        (Wildcard, "a1.b2..d4.e5..g7"),
        (Wildcard, "a1.b2..d4..f6.g7"),
    ]);
    for (uri, winner) in [
        ("a1.b2.c3.d4.e55", Some(1)),
        ("a1.b2.c3.d98.e74", Some(2)),
        ("a1.b2.c3.d4.e325", Some(3)),
        ("a1.b2.c55.d4.e5", Some(4)),
        // R-129, T-26: by the characters, 2 is a prefix of this; by components, 5 would win.
        ("a1.b2.c33.d4.e5", Some(2)),
        ("a1.b2.c88.d4.e5.f6.g7", Some(6)),
        ("a2.b2.c2.d2.e2", None),
    ] {
        assert_eq!(index.best(uri), winner, "{uri}");
    }
}

#[test]
fn r_124_r_127_t_28_wildcards_by_their_runs() {
    use Match::Wildcard;
    let index = index(&[(Wildcard, "a1.b2..d4.e5"), (Wildcard, "a1.b2.c33..e5")]);
    assert_eq!(index.best("a1.b2.c33.d4.e5"), Some(2));
    assert_eq!(index.best("a1.b2.c34.d4.e5"), Some(1));
}

#[test]
fn r_125_r_126_t_29_prefixes_beat_wildcards_and_the_longer_prefix_wins() {
    use Match::{Exact, Prefix, Wildcard};
    let index =
        index(&[(Prefix, ""), (Wildcard, "a.b.c."), (Prefix, "a.b"), (Prefix, "a.bc"), (Exact, "a.bcd")]);
    assert_eq!(index.best("x.b.c.d"), Some(1));
    assert_eq!(index.best("a.b.c.d"), Some(3));
    assert_eq!(index.best("a.bce"), Some(4));
    assert_eq!(index.best("a.bcd"), Some(5));
}

#[test]
fn p_46_t_26_prefixes() {
    let index = index(&[(Match::Prefix, "com.myapp.topic.emergency")]);
    for end in ["", ".11", "-low", ".category.severe"] {
        assert_eq!(matches(&index, &format!("com.myapp.topic.emergency{end}")), [1]);
    }
    assert!(matches(&index, "com.myapp.topic.emerge").is_empty());
}

#[test]
fn p_47_wildcards() {
    let index = index(&[(Match::Wildcard, "com.myapp..userevent")]);
    assert_eq!(matches(&index, "com.myapp.foo.userevent"), [1]);
    for uri in ["com.myapp.foo.userevent.bar", "com.myapp.foo.user", "com.myapp2.foo.userevent"] {
        assert!(matches(&index, uri).is_empty(), "{uri}");
    }
}

#[test]
fn p_48_t_22_every_match_is_visited_once_in_a_fixed_order() {
    use Match::{Exact, Prefix, Wildcard};
    let patterns = [
        (Wildcard, "..c"),
        (Prefix, "a.b"),
        (Wildcard, "a.."),
        (Exact, "a.b.c"),
        (Prefix, ""),
        (Prefix, "a.x"),
    ];
    let index = index(&patterns);
    assert_eq!(matches(&index, "a.b.c"), [4, 5, 2, 3, 1]);
    let mut other = Index::new(Seeded::new([9; 32]));
    for (id, (kind, uri)) in (1..7).zip(patterns).rev() {
        other.insert(&pattern(kind, uri), id);
    }
    assert_eq!(matches(&other, "a.b.c"), [4, 5, 2, 3, 1]);
}

/// Many patterns that agree with the topic for long, and wildcards whose every component branches.
#[test]
fn fault_60_many_patterns_of_the_worst_kind() {
    let branches = (0..1 << 12).map(|bits: u32| {
        let component = |at: u32| if bits & (1 << at) == 0 { "" } else { "a" };
        (Match::Wildcard, (0..12).map(component).collect::<Vec<_>>().join("."))
    });
    let deep = (1..=4_000).map(|length| (Match::Prefix, "a.".repeat(length)));
    let near = (0..4_000).map(|number| (Match::Wildcard, format!("a..b{number}..c")));
    let patterns = branches.chain(deep).chain(near).collect::<Vec<_>>();
    let patterns = patterns.iter().map(|(kind, uri)| (*kind, &**uri)).collect::<Vec<_>>();
    let index = index(&patterns);
    // As many as match, each of them once.
    let topic = ["a"; 12].join(".");
    let mut found = matches(&index, &topic);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), (1 << 12) + 11);
    assert_eq!(matches(&index, "a.x.b7.y.c").len(), 2);
    assert_eq!(matches(&index, &"b.".repeat(400)), Vec::<u32>::new());
}

#[test]
fn r_132_p_51_t_30_the_kind_is_part_of_the_identity() {
    let patterns = KINDS.map(|kind| pattern(kind, "a.b"));
    let mut index = index(&KINDS.map(|kind| (kind, "a.b")));
    assert_eq!(patterns.each_ref().map(|pattern| index.get(pattern)), [Some(1), Some(2), Some(3)]);
    assert_eq!(matches(&index, "a.b"), [1, 2, 3]);
    assert_eq!(index.insert(&patterns[1], 9), Some(2));
    assert_eq!(index.remove(&patterns[1]), Some(9));
    assert_eq!(index.remove(&patterns[1]), None);
    assert_eq!(patterns.each_ref().map(|pattern| index.get(pattern)), [Some(1), None, Some(3)]);
    assert_eq!(index.remove(&patterns[0]), Some(1));
    assert_eq!(index.best("a.b"), Some(3));
    assert_eq!(index.remove(&patterns[2]), Some(3));
    assert!(index.is_empty());
}

/// A linear congruential generator: the same numbers on each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// One to five components, few enough to meet again.
    fn uri(&mut self) -> String {
        const COMPONENTS: [&str; 6] = ["a", "b", "ab", "abc", "\u{E4}", "\u{F6}"];
        let count = 1 + self.below(5);
        let parts: Vec<_> = (0..count).map(|_| COMPONENTS[self.below(COMPONENTS.len())]).collect();
        parts.join(".")
    }

    fn pattern(&mut self) -> Pattern {
        let uri = self.uri();
        match KINDS[self.below(KINDS.len())] {
            Match::Exact => pattern(Match::Exact, &uri),
            Match::Prefix => {
                let length = self.below(uri.chars().count() + 1);
                pattern(Match::Prefix, &uri.chars().take(length).collect::<String>())
            }
            Match::Wildcard => {
                let parts: Vec<_> =
                    uri.split('.').map(|part| if self.below(2) == 0 { "" } else { part }).collect();
                pattern(Match::Wildcard, &parts.join("."))
            }
        }
    }
}

/// What `for_each_match` promises: the exact one, prefixes from the shortest, wildcards from the greatest.
fn expected<'a>(model: &'a [(Pattern, u32)], uri: &str) -> Vec<&'a (Pattern, u32)> {
    let mut found: Vec<_> = model.iter().filter(|(pattern, _)| pattern.matches(uri)).collect();
    found.sort_by(|(a, _), (b, _)| {
        let both_prefixes = a.kind() == Match::Prefix && b.kind() == Match::Prefix;
        if both_prefixes { a.precedence(b) } else { b.precedence(a) }
    });
    found
}

fn assert_agreement(index: &Index<u32>, model: &[(Pattern, u32)], uri: &str) {
    let expected = expected(model, uri);
    let best = expected.iter().max_by(|(a, _), (b, _)| a.precedence(b)).map(|(_, id)| *id);
    assert_eq!(index.best(uri), best, "{uri} {expected:?}");
    assert_eq!(
        matches(index, uri),
        expected.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
        "{uri} {expected:?}"
    );
}

#[test]
fn r_124_to_r_132_random_patterns_agree_with_a_plain_list() {
    let mut numbers = Numbers(1);
    for target in [3, 30, 300] {
        let mut index = Index::new(Seeded::new([5; 32]));
        let mut model: Vec<(Pattern, u32)> = Vec::new();
        for id in 0..4_000 {
            if numbers.below(2 * target) < model.len() {
                let (pattern, id) = model.swap_remove(numbers.below(model.len()));
                assert_eq!(index.remove(&pattern), Some(id));
            } else {
                let pattern = numbers.pattern();
                let former = model.iter().position(|(known, _)| *known == pattern);
                let former = former.map(|place| model.swap_remove(place).1);
                assert_eq!(index.get(&pattern), former);
                assert_eq!(index.insert(&pattern, id), former);
                model.push((pattern, id));
            }
            let absent = numbers.pattern();
            if !model.iter().any(|(known, _)| *known == absent) {
                assert_eq!((index.get(&absent), index.remove(&absent)), (None, None), "{absent:?}");
            }
            assert_agreement(&index, &model, &numbers.uri());
        }
        while let Some((pattern, id)) = model.pop() {
            assert_eq!(index.remove(&pattern), Some(id));
            assert_agreement(&index, &model, &numbers.uri());
        }
        assert!(index.is_empty());
        assert_eq!(index.exact.capacity(), 0);
    }
}
