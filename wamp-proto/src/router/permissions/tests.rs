use super::{
    decide::{Decision, Rules},
    *,
};
use crate::{
    map::Seeded,
    uri::{Match, UriRule},
};

fn pattern(kind: Match, uri: &str) -> Pattern {
    Pattern::new(UriRule::Loose, kind, uri).unwrap()
}

fn exact(uri: &str) -> Pattern {
    pattern(Match::Exact, uri)
}

fn rule(kind: Match, uri: &str, allow: &[Right]) -> Rule {
    Rule::new(pattern(kind, uri), allow.iter().copied().collect())
}

fn realm(rules: Vec<Rule>) -> RealmPermissions {
    RealmPermissions::new(Uri::unchecked("realm1")).role("user", Access::Rules(rules))
}

fn may(permissions: &RealmPermissions, right: Right, subject: &Pattern) -> bool {
    permissions.explain("user", right, subject).allowed
}

/// The definition: of all rules that match, those of the greatest pattern count, as one.
fn naive(rules: &[Rule], right: Right, uri: &Uri) -> bool {
    let about =
        |rule: &&Rule| rule.pattern.uri().is_reserved() == uri.is_reserved() && rule.pattern.matches(uri);
    let best = rules.iter().filter(about).max_by(|a, b| a.pattern.precedence(&b.pattern));
    let Some(best) = best else { return false };
    let same = || rules.iter().filter(|rule| rule.pattern == best.pattern);
    same().any(|rule| rule.allow.has(right)) && !same().any(|rule| rule.deny.has(right))
}

/// A small source of numbers: xorshift.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn uri(&mut self) -> String {
        const PARTS: [&str; 5] = ["a", "ab", "b", "c", "wamp"];
        let parts = (0..1 + self.below(3)).map(|_| PARTS[self.below(PARTS.len())]);
        parts.collect::<Vec<_>>().join(".")
    }

    fn pattern(&mut self) -> Pattern {
        let uri = self.uri();
        match self.below(3) {
            0 => exact(&uri),
            1 => pattern(Match::Prefix, &uri[..self.below(uri.len() + 1)]),
            _ => {
                let parts = uri.split('.').map(|part| if self.below(2) == 0 { "" } else { part });
                pattern(Match::Wildcard, &parts.collect::<Vec<_>>().join("."))
            }
        }
    }

    fn rights(&mut self) -> Rights {
        Right::ALL.into_iter().filter(|_| self.below(2) == 0).collect()
    }

    fn rules(&mut self) -> Vec<Rule> {
        let few = |numbers: &mut Self| if numbers.below(4) == 0 { numbers.rights() } else { Rights::NONE };
        (0..self.below(12)).map(|_| Rule::new(self.pattern(), self.rights()).deny(few(self))).collect()
    }
}

#[test]
fn random_rules_agree_with_a_plain_list() {
    let mut numbers = Numbers(7);
    let (mut allowed, mut narrowed) = (0, 0);
    let uris = (0..400).map(|_| Uri::unchecked(numbers.uri())).collect::<Vec<_>>();
    for _ in 0..150 {
        let rules = numbers.rules();
        let compiled = Rules::new(&rules, Seeded::new([1; 32]));
        for right in Right::ALL {
            for uri in uris.iter().take(40) {
                let decided = compiled.decide(right, uri).allowed(right).is_some();
                assert_eq!(decided, naive(&rules, right, uri), "{right} {uri} {rules:#?}");
                allowed += usize::from(decided);
            }
            // What a pattern is allowed, all of its URIs are.
            let subject = numbers.pattern();
            let reserved = subject.uri().is_reserved();
            let reaches = |uri: &&Uri| uri.is_reserved() == reserved && subject.matches(uri);
            match compiled.decide_pattern(right, &subject) {
                Decision::Allowed(_) => {
                    for uri in uris.iter().filter(reaches) {
                        assert!(naive(&rules, right, uri), "{right} {subject:?} {uri} {rules:#?}");
                    }
                }
                Decision::Narrowed(_) => narrowed += 1,
                _ => {}
            }
        }
    }
    assert!(allowed > 2_000 && narrowed > 10, "{allowed} {narrowed}");
}

#[test]
fn a_86_the_most_specific_rule_decides_alone() {
    use Right::{Call, Publish, Register, Subscribe};
    let permissions = realm(vec![
        rule(Match::Prefix, "com.", &[Call, Publish, Subscribe]),
        rule(Match::Prefix, "com.secret.", &[Call]),
        rule(Match::Exact, "com.secret.open", &[Subscribe]),
        rule(Match::Wildcard, "org..log", &[Publish]),
    ]);
    let may = |right, uri| may(&permissions, right, &exact(uri));
    assert!(may(Call, "com.add") && may(Publish, "com.add") && !may(Register, "com.add"));
    assert!(may(Call, "com.secret.x") && !may(Subscribe, "com.secret.x"));
    // The rule that decides does not pass on what it does not allow.
    assert!(may(Subscribe, "com.secret.open") && !may(Call, "com.secret.open"));
    assert!(may(Publish, "org.a.log") && !may(Publish, "org.a.b.log") && !may(Publish, "net.x"));
}

#[test]
fn deny_is_stronger_at_the_same_pattern_only() {
    let deny = Rule::new(pattern(Match::Prefix, "com."), Rights::NONE).deny(Rights::NONE.with(Right::Call));
    let both = [rule(Match::Prefix, "com.", &[Right::Call, Right::Publish]), deny.clone()];
    for rules in [both.to_vec(), both.iter().rev().cloned().collect()] {
        let permissions = realm(rules);
        assert!(!may(&permissions, Right::Call, &exact("com.add")));
        assert!(may(&permissions, Right::Publish, &exact("com.add")));
    }
    let permissions = realm(vec![deny, rule(Match::Exact, "com.add", &[Right::Call])]);
    assert!(may(&permissions, Right::Call, &exact("com.add")));
}

#[test]
fn patterns_must_be_covered_and_by_no_rule_narrowed() {
    let permissions = realm(vec![
        rule(Match::Prefix, "com.app.", &[Right::Subscribe]),
        rule(Match::Exact, "com.app.secret", &[]),
        rule(Match::Wildcard, "com.lib..log", &[Right::Subscribe]),
    ]);
    let may = |kind, uri| may(&permissions, Right::Subscribe, &pattern(kind, uri));
    assert!(may(Match::Prefix, "com.app.log."));
    assert!(may(Match::Wildcard, "com.app..log"));
    for (kind, uri) in [
        // More than the rule allows.
        (Match::Prefix, "com.app"),
        (Match::Prefix, "com."),
        (Match::Prefix, ""),
        (Match::Wildcard, "com..log"),
        // As much, but for what another rule takes away.
        (Match::Prefix, "com.app."),
        (Match::Prefix, "com.app.sec"),
        (Match::Wildcard, "com.app."),
        // A wildcard has as many components as it has.
        (Match::Prefix, "com.lib.x.log"),
        (Match::Wildcard, "com.lib.."),
    ] {
        assert!(!may(kind, uri), "{kind} {uri:?}");
    }
    assert!(may(Match::Wildcard, "com.lib..log") && may(Match::Exact, "com.lib.x.log"));
    let explanation = permissions.explain("user", Right::Subscribe, &pattern(Match::Prefix, "com.app."));
    assert!(matches!(explanation.reason, Reason::Narrowed(rule) if rule.pattern == exact("com.app.secret")));
}

#[test]
fn x_07_the_meta_api_needs_rules_of_its_own() {
    let everything = realm(vec![rule(Match::Prefix, "", &Right::ALL)]);
    assert!(may(&everything, Right::Call, &exact("wampum.pay")));
    for procedure in ["wamp.session.kill", "wamp.session.count"] {
        assert!(!may(&everything, Right::Call, &exact(procedure)));
    }
    assert!(!may(&everything, Right::Subscribe, &pattern(Match::Prefix, "wamp.")));
    assert!(may(&everything, Right::Subscribe, &pattern(Match::Prefix, "")));
    let looks = realm(vec![
        rule(Match::Prefix, "wamp.session.", &[Right::Call, Right::Subscribe]),
        rule(Match::Prefix, "wamp.session.kill", &[]),
    ]);
    assert!(may(&looks, Right::Call, &exact("wamp.session.count")));
    assert!(!may(&looks, Right::Call, &exact("wamp.session.kill_all")));
    assert!(!may(&looks, Right::Call, &exact("com.add")));
}

#[test]
fn what_decides_is_explained() {
    let permissions = realm(vec![rule(Match::Prefix, "com.", &[Right::Call])])
        .role("open", Access::Everything)
        .role("asked", Access::Dynamic);
    let explain = |role| permissions.explain(role, Right::Call, &exact("com.add"));
    assert!(matches!(explain("user"), Explanation { allowed: true, reason: Reason::Rule(_) }));
    assert_eq!(explain("open"), Explanation { allowed: true, reason: Reason::Everything });
    assert_eq!(explain("asked"), Explanation { allowed: false, reason: Reason::Dynamic });
    assert_eq!(explain("nobody"), Explanation { allowed: false, reason: Reason::NoRule });
    let denied = permissions.explain("user", Right::Publish, &exact("com.add"));
    assert!(matches!(denied, Explanation { allowed: false, reason: Reason::Rule(_) }));
}

#[test]
fn rules_that_never_decide_are_found() {
    let idle = rule(Match::Wildcard, "com..secret", &[]);
    let permissions = realm(vec![
        rule(Match::Prefix, "com.", &[Right::Call]),
        idle.clone(),
        rule(Match::Wildcard, ".x.secret", &[]),
        rule(Match::Exact, "com.a.secret", &[]),
    ]);
    assert_eq!(permissions.idle_rules(), [("user", &idle)]);
}

#[test]
fn rights_have_names() {
    for right in Right::ALL {
        assert_eq!(right.as_str().parse(), Ok(right));
    }
    assert_eq!(
        "kill".parse::<Right>().unwrap_err().to_string(),
        "unknown right \"kill\": expected `call`, `register`, `publish` or `subscribe`"
    );
    assert_eq!(format!("{:?}", Rights::NONE.with(Right::Call)), "{Call}");
}
