//! A tree of wildcard patterns by their components, those that have no fork and no end between them in one node.
//!
//! At a fork, a URI goes to the child with its component and to the child for any component. So a URI of n components
//! visits fewer than 2^(n+1) nodes, and never more than there are, which is fewer than two per pattern. Only peers that
//! make patterns for the purpose come near that, also without a match in the end; what bounds it is the limit on the
//! patterns of a session. There is no limit on components here: that on the length of URIs is one.
//!
//! Going to the child with the component first finds the patterns from the greatest to the least (R-127, T-28): where
//! two patterns that match one URI first differ, one has a component and the other has none. The runs before that are
//! equal, and the one with the component has the longer run there.
//!
//! Nothing recurses, not even the destructor, so that a peer cannot choose the depth of the stack.

use core::mem;
use std::collections::HashMap;

use super::release;
use crate::map::Seeded;

/// Wildcard patterns with their ids. Besides the root there are fewer than two nodes per pattern.
pub(super) struct WildcardTree<Id> {
    root: Node<Id>,
}

/// The component with which a node begins is its key at the parent; the root has none.
struct Node<Id> {
    /// The components after the first, if there are any.
    tail: Option<Box<str>>,
    /// If a pattern ends here. If not, and this is not the root, there are two children at least.
    id: Option<Id>,
    /// The child that begins with an empty component, which stands for any.
    any: Option<Box<Self>>,
    /// The children that begin with a component of that text, never the empty one.
    literals: HashMap<Box<str>, Self, Seeded>,
}

impl<Id: Copy> WildcardTree<Id> {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { root: Node::new(None, None, hash) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.root.any.is_none() && self.root.literals.is_empty()
    }

    /// The id of this very pattern.
    pub(super) fn get(&self, pattern: &str) -> Option<Id> {
        let (mut at, mut rest) = (&self.root, Some(pattern));
        while let Some(components) = rest {
            (at, rest) = at.step(components)?;
        }
        at.id
    }

    /// Returns the id that the pattern had.
    pub(super) fn insert(&mut self, pattern: &str, id: Id) -> Option<Id> {
        let (mut at, mut rest) = (&mut self.root, Some(pattern));
        while let Some(components) = rest {
            let (first, after) = split_first(components);
            if at.child(first).is_none() {
                let leaf = Node::new(after, Some(id), *at.literals.hasher());
                at.link(first, leaf);
                return None;
            }
            let child = at.child_mut(first)?;
            let (lower, left) = strip(child.tail.as_deref(), after, |a, b| a == b);
            if let Some(length) = lower.map(str::len) {
                child.split(length);
            }
            (at, rest) = (child, left);
        }
        at.id.replace(id)
    }

    /// Returns the id that the pattern had.
    pub(super) fn remove(&mut self, pattern: &str) -> Option<Id> {
        let (mut at, mut rest) = (&mut self.root, pattern);
        let mut at_root = true;
        let last = loop {
            let (first, _) = split_first(rest);
            let (_, left) = at.step(rest)?;
            let Some(left) = left else { break first };
            (at, rest, at_root) = (at.child_mut(first)?, left, false);
        };
        let id = at.remove_child(last)?;
        if !at_root {
            at.merge();
        }
        Some(id)
    }

    /// The ids of all patterns that match `uri`, from the greatest to the least.
    pub(super) fn matches<'a>(&'a self, uri: &'a str) -> Matches<'a, Id> {
        let mut matches = Matches { pending: Stack::new() };
        matches.fork(&self.root, uri);
        matches
    }
}

impl<Id> Drop for WildcardTree<Id> {
    fn drop(&mut self) {
        let mut nodes = Vec::new();
        self.root.take_children(&mut nodes);
        while let Some(mut node) = nodes.pop() {
            node.take_children(&mut nodes);
        }
    }
}

impl<Id> Node<Id> {
    fn new(tail: Option<&str>, id: Option<Id>, hash: Seeded) -> Self {
        Self { tail: tail.map(Into::into), id, any: None, literals: HashMap::with_hasher(hash) }
    }

    fn child(&self, first: &str) -> Option<&Self> {
        if first.is_empty() { self.any.as_deref() } else { self.literals.get(first) }
    }

    fn child_mut(&mut self, first: &str) -> Option<&mut Self> {
        if first.is_empty() { self.any.as_deref_mut() } else { self.literals.get_mut(first) }
    }

    fn link(&mut self, first: &str, child: Self) {
        if first.is_empty() {
            self.any = Some(Box::new(child));
        } else {
            self.literals.insert(first.into(), child);
        }
    }

    fn unlink(&mut self, first: &str) {
        if first.is_empty() {
            self.any = None;
        } else {
            self.literals.remove(first);
            release(&mut self.literals);
        }
    }

    /// The child on the way to the pattern `rest`, and what is left of it there.
    fn step<'a>(&self, rest: &'a str) -> Option<(&Self, Option<&'a str>)> {
        let (first, after) = split_first(rest);
        let child = self.child(first)?;
        let (tail, left) = strip(child.tail.as_deref(), after, |a, b| a == b);
        tail.is_none().then_some((child, left))
    }

    /// Leaves the last `length` bytes of the tail, which are whole components, to a new child.
    fn split(&mut self, length: usize) {
        let Some(tail) = self.tail.take() else { return };
        let cut = tail.len().saturating_sub(length);
        // There is a dot before the cut, unless it is at the very beginning.
        self.tail = cut.checked_sub(1).and_then(|dot| tail.get(..dot)).map(Into::into);
        let (first, after) = split_first(tail.get(cut..).unwrap_or_default());
        let mut lower = Self::new(after, self.id.take(), *self.literals.hasher());
        lower.any = self.any.take();
        mem::swap(&mut lower.literals, &mut self.literals);
        self.link(first, lower);
    }

    /// Takes the id of a child away, and the child if there is no reason for it then.
    fn remove_child(&mut self, first: &str) -> Option<Id> {
        let child = self.child_mut(first)?;
        let id = child.id.take()?;
        if child.any.is_none() && child.literals.is_empty() {
            self.unlink(first);
        } else {
            child.merge();
        }
        Some(id)
    }

    /// Becomes one with the child, if there is just one and no pattern ends here.
    fn merge(&mut self) {
        if self.id.is_some() {
            return;
        }
        let Some((first, child)) = self.take_only_child() else { return };
        let tail = [self.tail.as_deref(), Some(&*first), child.tail.as_deref()];
        let tail = tail.into_iter().flatten().collect::<Vec<_>>().join(".");
        *self = Self { tail: Some(tail.into()), ..child };
    }

    /// With its first component.
    fn take_only_child(&mut self) -> Option<(Box<str>, Self)> {
        match (&self.any, self.literals.len()) {
            (Some(_), 0) => self.any.take().map(|child| (Box::default(), *child)),
            (None, 1) => self.literals.drain().next(),
            _ => None,
        }
    }

    /// In no particular order.
    fn take_children(&mut self, into: &mut Vec<Self>) {
        into.extend(self.any.take().map(|child| *child));
        into.extend(self.literals.drain().map(|(_, child)| child));
    }
}

/// The first component, and those behind it if there are any.
fn split_first(components: &str) -> (&str, Option<&str>) {
    components.split_once('.').map_or((components, None), |(first, rest)| (first, Some(rest)))
}

/// What is left of both after the components in front that are alike.
fn strip<'a, 'b>(
    mut a: Option<&'a str>,
    mut b: Option<&'b str>,
    alike: impl Fn(&str, &str) -> bool,
) -> (Option<&'a str>, Option<&'b str>) {
    while let (Some(in_a), Some(in_b)) = (a, b) {
        let ((first_a, rest_a), (first_b, rest_b)) = (split_first(in_a), split_first(in_b));
        if !alike(first_a, first_b) {
            break;
        }
        (a, b) = (rest_a, rest_b);
    }
    (a, b)
}

/// A walk through all of the tree where the URI may be.
pub(super) struct Matches<'a, Id> {
    pending: Stack<Branch<'a, Id>>,
}

/// A node whose first component fits, and what of the URI is behind that component.
type Branch<'a, Id> = (&'a Node<Id>, Option<&'a str>);

impl<'a, Id: Copy> Matches<'a, Id> {
    /// Goes on to the children: the one with the component is the first to be looked at.
    fn fork(&mut self, node: &'a Node<Id>, rest: &'a str) {
        let (first, after) = split_first(rest);
        if let Some(any) = &node.any {
            self.pending.push((any, after));
        }
        if let Some(child) = node.literals.get(first) {
            self.pending.push((child, after));
        }
    }
}

impl<Id: Copy> Iterator for Matches<'_, Id> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        while let Some((node, rest)) = self.pending.pop() {
            let fits = |wanted: &str, component: &str| wanted.is_empty() || wanted == component;
            match strip(node.tail.as_deref(), rest, fits) {
                (Some(_), _) => {}
                (None, Some(rest)) => self.fork(node, rest),
                (None, None) if node.id.is_some() => return node.id,
                (None, None) => {}
            }
        }
        None
    }
}

/// A stack that allocates only when it is higher than any honest set of patterns makes it.
struct Stack<T> {
    low: [Option<T>; 16],
    height: usize,
    high: Vec<T>,
}

impl<T: Copy> Stack<T> {
    fn new() -> Self {
        Self { low: [None; 16], height: 0, high: Vec::new() }
    }

    fn push(&mut self, item: T) {
        if let Some(place) = self.low.get_mut(self.height) {
            *place = Some(item);
            self.height = self.height.saturating_add(1);
        } else {
            self.high.push(item);
        }
    }

    fn pop(&mut self) -> Option<T> {
        self.high.pop().or_else(|| {
            self.height = self.height.checked_sub(1)?;
            self.low.get_mut(self.height)?.take()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(patterns: &[&str]) -> WildcardTree<usize> {
        let mut tree = WildcardTree::new(Seeded::new([7; 32]));
        for (id, pattern) in patterns.iter().enumerate() {
            assert_eq!(tree.insert(pattern, id), None);
        }
        tree
    }

    /// The nodes except the root.
    fn nodes<Id>(tree: &WildcardTree<Id>) -> usize {
        let mut pending = vec![&tree.root];
        let mut count: usize = 0;
        while let Some(node) = pending.pop() {
            count += 1;
            pending.extend(node.any.as_deref());
            pending.extend(node.literals.values());
        }
        count - 1
    }

    fn matches(tree: &WildcardTree<usize>, uri: &str) -> Vec<usize> {
        tree.matches(uri).collect()
    }

    #[test]
    fn t_27_component_counts_are_equal() {
        let tree = tree(&["", ".", "..", "a", "a.b", "a..c"]);
        assert_eq!(matches(&tree, "a"), [3, 0]);
        assert_eq!(matches(&tree, "a.b"), [4, 1]);
        assert_eq!(matches(&tree, "a.b.c"), [5, 2]);
        assert!(matches(&tree, "a.b.x.c").is_empty());
    }

    #[test]
    fn t_28_from_the_longest_runs_to_the_shortest() {
        let tree = tree(&["..", "..c", ".b.", "a.b.c", ".b.c", "a..", "a..c", "a.b."]);
        assert_eq!(matches(&tree, "a.b.c"), [3, 7, 6, 5, 4, 2, 1, 0]);
        assert_eq!(matches(&tree, "a.x.c"), [6, 5, 1, 0]);
    }

    #[test]
    fn nodes_part_and_merge() {
        let mut tree = tree(&["a.b..d.e"]);
        assert_eq!(nodes(&tree), 1);
        assert_eq!(tree.insert("a.b.c.d.e", 1), None);
        assert_eq!(nodes(&tree), 3);
        assert_eq!(tree.insert("a.b", 2), None);
        assert_eq!(tree.insert("a.b..d", 3), None);
        assert_eq!(nodes(&tree), 4);
        assert_eq!(matches(&tree, "a.b.c.d.e"), [1, 0]);
        assert_eq!((tree.remove("a"), tree.remove("a.b."), tree.remove("a.b..d.e.f")), (None, None, None));
        assert_eq!(tree.remove("a.b.c.d.e"), Some(1));
        assert_eq!(tree.remove("a.b..d"), Some(3));
        assert_eq!(nodes(&tree), 2);
        assert_eq!(tree.remove("a.b"), Some(2));
        assert_eq!(nodes(&tree), 1);
        assert_eq!((tree.get("a.b..d.e"), tree.get("a.b")), (Some(0), None));
        assert_eq!(tree.remove("a.b..d.e"), Some(0));
        assert!(tree.is_empty());
        assert_eq!(tree.root.literals.capacity(), 0);
    }

    #[test]
    fn deep_trees_need_little_stack() {
        let deep = || {
            // Each pattern leaves the path of the others at a place of its own.
            const LENGTH: usize = 1_024;
            let pattern = |place| {
                let parts: Vec<_> = (0..LENGTH).map(|i| if i == place { "" } else { "a" }).collect();
                parts.join(".")
            };
            let mut tree = WildcardTree::new(Seeded::new([7; 32]));
            for place in 0..LENGTH {
                tree.insert(&pattern(place), place);
            }
            assert!(nodes(&tree) < 2 * LENGTH);
            assert!(tree.matches(&pattern(LENGTH)).eq((0..LENGTH).rev()));
            for place in (0..LENGTH).step_by(2) {
                assert_eq!(tree.remove(&pattern(place)), Some(place));
            }
            assert_eq!(tree.matches(&pattern(LENGTH)).count(), LENGTH / 2);
            assert!(nodes(&tree) < LENGTH);
        };
        std::thread::Builder::new().stack_size(64 << 10).spawn(deep).unwrap().join().unwrap();
    }
}
