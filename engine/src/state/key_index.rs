//! An index by key, for lists that are too long to search.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

/// The numbers of things that have names; the things themselves, and their names, are kept elsewhere.
///
/// Its seed is its own: what an application uses for keys may come from its users.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyIndex {
    hasher: RandomState,
    numbers: HashTable<usize>,
}

impl KeyIndex {
    /// Returns the number of the thing called `name`.
    pub(crate) fn find<'a>(&self, name: &[u8], name_of: impl Fn(usize) -> &'a [u8]) -> Option<usize> {
        self.numbers.find(self.hasher.hash_one(name), |number| name_of(*number) == name).copied()
    }

    /// Adds a thing; the first of a name is the one that is found.
    pub(crate) fn add<'a>(&mut self, number: usize, name_of: impl Fn(usize) -> &'a [u8]) {
        let name = name_of(number);
        if self.find(name, &name_of).is_none() {
            let rehash = |number: &usize| self.hasher.hash_one(name_of(*number));
            self.numbers.insert_unique(self.hasher.hash_one(name), number, rehash);
        }
    }

    /// Adds a thing; the last of a name is the one that is found. Returns whether there was one of that name.
    pub(crate) fn replace<'a>(&mut self, number: usize, name_of: impl Fn(usize) -> &'a [u8]) -> bool {
        let name = name_of(number);
        let hash = self.hasher.hash_one(name);
        if let Some(found) = self.numbers.find_mut(hash, |other| name_of(*other) == name) {
            *found = number;
            return true;
        }
        self.numbers.insert_unique(hash, number, |number| self.hasher.hash_one(name_of(*number)));
        false
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn finding_a_name_among_many_looks_at_hardly_any_other() {
        let all: Vec<String> = (0..20_000).map(|number| format!("key {number}")).collect();
        let looks = Cell::new(0);
        let name_of = |number: usize| {
            looks.set(looks.get() + 1);
            all[number].as_bytes()
        };
        let mut names = KeyIndex::default();
        (0..all.len()).for_each(|number| names.add(number, name_of));
        for (number, name) in all.iter().enumerate() {
            assert_eq!(names.find(name.as_bytes(), name_of), Some(number));
        }
        assert_eq!(names.find(b"another", name_of), None);
        assert!(looks.get() < 10 * all.len(), "{} looks", looks.get());
    }

    #[test]
    fn the_first_of_a_name_is_found() {
        let mut names = KeyIndex::default();
        (0..2).for_each(|number| names.add(number, |_| b"a"));
        assert_eq!(names.find(b"a", |_| b"a"), Some(0));
    }

    #[test]
    fn the_last_of_a_name_is_found_if_it_replaces() {
        let mut names = KeyIndex::default();
        assert!(!names.replace(0, |_| b"a"));
        assert!(names.replace(1, |_| b"a"));
        assert_eq!(names.find(b"a", |_| b"a"), Some(1));
    }
}
