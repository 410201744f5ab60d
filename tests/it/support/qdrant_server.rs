//! A Qdrant server for tests: Qdrant's own protocol over Qdrant's own engine, on a random port of the loopback. Serves
//! the calls that docent makes; the others answer `Unimplemented`. Has no replicas and no shards.

use qdrant_client::qdrant::BatchResult;
use qdrant_client::qdrant::CollectionConfig;
use qdrant_client::qdrant::CollectionExists;
use qdrant_client::qdrant::CollectionExistsRequest;
use qdrant_client::qdrant::CollectionExistsResponse;
use qdrant_client::qdrant::CollectionInfo;
use qdrant_client::qdrant::CollectionOperationResponse;
use qdrant_client::qdrant::CollectionParams;
use qdrant_client::qdrant::CountPoints;
use qdrant_client::qdrant::CountResponse;
use qdrant_client::qdrant::CountResult;
use qdrant_client::qdrant::CreateCollection;
use qdrant_client::qdrant::CreateFieldIndexCollection;
use qdrant_client::qdrant::DeletePoints;
use qdrant_client::qdrant::GetCollectionInfoRequest;
use qdrant_client::qdrant::GetCollectionInfoResponse;
use qdrant_client::qdrant::GetPoints;
use qdrant_client::qdrant::GetResponse;
use qdrant_client::qdrant::HealthCheckReply;
use qdrant_client::qdrant::HealthCheckRequest;
use qdrant_client::qdrant::PointId as WirePointId;
use qdrant_client::qdrant::PointsOperationResponse;
use qdrant_client::qdrant::QueryBatchPoints;
use qdrant_client::qdrant::QueryBatchResponse;
use qdrant_client::qdrant::ScoredPoint;
use qdrant_client::qdrant::SetPayloadPoints;
use qdrant_client::qdrant::UpdateResult;
use qdrant_client::qdrant::UpdateStatus;
use qdrant_client::qdrant::UpsertPoints;
use qdrant_client::qdrant::collections_server::Collections;
use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::Qdrant;
use qdrant_client::qdrant::qdrant_server::QdrantServer;
use qdrant_edge::CountRequest;
use qdrant_edge::EdgeShard;
use qdrant_edge::FieldIndexOperations;
use qdrant_edge::OperationError;
use qdrant_edge::PayloadOps;
use qdrant_edge::PointId;
use qdrant_edge::PointInsertOperations;
use qdrant_edge::PointOperations;
use qdrant_edge::QueryBatchRequest;
use qdrant_edge::SetPayloadOp;
use qdrant_edge::UpdateOperation;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::qdrant_wire as wire;

/// Serves until stopped or dropped.
pub(crate) struct QdrantTestServer {
    address: SocketAddr,
    url: String,
    api_key: Option<&'static str>,
    service: Service,
    running: Option<Runtime>,
    _directory: TempDir,
}

impl QdrantTestServer {
    /// Starts it; with a key, calls without it are refused.
    pub(crate) fn start(api_key: Option<&'static str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let service = Service { directory: directory.path().to_owned(), ..Service::default() };
        let url = format!("http://{address}");
        let running = Some(serve(&service, listener, api_key));
        Self { address, url, api_key, service, running, _directory: directory }
    }

    /// Cuts all connections and takes no more.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown_background();
        }
    }

    /// Serves the same collections at the same address again.
    pub(crate) fn resume(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.running = Some(serve(&self.service, listener, self.api_key));
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next writes fail as in a cluster that loses a node.
    pub(crate) fn fail_next_writes(&self, writes: usize) {
        self.service.failures.store(writes, Ordering::SeqCst);
    }

    /// From now on every call waits for ever.
    pub(crate) fn stall(&self) {
        self.service.stalled.store(true, Ordering::SeqCst);
    }
}

impl Drop for QdrantTestServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// On a runtime of its own, which takes its connections with it when it ends.
fn serve(service: &Service, listener: TcpListener, api_key: Option<&'static str>) -> Runtime {
    let guard = move |request: Request<()>| match api_key {
        Some(key) if request.metadata().get("api-key").is_none_or(|given| given != key) => {
            Err(Status::unauthenticated("Must provide an API key or an Authorization bearer token"))
        }
        Some(_) | None => Ok(request),
    };
    let router = Server::builder()
        .add_service(QdrantServer::new(service.clone()))
        .add_service(CollectionsServer::with_interceptor(service.clone(), guard))
        .add_service(PointsServer::with_interceptor(service.clone(), guard));
    let runtime = Runtime::new().unwrap();
    listener.set_nonblocking(true).unwrap();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        router.serve_with_incoming(TcpIncoming::from(listener)).await
    });
    runtime
}

#[derive(Clone, Default)]
struct Service {
    directory: PathBuf,
    collections: Arc<Mutex<HashMap<String, Arc<Collection>>>>,
    creating: Arc<tokio::sync::Mutex<()>>,
    failures: Arc<AtomicUsize>,
    stalled: Arc<AtomicBool>,
}

struct Collection {
    shard: EdgeShard,
    params: CollectionParams,
}

impl Service {
    async fn collection(&self, name: &str) -> Result<Arc<Collection>, Status> {
        if self.stalled.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let collections = self.collections.lock().unwrap();
        let found = collections.get(name).cloned();
        found.ok_or_else(|| Status::not_found(format!("Not found: Collection `{name}` doesn't exist!")))
    }

    async fn write(
        &self,
        name: &str,
        operation: UpdateOperation,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let collection = self.collection(name).await?;
        let fails = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(Status::internal("1 out of 2 shards failed to apply operation"));
        }
        blocking(move || collection.shard.update(operation)).await?;
        let result = UpdateResult { operation_id: Some(0), status: UpdateStatus::Completed as i32 };
        Ok(Response::new(PointsOperationResponse {
            result: Some(result),
            ..PointsOperationResponse::default()
        }))
    }
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, OperationError> + Send + 'static,
) -> Result<T, Status> {
    let done =
        tokio::task::spawn_blocking(call).await.map_err(|error| Status::internal(error.to_string()))?;
    done.map_err(|error| Status::invalid_argument(error.to_string()))
}

#[tonic::async_trait]
impl Qdrant for Service {
    async fn health_check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckReply>, Status> {
        let reply =
            HealthCheckReply { title: "qdrant".to_owned(), version: "1.20.0".to_owned(), commit: None };
        Ok(Response::new(reply))
    }
}

/// Calls that docent never makes.
macro_rules! unimplemented_calls {
    ($($name:ident($request:ident) -> $response:ident;)*) => {$(
        fn $name<'life0, 'async_trait>(
            &'life0 self,
            _request: Request<qdrant_client::qdrant::$request>,
        ) -> Pin<
            Box<
                dyn Future<Output = Result<Response<qdrant_client::qdrant::$response>, Status>>
                    + Send
                    + 'async_trait,
            >,
        >
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($name))) })
        }
    )*};
}

#[tonic::async_trait]
impl Collections for Service {
    async fn get(
        &self,
        request: Request<GetCollectionInfoRequest>,
    ) -> Result<Response<GetCollectionInfoResponse>, Status> {
        let collection = self.collection(&request.into_inner().collection_name).await?;
        let config =
            CollectionConfig { params: Some(collection.params.clone()), ..CollectionConfig::default() };
        let info = CollectionInfo { config: Some(config), ..CollectionInfo::default() };
        Ok(Response::new(GetCollectionInfoResponse {
            result: Some(info),
            ..GetCollectionInfoResponse::default()
        }))
    }

    async fn create(
        &self,
        request: Request<CreateCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let _one_at_a_time = self.creating.lock().await;
        if self.collection(&name).await.is_ok() {
            return Err(Status::already_exists(format!("Collection `{name}` already exists!")));
        }
        let path = self.directory.join(&name);
        let config = wire::config(&request)?;
        let shard = blocking(move || EdgeShard::new(&path, config)).await?;
        let params = CollectionParams {
            vectors_config: request.vectors_config,
            sparse_vectors_config: request.sparse_vectors_config,
            ..CollectionParams::default()
        };
        let collection = Arc::new(Collection { shard, params });
        self.collections.lock().unwrap().insert(name, collection);
        Ok(Response::new(CollectionOperationResponse {
            result: true,
            ..CollectionOperationResponse::default()
        }))
    }

    async fn collection_exists(
        &self,
        request: Request<CollectionExistsRequest>,
    ) -> Result<Response<CollectionExistsResponse>, Status> {
        let exists = self.collection(&request.into_inner().collection_name).await.is_ok();
        let result = Some(CollectionExists { exists });
        Ok(Response::new(CollectionExistsResponse { result, ..CollectionExistsResponse::default() }))
    }

    unimplemented_calls! {
        list(ListCollectionsRequest) -> ListCollectionsResponse;
        update(UpdateCollection) -> CollectionOperationResponse;
        delete(DeleteCollection) -> CollectionOperationResponse;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}

#[tonic::async_trait]
impl Points for Service {
    async fn upsert(
        &self,
        request: Request<UpsertPoints>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let UpsertPoints { collection_name, points, .. } = request.into_inner();
        let points = points.into_iter().map(wire::point).collect::<Result<Vec<_>, _>>()?;
        let insert = PointInsertOperations::PointsList(points.into_iter().map(Into::into).collect());
        let operation = UpdateOperation::PointOperation(PointOperations::UpsertPoints(insert));
        self.write(&collection_name, operation).await
    }

    async fn delete(
        &self,
        request: Request<DeletePoints>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let DeletePoints { collection_name, points, .. } = request.into_inner();
        let Some(PointsSelectorOneOf::Filter(filter)) =
            points.and_then(|points| points.points_selector_one_of)
        else {
            return Err(Status::unimplemented("deleting by id"));
        };
        let operation = PointOperations::DeletePointsByFilter(wire::filter(filter)?);
        self.write(&collection_name, UpdateOperation::PointOperation(operation)).await
    }

    async fn set_payload(
        &self,
        request: Request<SetPayloadPoints>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let request = request.into_inner();
        let Some(PointsSelectorOneOf::Filter(filter)) =
            request.points_selector.and_then(|points| points.points_selector_one_of)
        else {
            return Err(Status::unimplemented("setting by id"));
        };
        let payload = wire::payload(request.payload)?.into();
        let filter = Some(wire::filter(filter)?);
        let set = PayloadOps::SetPayload(SetPayloadOp { payload, points: None, filter, key: None });
        self.write(&request.collection_name, UpdateOperation::PayloadOperation(set)).await
    }

    async fn get(&self, request: Request<GetPoints>) -> Result<Response<GetResponse>, Status> {
        let request = request.into_inner();
        let collection = self.collection(&request.collection_name).await?;
        let retrieve = wire::retrieve(request)?;
        let found = blocking(move || collection.shard.retrieve(retrieve)).await?;
        let result = found.into_iter().map(wire::retrieved).collect::<Result<Vec<_>, _>>()?;
        Ok(Response::new(GetResponse { result, ..GetResponse::default() }))
    }

    async fn create_field_index(
        &self,
        request: Request<CreateFieldIndexCollection>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        let request = request.into_inner();
        let operation = FieldIndexOperations::CreateIndex(wire::index(&request)?);
        self.write(&request.collection_name, UpdateOperation::FieldIndexOperation(operation)).await
    }

    async fn count(&self, request: Request<CountPoints>) -> Result<Response<CountResponse>, Status> {
        let CountPoints { collection_name, filter, exact, .. } = request.into_inner();
        let collection = self.collection(&collection_name).await?;
        let request =
            CountRequest { filter: filter.map(wire::filter).transpose()?, exact: exact.unwrap_or(true) };
        let count = blocking(move || collection.shard.count(request)).await? as u64;
        Ok(Response::new(CountResponse { result: Some(CountResult { count }), ..CountResponse::default() }))
    }

    async fn query_batch(
        &self,
        request: Request<QueryBatchPoints>,
    ) -> Result<Response<QueryBatchResponse>, Status> {
        let QueryBatchPoints { collection_name, query_points, .. } = request.into_inner();
        let collection = self.collection(&collection_name).await?;
        let queries = query_points.into_iter().map(wire::query).collect::<Result<Vec<_>, _>>()?;
        let found = blocking(move || collection.shard.query_batch(QueryBatchRequest::new(queries))).await?;
        let scored = |point: qdrant_edge::ScoredPoint| {
            let id = match point.id {
                PointId::NumId(number) => PointIdOptions::Num(number),
                PointId::Uuid(uuid) => PointIdOptions::Uuid(uuid.to_string()),
            };
            let id = Some(WirePointId { point_id_options: Some(id) });
            ScoredPoint { id, score: point.score, ..ScoredPoint::default() }
        };
        let result =
            found.into_iter().map(|leg| BatchResult { result: leg.into_iter().map(scored).collect() });
        Ok(Response::new(QueryBatchResponse { result: result.collect(), ..QueryBatchResponse::default() }))
    }

    unimplemented_calls! {
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        scroll(ScrollPoints) -> ScrollResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query(QueryPoints) -> QueryResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}
