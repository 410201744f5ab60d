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
    sealed.ciphertext as "ciphertext?",
    erased.erased_by as "erased_by?",
    review.state as "review_state?",
    review.changed_by as "review_by?",
    review.changed_at as "review_at?"
from audit.entry
left join audit.review on review.intent = entry.event_id
left join audit.sealed on sealed.event_id = entry.event_id
left join audit.erased on erased.event_id = entry.event_id
where entry.event_id = $1
