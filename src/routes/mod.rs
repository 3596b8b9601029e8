//! One file per route, each read from top to bottom.

mod archive;
mod feed;
mod image;
mod mirror;
mod status;

use std::sync::Arc;

use http::Response;
use http::request::Parts;

use crate::app::{App, Live};
use crate::http::failure::Failure;
use crate::http::route::{self, Route};
use crate::http::{Answer, ReplyBody, RequestBody, page_safety};

/// Answers requests from what [`App`] holds.
#[derive(Debug, Clone)]
pub struct Routes(pub Arc<App>);

impl Answer for Routes {
    async fn answer(&self, head: Arc<Parts>, body: RequestBody) -> Response<ReplyBody> {
        let app = &*self.0;
        let reply = match route::find(&head.method, head.uri.path()) {
            Route::Feed(name) => feed::answer(app, name, &head).await,
            Route::Archive { name, place } => archive::answer(app, (name, place), &head).await,
            // What an origin's answers may do, the mirror says itself.
            Route::Mirror { name, rest } => {
                return mirror::answer(app, (name, rest), Arc::clone(&head), body)
                    .await
                    .unwrap_or_else(Failure::into_reply);
            }
            Route::Image(address) => image::signed(app, address, &head).await,
            Route::ImageQuery => {
                let query = head.uri.query().unwrap_or_default();
                image::queried(app, query, &head).await
            }
            Route::Index => status::index(app),
            Route::Health => Ok(status::text("ok\n")),
            Route::Ready => status::ready(app),
            Route::MethodNotAllowed => Err(Failure::MethodNotAllowed),
            Route::NotFound => Err(Failure::NotFound),
        };
        let mut reply = reply.unwrap_or_else(Failure::into_reply);
        page_safety(reply.headers_mut());
        reply
    }
}

/// Answers each request from the configuration at its beginning.
#[derive(Debug, Clone)]
pub struct LiveRoutes(pub Live);

impl Answer for LiveRoutes {
    async fn answer(&self, head: Arc<Parts>, body: RequestBody) -> Response<ReplyBody> {
        Routes(self.0.current()).answer(head, body).await
    }
}
