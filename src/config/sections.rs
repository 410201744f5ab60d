//! The sections as types, one field a key; `config/default.toml` says unit and reason of each. Knows no layer.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The effective configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where embedded parts live.
    pub data: Data,
    /// The front door.
    pub http: Http,
    /// Postgres.
    pub database: Database,
    /// The vector index.
    pub vectors: Vectors,
    /// Files.
    pub blobs: Blobs,
    /// Which models, from where.
    pub models: Models,
    /// How models run.
    pub engine: Engine,
    /// Document in.
    pub ingest: Ingest,
    /// Uploads in pieces, and uploads that are sent twice.
    pub uploads: Uploads,
    /// Limits of the child that reads files.
    pub reader: Reader,
    /// Question in.
    pub answer: Answer,
    /// Ends of jobs, announced.
    pub webhooks: Webhooks,
    /// The log.
    pub audit: Audit,
    /// How long content of the log is kept.
    pub retention: Retention,
    /// Log lines.
    pub log: Log,
    /// From the environment alone.
    #[serde(skip)]
    pub secrets: Secrets,
}

/// What no file may hold.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// `DOCENT_BOOTSTRAP_KEY`.
    pub bootstrap_key: Option<SecretString>,
    /// `DOCENT_MASTER_KEY`, 64 hex digits.
    pub master_key: Option<SecretString>,
    /// `DOCENT_QDRANT_API_KEY`.
    pub qdrant_api_key: Option<SecretString>,
    /// `DOCENT_S3_ACCESS_KEY_ID`.
    pub s3_access_key_id: Option<SecretString>,
    /// `DOCENT_S3_SECRET_ACCESS_KEY`.
    pub s3_secret_access_key: Option<SecretString>,
    /// `HF_TOKEN`.
    pub hub_token: Option<SecretString>,
    /// `HF_ENDPOINT`; no secret, but the hub's own name for it.
    pub hub_endpoint: Option<String>,
}

/// Where vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorsKind {
    /// The Qdrant engine in this process.
    Embedded,
    /// A Qdrant server or cluster.
    Server,
}

/// Where files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BlobsKind {
    /// The data directory.
    Directory,
    /// An S3 bucket.
    S3,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Where embedded parts live.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Directory of everything embedded: Postgres, vectors, files, models, keys. Empty: `./data`, or `/var/lib/docent` when
    /// started as root below a home directory, which the managed Postgres could not enter.
    pub dir: PathBuf,
}

/// The front door.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port. Keep it on the loopback unless a TLS-terminating proxy stands in front.
    pub listen: SocketAddr,
    /// Where browsers reach it; empty: `http://` and `listen`. With `https://` cookies are marked Secure.
    pub public_url: String,
    /// Largest upload of one request, in bytes (256 MiB).
    pub max_upload_bytes: usize,
    /// Largest body of any other request, in bytes.
    pub max_body_bytes: usize,
    /// A request that streams nothing must end within this time.
    pub request_timeout_ms: u64,
    /// Requests a minute of one caller; 0 switches the limit off.
    pub requests_per_minute: u32,
    /// Questions a minute of one caller; 0 switches the limit off.
    pub questions_per_minute: u32,
    /// Sign-in attempts a minute from one address; 0 switches the limit off.
    pub sign_ins_per_minute: u32,
    /// A session ends after this time.
    pub session_hours: u64,
    /// Silence on an event stream is broken by a comment this often, so that proxies keep it open.
    pub heartbeat_ms: u64,
    /// After Ctrl-C, requests under way get this long.
    pub shutdown_grace_ms: u64,
}

/// Postgres.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Postgres (>= 15). Empty: a Postgres child over a Unix socket in the data directory. Environment only when it holds a
    /// password: DOCENT__DATABASE__URL.
    pub url: String,
    /// Folder with `postgres` and `initdb` for the managed one; empty: newest under /usr/lib/postgresql, then PATH.
    pub binaries: PathBuf,
    /// Connections of this process.
    pub max_connections: u32,
    /// A connection or statement must answer within this time.
    pub timeout_ms: u64,
}

/// The vector index.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    /// `embedded` (the Qdrant engine in this process) or `server`.
    pub kind: VectorsKind,
    /// gRPC address of the server, such as http://qdrant:6334.
    pub url: String,
    /// Collection on the server and name of the embedded shard. A new embedder needs a new one.
    pub name: String,
    /// A search or write must answer within this time.
    pub timeout_ms: u64,
}

/// Files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Blobs {
    /// `directory` (in the data directory) or `s3`.
    pub kind: BlobsKind,
    /// For S3: bucket, region, endpoint (empty: AWS) and a prefix for all keys.
    pub bucket: String,
    /// For S3: bucket, region, endpoint (empty: AWS) and a prefix for all keys.
    pub region: String,
    /// For S3: bucket, region, endpoint (empty: AWS) and a prefix for all keys.
    pub endpoint: String,
    /// For S3: bucket, region, endpoint (empty: AWS) and a prefix for all keys.
    pub prefix: String,
    /// A read or write must answer within this time.
    pub timeout_ms: u64,
}

/// Which models, from where.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Folder of the models; empty: `models` in the data directory.
    pub dir: PathBuf,
    /// Where files are looked for before they are downloaded; empty: nowhere.
    pub local_source: PathBuf,
    /// Name in the manifest (`docent models list`) of the model that answers.
    pub generator: String,
    /// Name in the manifest of the model that embeds.
    pub embedder: String,
    /// Name in the manifest of the model that recognises text in pictures of pages; empty: none.
    pub recogniser: String,
}

/// How models run.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// `cpu`, or `cuda:0` for the first GPU (a build with the `cuda` feature).
    pub device: String,
    /// Prompt and answer together, in tokens; never more than the model's own limit.
    pub max_context_tokens: usize,
    /// Tokens of all questions together whose keys and values are kept, those of earlier prompts included.
    pub kv_tokens: usize,
    /// MiB of memory for what leaves those; 0: none is kept.
    pub vault_memory_mb: usize,
    /// MiB of encrypted files for what leaves that memory; 0: none.
    pub vault_disk_mb: u64,
    /// Questions that the model answers at a time.
    pub max_running: usize,
    /// Questions that may wait for the model; the next one gets 503 with Retry-After.
    pub queue_depth: usize,
    /// Threads of the model on the CPU; 0: all cores.
    pub threads: usize,
    /// Batches of texts that may wait for the embedder.
    pub embed_queue_depth: usize,
}

/// Document in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    /// Workers of each of the three lanes in this process; 0: none (run `docent work` elsewhere).
    pub workers: usize,
    /// A worker that says nothing for this long has lost its job.
    pub lease_ms: u64,
    /// Attempts before a job is given up.
    pub max_attempts: u32,
    /// Wait before the second attempt; doubles with each.
    pub retry_ms: u64,
    /// A file is embedded for this long before files of other users have their turn.
    pub turn_ms: u64,
    /// An idle worker looks for jobs this often.
    pub poll_ms: u64,
    /// Tokens of a passage, counted by the embedder.
    pub chunk_tokens: usize,
    /// Texts embedded in one go.
    pub embed_batch: usize,
    /// Below this coverage (0 to 1) a document is `ready_with_warnings`.
    pub min_coverage: f64,
}

/// Uploads in pieces, and uploads that are sent twice.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Uploads {
    /// Uploads in pieces that one user may have open; the next one gets 429.
    pub max_open: u32,
    /// An upload in pieces that is not finished is forgotten after this time, and so is what became of one that is.
    pub expiry_hours: u32,
    /// What was answered to a request with an `Idempotency-Key` is answered again for this time.
    pub idempotency_hours: u32,
}

/// Limits of the child that reads files.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// A file must be read within this time.
    pub timeout_ms: u64,
    /// CPU time of one file.
    pub cpu_seconds: u64,
    /// Address space of the child that reads.
    pub address_space_bytes: u64,
    /// Pages of one file.
    pub max_pages: u32,
    /// Characters of one file.
    pub max_characters: u64,
    /// One decompressed stream of a PDF.
    pub max_stream_bytes: u64,
    /// Pages of one file that are recognised in their pictures.
    pub max_recognised_pages: usize,
    /// Pages of one file recognised at once; 0: half of the processors, at least one.
    pub recognise_at_once: usize,
    /// Children rendering page images at once.
    pub max_renders: usize,
    /// Files of one archive.
    pub max_archive_members: usize,
    /// Bytes that all files of an archive unpack to.
    pub max_archive_bytes: u64,
    /// How many times its size a file of an archive may unpack to.
    pub max_archive_ratio: u64,
}

/// Question in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Longest question, in characters.
    pub max_question_characters: usize,
    /// Best of each leg (dense, BM25) that are fused.
    pub candidates: usize,
    /// Passages shown to the model.
    pub passages: usize,
    /// Tokens of the prompt for passages; keeps the wait on a CPU bearable.
    pub max_prompt_tokens: usize,
    /// Tokens of an answer unless the caller says otherwise, and at most.
    pub default_max_tokens: u32,
    /// Tokens of an answer unless the caller says otherwise, and at most.
    pub limit_max_tokens: u32,
    /// Sampling unless the caller says otherwise; temperature 0 is greedy.
    pub temperature: f32,
    /// Sampling unless the caller says otherwise; temperature 0 is greedy.
    pub top_p: f32,
    /// Sampling unless the caller says otherwise; temperature 0 is greedy.
    pub top_k: u32,
    /// A question must be answered within this time.
    pub deadline_ms: u64,
    /// Questions running and waiting in this process; the next one gets 503.
    pub max_running: usize,
    /// Evidence threshold: the best passage must reach this cosine (calibrated for the embedder) or this share of the
    /// question's terms; below both the answer is a refusal.
    pub min_dense: f32,
    /// Evidence threshold: the best passage must reach this cosine (calibrated for the embedder) or this share of the
    /// question's terms; below both the answer is a refusal.
    pub min_term_coverage: f32,
}

/// Ends of jobs, announced.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Hosts that ends of jobs may be announced to: `host` or `host:port`, exact, over https; `http://host` allows plain
    /// HTTP (this machine itself needs no TLS). Empty: none, and no webhook can be made.
    pub allowed_hosts: Vec<String>,
    /// A receiver must answer within this time.
    pub timeout_ms: u64,
    /// Attempts before a message is given up.
    pub max_attempts: u32,
    /// Wait before the second attempt; doubles with each, up to an hour.
    pub retry_ms: u64,
    /// Messages under way at once in this process.
    pub max_running: u32,
}

/// The log.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Entries that may wait for the log; beyond, requests get 503.
    pub queue_depth: usize,
    /// An entry must be in the log within this time, else nothing is answered.
    pub timeout_ms: u64,
    /// A process that says nothing for this long is dead: its open questions are closed as abandoned.
    pub alive_within_ms: u64,
    /// The log's name, which its signatures and receipts bear for ever.
    pub origin: String,
    /// Where checkpoints of the log are kept outside the database; empty: `checkpoints` below `data.dir`.
    pub checkpoint_folder: PathBuf,
    /// Also beside the files (`[blobs]`), which may be a bucket that lets nobody remove anything.
    pub checkpoints_with_blobs: bool,
    /// Programs of others that are shown each checkpoint: an address and the witness's key, a space between.
    pub witnesses: Vec<String>,
    /// How often the newest checkpoint is handed out.
    pub checkpoint_every_ms: u64,
    /// How often the service checks the whole log itself; 0: never.
    pub verify_every_ms: u64,
    /// Holds the master key, where `DOCENT_MASTER_KEY` is not set.
    pub master_key_file: PathBuf,
    /// Prints the master key: a program and its arguments.
    pub master_key_command: Vec<String>,
}

/// How long content of the log is kept; the records themselves stay.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Months, of questions, answers and searches.
    pub interactions_months: u16,
    /// Nobody may have these erased before.
    pub interactions_binding: bool,
    /// Months, of what was done to documents, users, grants, keys and the log.
    pub administration_months: u16,
    /// Nobody may have these erased before.
    pub administration_binding: bool,
    /// What quotes a document is erased with it.
    pub erase_with_documents: bool,
    /// How often is looked for what is to be erased.
    pub every_ms: u64,
}

/// Log lines.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// Level, or a filter such as `info,docent=debug`.
    pub level: String,
}
