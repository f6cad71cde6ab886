//! The playground in a real browser: what a browser does with our cookies, not what we believe it does.

mod cookie;
mod copies;
mod csrf;
mod devices;
mod express;
mod login;
mod values;
