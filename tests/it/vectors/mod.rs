//! One contract, three ways to run it: the engine in this process, the client against Qdrant's protocol over that engine,
//! and the client against a real server where `DOCENT_TEST_QDRANT_URL` names one.

mod contract;
mod durability;
mod places;
mod server;

use docent::domain::AclFilter;
use docent::domain::AuthMethod;
use docent::domain::CollectionId;
use docent::domain::DocumentId;
use docent::domain::PassageId;
use docent::domain::Permission;
use docent::domain::Principal;
use docent::domain::SessionId;
use docent::domain::UserId;
use docent::domain::sparse_document;
use docent::domain::sparse_query;
use docent::ports::Hit;
use docent::ports::HybridQuery;
use docent::ports::Point;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Of every vector here.
const DIMENSIONS: usize = 4;

/// A filter over these collections, made the only way there is.
fn reader_of(collections: &[CollectionId]) -> AclFilter {
    let grants = collections.iter().map(|id| (*id, Permission::Read)).collect();
    let name = "reader".to_owned();
    Principal::new(UserId::new(), name, BTreeSet::new(), grants, AuthMethod::Session(SessionId::new()))
        .acl_filter()
}

fn point(collection: CollectionId, document: DocumentId, ordinal: u32, dense: [f32; 4], text: &str) -> Point {
    let passage = PassageId::derive(document, 1, ordinal);
    let (dense, sparse) = (Some(dense.to_vec()), sparse_document(text));
    Point { passage, collection, document, version: 1, since: OffsetDateTime::UNIX_EPOCH, dense, sparse }
}

fn question(dense: [f32; 4], text: &str) -> HybridQuery {
    HybridQuery {
        dense: dense.to_vec(),
        sparse: sparse_query(text),
        documents: Vec::new(),
        at: OffsetDateTime::now_utc(),
        candidates: 50,
        limit: 50,
    }
}

fn passages(hits: &[Hit]) -> Vec<PassageId> {
    hits.iter().map(|hit| hit.passage).collect()
}

fn close(left: f32, right: f32) -> bool {
    (left - right).abs() < 1e-5
}
