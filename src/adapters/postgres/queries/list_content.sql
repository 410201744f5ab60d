-- A row for each id, in their order.
select
    sealed.wrapped_key as "wrapped_key?",
    sealed.ciphertext as "ciphertext?",
    erased.erased_by as "erased_by?"
from unnest($1::uuid[]) with ordinality as asked (event_id, position)
left join audit.sealed on sealed.event_id = asked.event_id
left join audit.erased on erased.event_id = asked.event_id
order by asked.position
