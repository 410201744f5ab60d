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
    null::bytea as ciphertext,
    (select erased.erased_by from audit.erased where erased.event_id = entry.event_id) as erased_by,
    null::text as review_state,
    null::uuid as review_by,
    null::timestamptz as review_at
from audit.entry
where entry.reference = $1
order by entry.kind = 'audit.viewed', entry.leaf_index -- who looked comes last, if not everything finds room
limit 1000
