//! The application as a test sees it: the real router on a real store, a carrier with handsets, a
//! clock that is moved by hand.

mod actor;
mod app;
mod event_stream;
mod fixture;
mod receiver;

pub use actor::{Actor, Reply};
pub use app::{Sources, TestApp};
pub use event_stream::EventStream;
pub use fixture::{Fixture, fresh_number};
pub use receiver::Receiver;

/// Makes each of these functions a test on SQLite and a test on Postgres.
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::support::TestApp::on_sqlite().await).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::support::TestApp::on_postgres().await).await;
                }
            )+
        }
    };
}

pub(crate) use on_both_stores;
