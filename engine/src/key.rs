//! Names of values: a text, or a [`Key`] that also knows the type of its value.
//!
//! The methods of a session take either. With a text, the caller names the type: `session.get::<String>("theme")`. With a
//! [`Key`], the key does: `session.get(THEME)`; and a program that stores a value of another type under it does not compile.

use std::fmt;
use std::marker::PhantomData;

/// The name of a value, and its type: written once, so that all handlers agree on both.
///
/// ```
/// use cloakroom::{Key, Session};
///
/// #[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// const CART: Key<Cart> = Key::new("cart");
/// const VISITS: Key<u32> = Key::new("visits");
///
/// # let session = Session::for_test()?;
/// session.insert(CART, Cart { items: vec!["coat".into()] })?;
/// session.update(CART, |cart| {
///     let mut cart = cart.unwrap_or_default();
///     cart.items.push("hat".into());
///     cart
/// })?;
/// session.increment(VISITS, 1)?;
///
/// let cart = session.get(CART)?.unwrap_or_default();
/// assert_eq!(cart.items, ["coat", "hat"]);
/// assert_eq!(session.get_or(VISITS, 0)?, 1);
/// assert!(session.remove(CART));
/// # Ok::<(), cloakroom::Error>(())
/// ```
///
/// A value of another type does not compile:
///
/// ```compile_fail,E0277
/// # use cloakroom::{Key, Session};
/// # let session = Session::for_test()?;
/// const VISITS: Key<u32> = Key::new("visits");
/// session.insert(VISITS, "many")?; // the key `Key<u32>` does not take a value of type `&str`
/// # Ok::<(), cloakroom::Error>(())
/// ```
///
/// Nor does an increment of a text:
///
/// ```compile_fail,E0277
/// # use cloakroom::{Key, Session};
/// # let session = Session::for_test()?;
/// const THEME: Key<String> = Key::new("theme");
/// session.increment(THEME, 1)?;
/// # Ok::<(), cloakroom::Error>(())
/// ```
///
/// Two keys of one name and of different types are two views of one value: give each name one key.
pub struct Key<T> {
    name: &'static str,
    is_lenient: bool,
    /// A name holds no `T`: it is `Copy`, `Send` and `Sync` whatever `T` is.
    of: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// Names a value of the type `T`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, is_lenient: false, of: PhantomData }
    }

    /// Treats a stored value that is not a `T` as absent, instead of as an error, wherever this key is used. For a release
    /// that changes the type of a value while sessions live; see also [`Config::lenient_key`](crate::Config::lenient_key).
    ///
    /// ```
    /// # use cloakroom::{Key, Session};
    /// # let session = Session::for_test()?;
    /// const CART: Key<Vec<u32>> = Key::new("cart");
    ///
    /// session.insert("cart", "a text, in a release before")?;
    /// let error = session.get(CART).unwrap_err();
    /// assert_eq!(error.key(), Some("cart"));
    /// assert_eq!(session.get(CART.lenient())?, None);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    #[must_use]
    pub const fn lenient(mut self) -> Self {
        self.is_lenient = true;
        self
    }

    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.name)
    }
}

/// A name of a value: a [`Key`], or a reference to a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the name of a value",
    note = "a name is a `cloakroom::Key`, or a reference to a text: `\"theme\"`, `&name`"
)]
pub trait SessionKey: Copy + sealed::Sealed {
    /// Returns the name.
    fn name(&self) -> &str;

    /// Returns whether a value of another type counts as absent.
    fn is_lenient(&self) -> bool {
        false
    }
}

/// A name under which a value of the type `T` is read: a `Key<T>`, or a reference to a text, for which the caller names `T`.
#[diagnostic::on_unimplemented(
    message = "the key `{Self}` does not name a value of type `{T}`",
    note = "a `Key<T>` reads values of the type `T` only"
)]
pub trait KeyOf<T>: SessionKey {}

/// A name under which a `V` can be stored: a `Key<V>`, which also takes a reference to the value, or a reference to a text.
#[diagnostic::on_unimplemented(
    message = "the key `{Self}` does not take a value of type `{V}`",
    note = "a `Key<T>` takes a `T` or a `&T`; a `Key<String>` also takes a `&str`"
)]
pub trait KeyFor<V>: SessionKey {}

/// A name of a whole number: a `Key` of an integer type, or a reference to a text.
#[diagnostic::on_unimplemented(
    message = "the key `{Self}` does not name a whole number",
    note = "a counter has a key such as `Key<u32>` or `Key<i64>`"
)]
pub trait CounterKey: SessionKey {}

impl<S: AsRef<str> + ?Sized> SessionKey for &S {
    fn name(&self) -> &str {
        (**self).as_ref()
    }
}

impl<S: AsRef<str> + ?Sized, T> KeyOf<T> for &S {}
impl<S: AsRef<str> + ?Sized, V> KeyFor<V> for &S {}
impl<S: AsRef<str> + ?Sized> CounterKey for &S {}

impl<T> SessionKey for Key<T> {
    fn name(&self) -> &str {
        self.name
    }

    fn is_lenient(&self) -> bool {
        self.is_lenient
    }
}

impl<T> KeyOf<T> for Key<T> {}
impl<T> KeyFor<T> for Key<T> {}
impl<T> KeyFor<&T> for Key<T> {}
impl KeyFor<&str> for Key<String> {}
impl KeyFor<Vec<&str>> for Key<Vec<String>> {}

macro_rules! counters {
    ($($number:ty),*) => {
        $(impl CounterKey for Key<$number> {})*
    };
}
counters!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

mod sealed {
    /// Keeps the traits to the types of this module: a name has one meaning.
    pub trait Sealed {}

    impl<S: AsRef<str> + ?Sized> Sealed for &S {}
    impl<T> Sealed for super::Key<T> {}
}
