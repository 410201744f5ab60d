//! A Qdrant server or cluster over gRPC. Knows no embedded engine.

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
use qdrant_client::Payload;
use qdrant_client::Qdrant;
use qdrant_client::QdrantError;
use qdrant_client::qdrant;
use qdrant_client::qdrant::Condition;
use qdrant_client::qdrant::CountPointsBuilder;
use qdrant_client::qdrant::CreateCollectionBuilder;
use qdrant_client::qdrant::CreateFieldIndexCollectionBuilder;
use qdrant_client::qdrant::DeletePointsBuilder;
use qdrant_client::qdrant::Distance;
use qdrant_client::qdrant::FieldType;
use qdrant_client::qdrant::Filter;
use qdrant_client::qdrant::GetPointsBuilder;
use qdrant_client::qdrant::IdfParams;
use qdrant_client::qdrant::KeywordIndexParamsBuilder;
use qdrant_client::qdrant::Modifier;
use qdrant_client::qdrant::NamedVectors;
use qdrant_client::qdrant::PointId;
use qdrant_client::qdrant::PointStruct;
use qdrant_client::qdrant::Query;
use qdrant_client::qdrant::QueryBatchPointsBuilder;
use qdrant_client::qdrant::QueryPoints;
use qdrant_client::qdrant::QueryPointsBuilder;
use qdrant_client::qdrant::Range;
use qdrant_client::qdrant::RetrievedPoint;
use qdrant_client::qdrant::SearchParamsBuilder;
use qdrant_client::qdrant::SetPayloadPointsBuilder;
use qdrant_client::qdrant::SparseVectorParamsBuilder;
use qdrant_client::qdrant::SparseVectorsConfigBuilder;
use qdrant_client::qdrant::UpsertPointsBuilder;
use qdrant_client::qdrant::Vector;
use qdrant_client::qdrant::VectorInput;
use qdrant_client::qdrant::VectorParamsBuilder;
use qdrant_client::qdrant::VectorsConfigBuilder;
use qdrant_client::qdrant::VectorsSelector;
use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::vector_output;
use qdrant_client::qdrant::vectors_config;
use qdrant_client::qdrant::vectors_output::VectorsOptions;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// Waits before a failed write is tried again: when a node of a cluster drops out, the next write fails, and the one
/// after it succeeds.
const RETRY_AFTER: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];
/// A server that does not even take the connection is gone sooner than `vectors.timeout_ms`.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Dense and sparse vectors in one collection of a server.
pub struct QdrantServer {
    client: Qdrant,
    name: String,
    dimensions: usize,
    timeout: Duration,
}

impl QdrantServer {
    /// Connects, and makes the collection `vectors.name` and its payload indexes if they are missing. A search or write
    /// then has `vectors.timeout_ms`, retries included.
    ///
    /// # Errors
    /// `Unavailable` if the server does not answer or refuses the key; `Corrupt` if the collection has other vectors.
    pub async fn connect(
        vectors: &config::Vectors,
        api_key: Option<&SecretString>,
        dimensions: usize,
    ) -> Result<Self, StoreError> {
        let timeout = Duration::from_millis(vectors.timeout_ms);
        if api_key.is_some() && vectors.url.starts_with("http://") {
            tracing::warn!(url = %vectors.url, "the Qdrant API key travels unencrypted: use https://");
        }
        let api_key = api_key.map(|key| key.expose_secret().to_owned());
        if api_key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            // Here, since the client would repeat the key in its message.
            return Err(unavailable("DOCENT_QDRANT_API_KEY holds a character that no header may hold"));
        }
        let client = Qdrant::from_url(&vectors.url)
            .api_key(api_key)
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT_WITHIN))
            .skip_compatibility_check() // it prints to standard output
            .build()
            .map_err(refused)?;
        let server = Self { client, name: vectors.name.clone(), dimensions, timeout };
        Box::pin(server.within(server.prepare())).await?;
        Ok(server)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let version = self.client.health_check().await.map_err(refused)?.version;
        tracing::info!(version, collection = %self.name, "connected to Qdrant");
        if !self.client.collection_exists(&self.name).await.map_err(refused)? {
            self.create_collection().await?;
        }
        self.check_collection().await?;
        let tenant =
            IndexParams::KeywordIndexParams(KeywordIndexParamsBuilder::default().is_tenant(true).build());
        let index = |field, kind| CreateFieldIndexCollectionBuilder::new(&self.name, field, kind).wait(true);
        for request in [
            index(COLLECTION, FieldType::Keyword).field_index_params(tenant),
            index(DOCUMENT, FieldType::Uuid),
            index(VERSION, FieldType::Integer),
            index(SINCE, FieldType::Integer),
            index(UNTIL, FieldType::Integer),
        ] {
            self.client.create_field_index(request).await.map_err(refused)?;
        }
        Ok(())
    }

    /// Two replicas may start at once: what counts is that the collection is there afterwards.
    async fn create_collection(&self) -> Result<(), StoreError> {
        let mut dense = VectorsConfigBuilder::default();
        dense.add_named_vector_params(
            DENSE,
            VectorParamsBuilder::new(self.dimensions as u64, Distance::Cosine),
        );
        let mut sparse = SparseVectorsConfigBuilder::default();
        sparse.add_named_vector_params(
            SPARSE,
            SparseVectorParamsBuilder::default().modifier(Modifier::Idf as i32),
        );
        let request =
            CreateCollectionBuilder::new(&self.name).vectors_config(dense).sparse_vectors_config(sparse);
        match self.client.create_collection(request).await {
            Ok(_) => Ok(()),
            Err(_) if self.client.collection_exists(&self.name).await.map_err(refused)? => Ok(()),
            Err(error) => Err(refused(error)),
        }
    }

    async fn check_collection(&self) -> Result<(), StoreError> {
        let info = self.client.collection_info(&self.name).await.map_err(refused)?;
        let params =
            info.result.and_then(|info| info.config).and_then(|config| config.params).unwrap_or_default();
        let dense = match params.vectors_config.and_then(|vectors| vectors.config) {
            Some(vectors_config::Config::ParamsMap(mut named)) => named.map.remove(DENSE),
            Some(vectors_config::Config::Params(_)) | None => None,
        };
        let sparse = params.sparse_vectors_config.and_then(|mut sparse| sparse.map.remove(SPARSE));
        match (dense, sparse) {
            (Some(dense), Some(sparse))
                if dense.distance == Distance::Cosine as i32
                    && sparse.modifier == Some(Modifier::Idf as i32) =>
            {
                if dense.size == self.dimensions as u64 {
                    Ok(())
                } else {
                    Err(other_dimensions(&self.name, dense.size, self.dimensions))
                }
            }
            _ => Err(corrupt(format!(
                "the collection `{}` was not made by docent: set `vectors.name` to a name that is free",
                self.name
            ))),
        }
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        tokio::time::timeout(self.timeout, answer)
            .await
            .unwrap_or_else(|_| Err(unavailable(format!("no answer within {} ms", self.timeout.as_millis()))))
    }

    /// Tries a write again while that may help and there is time. Writes are safe to repeat: points have fixed ids.
    async fn write<T, F: Future<Output = Result<T, QdrantError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let mut waits = RETRY_AFTER.iter();
        loop {
            match attempt().await {
                Ok(written) => return Ok(written),
                Err(error) => match waits.next() {
                    Some(wait) if may_pass(&error) => {
                        tracing::warn!(detail = %refused(error), "a write to Qdrant failed and is tried again");
                        tokio::time::sleep(*wait).await;
                    }
                    Some(_) | None => return Err(refused(error)),
                },
            }
        }
    }
}

#[async_trait]
impl StoredVectors for QdrantServer {
    async fn vectors(&self, passages: &[PassageId]) -> Result<BTreeMap<PassageId, Vec<f32>>, StoreError> {
        let mut vectors = BTreeMap::new();
        for batch in passages.chunks(BATCH) {
            let ids: Vec<PointId> = batch.iter().map(|passage| passage.to_string().into()).collect();
            let request = GetPointsBuilder::new(&self.name, ids)
                .with_payload(false)
                .with_vectors(VectorsSelector { names: vec![DENSE.to_owned()] });
            let found = self.within(async { self.client.get_points(request).await.map_err(refused) }).await?;
            vectors.extend(found.result.into_iter().filter_map(dense_of));
        }
        Ok(vectors)
    }
}

#[async_trait]
impl VectorIndex for QdrantServer {
    async fn upsert(&self, points: Vec<Point>) -> Result<(), StoreError> {
        check_points(&points, self.dimensions)?;
        let points: Vec<PointStruct> = points.into_iter().map(stored).collect();
        self.within(async {
            for batch in points.chunks(BATCH) {
                let request = UpsertPointsBuilder::new(&self.name, batch).wait(true).build();
                self.write(|| self.client.upsert_points(request.clone())).await?;
            }
            Ok(())
        })
        .await
    }

    async fn search(&self, query: &HybridQuery, filter: &AclFilter) -> Result<Vec<Hit>, StoreError> {
        if finds_nothing(query, filter) {
            return Ok(Vec::new());
        }
        check_dense(&query.dense, self.dimensions)?;
        let request = QueryBatchPointsBuilder::new(&self.name, legs(&self.name, query, filter));
        let answer = self.within(async { self.client.query_batch(request).await.map_err(refused) }).await?;
        let mut found = answer.result.into_iter().map(|batch| leg(batch.result));
        let dense = found.next().transpose()?.unwrap_or_default();
        let sparse = found.next().transpose()?.unwrap_or_default();
        Ok(hits(dense, sparse, query.limit))
    }

    async fn supersede(
        &self,
        document: DocumentId,
        version: i32,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut payload = Payload::new();
        payload.insert(UNTIL, unix_ms(at));
        let request = SetPayloadPointsBuilder::new(&self.name, payload)
            .points_selector(of_document(document, Some(version)))
            .wait(true)
            .build();
        self.within(self.write(|| self.client.set_payload(request.clone()))).await.map(drop)
    }

    async fn delete(&self, document: DocumentId, version: Option<i32>) -> Result<(), StoreError> {
        let request =
            DeletePointsBuilder::new(&self.name).points(of_document(document, version)).wait(true).build();
        self.within(self.write(|| self.client.delete_points(request.clone()))).await.map(drop)
    }

    async fn count(&self, document: DocumentId) -> Result<u64, StoreError> {
        let request = CountPointsBuilder::new(&self.name).filter(of_document(document, None)).exact(true);
        let answer = self.within(async { self.client.count(request).await.map_err(refused) }).await?;
        answer.result.map(|result| result.count).ok_or_else(|| corrupt("it counted nothing at all"))
    }

    async fn health(&self) -> Result<(), StoreError> {
        let there =
            self.within(async { self.client.collection_exists(&self.name).await.map_err(refused) }).await?;
        if there { Ok(()) } else { Err(corrupt(format!("the collection `{}` is gone", self.name))) }
    }
}

// ---- requests and answers -----------------------------------------------------------------------------------

fn stored(point: Point) -> PointStruct {
    let mut vectors = NamedVectors::default();
    if let Some(dense) = point.dense {
        vectors = vectors.add_vector(DENSE, dense);
    }
    if !point.sparse.indices.is_empty() {
        vectors = vectors.add_vector(SPARSE, Vector::new_sparse(point.sparse.indices, point.sparse.values));
    }
    let mut payload = Payload::new();
    payload.insert(COLLECTION, point.collection.to_string());
    payload.insert(DOCUMENT, point.document.to_string());
    payload.insert(VERSION, i64::from(point.version));
    payload.insert(SINCE, unix_ms(point.since));
    PointStruct::new(point.passage.to_string(), vectors, payload)
}

/// The dense leg, then the sparse one if the question has terms. IDF counts only the collections searched: the scores a
/// caller sees must not tell how often a word stands in collections they may not read.
fn legs(name: &str, query: &HybridQuery, filter: &AclFilter) -> Vec<QueryPoints> {
    let readable = Condition::matches(COLLECTION, collections(filter));
    let corpus = at_time(Filter::must([readable.clone()]), query.at);
    let mut within = at_time(Filter::must([readable]), query.at);
    if !query.documents.is_empty() {
        let documents: Vec<String> = query.documents.iter().map(ToString::to_string).collect();
        within.must.push(Condition::matches(DOCUMENT, documents));
    }
    let leg = |vector: VectorInput, using: &str| {
        QueryPointsBuilder::new(name)
            .query(Query::new_nearest(vector))
            .using(using)
            .filter(within.clone())
            .limit(query.candidates as u64)
    };
    let mut legs = vec![leg(VectorInput::new_dense(query.dense.clone()), DENSE).build()];
    if !query.sparse.indices.is_empty() {
        let terms = VectorInput::new_sparse(query.sparse.indices.clone(), query.sparse.values.clone());
        let idf = IdfParams { corpus: Some(corpus) };
        legs.push(leg(terms, SPARSE).params(SearchParamsBuilder::default().idf(idf)).build());
    }
    legs
}

fn of_document(document: DocumentId, version: Option<i32>) -> Filter {
    let mut filter = Filter::must([Condition::matches(DOCUMENT, document.to_string())]);
    filter.must.extend(version.map(|version| Condition::matches(VERSION, i64::from(version))));
    filter
}

/// Both conditions are refusals, so that points without a time pass.
fn at_time(mut filter: Filter, at: OffsetDateTime) -> Filter {
    let at = unix_ms(at) as f64;
    let later = Condition::range(SINCE, Range { gt: Some(at), ..Range::default() });
    let over = Condition::range(UNTIL, Range { lte: Some(at), ..Range::default() });
    filter.must_not.extend([later, over]);
    filter
}

/// The dense vector of a point, where it has one.
fn dense_of(point: RetrievedPoint) -> Option<(PassageId, Vec<f32>)> {
    let PointIdOptions::Uuid(id) = point.id?.point_id_options? else { return None };
    let VectorsOptions::Vectors(mut named) = point.vectors?.vectors_options? else { return None };
    match named.vectors.remove(DENSE)?.into_vector() {
        vector_output::Vector::Dense(dense) => Some((id.parse().ok()?, dense.data)),
        vector_output::Vector::Sparse(_) | vector_output::Vector::MultiDense(_) => None,
    }
}

fn leg(points: Vec<qdrant::ScoredPoint>) -> Result<Leg, StoreError> {
    points
        .into_iter()
        .map(|point| match point.id.and_then(|id| id.point_id_options) {
            Some(PointIdOptions::Uuid(text)) => {
                let passage = text.parse().map_err(|_| corrupt(format!("point `{text}` is no passage")))?;
                Ok((passage, point.score))
            }
            Some(PointIdOptions::Num(number)) => Err(corrupt(format!("point `{number}` is no passage"))),
            None => Err(corrupt("a point has no id")),
        })
        .collect()
}

// ---- errors -------------------------------------------------------------------------------------------------

// gRPC status codes (grpc/doc/statuscodes.md); the type that names them is not ours to depend on.
const CANCELLED: i32 = 1;
const UNKNOWN: i32 = 2;
const DEADLINE_EXCEEDED: i32 = 4;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const ABORTED: i32 = 10;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

/// Statuses that the same request may not get again; a cluster that loses a node answers `Internal`.
const MAY_PASS: [i32; 7] =
    [CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE];

fn may_pass(error: &QdrantError) -> bool {
    match code_and_message(error) {
        Some((code, _)) => MAY_PASS.contains(&code),
        None => matches!(error, QdrantError::Io(_)),
    }
}

/// The status's own words: the client's text repeats all of its metadata.
#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn refused(error: QdrantError) -> StoreError {
    match code_and_message(&error) {
        Some((PERMISSION_DENIED | UNAUTHENTICATED, message)) => {
            unavailable(format!("the server refuses the key (DOCENT_QDRANT_API_KEY): {message}"))
        }
        Some((_, message)) if may_pass(&error) => unavailable(message),
        Some((code, message)) => corrupt(format!("status {code}: {message}")),
        None if may_pass(&error) => unavailable(error.to_string()),
        None => corrupt(error.to_string()),
    }
}

fn code_and_message(error: &QdrantError) -> Option<(i32, &str)> {
    if let QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } = error
    {
        Some((status.code() as i32, status.message()))
    } else {
        None
    }
}
