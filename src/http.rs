//! The HTTP API: views of the node, and a few orders to it. No handler waits for a round, no request is larger than its cap, and a
//! request whose Host header names somebody else is refused (a browser that was lured here would send such).

mod body;
pub mod client;
mod documents;
mod error;
mod guard;
pub mod metrics;
pub mod orders;
pub mod plan;
mod query;
pub mod roles;
mod routes;
mod series;
pub mod shadow;
mod stall;
mod turns;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::stall::Stall;
use crate::config::settings::HttpLimits;
use crate::status::View;

/// How long open requests may take to finish when the node stops.
const GRACE: Duration = Duration::from_secs(5);
/// After the system refused a connection (no descriptors left): time for others to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address that cannot be listened on. The operator must choose another.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Taken, not of this machine, or not allowed.
    #[error("cannot listen on {addr}: choose another address with --listen (port 0 takes a free one)")]
    Bind {
        /// Which.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Reachable from elsewhere, without protection.
    #[error(
        "{0} is reachable from other machines and the API has neither TLS nor keys in this version: listen on 127.0.0.1, or add --insecure"
    )]
    Exposed(SocketAddr),
}

/// Binds `addr`. Anything but loopback must be asked for.
pub async fn bind(addr: SocketAddr, insecure: bool) -> Result<TcpListener, ListenError> {
    if !addr.ip().is_loopback() && !insecure {
        return Err(ListenError::Exposed(addr));
    }
    TcpListener::bind(addr).await.map_err(|source| ListenError::Bind { addr, source })
}

/// Serves until `drain`, then lets open requests finish.
pub async fn serve(listener: TcpListener, view: View, limits: HttpLimits, drain: CancellationToken) {
    let slots = Arc::new(Semaphore::new(limits.connections as usize));
    let hosts = guard::Hosts::new(&view, listener.local_addr().ok());
    let router = routes::router(view, hosts, limits.body.bytes());
    let mut connections = JoinSet::new();
    let mut refused = false;
    loop {
        // A slot first: more connections than that wait in the system's queue.
        let accepted = tokio::select! {
            () = drain.cancelled() => break,
            slot = slots.clone().acquire_owned() => match slot {
                Ok(slot) => tokio::select! {
                    () = drain.cancelled() => break,
                    accepted = listener.accept() => accepted.map(|(stream, _)| (stream, slot)),
                },
                Err(_) => break,
            },
        };
        while connections.try_join_next().is_some() {}
        let (stream, slot) = match accepted {
            Ok(accepted) => {
                refused = false;
                accepted
            }
            Err(error) => {
                // One line for all that fail in a row: it may go on for hours.
                if !refused {
                    tracing::warn!(%error, "connections cannot be accepted: their clients wait");
                }
                refused = true;
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let drain = drain.clone();
        let timeout = limits.timeout;
        connections.spawn(async move {
            let _slot = slot;
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(timeout).max_buf_size(16 << 10);
            let connection = builder.serve_connection(TokioIo::new(Stall::new(stream, timeout)), service);
            let mut connection = std::pin::pin!(connection);
            // Clients that vanish are no news.
            tokio::select! {
                _ = connection.as_mut() => {}
                () = drain.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = tokio::time::timeout(GRACE, connection).await;
                }
            }
        });
    }
    while connections.join_next().await.is_some() {}
}
