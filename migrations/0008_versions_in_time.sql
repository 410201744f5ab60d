-- When a version was the searched one: [visible_since, visible_until). None before it could be seen; the newest has no
-- end. A version that was overtaken before it was ready has an empty stretch.
alter table versions
    add column visible_since timestamptz,
    add column visible_until timestamptz,
    add constraint versions_visible_check check (visible_until is null or visible_until >= visible_since);
update versions
set visible_since = uploaded_at
where status in ('ready', 'ready_with_warnings');
update versions
set visible_until = coalesce(
    (
        select min(later.visible_since)
        from versions as later
        where later.document_id = versions.document_id
            and later.number > versions.number
            and later.visible_since is not null
    ),
    visible_since
)
from documents
where documents.id = versions.document_id
    and versions.visible_since is not null
    and documents.visible_version is distinct from versions.number;

-- What was embedded of a passage and by which model: where it is the same in another version, its vector is kept.
alter table passages
    add column embedded_sha256 bytea,
    add column table_header text; -- of the table that the passage goes on with

-- Headings and tables as places in the text, for showing it.
alter table outlines
    add column structure json not null default '{}';

-- MinHash of a version's text: bands that two texts share make them candidates (Broder 1997; Leskovec et al.,
-- Mining of Massive Datasets, section 3.4).
create table sketches (
    document_id   uuid    not null,
    version       integer not null,
    collection_id uuid    not null,
    signature     bytea   not null,
    bands         bigint[] not null,
    constraint sketches_pkey primary key (document_id, version),
    constraint sketches_version_fkey
        foreign key (document_id, version) references versions (document_id, number) on delete cascade
);
create index sketches_bands_idx on sketches using gin (bands);
grant select, insert, update, delete on sketches to docent_app;

-- Whose text an answer shows: with the document goes the answer.
alter table answers add column documents uuid[] not null default '{}';
create index answers_documents_idx on answers using gin (documents);
update answers
set documents = array(
    select distinct (passage ->> 'document_id')::uuid
    from json_array_elements(body -> 'passages') as passage
    where passage ->> 'document_id' is not null
)
where json_typeof(body -> 'passages') = 'array';

-- As in 0003, with how the shown version can be found: one that is visible before it is whole by its words alone.
drop view shown_documents;
create view shown_documents as
select
    documents.id,
    documents.collection_id,
    shown.title,
    case
        when newest.status = 'failed' and documents.visible_version is not null then shown.status
        else newest.status
    end as status,
    documents.visible_version is not null as visible,
    shown.status in ('ready', 'ready_with_warnings') as whole,
    shown.number as version,
    shown.sha256,
    shown.media_type,
    shown.bytes,
    shown.file_name,
    shown.uploaded_at,
    shown.pages,
    shown.passages,
    shown.coverage,
    shown.warnings,
    newest.error,
    newest.job_id,
    documents.created_at
from documents
join versions newest on newest.document_id = documents.id and newest.number = documents.newest_version
join versions shown
    on shown.document_id = documents.id
    and shown.number = coalesce(documents.visible_version, documents.newest_version);
grant select on shown_documents to docent_app;
