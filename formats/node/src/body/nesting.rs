//! Remembers which brackets are open: a bit each.

/// What a value is nested in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Array,
    Object,
}

/// The brackets that are open. Up to 64 of them take no memory of their own.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: usize,
    /// The innermost ones, the last in the lowest bit; set for an object.
    innermost: u64,
    /// Those outside of them, 64 each.
    outer: Vec<u64>,
}

impl Nesting {
    #[inline]
    pub(super) fn push(&mut self, bracket: Bracket) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.depth += 1;
        self.innermost = self.innermost << 1 | u64::from(bracket == Bracket::Object);
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.innermost >>= 1;
        if self.depth.is_multiple_of(64) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }

    /// Returns the innermost bracket.
    #[inline]
    pub(super) fn last(&self) -> Option<Bracket> {
        let bracket = if self.innermost & 1 == 1 { Bracket::Object } else { Bracket::Array };
        (self.depth > 0).then_some(bracket)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bracket, Nesting};
    use proptest::prelude::{any, prop, proptest};

    proptest! {
        #[test]
        fn brackets_are_closed_in_the_reverse_order(opened in prop::collection::vec(any::<bool>(), 0..200)) {
            let bracket = |is_object: bool| if is_object { Bracket::Object } else { Bracket::Array };
            let mut nesting = Nesting::default();
            for is_object in &opened {
                nesting.push(bracket(*is_object));
                assert_eq!(nesting.last(), Some(bracket(*is_object)));
            }
            for is_object in opened.iter().rev() {
                assert_eq!(nesting.last(), Some(bracket(*is_object)));
                nesting.pop();
            }
            assert_eq!(nesting.last(), None);
        }
    }
}
