select
    entry.leaf_index,
    entry.event_id,
    entry.kind,
    entry.reference,
    entry.recorded_at,
    entry.actor,
    entry.documents,
    entry.outcome,
    entry.leaf,
    entry.leaf_hash,
    null::bytea as wrapped_key,
    null::bytea as ciphertext
from audit.entry
where ($1::timestamptz is null or entry.recorded_at >= $1)
    and ($2::timestamptz is null or entry.recorded_at < $2)
    and ($3::uuid is null or entry.actor = $3)
    and ($4::uuid is null or entry.documents @> array[$4])
    and ($5::text is null or entry.outcome = $5)
    and ($6::text is null or entry.kind = $6)
    and ($7::bigint is null or entry.leaf_index < $7)
order by entry.leaf_index desc
limit $8
