//! Connections, and what can go wrong with them.

use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// Marks an answer in place of which the connection is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

/// An answer in place of which the connection is cut.
pub(crate) fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    loop {
        // A connection that could not be accepted is the caller's loss, not ours.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(move |request| {
            let answer = router.call(request);
            async move {
                let Ok(answer) = answer.await;
                match answer.extensions().get::<Cut>() {
                    Some(cut) => Err(*cut),
                    None => Ok(answer),
                }
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
