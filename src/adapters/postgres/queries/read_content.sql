-- A version that is not whole yet gives no row; one that is but has no text gives an empty string.
select coalesce(
    (
        select string_agg(texts.content, '' order by texts.first)
        from texts
        where texts.document_id = versions.document_id and texts.version = versions.number
    ),
    ''
) as "content!"
from documents
join versions
    on versions.document_id = documents.id
    and versions.number = coalesce($2, documents.visible_version)
    and versions.status in ('ready', 'ready_with_warnings')
where documents.id = $1 and documents.collection_id = any($3)
