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
    sealed.wrapped_key as "wrapped_key?",
    sealed.ciphertext as "ciphertext?"
from audit.entry
left join audit.sealed on sealed.event_id = entry.event_id
where entry.event_id = $1
