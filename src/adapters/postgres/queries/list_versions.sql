select
    versions.number,
    versions.sha256,
    versions.media_type,
    versions.bytes,
    versions.file_name,
    versions.uploaded_at,
    versions.status,
    versions.visible_since,
    versions.visible_until
from documents
join versions on versions.document_id = documents.id
where documents.id = $1 and documents.collection_id = any($2)
order by versions.number desc
