//! The JSON-RPC server: jsonrpsee's, on loopback, with a door before it.
//!
//! Not Substrate's: that one does not look at the origin of a WebSocket, to which browsers apply no rule of
//! their own, so that any page that is visited could drive the node; and it leaves Nagle's algorithm on, by
//! which a client hears of a block 40 ms late.

use crate::{Arguments, Fault};
use futures::future::{ready, Either, Ready};
use http::{
	header::{HOST, ORIGIN},
	HeaderMap, Request, StatusCode,
};
use jsonrpsee::{
	server::{BatchRequestConfig, HttpBody, HttpResponse, PingConfig, ServerBuilder, ServerHandle},
	RpcModule,
};
use sc_rpc_api::DenyUnsafe;
use std::{
	net::{Ipv4Addr, SocketAddr},
	sync::Arc,
	task::{Context, Poll},
	time::Duration,
};
use tower::{Layer, Service, ServiceBuilder};

/// Largest request and response: a metadata or a page of storage fits.
const BYTES: u32 = 15 << 20;
/// Connections at once.
pub const CONNECTIONS: u32 = 100;
const SUBSCRIPTIONS: u32 = 1024;
const BATCH: u32 = 1024;
const SILENCE: Duration = Duration::from_secs(60);

/// Who may come in.
struct Access {
	origins: Vec<String>,
	anybody: bool,
}

impl Access {
	fn new(arguments: &Arguments) -> Self {
		let mut origins = arguments.allow_origin.clone();
		origins.push("https://polkadot.js.org".into());
		let anybody = origins.iter().any(|origin| origin == "*");
		Self { origins, anybody }
	}

	/// What a caller may do; without a reason, nothing.
	fn check(&self, headers: &HeaderMap) -> Result<DenyUnsafe, &'static str> {
		let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
		// A page whose name was made to mean this machine sends that name.
		if !self.anybody && !text(HOST).is_some_and(is_loopback) {
			return Err("this host is not served here\n");
		}
		match text(ORIGIN) {
			None => Ok(DenyUnsafe::No),
			Some(origin) if self.anybody || is_loopback(after_scheme(origin)) => Ok(DenyUnsafe::No),
			Some(origin) if self.origins.iter().any(|allowed| allowed == origin) => {
				Ok(DenyUnsafe::Yes)
			}
			Some(_) => Err("this origin is not served here; see --allow-origin\n"),
		}
	}
}

fn after_scheme(origin: &str) -> &str {
	origin.split_once("://").map_or("", |(_, host)| host)
}

/// Whether `host` or `host:port` means this machine.
fn is_loopback(authority: &str) -> bool {
	let host = match authority.rsplit_once(':') {
		Some((host, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => host,
		_ => authority,
	};
	["localhost", "127.0.0.1", "[::1]"]
		.iter()
		.any(|known| host.eq_ignore_ascii_case(known))
}

#[derive(Clone)]
struct Door(Arc<Access>);

impl<S> Layer<S> for Door {
	type Service = Guarded<S>;

	fn layer(&self, inner: S) -> Guarded<S> {
		Guarded {
			inner,
			access: self.0.clone(),
		}
	}
}

#[derive(Clone)]
struct Guarded<S> {
	inner: S,
	access: Arc<Access>,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
	S: Service<Request<B>, Response = HttpResponse>,
{
	type Response = HttpResponse;
	type Error = S::Error;
	type Future = Either<Ready<Result<HttpResponse, S::Error>>, S::Future>;

	fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
		self.inner.poll_ready(context)
	}

	fn call(&mut self, mut request: Request<B>) -> Self::Future {
		match self.access.check(request.headers()) {
			Ok(rights) => {
				request.extensions_mut().insert(rights);
				Either::Right(self.inner.call(request))
			}
			Err(why) => {
				let mut refusal = HttpResponse::new(HttpBody::from(why));
				*refusal.status_mut() = StatusCode::FORBIDDEN;
				Either::Left(ready(Ok(refusal)))
			}
		}
	}
}

type Server =
	jsonrpsee::server::Server<tower::layer::util::Stack<Door, tower::layer::util::Identity>>;

/// A port that is taken, and not yet answered on.
pub struct Listener {
	server: Server,
	/// Where it is.
	pub address: SocketAddr,
}

impl Listener {
	/// Take the port, before anything that takes long.
	pub async fn bind(arguments: &Arguments) -> Result<Self, Fault> {
		let port = arguments.rpc_port;
		let ping = PingConfig::new().inactive_limit(SILENCE);
		let server = ServerBuilder::new()
			.max_request_body_size(BYTES)
			.max_response_body_size(BYTES)
			.max_connections(CONNECTIONS)
			.max_subscriptions_per_connection(SUBSCRIPTIONS)
			.set_batch_request_config(BatchRequestConfig::Limit(BATCH))
			.set_id_provider(jsonrpsee::server::RandomStringIdProvider::new(16))
			.enable_ws_ping(ping)
			.set_http_middleware(
				ServiceBuilder::new().layer(Door(Arc::new(Access::new(arguments)))),
			)
			.build((Ipv4Addr::LOCALHOST, port))
			.await
			.map_err(|why| format!("port {port}: {why}"))?;
		let address = server.local_addr()?;
		Ok(Self { server, address })
	}

	/// Answer with these methods, and with their list.
	pub fn serve(self, mut methods: RpcModule<()>) -> Result<ServerHandle, Fault> {
		let mut names: Vec<&'static str> = methods.method_names().collect();
		names.push("rpc_methods");
		names.sort_unstable();
		let listed = serde_json::json!({ "methods": names });
		methods.register_method("rpc_methods", move |_, _, _| listed.clone())?;
		Ok(self.server.start(methods))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn asked(host: &str, origin: Option<&str>, allowed: &[&str]) -> Option<bool> {
		let mut origins: Vec<String> = allowed.iter().map(ToString::to_string).collect();
		origins.push("https://polkadot.js.org".into());
		let anybody = allowed.contains(&"*");
		let mut headers = HeaderMap::new();
		headers.insert(HOST, host.parse().unwrap());
		if let Some(origin) = origin {
			headers.insert(ORIGIN, origin.parse().unwrap());
		}
		let access = Access { origins, anybody };
		let rights = access.check(&headers).ok()?;
		Some(rights.check_if_safe().is_ok())
	}

	#[test]
	fn programs_and_pages_of_this_machine_may_do_everything() {
		for origin in [None, Some("http://localhost:3000"), Some("https://[::1]")] {
			assert_eq!(asked("127.0.0.1:9944", origin, &[]), Some(true));
		}
	}

	#[test]
	fn polkadot_js_and_who_is_named_may_do_what_is_safe() {
		assert_eq!(
			asked("localhost:1", Some("https://polkadot.js.org"), &[]),
			Some(false)
		);
		let mine = "https://mine.example";
		assert_eq!(asked("localhost:1", Some(mine), &[mine]), Some(false));
		assert_eq!(asked("localhost:1", Some(mine), &["*"]), Some(true));
	}

	#[test]
	fn other_pages_and_other_names_of_this_machine_may_do_nothing() {
		for origin in [
			"https://evil.example",
			"null",
			"localhost",
			"http://localhost.evil.example",
		] {
			assert_eq!(asked("localhost:1", Some(origin), &[]), None, "{origin}");
		}
		for host in [
			"evil.example",
			"localhost.evil.example:9944",
			"127.0.0.1.evil:80",
		] {
			assert_eq!(asked(host, None, &[]), None, "{host}");
		}
	}
}
