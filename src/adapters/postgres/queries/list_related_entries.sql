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
-- If not everything finds room: how a review stands first, who looked last.
order by
    case entry.kind when 'review.changed' then 0 when 'audit.viewed' then 2 else 1 end,
    case entry.kind when 'review.changed' then -entry.leaf_index else entry.leaf_index end
limit 1000
