//! The service: encoded records in, notifications out. It holds no key and no names, and its log says who asked what kind of
//! thing, how it ended and how long it took.

use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get, post};
use pprl::cohort::RowId;
use pprl::linkage::{Ask, EncodedRecord, Index, LinkId};
use pprl::{Cohort, ErrorKind, Schema};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::command::Outcome;
use super::guard::{Listener, Rates, Tokens};
use super::journal::Journal;

/// What the service is told.
pub(crate) struct Settings {
    pub(crate) schema: Schema,
    pub(crate) index: PathBuf,
    pub(crate) tokens: PathBuf,
    pub(crate) journal: PathBuf,
    /// Who is told of matches; nobody else's rows are looked at.
    pub(crate) subscribers: Vec<String>,
    /// Requests a second for each party.
    pub(crate) rate: f64,
    /// How long a request may take, and a connection be silent.
    pub(crate) timeout: Duration,
}

/// The most rows of a party that one question can concern, and the most notifications of one answer.
const MOST_ROWS: usize = 10;
const MOST_TOLD: usize = 1000;

/// The most connections at a time.
const MOST_CONNECTIONS: usize = 1024;

pub(crate) struct Service {
    index: Index,
    tokens: Tokens,
    journal: Journal,
    subscribers: Vec<String>,
    rates: Rates,
    timeout: Duration,
    /// Bytes of a body.
    most: usize,
    /// As many questions are worked on at a time as there are cores.
    work: Semaphore,
}

/// An answer that is no success.
struct Problem(StatusCode, String);

type Answer = Result<(StatusCode, Value), Problem>;

impl Service {
    pub(crate) fn open(settings: Settings) -> Outcome<Arc<Self>> {
        let Settings { schema, index, tokens, journal, subscribers, rate, timeout } = settings;
        for party in &subscribers {
            schema.party(party)?;
        }
        let row: usize = schema.encodings().iter().map(|encoding| encoding.output().div_ceil(8)).sum();
        Ok(Arc::new(Service {
            tokens: Tokens::read(&tokens, &schema)?,
            journal: Journal::open(&journal)?,
            index: Index::open(index, &schema)?,
            subscribers,
            rates: Rates::new(rate),
            timeout,
            // Base64, and room for everything else and for blanks.
            most: 2 * row + 64 * schema.match_keys().len() + 4096,
            work: Semaphore::new(std::thread::available_parallelism().map_or(2, NonZero::get)),
        }))
    }

    /// Serves until it is told to stop, and then finishes what it has begun.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let listener = Listener { socket: listener, places, silent: self.timeout + self.timeout / 2 };
        axum::serve(listener, self.router()).with_graceful_shutdown(stop).await
    }

    fn router(self: Arc<Self>) -> Router {
        let not_found = || async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here").response() };
        let not_allowed = || async { Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not with this method").response() };
        let alive = || async { respond(StatusCode::OK, "application/json", &json!({"status": "ok"})) };
        Router::new()
            .route("/v1/records", post(ask).put(append))
            .route("/v1/records/{row_id}", delete(withdraw))
            .route("/v1/notifications", get(notifications))
            .route("/v1/health", get(alive))
            .fallback(not_found)
            .method_not_allowed_fallback(not_allowed)
            .with_state(self)
    }

    /// The party whose token it is, if it may ask now.
    fn admit(&self, request: &Request) -> Result<String, Problem> {
        let header = request.headers().get(AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        let token = header.strip_prefix(b"Bearer ").and_then(|token| self.tokens.party(token));
        let party =
            token.ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "a bearer token that is known is needed"))?;
        if self.rates.allows(party) {
            Ok(party.to_owned())
        } else {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests; wait a second"))
        }
    }

    /// The body of a request, if it is not too large.
    async fn body(&self, request: Request) -> Result<Bytes, Problem> {
        let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than any record");
        let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > self.most as u64) {
            return Err(too_large());
        }
        // What is cut short is no JSON either, and nobody is there to be told.
        to_bytes(request.into_body(), self.most).await.map_err(|_| too_large())
    }

    /// The record of a body, which has to be the party's own.
    fn record(&self, party: &str, body: &[u8]) -> Result<Cohort, Problem> {
        let record =
            EncodedRecord::from_json(body).map_err(|e| Problem::new(StatusCode::BAD_REQUEST, &e.to_string()))?;
        if record.party() != party {
            return Err(Problem::new(StatusCode::FORBIDDEN, "the record is another party's than the token"));
        }
        Ok(record.into_cohort(self.index.schema())?)
    }

    fn ask(&self, party: &str, body: &[u8]) -> Answer {
        let record = self.record(party, body)?;
        let others = self.subscribers.iter().filter(|other| *other != party).cloned();
        let hits = self.index.query(&record, &Ask::best(MOST_ROWS).of(others))?.pop().unwrap_or_default();
        let rows = hits.into_iter().map(|hit| (hit.party, hit.row_id));
        let own = self.journal.tell(party, record.row_ids()[0], rows, link_id);
        let own = own.map_err(|_| unavailable("the journal cannot be written"))?;
        // The same whether there was a match or not.
        Ok((StatusCode::ACCEPTED, json!({"link_id": own})))
    }

    fn append(&self, party: &str, body: &[u8]) -> Answer {
        let record = self.record(party, body)?;
        self.index.append(&record)?;
        Ok((StatusCode::CREATED, json!({"rows": 1})))
    }

    fn withdraw(&self, party: &str, row_id: &str) -> Answer {
        let id: RowId =
            row_id.parse().map_err(|_| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "that is no row id"))?;
        let rows = self.index.withdraw(party, &[id])?;
        if rows == 0 {
            return Err(Problem::new(StatusCode::NOT_FOUND, "the party has no such row"));
        }
        // Nor is the party told of it any more.
        self.journal.withdrawn(party, id).map_err(|_| unavailable("the journal cannot be written"))?;
        Ok((StatusCode::OK, json!({"rows": rows})))
    }

    fn notifications(&self, party: &str, query: &str) -> Answer {
        let mut after = 0;
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let number = part.strip_prefix("after=").and_then(|number| number.parse().ok());
            after = number
                .ok_or_else(|| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "after= and a number, or nothing"))?;
        }
        let waiting = self.journal.waiting(party, after, MOST_TOLD);
        let waiting = waiting.map_err(|_| unavailable("the journal cannot be written"))?;
        let waiting = waiting.ok_or_else(|| {
            let detail = "after= is a greater number than the party was ever told; is the journal another one?";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        })?;
        let next = waiting.last().map_or(after, |last| last.number);
        Ok((StatusCode::OK, json!({"notifications": waiting, "next": next})))
    }

    /// Does the work of a request on a thread of its own, within the time it may take.
    async fn answer(
        self: Arc<Self>,
        route: &'static str,
        request: Request,
        work: impl FnOnce(&Service, &str, &[u8]) -> Answer + Send + 'static,
    ) -> Response {
        let start = Instant::now();
        let admitted = self.admit(&request);
        let party = admitted.as_ref().map_or("-", String::as_str).to_owned();
        let answer = match admitted {
            Ok(party) => {
                let service = Arc::clone(&self);
                let all = async move {
                    let body = tokio::time::timeout(service.timeout, service.body(request)).await;
                    let body =
                        body.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long"))??;
                    let waited = tokio::time::timeout(service.timeout, service.work.acquire()).await;
                    let Ok(Ok(_place)) = waited else { return Err(unavailable("too much to do; try again")) };
                    let worker = Arc::clone(&service);
                    let worked = tokio::task::spawn_blocking(move || work(&worker, &party, &body)).await;
                    worked.unwrap_or_else(|_| Err(unavailable("the work was not finished")))
                };
                all.await
            }
            Err(problem) => Err(problem),
        };
        let response = match answer {
            Ok((status, body)) => respond(status, "application/json", &body),
            Err(problem) => problem.response(),
        };
        let (status, took) = (response.status().as_u16(), start.elapsed().as_millis());
        // There is nobody left to tell where stderr is closed.
        let _ = writeln!(io::stderr(), "{route} {party} {status} {took} ms");
        response
    }
}

async fn ask(State(service): State<Arc<Service>>, request: Request) -> Response {
    service.answer("POST /v1/records", request, Service::ask).await
}

async fn append(State(service): State<Arc<Service>>, request: Request) -> Response {
    service.answer("PUT /v1/records", request, Service::append).await
}

async fn withdraw(State(service): State<Arc<Service>>, request: Request) -> Response {
    let row_id = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    service.answer("DELETE /v1/records/ROW", request, move |service, party, _| service.withdraw(party, &row_id)).await
}

async fn notifications(State(service): State<Arc<Service>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    service
        .answer("GET /v1/notifications", request, move |service, party, _| service.notifications(party, &query))
        .await
}

impl Problem {
    fn new(status: StatusCode, detail: &str) -> Self {
        Problem(status, detail.to_owned())
    }

    fn response(&self) -> Response {
        let Problem(status, detail) = self;
        let title = status.canonical_reason().unwrap_or_default();
        let body = json!({"title": title, "status": status.as_u16(), "detail": detail});
        let mut response = respond(*status, "application/problem+json", &body);
        if *status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// Errors of the library name no values, so they can be shown.
impl From<pprl::Error> for Problem {
    fn from(error: pprl::Error) -> Self {
        match error.kind() {
            ErrorKind::Mismatch { .. } | ErrorKind::Expired { .. } => Problem(StatusCode::CONFLICT, error.to_string()),
            ErrorKind::Cohort { .. } => Problem(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            ErrorKind::Argument { .. } => Problem(StatusCode::BAD_REQUEST, error.to_string()),
            // Paths are the service's own business.
            _ => unavailable("the index cannot be used"),
        }
    }
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

fn link_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(LinkId(bytes).to_string())
}

fn respond(status: StatusCode, kind: &'static str, body: &Value) -> Response {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
