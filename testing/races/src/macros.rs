//! A test of each race for each store.

/// Makes, of each function `async fn race(kind: Kind)`, a test for each store: `memory::race`, `file::race` …
///
/// After `@owned`, those that need the sessions of a user, or all, to be found, which memcached cannot do; after `@swept`, those
/// that need a store to be swept, which a server that does it by itself cannot be.
#[macro_export]
macro_rules! races {
    (
        $($race:ident),* $(,)?
        $(@owned $($owned:ident),* $(,)?)?
        $(@swept $($swept:ident),* $(,)?)?
    ) => {
        $crate::races!(@on reference Reference [$($race)* $($($owned)*)? $($($swept)*)?]);
        $crate::races!(@on memory Memory [$($race)* $($($owned)*)? $($($swept)*)?]);
        $crate::races!(@on file File [$($race)* $($($owned)*)? $($($swept)*)?]);
        $crate::races!(@on sqlite Sqlite [$($race)* $($($owned)*)? $($($swept)*)?]);
        $crate::races!(@on redb Redb [$($race)* $($($owned)*)? $($($swept)*)?]);
        $crate::races!(@on tiered Tiered [$($race)* $($($owned)*)? $($($swept)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis Redis [$($race)* $($($owned)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis_cluster RedisCluster [$($race)* $($($owned)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis_sentinel RedisSentinel [$($race)* $($($owned)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on valkey Valkey [$($race)* $($($owned)*)?]);
        #[cfg(feature = "sql")]
        $crate::races!(@on postgres Postgres [$($race)* $($($owned)*)? $($($swept)*)?]);
        #[cfg(feature = "sql")]
        $crate::races!(@on mariadb Mariadb [$($race)* $($($owned)*)? $($($swept)*)?]);
        #[cfg(feature = "mongodb")]
        $crate::races!(@on mongodb Mongodb [$($race)* $($($owned)*)?]);
        #[cfg(feature = "mongodb")]
        $crate::races!(@on mongodb_replicas MongodbReplicas [$($race)* $($($owned)*)?]);
        #[cfg(feature = "memcached")]
        $crate::races!(@on memcached Memcached [$($race)*]);
        #[cfg(feature = "etcd")]
        $crate::races!(@on etcd Etcd [$($race)* $($($owned)*)?]);
        #[cfg(feature = "dynamodb")]
        $crate::races!(@on dynamodb Dynamodb [$($race)* $($($owned)*)?]);
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
