-- A version that nobody could see yet gives no row; one that has no text gives an empty string.
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
    and versions.visible_since is not null
where documents.id = $1 and documents.collection_id = any($3)
