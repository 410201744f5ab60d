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
where entry.reference = $1
order by entry.leaf_index
limit 1000
