select versions.collection_id, versions.sha256
from documents
join versions on versions.document_id = documents.id
where documents.id = $1 and documents.collection_id = any($2)
for update of documents
