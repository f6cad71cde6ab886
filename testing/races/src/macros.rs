//! A test of each race for each store.

/// Makes a test for each store from each function `async fn race(kind: Kind)`: `memory::race`, `file::race` …
///
/// After `@owned`, those that need the sessions of a user, or all, to be found, which memcached cannot do; after `@swept`, those
/// that need a store to be swept, which a server that does it by itself cannot be. After `@cut` and `@owned_cut`, those whose
/// client goes away: axum drops such a request, actix-web runs its handler to the end.
#[macro_export]
macro_rules! races {
    (
        $($race:ident),* $(,)?
        $(@owned $($owned:ident),* $(,)?)?
        $(@swept $($swept:ident),* $(,)?)?
        $(@cut $($cut:ident),* $(,)?)?
        $(@owned_cut $($owned_cut:ident),* $(,)?)?
    ) => {
        $crate::races!(@on reference Reference [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        $crate::races!(@on memory Memory [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        $crate::races!(@on actix Actix [$($race)* $($($owned)*)? $($($swept)*)?]);
        $crate::races!(@on file File [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        $crate::races!(@on sqlite Sqlite [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        $crate::races!(@on redb Redb [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        $crate::races!(@on tiered Tiered [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        $crate::races!(@on encrypted Encrypted [$($($owned)*)? $($($owned_cut)*)?]);
        $crate::races!(@on express_sqlite ExpressSqlite [$($race)* $($($cut)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on express_redis ExpressRedis [$($race)* $($($cut)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis Redis [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis_cluster RedisCluster [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on redis_sentinel RedisSentinel [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "redis")]
        $crate::races!(@on valkey Valkey [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "sql")]
        $crate::races!(@on postgres Postgres [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "sql")]
        $crate::races!(@on mariadb Mariadb [$($race)* $($($owned)*)? $($($swept)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "mongodb")]
        $crate::races!(@on mongodb Mongodb [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "mongodb")]
        $crate::races!(@on mongodb_replicas MongodbReplicas [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "memcached")]
        $crate::races!(@on memcached Memcached [$($race)* $($($cut)*)?]);
        #[cfg(feature = "etcd")]
        $crate::races!(@on etcd Etcd [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
        #[cfg(feature = "dynamodb")]
        $crate::races!(@on dynamodb Dynamodb [$($race)* $($($owned)*)? $($($cut)*)? $($($owned_cut)*)?]);
    };
    (@on $store:ident $kind:ident [$($race:ident)*]) => {
        mod $store {
            $(
                #[test]
                fn $race() {
                    if let Some(reason) = $crate::Kind::$kind.leaves_out(stringify!($race)) {
                        return ::std::eprintln!("{}: not applicable, {reason}", stringify!($race));
                    }
                    $crate::run(::std::boxed::Box::pin(super::$race($crate::Kind::$kind)));
                }
            )*
        }
    };
}
