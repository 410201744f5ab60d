select
    documents.collection_id,
    versions.number,
    versions.sha256,
    versions.media_type,
    versions.bytes,
    versions.file_name,
    versions.uploaded_at,
    versions.password
from documents
join versions on versions.document_id = documents.id
where documents.id = $1
    and documents.collection_id = any($2)
    and versions.number = coalesce($3, documents.visible_version, documents.newest_version)
