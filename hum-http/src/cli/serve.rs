use std::time::Duration;

use axum::serve::ListenerExt as _;
use hum_http::{RouterOptions, dev::Pump};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    assemble::{Assembled, assemble},
    config::{BadValue, Config},
};

use super::{Failure, welcome};

/// How long requests and jobs may take to end after a signal.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM, then stops taking requests and jobs, and ends what runs.
pub async fn run(config: Config) -> Result<(), Failure> {
    let listener = TcpListener::bind(config.bind).await.map_err(|error| {
        BadValue::new(
            "HUM_BIND",
            format!("{} ({error})", config.bind),
            "it must be a free address of this machine",
        )
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(error.to_string()))?;
    let Assembled { hum, fake } = assemble(&config, &format!("http://{address}")).await?;
    let options = RouterOptions {
        fake: fake.clone(),
        ..RouterOptions::default()
    };
    let event_streams = options.event_streams.clone();
    let router = hum_http::router_with(hum.clone(), options);

    let (stop, stopped) = watch::channel(false);
    let mut background = JoinSet::new();
    if config.workers > 0 {
        let (hum, stopped) = (hum.clone(), until(stopped.clone()));
        background.spawn(async move { hum.workers().run(stopped).await });
    }
    if let Some(fake) = &fake {
        let (pump, stopped) = (Pump::new(hum.clone(), fake.clone()), until(stopped.clone()));
        background.spawn(async move { pump.run(stopped).await });
    }
    println!("hum listens on http://{address}");
    if fake.is_some() {
        let (hum, url) = (hum.clone(), format!("http://{address}"));
        background.spawn(async move { welcome::first_start(&hum, &url).await });
    } else {
        let hum = hum.clone();
        background.spawn(async move { welcome::hint(&hum).await });
    }
    let listener = listener.tap_io(|connection| {
        // Answers are small: do not wait for more to send.
        let _ = connection.set_nodelay(true);
    });
    let server = tokio::spawn(
        axum::serve(listener, router)
            .with_graceful_shutdown(until(stopped))
            .into_future(),
    );

    signal().await?;
    tracing::info!("stopping");
    let _ = stop.send(true);
    event_streams.stop();
    let rest = async {
        let _ = server.await;
        while background.join_next().await.is_some() {}
    };
    if tokio::time::timeout(GRACE, rest).await.is_err() {
        tracing::warn!("some requests or jobs did not end in time; their leases will run out");
    }
    Ok(())
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone: stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn signal() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate =
            signal(SignalKind::terminate()).map_err(|error| Failure::new(error.to_string()))?;
        tokio::select! {
            biased;
            _ = terminate.recv() => Ok(()),
            result = tokio::signal::ctrl_c() => result.map_err(|error| Failure::new(error.to_string())),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| Failure::new(error.to_string()))
}
