//! A stack that allocates only when it grows beyond its usual size.

/// Up to `N` entries in place; all of them in a `Vec` as soon as there are more.
#[derive(Clone, Debug)]
pub(super) struct Stack<T, const N: usize> {
    inline: [T; N],
    /// Entries in `inline`; 0 while `spilled` holds any.
    len: usize,
    spilled: Vec<T>,
}

impl<T: Copy, const N: usize> Stack<T, N> {
    /// An empty stack; `filler` is never seen.
    #[inline]
    pub(super) const fn new(filler: T) -> Self {
        Self { inline: [filler; N], len: 0, spilled: Vec::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        if self.spilled.is_empty() { self.len } else { self.spilled.len() }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: T) {
        if self.spilled.is_empty() {
            if let Some(slot) = self.inline.get_mut(self.len) {
                *slot = entry;
                self.len = self.len.saturating_add(1);
                return;
            }
        }
        self.spill(entry);
    }

    #[cold]
    fn spill(&mut self, entry: T) {
        if self.spilled.is_empty() {
            self.spilled.extend_from_slice(&self.inline);
            self.len = 0;
        }
        self.spilled.push(entry);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        if !self.spilled.is_empty() {
            return self.spilled.pop();
        }
        self.len = self.len.checked_sub(1)?;
        self.inline.get(self.len).copied()
    }

    /// The entries from index `from` on.
    #[inline]
    pub(super) fn since(&mut self, from: usize) -> &mut [T] {
        let all = if self.spilled.is_empty() {
            self.inline.get_mut(..self.len).unwrap_or_default()
        } else {
            self.spilled.as_mut_slice()
        };
        all.get_mut(from..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.spilled.truncate(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_the_move_to_the_heap_and_back() {
        let mut stack: Stack<u8, 2> = Stack::new(0);
        for round in 0..2 {
            for n in 0..5 {
                assert_eq!(stack.len(), n);
                stack.push(n as u8 + round);
            }
            assert_eq!(stack.since(3), [3 + round, 4 + round]);
            for n in (0..5).rev() {
                assert_eq!(stack.pop(), Some(n + round));
            }
            assert_eq!(stack.pop(), None);
        }
        for n in 0..4 {
            stack.push(n);
        }
        stack.truncate(1);
        assert_eq!(stack.since(0), [0]);
        stack.truncate(0);
        stack.push(9);
        assert_eq!(stack.since(0), [9]);
        assert!(stack.since(7).is_empty());
    }
}
