//! Where an index can be.

use crate::support::qdrant_server::QdrantTestServer;
use crate::vectors::DIMENSIONS;
use docent::adapters::qdrant_edge::QdrantEdge;
use docent::adapters::qdrant_server::QdrantServer;
use docent::config::Vectors;
use docent::config::VectorsKind;
use docent::ports::VectorIndex;
use qdrant_client::Qdrant;
use tempfile::TempDir;
use uuid::Uuid;

/// An index of its own, and what has to live as long.
pub(crate) struct Place {
    pub(crate) index: Box<dyn VectorIndex>,
    real: Option<(Qdrant, String)>,
    _directory: Option<TempDir>,
    _server: Option<QdrantTestServer>,
}

impl Place {
    pub(crate) async fn embedded() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let index = QdrantEdge::open(directory.path(), &embedded_config(), DIMENSIONS).await.unwrap();
        Some(Self { index: Box::new(index), real: None, _directory: Some(directory), _server: None })
    }

    pub(crate) async fn over_grpc() -> Option<Self> {
        let server = QdrantTestServer::start(None);
        let index = QdrantServer::connect(&server_config(server.url()), None, DIMENSIONS).await.unwrap();
        Some(Self { index: Box::new(index), real: None, _directory: None, _server: Some(server) })
    }

    /// None, with a line, where no server is named.
    pub(crate) async fn real() -> Option<Self> {
        let Some(url) = std::env::var_os("DOCENT_TEST_QDRANT_URL") else {
            eprintln!("skipped: DOCENT_TEST_QDRANT_URL names no Qdrant server");
            return None;
        };
        let url = url.into_string().unwrap();
        let config = Vectors { name: format!("docent-test-{}", Uuid::now_v7()), ..server_config(&url) };
        let index = QdrantServer::connect(&config, None, DIMENSIONS).await.unwrap();
        let client = Qdrant::from_url(&url).skip_compatibility_check().build().unwrap();
        Some(Self {
            index: Box::new(index),
            real: Some((client, config.name)),
            _directory: None,
            _server: None,
        })
    }

    pub(crate) async fn leave(self) {
        if let Some((client, name)) = self.real {
            client.delete_collection(name).await.unwrap();
        }
    }
}

pub(crate) fn embedded_config() -> Vectors {
    let name = "docent".to_owned();
    Vectors { kind: VectorsKind::Embedded, url: String::new(), name, timeout_ms: 60_000 }
}

pub(crate) fn server_config(url: &str) -> Vectors {
    Vectors { kind: VectorsKind::Server, url: url.to_owned(), ..embedded_config() }
}
