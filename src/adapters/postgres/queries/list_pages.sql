-- Without the words, which are most of a layout.
select pages.layout::jsonb - 'words' as "layout!: Json<PageSummary>"
from documents
join versions
    on versions.document_id = documents.id
    and versions.number = coalesce($2, documents.visible_version)
    and versions.visible_since is not null
join pages
    on pages.document_id = versions.document_id
    and pages.version = versions.number
where documents.id = $1 and documents.collection_id = any($3)
order by pages.number
