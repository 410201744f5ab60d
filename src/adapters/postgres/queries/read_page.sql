-- Only the pieces of the text that the page touches are unpacked.
select
    pages.layout as "layout: Json<PageLayout>",
    coalesce(
        (
            select substring(
                string_agg(texts.content, '' order by texts.first)
                from pages.first - min(texts.first) + 1
                for pages.past - pages.first
            )
            from texts
            where texts.document_id = pages.document_id
                and texts.version = pages.version
                and texts.first < pages.past
                and texts.past > pages.first
        ),
        ''
    ) as "text!"
from documents
join versions
    on versions.document_id = documents.id
    and versions.number = coalesce($2, documents.visible_version)
    and versions.visible_since is not null
join pages
    on pages.document_id = versions.document_id
    and pages.version = versions.number
    and pages.number = $3
where documents.id = $1 and documents.collection_id = any($4)
