//! A radix tree of prefixes: bytes that have no fork and no end between them are one edge.
//!
//! A prefix is one of characters (R-121, P-46, T-26). Both texts being UTF-8, that is the same as one of bytes, also where
//! an edge ends inside a character. All loops follow one path from the root; nothing recurses, not even the destructor, so
//! that a peer cannot choose the depth of the stack.

use core::mem;

/// Prefixes with their ids. Besides the root there are fewer than two nodes per prefix.
pub(super) struct PrefixTree<Id> {
    root: Node<Id>,
}

struct Node<Id> {
    /// The bytes from the parent to here: none at the root, and only there.
    label: Box<[u8]>,
    /// If a prefix ends here. If not, and this is not the root, there are two children at least.
    id: Option<Id>,
    /// In the order of the first bytes of their labels, which all differ.
    children: Vec<(u8, Self)>,
}

impl<Id: Copy> PrefixTree<Id> {
    pub(super) fn is_empty(&self) -> bool {
        self.root.id.is_none() && self.root.children.is_empty()
    }

    /// The id of this very prefix.
    pub(super) fn get(&self, prefix: &str) -> Option<Id> {
        let (mut at, mut rest) = (&self.root, prefix.as_bytes());
        while !rest.is_empty() {
            (at, rest) = at.step(rest)?;
        }
        at.id
    }

    /// Returns the id that the prefix had.
    pub(super) fn insert(&mut self, prefix: &str, id: Id) -> Option<Id> {
        let (mut at, mut rest) = (&mut self.root, prefix.as_bytes());
        while let Some(&first) = rest.first() {
            match at.place(first) {
                Ok(place) => {
                    let (_, child) = at.children.get_mut(place)?;
                    let common = child.label.iter().zip(rest).take_while(|(a, b)| a == b).count();
                    child.split(common);
                    rest = rest.get(common..)?;
                    at = child;
                }
                Err(place) => {
                    let leaf = Node { label: rest.into(), id: Some(id), children: Vec::new() };
                    at.children.insert(place, (first, leaf));
                    return None;
                }
            }
        }
        at.id.replace(id)
    }

    /// Returns the id that the prefix had.
    pub(super) fn remove(&mut self, prefix: &str) -> Option<Id> {
        if prefix.is_empty() {
            return self.root.id.take();
        }
        let (mut at, mut rest) = (&mut self.root, prefix.as_bytes());
        let place = loop {
            let place = at.place(*rest.first()?).ok()?;
            (_, rest) = at.step(rest)?;
            if rest.is_empty() {
                break place;
            }
            at = &mut at.children.get_mut(place)?.1;
        };
        at.remove_child(place)
    }

    /// The ids of all prefixes of `uri`, from the shortest to the longest.
    pub(super) fn matches<'a>(&'a self, uri: &'a str) -> Matches<'a, Id> {
        Matches { at: Some(&self.root), rest: uri.as_bytes() }
    }
}

impl<Id> Default for PrefixTree<Id> {
    fn default() -> Self {
        Self { root: Node { label: Box::default(), id: None, children: Vec::new() } }
    }
}

impl<Id> Drop for PrefixTree<Id> {
    fn drop(&mut self) {
        let mut nodes = mem::take(&mut self.root.children);
        while let Some((_, mut node)) = nodes.pop() {
            nodes.append(&mut node.children);
        }
    }
}

impl<Id> Node<Id> {
    /// The place of the child whose label begins with `first`, or the one where it would be.
    fn place(&self, first: u8) -> Result<usize, usize> {
        self.children.binary_search_by_key(&first, |&(first, _)| first)
    }

    /// The child on the way to `rest`, and what is left of it there.
    fn step<'a>(&self, rest: &'a [u8]) -> Option<(&Self, &'a [u8])> {
        let place = self.place(*rest.first()?).ok()?;
        let (_, child) = self.children.get(place)?;
        Some((child, rest.strip_prefix(&*child.label)?))
    }

    /// Ends this edge after `length` bytes, unless it does already, and leaves the remainder to a new child.
    fn split(&mut self, length: usize) {
        let Some((upper, lower)) = self.label.split_at_checked(length) else { return };
        let Some(&first) = lower.first() else { return };
        let (upper, label) = (upper.into(), lower.into());
        let lower = Self { label, id: self.id.take(), children: mem::take(&mut self.children) };
        self.label = upper;
        self.children.push((first, lower));
    }

    /// Takes the id of a child away, and the nodes for which there is no reason then.
    fn remove_child(&mut self, place: usize) -> Option<Id> {
        let (_, child) = self.children.get_mut(place)?;
        let id = child.id.take()?;
        if child.children.is_empty() {
            self.children.remove(place);
            if self.children.len() <= self.children.capacity() / 4 {
                self.children.shrink_to_fit();
            }
            self.merge();
        } else {
            child.merge();
        }
        Some(id)
    }

    /// Becomes one with the child, if there is just one and no prefix ends here.
    fn merge(&mut self) {
        if self.id.is_some() || self.label.is_empty() || self.children.len() != 1 {
            return;
        }
        let Some((_, child)) = self.children.pop() else { return };
        let label = [&*self.label, &*child.label].concat().into();
        *self = Self { label, ..child };
    }
}

/// A walk down the tree.
pub(super) struct Matches<'a, Id> {
    at: Option<&'a Node<Id>>,
    /// What of the URI is behind the node.
    rest: &'a [u8],
}

impl<Id: Copy> Iterator for Matches<'_, Id> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        while let Some(node) = self.at.take() {
            if let Some((child, rest)) = node.step(self.rest) {
                (self.at, self.rest) = (Some(child), rest);
            }
            if node.id.is_some() {
                return node.id;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nodes except the root.
    fn nodes<Id>(tree: &PrefixTree<Id>) -> usize {
        let mut pending = vec![&tree.root];
        let mut count = 0;
        while let Some(node) = pending.pop() {
            count += node.children.len();
            pending.extend(node.children.iter().map(|(_, child)| child));
        }
        count
    }

    fn matches(tree: &PrefixTree<u32>, uri: &str) -> Vec<u32> {
        tree.matches(uri).collect()
    }

    #[test]
    fn r_121_p_52_t_32_prefixes_from_the_shortest_to_the_longest() {
        let mut tree = PrefixTree::default();
        for (id, prefix) in
            ["com.app", "", "com.", "com.apple", "com.a", "com.b", "com.app."].iter().enumerate()
        {
            assert_eq!(tree.insert(prefix, id as u32), None);
        }
        assert_eq!(matches(&tree, "com.app.x"), [1, 2, 4, 0, 6]);
        assert_eq!(matches(&tree, "com.apples"), [1, 2, 4, 0, 3]);
        assert_eq!(matches(&tree, "com"), [1]);
        assert_eq!(matches(&tree, "org"), [1]);
        assert_eq!(tree.remove(""), Some(1));
        assert!(matches(&tree, "org").is_empty());
        assert_eq!(tree.insert("com.a", 9), Some(4));
        assert_eq!((tree.get("com.a"), tree.get("com.ap"), tree.get("")), (Some(9), None, None));
    }

    #[test]
    fn edges_part_and_merge() {
        let mut tree = PrefixTree::default();
        tree.insert("abcd", 0);
        tree.insert("abef", 1);
        assert_eq!(nodes(&tree), 3);
        tree.insert("ab", 2);
        assert_eq!(nodes(&tree), 3);
        assert_eq!(tree.remove("abc"), None);
        assert_eq!(tree.remove("abcde"), None);
        assert_eq!(tree.remove("ab"), Some(2));
        assert_eq!(tree.remove("ab"), None);
        assert_eq!(nodes(&tree), 3);
        assert_eq!(tree.remove("abcd"), Some(0));
        assert_eq!(nodes(&tree), 1);
        assert_eq!(matches(&tree, "abefg"), [1]);
        assert_eq!(tree.remove("abef"), Some(1));
        assert!(tree.is_empty());
        assert_eq!(tree.root.children.capacity(), 0);
    }

    #[test]
    fn edges_may_end_inside_a_character() {
        let mut tree = PrefixTree::default();
        tree.insert("a\u{E4}", 0); // C3 A4
        tree.insert("a\u{F6}", 1); // C3 B6
        assert_eq!(nodes(&tree), 3);
        assert_eq!(matches(&tree, "a\u{E4}b"), [0]);
        assert_eq!(matches(&tree, "a\u{F6}"), [1]);
        assert!(matches(&tree, "a\u{FC}").is_empty());
    }

    #[test]
    fn deep_trees_need_little_stack() {
        let deep = || {
            let text = "a".repeat(3_000);
            let mut tree = PrefixTree::default();
            for length in 0..text.len() {
                tree.insert(&text[..length], length);
            }
            assert_eq!(tree.matches(&text).last(), Some(2_999));
            for length in (1..text.len()).step_by(2) {
                assert_eq!(tree.remove(&text[..length]), Some(length));
            }
            assert_eq!((tree.matches(&text).count(), nodes(&tree)), (1_500, 1_499));
        };
        std::thread::Builder::new().stack_size(64 << 10).spawn(deep).unwrap().join().unwrap();
    }
}
