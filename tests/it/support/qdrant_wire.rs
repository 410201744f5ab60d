//! Qdrant's messages as the requests of its engine; what docent never sends is refused.

use qdrant_client::qdrant;
use qdrant_client::qdrant::CreateCollection;
use qdrant_client::qdrant::CreateFieldIndexCollection;
use qdrant_client::qdrant::DenseVector;
use qdrant_client::qdrant::FieldType;
use qdrant_client::qdrant::NamedVectorsOutput;
use qdrant_client::qdrant::PointStruct as WirePoint;
use qdrant_client::qdrant::QueryPoints;
use qdrant_client::qdrant::RetrievedPoint;
use qdrant_client::qdrant::VectorOutput;
use qdrant_client::qdrant::VectorsOutput;
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::query::Variant;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::vector;
use qdrant_client::qdrant::vector_input;
use qdrant_client::qdrant::vector_output;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::vectors_config;
use qdrant_client::qdrant::vectors_output;
use qdrant_client::qdrant::with_vectors_selector::SelectorOptions;
use qdrant_edge::CreateIndex;
use qdrant_edge::Distance;
use qdrant_edge::EdgeConfig;
use qdrant_edge::EdgeSparseVectorParams;
use qdrant_edge::EdgeVectorParams;
use qdrant_edge::Filter;
use qdrant_edge::IdfCorpusParams;
use qdrant_edge::IdfParams;
use qdrant_edge::JsonPath;
use qdrant_edge::KeywordIndexParamsBuilder;
use qdrant_edge::Modifier;
use qdrant_edge::NamedQuery;
use qdrant_edge::NamedVectors;
use qdrant_edge::PayloadFieldSchema;
use qdrant_edge::PayloadSchemaParams;
use qdrant_edge::PayloadSchemaType;
use qdrant_edge::PointId;
use qdrant_edge::PointStruct;
use qdrant_edge::QueryEnum;
use qdrant_edge::QueryRequest;
use qdrant_edge::Record;
use qdrant_edge::RetrieveRequest;
use qdrant_edge::ScoringQuery;
use qdrant_edge::SearchParams;
use qdrant_edge::Vector;
use qdrant_edge::VectorInternal;
use qdrant_edge::VectorStructInternal;
use qdrant_edge::WithPayloadInterface;
use qdrant_edge::WithVector;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use tonic::Status;

pub(crate) fn config(request: &CreateCollection) -> Result<EdgeConfig, Status> {
    let Some(vectors_config::Config::ParamsMap(dense)) =
        request.vectors_config.as_ref().and_then(|vectors| vectors.config.as_ref())
    else {
        return Err(Status::unimplemented("an unnamed vector"));
    };
    let mut builder = EdgeConfig::builder().max_search_threads(2);
    for (name, params) in &dense.map {
        if params.distance != qdrant::Distance::Cosine as i32 {
            return Err(Status::unimplemented("a distance that is not the cosine"));
        }
        let params = EdgeVectorParams::builder(params.size as usize, Distance::Cosine).build();
        builder = builder.vector(name.clone(), params);
    }
    for (name, params) in request.sparse_vectors_config.iter().flat_map(|sparse| &sparse.map) {
        let idf = params.modifier == Some(qdrant::Modifier::Idf as i32);
        let modifier = if idf { Modifier::Idf } else { Modifier::None };
        builder =
            builder.sparse_vector(name.clone(), EdgeSparseVectorParams::builder().modifier(modifier).build());
    }
    Ok(builder.build())
}

pub(crate) fn index(request: &CreateFieldIndexCollection) -> Result<CreateIndex, Status> {
    let params = request.field_index_params.as_ref().and_then(|params| params.index_params.as_ref());
    let kind = request.field_type.and_then(|kind| FieldType::try_from(kind).ok());
    let schema = match (kind, params) {
        (Some(FieldType::Keyword), Some(IndexParams::KeywordIndexParams(params))) => {
            let keyword =
                KeywordIndexParamsBuilder::default().is_tenant(params.is_tenant == Some(true)).build();
            PayloadFieldSchema::FieldParams(PayloadSchemaParams::Keyword(keyword))
        }
        (Some(FieldType::Integer), None) => PayloadFieldSchema::FieldType(PayloadSchemaType::Integer),
        (Some(FieldType::Uuid), None) => PayloadFieldSchema::FieldType(PayloadSchemaType::Uuid),
        _ => return Err(Status::unimplemented("this kind of index")),
    };
    let field_name: JsonPath =
        request.field_name.parse().map_err(|()| Status::invalid_argument("this name of a field"))?;
    Ok(CreateIndex { field_name, field_schema: Some(schema) })
}

pub(crate) fn point(point: WirePoint) -> Result<PointStruct, Status> {
    let Some(PointIdOptions::Uuid(id)) = point.id.and_then(|id| id.point_id_options) else {
        return Err(Status::unimplemented("a point that is not named by a UUID"));
    };
    let id = id.parse().map_err(|_| Status::invalid_argument(format!("Unable to parse UUID: {id}")))?;
    let Some(VectorsOptions::Vectors(named)) = point.vectors.and_then(|vectors| vectors.vectors_options)
    else {
        return Err(Status::unimplemented("an unnamed vector"));
    };
    let mut vectors = NamedVectors::default();
    for (name, vector) in named.vectors {
        vectors = match vector.vector {
            Some(vector::Vector::Dense(dense)) => vectors.add_vector(name, dense.data),
            Some(vector::Vector::Sparse(sparse)) => {
                vectors.add_vector(name, terms(sparse.indices, sparse.values)?)
            }
            _ => return Err(Status::unimplemented("this kind of vector")),
        };
    }
    Ok(PointStruct::new(PointId::Uuid(id), vectors, Value::Object(payload(point.payload)?)))
}

pub(crate) fn payload(
    payload: HashMap<String, qdrant::Value>,
) -> Result<serde_json::Map<String, Value>, Status> {
    payload.into_iter().map(|(key, value)| Ok((key, json_of(value)?))).collect()
}

pub(crate) fn retrieve(request: qdrant::GetPoints) -> Result<RetrieveRequest, Status> {
    let id = |id: qdrant::PointId| match id.point_id_options {
        Some(PointIdOptions::Uuid(id)) => id.parse().map(PointId::Uuid).ok(),
        Some(PointIdOptions::Num(_)) | None => None,
    };
    let ids = request.ids.into_iter().map(id).collect::<Option<Vec<_>>>();
    let ids = ids.ok_or_else(|| Status::unimplemented("a point that is not named by a UUID"))?;
    let names = match request.with_vectors.and_then(|selector| selector.selector_options) {
        Some(SelectorOptions::Include(names)) => names.names,
        _ => return Err(Status::unimplemented("points without named vectors")),
    };
    Ok(RetrieveRequest {
        with_payload: Some(WithPayloadInterface::Bool(false)),
        with_vector: Some(WithVector::Selector(names)),
        ..RetrieveRequest::new(ids)
    })
}

pub(crate) fn retrieved(record: Record) -> Result<RetrievedPoint, Status> {
    let PointId::Uuid(id) = record.id else { return Err(Status::internal("a point without a UUID")) };
    let mut vectors = HashMap::new();
    if let Some(VectorStructInternal::Named(named)) = record.vector {
        for (name, vector) in named {
            let VectorInternal::Dense(data) = vector else {
                return Err(Status::unimplemented("retrieving this kind of vector"));
            };
            let vector = vector_output::Vector::Dense(DenseVector { data });
            vectors.insert(name, VectorOutput { vector: Some(vector), ..VectorOutput::default() });
        }
    }
    let named = vectors_output::VectorsOptions::Vectors(NamedVectorsOutput { vectors });
    Ok(RetrievedPoint {
        id: Some(qdrant::PointId { point_id_options: Some(PointIdOptions::Uuid(id.to_string())) }),
        vectors: Some(VectorsOutput { vectors_options: Some(named) }),
        ..RetrievedPoint::default()
    })
}

pub(crate) fn query(query: QueryPoints) -> Result<QueryRequest, Status> {
    if !query.prefetch.is_empty() || query.offset.is_some() || query.score_threshold.is_some() {
        return Err(Status::unimplemented("a query in stages"));
    }
    let Some(Variant::Nearest(nearest)) = query.query.and_then(|query| query.variant) else {
        return Err(Status::unimplemented("a query that is not for the nearest"));
    };
    let vector = match nearest.variant {
        Some(vector_input::Variant::Dense(dense)) => Vector::new_dense(dense.data),
        Some(vector_input::Variant::Sparse(sparse)) => terms(sparse.indices, sparse.values)?,
        _ => return Err(Status::unimplemented("this kind of query vector")),
    };
    let corpus = query.params.and_then(|params| params.idf).and_then(|idf| idf.corpus);
    let idf = corpus.map(filter).transpose()?.map(|corpus| IdfParams::Corpus(IdfCorpusParams { corpus }));
    Ok(QueryRequest {
        query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(
            vector.0,
            query.using.unwrap_or_default(),
        )))),
        filter: query.filter.map(filter).transpose()?,
        params: Some(SearchParams { idf, ..SearchParams::default() }),
        ..QueryRequest::new(query.limit.unwrap_or(10) as usize)
    })
}

/// Through the JSON of Qdrant's REST interface, which the engine reads.
pub(crate) fn filter(filter: qdrant::Filter) -> Result<Filter, Status> {
    if !filter.should.is_empty() || filter.min_should.is_some() {
        return Err(Status::unimplemented("a filter with `should`"));
    }
    let must = filter.must.into_iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    let must_not = filter.must_not.into_iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    serde_json::from_value(json!({ "must": must, "must_not": must_not }))
        .map_err(|error| Status::invalid_argument(error.to_string()))
}

fn condition(condition: qdrant::Condition) -> Result<Value, Status> {
    let Some(ConditionOneOf::Field(field)) = condition.condition_one_of else {
        return Err(Status::unimplemented("this kind of condition"));
    };
    if let Some(range) = field.range {
        let range = json!({ "lt": range.lt, "gt": range.gt, "gte": range.gte, "lte": range.lte });
        return Ok(json!({ "key": field.key, "range": range }));
    }
    let value = match field.r#match.and_then(|wanted| wanted.match_value) {
        Some(MatchValue::Keyword(keyword)) => json!({ "value": keyword }),
        Some(MatchValue::Integer(integer)) => json!({ "value": integer }),
        Some(MatchValue::Keywords(any)) => json!({ "any": any.strings }),
        _ => return Err(Status::unimplemented("this kind of match")),
    };
    Ok(json!({ "key": field.key, "match": value }))
}

fn terms(indices: Vec<u32>, values: Vec<f32>) -> Result<Vector, Status> {
    Vector::new_sparse(indices, values).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn json_of(value: qdrant::Value) -> Result<Value, Status> {
    match value.kind {
        Some(Kind::StringValue(text)) => Ok(json!(text)),
        Some(Kind::IntegerValue(integer)) => Ok(json!(integer)),
        _ => Err(Status::unimplemented("this kind of payload")),
    }
}
