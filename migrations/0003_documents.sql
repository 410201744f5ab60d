-- Opaque JSON (layout, boxes, warnings …) is `json`, not `jsonb`: it is never looked into, it comes back as it was
-- written, and it may hold what `jsonb` refuses.

create table documents (
    id              uuid        not null,
    collection_id   uuid        not null,
    newest_version  integer     not null default 1,
    visible_version integer, -- the one that is searched; none before the first is ready
    created_at      timestamptz not null default now(),
    constraint documents_pkey primary key (id),
    constraint documents_versions_check check (newest_version >= 1 and visible_version between 1 and newest_version),
    constraint documents_collection_id_fkey foreign key (collection_id) references collections (id)
);
create index documents_collection_id_idx on documents (collection_id, id);

create table versions (
    document_id   uuid        not null,
    number        integer     not null,
    collection_id uuid        not null,
    sha256        text        not null,
    bytes         bigint      not null,
    file_name     text        not null,
    given_title   text,                      -- said at upload
    read_title    text,                      -- said by the file
    title         text        not null generated always as (coalesce(given_title, read_title, file_name)) stored,
    media_type    text        not null default '',
    status        text        not null default 'queued',
    pages         integer     not null default 0,
    passages      integer     not null default 0,
    coverage      json,
    warnings      json        not null default '[]',
    error         json,
    job_id        uuid        not null,      -- its newest job
    uploaded_by   uuid        not null,
    uploaded_at   timestamptz not null default now(),
    constraint versions_pkey primary key (document_id, number),
    constraint versions_sha256_key unique (collection_id, sha256),
    constraint versions_number_check check (number >= 1),
    constraint versions_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint versions_status_check
        check (status in ('queued', 'processing', 'ready', 'ready_with_warnings', 'failed')),
    constraint versions_document_id_fkey foreign key (document_id) references documents (id) on delete cascade,
    constraint versions_uploaded_by_fkey foreign key (uploaded_by) references users (id)
);

-- The extracted text in pieces, so that a page is read without unpacking a whole book.
create table texts (
    document_id uuid    not null,
    version     integer not null,
    first       integer not null, -- its stretch of the text: [first, past)
    past        integer not null,
    content     text    not null,
    constraint texts_pkey primary key (document_id, version, first),
    constraint texts_stretch_check check (first >= 0 and past > first),
    constraint texts_version_fkey
        foreign key (document_id, version) references versions (document_id, number) on delete cascade
);

create table pages (
    document_id uuid    not null,
    version     integer not null,
    number      integer not null,
    first       integer not null, -- [first, past), as above
    past        integer not null,
    layout      json    not null,
    constraint pages_pkey primary key (document_id, version, number),
    constraint pages_stretch_check check (first between 0 and past),
    constraint pages_version_fkey
        foreign key (document_id, version) references versions (document_id, number) on delete cascade
);

create table passages (
    id            uuid    not null,
    document_id   uuid    not null,
    version       integer not null,
    ordinal       integer not null,
    collection_id uuid    not null,
    page          integer not null,
    first         integer not null, -- [first, past), as above
    past          integer not null,
    boxes         json    not null,
    heading_path  json    not null,
    content       text    not null,
    constraint passages_pkey primary key (id),
    constraint passages_ordinal_key unique (document_id, version, ordinal),
    constraint passages_stretch_check check (first between 0 and past),
    constraint passages_version_fkey
        foreign key (document_id, version) references versions (document_id, number) on delete cascade
);

create table jobs (
    id            uuid        not null,
    document_id   uuid        not null,
    version       integer     not null,
    collection_id uuid        not null,
    state         text        not null default 'ready',
    stage         text        not null default 'queued',
    done          bigint      not null default 0,
    total         bigint      not null default 0,
    attempts      integer     not null default 0,
    max_attempts  integer     not null,
    run_at        timestamptz not null default now(),
    worker        text,
    lease_until   timestamptz,
    error         json,
    created_at    timestamptz not null default now(),
    finished_at   timestamptz,
    constraint jobs_pkey primary key (id),
    constraint jobs_state_check check (state in ('ready', 'running', 'succeeded', 'failed')),
    constraint jobs_stage_check check (stage in ('queued', 'read', 'chunk', 'embed', 'index', 'done')),
    constraint jobs_attempts_check check (attempts between 0 and max_attempts),
    constraint jobs_lease_check check ((state = 'running') = (worker is not null and lease_until is not null)),
    constraint jobs_version_fkey
        foreign key (document_id, version) references versions (document_id, number) on delete cascade
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02); -- rows are updated often: room for HOT updates
create index jobs_ready_idx on jobs (run_at, id) where state = 'ready';
create index jobs_running_idx on jobs (lease_until) where state = 'running';
create index jobs_version_idx on jobs (document_id, version);
create unique index jobs_alive_key on jobs (document_id, version) where state in ('ready', 'running');

-- A document as its readers see it. While a version is visible, a newer one that failed leaves its status alone and
-- only says why.
create view shown_documents as
select
    documents.id,
    documents.collection_id,
    shown.title,
    case
        when newest.status = 'failed' and documents.visible_version is not null then shown.status
        else newest.status
    end as status,
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

grant select, insert, update, delete on documents, versions, texts, pages, passages, jobs to docent_app;
grant select on shown_documents to docent_app;
