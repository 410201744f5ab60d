-- Uploads that go on after an interruption. The bytes lie as parts beside the files until the last has come. Whoever
-- writes holds the row for a while, so that two requests never write at once, also through different replicas.
create table uploads (
    id            uuid        not null,
    owner_id      uuid        not null,
    collection_id uuid        not null,
    document_id   uuid,                 -- whose new version it is
    file_name     text        not null,
    title         text,
    password      bytea,                -- sealed for this upload
    bytes         bigint      not null,
    received      bigint      not null default 0,
    holder        uuid,
    held_until    timestamptz,
    outcome       json,                 -- what became of it, as its client reads it
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    constraint uploads_pkey primary key (id),
    constraint uploads_received_check check (received between 0 and bytes),
    constraint uploads_holder_check check ((holder is null) = (held_until is null)),
    constraint uploads_owner_id_fkey foreign key (owner_id) references users (id)
);
create index uploads_open_idx on uploads (owner_id) where outcome is null;
create index uploads_expires_at_idx on uploads (expires_at);

-- A part is announced before it is stored, so that a kill in between leaves nothing that nobody knows of.
create table upload_parts (
    upload_id uuid    not null,
    name      text    not null,
    first     bigint  not null,
    bytes     bigint,           -- none before it is stored
    sha256    text    not null,
    constraint upload_parts_pkey primary key (upload_id, name),
    constraint upload_parts_stretch_check check (first >= 0 and bytes > 0),
    constraint upload_parts_sha256_check check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint upload_parts_upload_id_fkey foreign key (upload_id) references uploads (id) on delete cascade
);

-- What was answered to a request that carried a key of its client's, for the same request sent again.
create table idempotency_keys (
    user_id     uuid        not null,
    key         text        not null,
    request     text        not null, -- method and path
    holder      uuid        not null,
    held_until  timestamptz not null,
    fingerprint text,                 -- of what was sent; none while the request is under way
    status      integer,
    media_type  text,
    body        text,
    expires_at  timestamptz not null,
    constraint idempotency_keys_pkey primary key (user_id, key),
    constraint idempotency_keys_key_check check (char_length(key) between 1 and 255),
    constraint idempotency_keys_answer_check check (num_nulls(fingerprint, status, media_type, body) in (0, 4)),
    constraint idempotency_keys_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);
create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);

create table webhooks (
    id             uuid        not null,
    url            text        not null,
    secret         bytea       not null, -- sealed for this webhook
    collection_ids uuid[],               -- none: all
    events         text[]      not null,
    created_by     uuid        not null,
    created_at     timestamptz not null default now(),
    constraint webhooks_pkey primary key (id),
    constraint webhooks_events_check
        check (events <@ array['document.ready', 'document.failed', 'document.stopped'] and cardinality(events) > 0),
    constraint webhooks_created_by_fkey foreign key (created_by) references users (id)
);

-- What is to be sent and what was. A row comes in the transaction that ends the job: none is lost, and none is sent for
-- an end that was taken back.
create table deliveries (
    id          uuid        not null default gen_random_uuid(), -- the message's id, the same at each attempt
    webhook_id  uuid        not null,
    event       text        not null,
    payload     text        not null, -- the bytes that are signed
    state       text        not null default 'pending',
    attempts    integer     not null default 0,
    run_at      timestamptz not null default now(),
    lease_until timestamptz,
    status      integer,              -- the last answer's
    error       text,                 -- of the last attempt
    created_at  timestamptz not null default now(),
    finished_at timestamptz,
    constraint deliveries_pkey primary key (id),
    constraint deliveries_state_check check (state in ('pending', 'delivered', 'dead')),
    constraint deliveries_webhook_id_fkey foreign key (webhook_id) references webhooks (id) on delete cascade
);
create index deliveries_pending_idx on deliveries (run_at) where state = 'pending';
create index deliveries_webhook_id_idx on deliveries (webhook_id, created_at desc, id);
create index deliveries_finished_at_idx on deliveries (finished_at) where state <> 'pending';

create function announce_job_end() returns trigger language plpgsql as $$
declare
    ends constant text := case new.state
        when 'succeeded' then 'document.ready'
        when 'failed' then 'document.failed'
        else 'document.stopped'
    end;
begin
    insert into deliveries (webhook_id, event, payload)
    select
        webhooks.id,
        ends,
        json_build_object(
            'type', ends,
            'timestamp', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'data', json_build_object(
                'document_id', new.document_id,
                'version', new.version,
                'collection_id', new.collection_id,
                'job_id', new.id,
                'status', coalesce(versions.status, new.state),
                'error_code', case when new.state <> 'succeeded' then new.error ->> 'code' end,
                'created_at', to_char(new.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'finished_at', to_char(new.finished_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            )
        )::text
    from webhooks
    left join versions on versions.document_id = new.document_id and versions.number = new.version
    where ends = any(webhooks.events)
        and (webhooks.collection_ids is null or new.collection_id = any(webhooks.collection_ids));
    return null;
end
$$;

-- At the commit: by then the version says what became of it, whatever the order of the statements was.
create constraint trigger jobs_announce_end
    after update on jobs
    deferrable initially deferred
    for each row
    when (old.state is distinct from new.state and new.state in ('succeeded', 'failed', 'stopped'))
    execute function announce_job_end();

grant select, insert, update, delete on uploads, upload_parts, idempotency_keys, webhooks, deliveries to docent_app;
