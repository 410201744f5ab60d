-- Runs under the log's lock, so that $14 stays the next position. The run that writes shows that it lives.
with
    alive as (
        insert into service_boots (boot)
        select distinct boot from unnest($8::uuid[]) as boot
        on conflict on constraint service_boots_pkey do update set seen_at = now()
    ),
    appended as (
        insert into audit.entry (
            leaf_index, event_id, kind, reference, recorded_at, actor, documents, outcome, boot, leaf, leaf_hash
        )
        select
            $14::bigint + entry.position - 1, entry.event_id, entry.kind, entry.reference, entry.recorded_at,
            entry.actor, entry.documents::uuid[], entry.outcome, entry.boot, entry.leaf, entry.leaf_hash
        from
            unnest(
                $1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::uuid[],
                $9::bytea[], $10::bytea[]
            ) with ordinality as entry (
                event_id, kind, reference, recorded_at, actor, documents, outcome, boot, leaf, leaf_hash, position
            )
    ),
    sealed as (
        insert into audit.sealed (event_id, wrapped_key, ciphertext, class, kept_until, binding)
        select event_id, wrapped_key, ciphertext, class, kept_until, binding
        from
            unnest($11::uuid[], $12::bytea[], $13::bytea[], $20::text[], $21::timestamptz[], $22::boolean[])
            as sealed (event_id, wrapped_key, ciphertext, class, kept_until, binding)
    ),
    -- no evidence, so that what was left behind where entries were removed keeps nothing out of the log
    marked as (
        insert into audit.mark (leaf_index, event_id, words, tags)
        select $14::bigint + mark.position, mark.event_id, mark.words::bigint[], mark.tags::text[]
        from
            unnest($23::bigint[], $24::uuid[], $25::text[], $26::text[]) as mark (position, event_id, words, tags)
        on conflict do nothing
    ),
    grown as (
        insert into audit.node (position, hash)
        select position, hash from unnest($15::bigint[], $16::bytea[]) as node (position, hash)
    )
insert into audit.checkpoint (size, root, note) values ($17, $18, $19)
