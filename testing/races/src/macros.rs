//! A test of each race for each store.

/// Makes, of each function `async fn race(kind: Kind)`, a test for each store: `memory::race`, `file::race` …
///
/// After `@swept`, those that need a store to be swept, which a server that does it by itself cannot be.
#[macro_export]
macro_rules! races {
    ($($race:ident),* $(,)? $(@swept $($swept:ident),* $(,)?)?) => {
        $crate::races!(@on reference Reference [$($race)* $($($swept)*)?]);
        $crate::races!(@on memory Memory [$($race)* $($($swept)*)?]);
        $crate::races!(@on file File [$($race)* $($($swept)*)?]);
        $crate::races!(@on sqlite Sqlite [$($race)* $($($swept)*)?]);
        $crate::races!(@on redb Redb [$($race)* $($($swept)*)?]);
        $crate::races!(@on tiered Tiered [$($race)* $($($swept)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis Redis [$($race)*]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis_cluster RedisCluster [$($race)*]);
        #[cfg(feature = "sql")]
        $crate::races!(@on postgres Postgres [$($race)* $($($swept)*)?]);
        #[cfg(feature = "sql")]
        $crate::races!(@on mariadb Mariadb [$($race)* $($($swept)*)?]);
        #[cfg(feature = "mongodb")]
        $crate::races!(@on mongodb Mongodb [$($race)*]);
        #[cfg(feature = "etcd")]
        $crate::races!(@on etcd Etcd [$($race)*]);
        #[cfg(feature = "dynamodb")]
        $crate::races!(@on dynamodb Dynamodb [$($race)*]);
    };
    (@on $store:ident $kind:ident [$($race:ident)*]) => {
        mod $store {
            $(
                #[test]
                fn $race() {
                    $crate::run(::std::boxed::Box::pin(super::$race($crate::Kind::$kind)));
                }
            )*
        }
    };
}
