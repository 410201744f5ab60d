//! The Qdrant engine inside this process: one shard for all collections. Knows no server.

use crate::adapters::qdrant_points::BATCH;
use crate::adapters::qdrant_points::COLLECTION;
use crate::adapters::qdrant_points::DENSE;
use crate::adapters::qdrant_points::DOCUMENT;
use crate::adapters::qdrant_points::Leg;
use crate::adapters::qdrant_points::SINCE;
use crate::adapters::qdrant_points::SPARSE;
use crate::adapters::qdrant_points::UNTIL;
use crate::adapters::qdrant_points::VERSION;
use crate::adapters::qdrant_points::check_dense;
use crate::adapters::qdrant_points::check_points;
use crate::adapters::qdrant_points::collections;
use crate::adapters::qdrant_points::corrupt;
use crate::adapters::qdrant_points::finds_nothing;
use crate::adapters::qdrant_points::hits;
use crate::adapters::qdrant_points::other_dimensions;
use crate::adapters::qdrant_points::unavailable;
use crate::adapters::qdrant_points::unix_ms;
use crate::config;
use crate::domain::AclFilter;
use crate::domain::DocumentId;
use crate::domain::PassageId;
use crate::ports::Hit;
use crate::ports::HybridQuery;
use crate::ports::Point;
use crate::ports::StoreError;
use crate::ports::StoredVectors;
use crate::ports::VectorIndex;
use async_trait::async_trait;
use qdrant_edge::Condition;
use qdrant_edge::CountRequest;
use qdrant_edge::CreateIndex;
use qdrant_edge::Distance;
use qdrant_edge::EdgeConfig;
use qdrant_edge::EdgeOptimizersConfig;
use qdrant_edge::EdgeShard;
use qdrant_edge::EdgeSparseVectorParams;
use qdrant_edge::EdgeVectorParams;
use qdrant_edge::FieldCondition;
use qdrant_edge::FieldIndexOperations;
use qdrant_edge::Filter;
use qdrant_edge::IdfCorpusParams;
use qdrant_edge::IdfParams;
use qdrant_edge::JsonPath;
use qdrant_edge::KeywordIndexParamsBuilder;
use qdrant_edge::Match;
use qdrant_edge::Modifier;
use qdrant_edge::NamedQuery;
use qdrant_edge::NamedVectors;
use qdrant_edge::OperationError;
use qdrant_edge::PayloadFieldSchema;
use qdrant_edge::PayloadOps;
use qdrant_edge::PayloadSchemaParams;
use qdrant_edge::PayloadSchemaType;
use qdrant_edge::PointId;
use qdrant_edge::PointInsertOperations;
use qdrant_edge::PointOperations;
use qdrant_edge::PointStruct;
use qdrant_edge::QueryBatchRequest;
use qdrant_edge::QueryEnum;
use qdrant_edge::QueryRequest;
use qdrant_edge::Range;
use qdrant_edge::Record;
use qdrant_edge::RetrieveRequest;
use qdrant_edge::ScoredPoint;
use qdrant_edge::ScoringQuery;
use qdrant_edge::SearchParams;
use qdrant_edge::SetPayloadOp;
use qdrant_edge::UpdateOperation;
use qdrant_edge::Vector;
use qdrant_edge::VectorInternal;
use qdrant_edge::VectorStructInternal;
use qdrant_edge::WithPayloadInterface;
use qdrant_edge::WithVector;
use qdrant_edge::external::ordered_float::OrderedFloat;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::TryLockError;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

/// Searches at once; each runs on the shard's own threads.
const SEARCHES: usize = 4;
/// The engine's default of one for each core, and at least 8, starves the model.
const SEARCH_THREADS: usize = 2;
/// How often the optimiser looks for work; looking costs 0.1 ms.
const OPTIMIZE_EVERY: Duration = Duration::from_secs(5);
/// How long a drop waits for the optimiser. It cannot be interrupted, and the shard survives being cut off.
const OPTIMIZER_GRACE: Duration = Duration::from_secs(5);
/// Deleted points are rewritten away from 5 % on instead of 20 %: an erased document should leave the disk soon.
const DELETED_THRESHOLD: f64 = 0.05;
const VACUUM_FROM_POINTS: usize = 100;

/// Dense and sparse vectors in a directory of this machine, held by one process at a time.
pub struct QdrantEdge {
    optimizer: Optimizer,
    shard: Arc<LockedShard>,
    dimensions: usize,
    timeout: Duration,
    searches: Arc<Semaphore>,
    writes: Arc<Semaphore>,
}

/// The shard goes before its lock, so that the next process finds it flushed.
struct LockedShard {
    shard: EdgeShard,
    _lock: File,
}

impl QdrantEdge {
    /// Opens the shard `vectors.name` below `directory`, or makes it. A search or write then has `vectors.timeout_ms`.
    ///
    /// # Errors
    /// `Unavailable` if another process holds it or the directory cannot be used; `Corrupt` if its vectors have other
    /// dimensions.
    pub async fn open(
        directory: &Path,
        vectors: &config::Vectors,
        dimensions: usize,
    ) -> Result<Self, StoreError> {
        let directory = directory.to_owned();
        let name = vectors.name.clone();
        let shard = tokio::task::spawn_blocking(move || open(&directory, &name, dimensions))
            .await
            .map_err(|error| corrupt(format!("opening the shard failed: {error}")))??;
        let shard = Arc::new(shard);
        Ok(Self {
            optimizer: Optimizer::start(Arc::clone(&shard))?,
            shard,
            dimensions,
            timeout: Duration::from_millis(vectors.timeout_ms),
            searches: Arc::new(Semaphore::new(SEARCHES)),
            writes: Arc::new(Semaphore::new(1)),
        })
    }

    /// Runs a call of the engine off the runtime. A call that is out of time runs on alone and keeps its permit, so that
    /// no more than the permits are ever under way.
    async fn call<T: Send + 'static>(
        &self,
        permits: &Arc<Semaphore>,
        call: impl FnOnce(&EdgeShard) -> Result<T, OperationError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shard = Arc::clone(&self.shard);
        let permits = Arc::clone(permits);
        let answer = async move {
            let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                call(&shard.shard)
            })
            .await
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Err(_) => Err(unavailable(format!("no answer within {} ms", self.timeout.as_millis()))),
            Ok(Err(error)) => Err(corrupt(format!("the engine failed: {error}"))),
            Ok(Ok(result)) => result.map_err(refused),
        }
    }
}

#[async_trait]
impl StoredVectors for QdrantEdge {
    async fn vectors(&self, passages: &[PassageId]) -> Result<BTreeMap<PassageId, Vec<f32>>, StoreError> {
        let ids: Vec<PointId> = passages.iter().map(|passage| PointId::Uuid(passage.uuid())).collect();
        let found = self.call(&self.searches, move |shard| {
            let mut found = Vec::with_capacity(ids.len());
            for batch in ids.chunks(BATCH) {
                found.extend(shard.retrieve(RetrieveRequest {
                    with_payload: Some(WithPayloadInterface::Bool(false)),
                    with_vector: Some(WithVector::Selector(vec![DENSE.to_owned()])),
                    ..RetrieveRequest::new(batch.to_vec())
                })?);
            }
            Ok(found)
        });
        Ok(found.await?.into_iter().filter_map(dense_of).collect())
    }
}

#[async_trait]
impl VectorIndex for QdrantEdge {
    async fn upsert(&self, points: Vec<Point>) -> Result<(), StoreError> {
        check_points(&points, self.dimensions)?;
        let points = points.into_iter().map(stored).collect::<Result<Vec<_>, _>>().map_err(refused)?;
        self.call(&self.writes, move |shard| {
            for batch in points.chunks(BATCH) {
                let batch = batch.iter().cloned().map(Into::into).collect();
                let insert = PointInsertOperations::PointsList(batch);
                shard.update(UpdateOperation::PointOperation(PointOperations::UpsertPoints(insert)))?;
            }
            shard.flush()
        })
        .await
    }

    async fn search(&self, query: &HybridQuery, filter: &AclFilter) -> Result<Vec<Hit>, StoreError> {
        if finds_nothing(query, filter) {
            return Ok(Vec::new());
        }
        check_dense(&query.dense, self.dimensions)?;
        let request = QueryBatchRequest::new(legs(query, filter).map_err(refused)?);
        let mut found = self.call(&self.searches, move |shard| shard.query_batch(request)).await?.into_iter();
        let dense = leg(found.next().unwrap_or_default())?;
        let sparse = leg(found.next().unwrap_or_default())?;
        Ok(hits(dense, sparse, query.limit))
    }

    async fn supersede(
        &self,
        document: DocumentId,
        version: i32,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let payload = serde_json::Map::from_iter([(UNTIL.to_owned(), json!(unix_ms(at)))]).into();
        let filter = Some(of_document(document, Some(version)));
        let set = PayloadOps::SetPayload(SetPayloadOp { payload, points: None, filter, key: None });
        self.call(&self.writes, move |shard| {
            shard.update(UpdateOperation::PayloadOperation(set))?;
            shard.flush()
        })
        .await
    }

    async fn delete(&self, document: DocumentId, version: Option<i32>) -> Result<(), StoreError> {
        let filter = of_document(document, version);
        self.call(&self.writes, move |shard| {
            shard.update(UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter)))?;
            shard.flush()
        })
        .await
    }

    async fn count(&self, document: DocumentId) -> Result<u64, StoreError> {
        let request = CountRequest { filter: Some(of_document(document, None)), exact: true };
        self.call(&self.searches, move |shard| shard.count(request)).await.map(|count| count as u64)
    }

    async fn health(&self) -> Result<(), StoreError> {
        if !self.optimizer.is_running() {
            return Err(unavailable("its optimiser has stopped"));
        }
        self.call(&self.searches, |shard| shard.info().map(drop)).await
    }
}

// ---- opening ------------------------------------------------------------------------------------------------

fn open(directory: &Path, name: &str, dimensions: usize) -> Result<LockedShard, StoreError> {
    let unusable =
        |error: std::io::Error| unavailable(format!("cannot use `{}`: {error}", directory.display()));
    let path = directory.join(name);
    DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
    let lock = File::create(directory.join(format!("{name}.lock"))).map_err(unusable)?;
    // The engine's own lock comes too late: by then it has repaired segments that belong to the other process.
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(unavailable(format!(
                "another docent uses `{}`: stop it, or set another `data.dir`",
                path.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    let shard = if path.join("edge_config.json").exists() {
        EdgeShard::load(&path, Some(tuned())).map_err(refused)?
    } else {
        EdgeShard::new(&path, new_config(dimensions)).map_err(refused)?
    };
    let stored = shard.config().vectors.get(DENSE).map(|vector| vector.size);
    if stored != Some(dimensions) {
        return Err(other_dimensions(name, stored.unwrap_or_default() as u64, dimensions));
    }
    create_missing_indexes(&shard).map_err(refused)?;
    Ok(LockedShard { shard, _lock: lock })
}

/// What may differ from what the shard was made with.
fn tuned() -> EdgeConfig {
    EdgeConfig::builder()
        .max_search_threads(SEARCH_THREADS)
        .optimizers(EdgeOptimizersConfig {
            deleted_threshold: Some(DELETED_THRESHOLD),
            vacuum_min_vector_number: Some(VACUUM_FROM_POINTS),
            ..EdgeOptimizersConfig::default()
        })
        .build()
}

fn new_config(dimensions: usize) -> EdgeConfig {
    let dense = EdgeVectorParams::builder(dimensions, Distance::Cosine).build();
    let sparse = EdgeSparseVectorParams::builder().modifier(Modifier::Idf).build();
    EdgeConfig {
        vectors: [(DENSE.to_owned(), dense)].into(),
        sparse_vectors: [(SPARSE.to_owned(), sparse)].into(),
        ..tuned()
    }
}

fn create_missing_indexes(shard: &EdgeShard) -> Result<(), OperationError> {
    let there = shard.info()?.payload_schema;
    let tenant = KeywordIndexParamsBuilder::default().is_tenant(true).build();
    let wanted = [
        (COLLECTION, PayloadFieldSchema::FieldParams(PayloadSchemaParams::Keyword(tenant))),
        (DOCUMENT, PayloadFieldSchema::FieldType(PayloadSchemaType::Uuid)),
        (VERSION, PayloadFieldSchema::FieldType(PayloadSchemaType::Integer)),
        (SINCE, PayloadFieldSchema::FieldType(PayloadSchemaType::Integer)),
        (UNTIL, PayloadFieldSchema::FieldType(PayloadSchemaType::Integer)),
    ];
    for (field, schema) in wanted {
        let field_name = path(field);
        if !there.contains_key(&field_name) {
            let create = CreateIndex { field_name, field_schema: Some(schema) };
            shard.update(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(create)))?;
        }
    }
    shard.flush()
}

// ---- requests and answers -----------------------------------------------------------------------------------

fn stored(point: Point) -> Result<PointStruct, OperationError> {
    let mut vectors = NamedVectors::default();
    if let Some(dense) = point.dense {
        vectors = vectors.add_vector(DENSE, dense);
    }
    if !point.sparse.indices.is_empty() {
        vectors = vectors.add_vector(SPARSE, Vector::new_sparse(point.sparse.indices, point.sparse.values)?);
    }
    let payload = json!({
        COLLECTION: point.collection.to_string(),
        DOCUMENT: point.document.to_string(),
        VERSION: point.version,
        SINCE: unix_ms(point.since),
    });
    Ok(PointStruct::new(PointId::Uuid(point.passage.uuid()), vectors, payload))
}

/// The dense leg, then the sparse one if the question has terms. IDF counts only the collections searched: the scores a
/// caller sees must not tell how often a word stands in collections they may not read.
fn legs(query: &HybridQuery, filter: &AclFilter) -> Result<Vec<QueryRequest>, OperationError> {
    let readable = field(COLLECTION, Match::from(collections(filter)));
    let corpus = at_time(vec![readable.clone()], query.at);
    let mut conditions = vec![readable];
    if !query.documents.is_empty() {
        let documents: Vec<String> = query.documents.iter().map(ToString::to_string).collect();
        conditions.push(field(DOCUMENT, Match::from(documents)));
    }
    let within = at_time(conditions, query.at);
    let leg = |vector: Vector, name: &str, params: Option<SearchParams>| QueryRequest {
        query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector.0, name)))),
        filter: Some(within.clone()),
        params,
        ..QueryRequest::new(query.candidates)
    };
    let mut legs = vec![leg(Vector::new_dense(query.dense.clone()), DENSE, None)];
    if !query.sparse.indices.is_empty() {
        let terms = Vector::new_sparse(query.sparse.indices.clone(), query.sparse.values.clone())?;
        let idf = Some(IdfParams::Corpus(IdfCorpusParams { corpus }));
        legs.push(leg(terms, SPARSE, Some(SearchParams { idf, ..SearchParams::default() })));
    }
    Ok(legs)
}

fn of_document(document: DocumentId, version: Option<i32>) -> Filter {
    let mut conditions = vec![field(DOCUMENT, Match::from(document.to_string()))];
    conditions.extend(version.map(|version| field(VERSION, Match::from(i64::from(version)))));
    all(conditions)
}

/// Both conditions are refusals, so that points without a time pass.
fn at_time(must: Vec<Condition>, at: OffsetDateTime) -> Filter {
    let at = OrderedFloat(unix_ms(at) as f64);
    let range = |name, range| Condition::Field(FieldCondition::new_range(path(name), range));
    let later = range(SINCE, Range { gt: Some(at), ..Range::default() });
    let over = range(UNTIL, Range { lte: Some(at), ..Range::default() });
    Filter { must_not: Some(vec![later, over]), ..all(must) }
}

/// The dense vector of a point, where it has one.
fn dense_of(record: Record) -> Option<(PassageId, Vec<f32>)> {
    let PointId::Uuid(id) = record.id else { return None };
    let Some(VectorStructInternal::Named(mut named)) = record.vector else { return None };
    match named.remove(DENSE)? {
        VectorInternal::Dense(dense) => Some((PassageId::from_uuid(id), dense)),
        VectorInternal::Sparse(_) | VectorInternal::MultiDense(_) => None,
    }
}

fn field(name: &str, value: Match) -> Condition {
    Condition::Field(FieldCondition::new_match(path(name), value))
}

fn path(name: &str) -> JsonPath {
    name.parse().expect("the names of the payload are plain words")
}

fn all(conditions: Vec<Condition>) -> Filter {
    Filter { must: Some(conditions), ..Filter::default() }
}

fn leg(points: Vec<ScoredPoint>) -> Result<Leg, StoreError> {
    points
        .into_iter()
        .map(|point| match point.id {
            PointId::Uuid(uuid) => Ok((PassageId::from_uuid(uuid), point.score)),
            PointId::NumId(number) => Err(corrupt(format!("point `{number}` is no passage"))),
        })
        .collect()
}

/// The engine's `Debug` holds a backtrace; its `Display` is the sentence.
#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn refused(error: OperationError) -> StoreError {
    let may_pass = matches!(
        error,
        OperationError::ServiceError { .. }
            | OperationError::OutOfMemory { .. }
            | OperationError::Timeout { .. }
            | OperationError::Cancelled { .. }
    );
    if may_pass { unavailable(error.to_string()) } else { corrupt(error.to_string()) }
}

// ---- the optimiser ------------------------------------------------------------------------------------------

/// Merges, indexes and vacuums segments beside the searches; the embedded engine does it only when told.
struct Optimizer {
    stop: Option<mpsc::Sender<()>>,
    thread: JoinHandle<()>,
}

impl Optimizer {
    fn start(shard: Arc<LockedShard>) -> Result<Self, StoreError> {
        let (stop, stops) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("qdrant-optimizer".to_owned())
            .spawn(move || {
                while stops.recv_timeout(OPTIMIZE_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                    if let Err(error) = shard.shard.optimize() {
                        tracing::warn!(%error, "the vector index was not optimised");
                    }
                }
            })
            .map_err(|error| unavailable(format!("no thread for the optimiser: {error}")))?;
        Ok(Self { stop: Some(stop), thread })
    }

    fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }
}

impl Drop for Optimizer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let began = Instant::now();
        while self.is_running() && began.elapsed() < OPTIMIZER_GRACE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
