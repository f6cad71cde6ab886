//! A test of each race for each store.

/// Makes, of each function `async fn race(kind: Kind)`, a test for each store: `memory::race`, `file::race` …
#[macro_export]
macro_rules! races {
    ($($race:ident),* $(,)?) => {
        $crate::races!(@on reference Reference [$($race)*]);
        $crate::races!(@on memory Memory [$($race)*]);
        $crate::races!(@on file File [$($race)*]);
        $crate::races!(@on sqlite Sqlite [$($race)*]);
        $crate::races!(@on redb Redb [$($race)*]);
        $crate::races!(@on tiered Tiered [$($race)*]);
        #[cfg(feature = "mongodb")]
        $crate::races!(@on mongodb Mongodb [$($race)*]);
    };
    (@on $store:ident $kind:ident [$($race:ident)*]) => {
        mod $store {
            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $race() {
                    super::$race($crate::Kind::$kind).await;
                }
            )*
        }
    };
}
