select
    id,
    owner_id,
    collection_id,
    document_id,
    title,
    file_name,
    password,
    bytes,
    expires_at,
    received,
    outcome as "outcome: Json<serde_json::Value>",
    (select count(*) from upload_parts where upload_parts.upload_id = uploads.id) as "parts!"
from uploads
where id = $1 and owner_id = $2 and expires_at > now()
